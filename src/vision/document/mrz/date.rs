//! Dates of two-digit years with parts that may be unknown, and the century that they belong to.
//!
//! The day on which the document is examined is always an argument: nothing here reads a clock.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::format::FILLER;

/// A date as it stands in the zone, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MrzDate {
    /// Six symbols: year, month, day.
    pub text: String,
    /// None where the text is no date.
    pub date: Option<PartialDate>,
}

/// A date of which parts may be unknown; what is known fits together.
///
/// Written `1974-08-12`, with `XX` for what is unknown (ISO 8601-2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartialDate {
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
}

impl PartialDate {
    /// None if what is known is no date: a thirteenth month, a 30 February, a 29 February of a common year.
    pub fn new(year: Option<i16>, month: Option<i8>, day: Option<i8>) -> Option<PartialDate> {
        // A leap year and a long month stand in for what is unknown.
        Date::new(year.unwrap_or(2000), month.unwrap_or(1), day.unwrap_or(1)).ok()?;
        let four_digits = year.is_none_or(|year| (1000..=9999).contains(&year));
        four_digits.then_some(PartialDate { year, month, day })
    }

    pub fn year(self) -> Option<i16> {
        self.year
    }

    pub fn month(self) -> Option<i8> {
        self.month
    }

    pub fn day(self) -> Option<i8> {
        self.day
    }

    /// The date, if no part is unknown.
    pub fn whole(self) -> Option<Date> {
        Date::new(self.year?, self.month?, self.day?).ok()
    }

    /// The first day that this may mean, if the year is known.
    fn earliest(self) -> Option<Date> {
        Date::new(self.year?, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()
    }

    /// As it stands in a zone: `740812`, with fillers for what is unknown.
    pub fn printed(self) -> String {
        let part = |value: Option<i32>| value.map_or("<<".to_owned(), |value| format!("{:02}", value % 100));
        part(self.year.map(i32::from)) + &part(self.month.map(i32::from)) + &part(self.day.map(i32::from))
    }
}

impl From<Date> for PartialDate {
    fn from(date: Date) -> PartialDate {
        PartialDate { year: Some(date.year()), month: Some(date.month()), day: Some(date.day()) }
    }
}

impl std::fmt::Display for PartialDate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.year {
            Some(year) => write!(f, "{year:04}")?,
            None => f.write_str("XXXX")?,
        }
        for part in [self.month, self.day] {
            match part {
                Some(part) => write!(f, "-{part:02}")?,
                None => f.write_str("-XX")?,
            }
        }
        Ok(())
    }
}

impl std::str::FromStr for PartialDate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<PartialDate, &'static str> {
        let parse = || {
            let mut parts = text.split('-');
            let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
            let whole = (parts.next(), year.len(), month.len(), day.len()) == (None, 4, 2, 2);
            let year = if year == "XXXX" { None } else { Some(year.parse().ok()?) };
            let part = |part: &str| if part == "XX" { Some(None) } else { part.parse().ok().map(Some) };
            PartialDate::new(year, part(month)?, part(day)?).filter(|_| whole)
        };
        parse().ok_or("a date is written YYYY-MM-DD, with X for digits that are unknown")
    }
}

impl Serialize for PartialDate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PartialDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A date of birth: the latest century in which it does not lie after `today`.
///
/// So a person of more than a hundred years is taken for a child; two digits cannot tell. Where month or day are unknown,
/// the first day that it may be decides.
pub fn birth(text: &str, today: Date) -> MrzDate {
    let resolve = |year: i16, month, day| {
        let century = today.year() - today.year().rem_euclid(100);
        // A 29 February exists in every fourth year of a century, but not in 1900: then the century before is tried.
        [0, 100, 200].into_iter().find_map(|back| {
            let date = PartialDate::new(Some(century - back + year), month, day)?;
            date.earliest().is_some_and(|date| date <= today).then_some(date)
        })
    };
    read(text, resolve)
}

