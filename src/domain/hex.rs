//! Lower-case hexadecimal, the only spelling of bytes that this product writes or accepts.

/// Two characters a byte.
pub fn encode(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The inverse of [`encode`]; `None` on another length or any other character, capitals included.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0_u8; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = (value(*high)? << 4) | value(*low)?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_and_refuses_capitals_and_other_lengths() {
        assert_eq!(encode(&[0x0f, 0xa0]), "0fa0");
        assert_eq!(decode::<2>("0fa0"), Some([0x0f, 0xa0]));
        assert_eq!(decode::<2>("0FA0"), None);
        assert_eq!(decode::<2>("0fa"), None);
        assert_eq!(decode::<2>("0fg0"), None);
    }
}
