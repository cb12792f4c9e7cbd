//! Memory for maps and packed weights: f32, always initialised, each buffer starting on a cache line.

/// A cache line, and one AVX-512 vector.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A growable run of floats that starts on a 64-byte boundary.
#[derive(Default)]
pub struct Buffer {
    lines: Vec<Line>,
}

impl Buffer {
    pub fn zeroed(floats: usize) -> Buffer {
        Buffer { lines: vec![Line([0.0; 16]); floats.div_ceil(16)] }
    }

    /// Makes room for so many floats; what was there before is kept, what is new is zero.
    pub fn grow(&mut self, floats: usize) {
        if floats > self.lines.len() * 16 {
            self.lines.resize(floats.div_ceil(16), Line([0.0; 16]));
        }
    }

    pub fn as_slice(&self) -> &[f32] {
        // SAFETY: `Line` is `repr(C)` around `[f32; 16]` with no padding (64 bytes, aligned to 64), so the vector's
        // lines are that many consecutive initialised floats, borrowed for as long as `self`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<f32>(), self.lines.len() * 16) }
    }

    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        // SAFETY: as in `as_slice`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<f32>(), self.lines.len() * 16) }
    }
}