/// A date of expiry: the one of the three centuries about `today` whose year is nearest, the later one of two alike.
///
/// Documents are valid for ten years, rarely for more than twenty: one that seems to expire in more than fifty years has
/// expired long ago.
pub fn expiry(text: &str, today: Date) -> MrzDate {
    let resolve = |year: i16, month, day| {
        let century = today.year() - today.year().rem_euclid(100);
        let years = [100, 0, -100].map(|by| century + by + year);
        let near = years.into_iter().min_by_key(|year| (year - today.year()).abs())?;
        PartialDate::new(Some(near), month, day)
    };
    read(text, resolve)
}

fn read(text: &str, resolve: impl Fn(i16, Option<i8>, Option<i8>) -> Option<PartialDate>) -> MrzDate {
    let parse = || {
        let mut parts = [None; 3];
        let symbols: Vec<char> = text.chars().collect();
        if symbols.len() != 6 {
            return None;
        }
        for (place, pair) in parts.iter_mut().zip(symbols.chunks(2)) {
            *place = match pair {
                [FILLER, FILLER] => None,
                [tens, ones] => Some(i8::try_from(tens.to_digit(10)? * 10 + ones.to_digit(10)?).ok()?),
                _ => return None,
            };
        }
        let [year, month, day] = parts;
        match year {
            Some(year) => resolve(i16::from(year), month, day),
            None => PartialDate::new(None, month, day),
        }
    };
    MrzDate { text: text.to_owned(), date: parse() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn born(text: &str) -> Option<String> {
        birth(text, on("2026-11-25")).date.map(|date| date.to_string())
    }

    fn expires(text: &str) -> Option<String> {
        expiry(text, on("2026-11-25")).date.map(|date| date.to_string())
    }

    #[test]
    fn a_birth_lies_in_the_latest_century_that_has_passed() {
        assert_eq!(born("740812").as_deref(), Some("1974-08-12"));
        assert_eq!(born("261125").as_deref(), Some("2026-11-25"));
        assert_eq!(born("261126").as_deref(), Some("1926-11-26"));
        assert_eq!(born("000229").as_deref(), Some("2000-02-29"));
        // Neither 1900 nor 1800 had such a day.
        assert_eq!(birth("000229", on("1999-01-01")).date, None);
    }

    #[test]
    fn unknown_parts_of_a_birth_stay_unknown() {
        assert_eq!(born("74<<<<").as_deref(), Some("1974-XX-XX"));
        assert_eq!(born("7408<<").as_deref(), Some("1974-08-XX"));
        assert_eq!(born("<<<<<<").as_deref(), Some("XXXX-XX-XX"));
        assert_eq!(born("26<<<<").as_deref(), Some("2026-XX-XX"));
        assert_eq!(born("2612<<").as_deref(), Some("1926-12-XX"));
        assert_eq!(born("<<0229").as_deref(), Some("XXXX-02-29"));
    }

    #[test]
    fn an_expiry_lies_near() {
        assert_eq!(expires("311231").as_deref(), Some("2031-12-31"));
        assert_eq!(expires("120415").as_deref(), Some("2012-04-15"));
        assert_eq!(expires("760101").as_deref(), Some("2076-01-01"), "fifty years ahead rather than fifty ago");
        assert_eq!(expires("770101").as_deref(), Some("1977-01-01"));
        assert_eq!(expiry("020101", on("1998-05-05")).date.unwrap().to_string(), "2002-01-01");
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "741312", "740230", "74081<", "7<0812", "74O812", "740800", "740012", "", "7408", "<<<<<", "74081222",
            "990229",
        ] {
            assert_eq!((born(text), expires(text)), (None, None), "{text}");
        }
    }

    #[test]
    fn written_and_read_back() {
        for text in ["1974-08-12", "1974-08-XX", "XXXX-XX-XX", "XXXX-02-29"] {
            assert_eq!(text.parse::<PartialDate>().unwrap().to_string(), text);
        }
        for text in ["1974-8-12", "1974-08-12-", "1974-02-30", "12-08-1974", "+974-08-12", "XXXX-XX", "0974-01-01"] {
            assert!(text.parse::<PartialDate>().is_err(), "{text}");
        }
    }
}
