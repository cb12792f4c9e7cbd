//! From when to when a certificate is valid: the one part of X.509 that the TLS library keeps to itself.
//!
//! Certificate → tbsCertificate → \[version\], serial, algorithm, issuer, **validity** (RFC 5280, section 4.1).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::time::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The validity of a certificate in DER; `None` if it cannot be read.
pub fn of(certificate: &[u8]) -> Option<Validity> {
    let (SEQUENCE, certificate, _) = element(certificate)? else { return None };
    let (SEQUENCE, mut body, _) = element(certificate)? else { return None };
    if let (VERSION, _, rest) = element(body)? {
        body = rest;
    }
    for _serial_algorithm_issuer in 0..3 {
        body = element(body)?.2;
    }
    let (SEQUENCE, validity, _) = element(body)? else { return None };
    let (kind, not_before, rest) = element(validity)?;
    let not_before = time(kind, not_before)?;
    let (kind, not_after, _) = element(rest)?;
    Some(Validity { not_before, not_after: time(kind, not_after)? })
}

/// The first element of `bytes`: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0_usize, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// `YYMMDDhhmmssZ` of this and the last century, or `YYYYMMDDhhmmssZ`.
fn time(kind: u8, text: &[u8]) -> Option<Timestamp> {
    let digits = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let number = |at: usize, length: usize| digits.get(at..at + length)?.parse::<i16>().ok();
    let (year, at) = match kind {
        UTC_TIME => (number(0, 2)?, 2),
        GENERALIZED_TIME => (number(0, 4)?, 4),
        _ => return None,
    };
    let year = match kind {
        UTC_TIME if year < 50 => 2000 + year,
        UTC_TIME => 1900 + year,
        _ => year,
    };
    let part = |index: usize| i8::try_from(number(at + 2 * index, 2)?).ok();
    let moment = DateTime::new(year, part(0)?, part(1)?, part(2)?, part(3)?, part(4)?, 0).ok()?;
    let moment = moment.to_zoned(TimeZone::UTC).ok()?.timestamp();
    Some(Timestamp::from_millis(moment.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_validity_is_that_which_was_written() {
        let mut parameters = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(2024, 2, 29);
        parameters.not_after = rcgen::date_time_ymd(2051, 1, 2);
        let made = parameters.self_signed(&rcgen::KeyPair::generate().unwrap()).unwrap();
        let validity = of(made.der()).unwrap();
        assert_eq!(validity.not_before.to_string(), "2024-02-29T00:00:00.000Z");
        assert_eq!(validity.not_after.to_string(), "2051-01-02T00:00:00.000Z");
    }

    #[test]
    fn what_is_cut_off_or_no_certificate_has_none() {
        let made = rcgen::generate_simple_self_signed(vec!["a.example".to_owned()]).unwrap();
        let der = made.cert.der();
        assert!((0..der.len()).all(|length| of(&der[..length]).is_none()));
        assert!(of(b"0\x84\xff\xff\xff\xff").is_none() && of(&[0x30; 64]).is_none());
    }
}
