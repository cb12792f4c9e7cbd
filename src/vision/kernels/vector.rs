//! One vector register of floats, so that a kernel is written once and compiled for each width.
//!
//! Every method is inlined into a function that enables the instructions; none is called anywhere else.

/// # Safety
/// Methods may be called only where the processor has the implementor's instructions, and pointers must be valid for
/// `LANES` floats (halves for `load_half`); no alignment is asked for.
pub(super) trait Vector: Copy {
    const LANES: usize;
    /// Rows of the matrix tile, two registers wide, that the register file holds.
    const ROWS: usize;

    unsafe fn splat(x: f32) -> Self;
    unsafe fn load(from: *const f32) -> Self;
    unsafe fn load_half(from: *const u16) -> Self;
    unsafe fn store(self, to: *mut f32);
    /// `self * by + plus`.
    unsafe fn mul_add(self, by: Self, plus: Self) -> Self;
    unsafe fn add(self, other: Self) -> Self;
    unsafe fn sub(self, other: Self) -> Self;
    unsafe fn max(self, other: Self) -> Self;
    unsafe fn min(self, other: Self) -> Self;

    /// `max(x, 0) + slope * min(x, 0)`.
    #[inline(always)]
    unsafe fn leak(self, slope: Self) -> Self {
        // SAFETY: the caller keeps the trait's contract.
        unsafe {
            let zero = Self::splat(0.0);
            slope.mul_add(self.min(zero), self.max(zero))
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::Vector;

    /// AVX2 and FMA: 16 registers, of which a 6 × 2 tile takes 12.
    #[derive(Clone, Copy)]
    pub struct Ymm(__m256);

    /// AVX-512: 32 registers, of which a 14 × 2 tile takes 28. Fourteen divides the 7 · 2ⁿ pixels of 112-pixel faces.
    #[derive(Clone, Copy)]
    pub struct Zmm(__m512);

    // SAFETY (every block of this impl): the caller keeps the trait's contract.
    impl Vector for Ymm {
        const LANES: usize = 8;
        const ROWS: usize = 6;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { Ymm(_mm256_set1_ps(x)) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { Ymm(_mm256_loadu_ps(from)) }
        }
        #[inline(always)]
        unsafe fn load_half(from: *const u16) -> Self {
            unsafe { Ymm(_mm256_cvtph_ps(_mm_loadu_si128(from.cast()))) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm256_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
            unsafe { Ymm(_mm256_fmadd_ps(self.0, by.0, plus.0)) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe { Ymm(_mm256_add_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            unsafe { Ymm(_mm256_sub_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            unsafe { Ymm(_mm256_max_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            unsafe { Ymm(_mm256_min_ps(self.0, other.0)) }
        }
    }

    // SAFETY (every block of this impl): the caller keeps the trait's contract.
    impl Vector for Zmm {
        const LANES: usize = 16;
        const ROWS: usize = 14;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            unsafe { Zmm(_mm512_set1_ps(x)) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            unsafe { Zmm(_mm512_loadu_ps(from)) }
        }
        #[inline(always)]
        unsafe fn load_half(from: *const u16) -> Self {
            unsafe { Zmm(_mm512_cvtph_ps(_mm256_loadu_si256(from.cast()))) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            unsafe { _mm512_storeu_ps(to, self.0) }
        }
        #[inline(always)]
        unsafe fn mul_add(self, by: Self, plus: Self) -> Self {
            unsafe { Zmm(_mm512_fmadd_ps(self.0, by.0, plus.0)) }
        }
        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            unsafe { Zmm(_mm512_add_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            unsafe { Zmm(_mm512_sub_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            unsafe { Zmm(_mm512_max_ps(self.0, other.0)) }
        }
        #[inline(always)]
        unsafe fn min(self, other: Self) -> Self {
            unsafe { Zmm(_mm512_min_ps(self.0, other.0)) }
        }
    }
}
#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Ymm, Zmm};
