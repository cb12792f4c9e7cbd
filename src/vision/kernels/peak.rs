//! What the arithmetic units do at most: multiply-adds that depend on nothing but registers. For benches.

use super::Isa;
use super::isa::Kind;
#[cfg(target_arch = "x86_64")]
use super::vector::{Vector, Ymm, Zmm};

/// Independent sums in flight: latency times units, which is 8 to 10 on the processors of the last decade.
const CHAINS: usize = 12;

impl Isa {
    /// Multiplies and adds so many rounds in registers; gives the number of multiplications and additions.
    pub fn exhaust(self, rounds: usize) -> usize {
        match self.0 {
            Kind::Scalar => scalar(rounds),
            // SAFETY: an `Isa` of this kind exists only where the processor has these instructions.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { avx2(rounds) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { avx512(rounds) },
        }
    }
}

fn scalar(rounds: usize) -> usize {
    // Opaque starts, so that the sums are not one and the same.
    let mut sums: [f32; CHAINS] = std::hint::black_box(std::array::from_fn(|i| i as f32));
    for _ in 0..rounds {
        sums.iter_mut().for_each(|sum| *sum = *sum * 0.5 + 0.5);
    }
    std::hint::black_box(sums);
    2 * CHAINS * rounds
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn avx2(rounds: usize) -> usize {
    // SAFETY: the function enables the instructions of `Ymm`.
    unsafe { chains::<Ymm>(rounds) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma,f16c")]
fn avx512(rounds: usize) -> usize {
    // SAFETY: the function enables the instructions of `Zmm`.
    unsafe { chains::<Zmm>(rounds) }
}

/// # Safety
/// As [`Vector`]: called only where its instructions are enabled.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn chains<V: Vector>(rounds: usize) -> usize {
    // SAFETY: the caller keeps the trait's contract; the store is as wide as a register.
    unsafe {
        let half = V::splat(std::hint::black_box(0.5));
        let mut sums = [half; CHAINS];
        for (chain, sum) in sums.iter_mut().enumerate() {
            // Opaque, so that the sums are not one and the same.
            *sum = V::splat(std::hint::black_box(chain as f32));
        }
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = sum.mul_add(half, half);
            }
        }
        let mut out = [0f32; 16];
        for sum in sums {
            sum.store(out.as_mut_ptr());
            std::hint::black_box(&out);
        }
    }
    2 * CHAINS * V::LANES * rounds
}
