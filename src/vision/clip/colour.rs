//! YCbCr to RGB. The matrices are those of ITU-R BT.601, BT.709 and BT.2020; their codes those of ITU-T H.273.

/// How samples are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    pub matrix: Matrix,
    /// 0–255 for luma and chroma, instead of 16–235 and 16–240.
    pub full_range: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matrix {
    Bt601,
    Bt709,
    Bt2020,
}

impl Matrix {
    /// From H.273's MatrixCoefficients; `None` where it says nothing.
    pub fn of_code(code: u64) -> Option<Matrix> {
        match code {
            1 | 7 => Some(Matrix::Bt709),
            4..=6 => Some(Matrix::Bt601),
            9 | 10 => Some(Matrix::Bt2020),
            _ => None,
        }
    }

    /// Weights of red and blue in luma.
    fn weights(self) -> (f64, f64) {
        match self {
            Matrix::Bt601 => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
            Matrix::Bt2020 => (0.2627, 0.0593),
        }
    }
}

impl Colour {
    /// What players take where nothing is said: BT.709 from 720 lines on, BT.601 below, both in limited range.
    pub fn guess(width: u32, height: u32) -> Colour {
        let matrix = if width.min(height) >= 720 { Matrix::Bt709 } else { Matrix::Bt601 };
        Colour { matrix, full_range: false }
    }
}

/// Fixed-point factors with 16 fractional bits.
pub struct ToRgb {
    black: i32,
    luma: i32,
    red_by_v: i32,
    green_by_u: i32,
    green_by_v: i32,
    blue_by_u: i32,
}

impl ToRgb {
    pub fn new(colour: Colour) -> ToRgb {
        let (red, blue) = colour.matrix.weights();
        let green = 1.0 - red - blue;
        let (black, luma, chroma) = if colour.full_range { (0, 1.0, 1.0) } else { (16, 255.0 / 219.0, 255.0 / 224.0) };
        let fixed = |factor: f64| (factor * 65_536.0).round() as i32;
        ToRgb {
            black,
            luma: fixed(luma),
            red_by_v: fixed(2.0 * (1.0 - red) * chroma),
            green_by_u: fixed(-2.0 * blue * (1.0 - blue) / green * chroma),
            green_by_v: fixed(-2.0 * red * (1.0 - red) / green * chroma),
            blue_by_u: fixed(2.0 * (1.0 - blue) * chroma),
        }
    }

    #[inline]
    pub fn pixel(&self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let y = (i32::from(y) - self.black) * self.luma + 32_768;
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        let byte = |value: i32| (value >> 16).clamp(0, 255) as u8;
        [byte(y + self.red_by_v * v), byte(y + self.green_by_u * u + self.green_by_v * v), byte(y + self.blue_by_u * u)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MATRICES: [Matrix; 3] = [Matrix::Bt601, Matrix::Bt709, Matrix::Bt2020];

    /// The standards' own direction, RGB to YCbCr, in floating point.
    fn encode(colour: Colour, [r, g, b]: [f64; 3]) -> [u8; 3] {
        let (red, blue) = colour.matrix.weights();
        let y = red * r + (1.0 - red - blue) * g + blue * b;
        let (u, v) = ((b - y) / (2.0 * (1.0 - blue)), (r - y) / (2.0 * (1.0 - red)));
        let (black, luma, chroma) = if colour.full_range { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) };
        [black + y * luma, 128.0 + u * chroma, 128.0 + v * chroma].map(|value| value.round().clamp(0.0, 255.0) as u8)
    }

    #[test]
    fn what_the_standards_encode_comes_back() {
        for matrix in MATRICES {
            for full_range in [false, true] {
                let colour = Colour { matrix, full_range };
                let convert = ToRgb::new(colour);
                for step in 0..216 {
                    let rgb = [step % 6, step / 6 % 6, step / 36].map(|level| f64::from(level) / 5.0);
                    let [y, u, v] = encode(colour, rgb);
                    let back = convert.pixel(y, u, v);
                    for (was, is) in rgb.iter().zip(back) {
                        // Rounding of three values on the way there: at most 3 on the way back.
                        assert!((was * 255.0 - f64::from(is)).abs() <= 3.0, "{colour:?} {rgb:?} {back:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn black_and_white_are_exact() {
        for matrix in MATRICES {
            let limited = ToRgb::new(Colour { matrix, full_range: false });
            assert_eq!(limited.pixel(16, 128, 128), [0; 3]);
            assert_eq!(limited.pixel(235, 128, 128), [255; 3]);
            let full = ToRgb::new(Colour { matrix, full_range: true });
            assert_eq!(full.pixel(0, 128, 128), [0; 3]);
            assert_eq!(full.pixel(255, 128, 128), [255; 3]);
        }
    }
}
