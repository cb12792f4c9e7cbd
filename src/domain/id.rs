//! Identifiers in the ObjectId layout: four bytes of seconds, five random, a counter of three.
//!
//! Their order, as bytes and as text, is the order of creation within one process, and by the second across processes.

use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::time::Timestamp;

/// 12 bytes, written as 24 lower-case hexadecimal characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id([u8; 12]);

impl Id {
    pub const fn from_bytes(bytes: [u8; 12]) -> Self {
        Self(bytes)
    }

    pub const fn as_bytes(&self) -> &[u8; 12] {
        &self.0
    }

    /// When it was made, to the second.
    pub fn created_at(&self) -> Timestamp {
        let [a, b, c, d, ..] = self.0;
        Timestamp::from_millis(i64::from(u32::from_be_bytes([a, b, c, d])) * 1000)
    }
}

/// The text is not 24 lower-case hexadecimal characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 24 lower-case hexadecimal characters")
    }
}

impl std::error::Error for NotAnId {}

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        super::hex::decode(text).map(Self).ok_or(NotAnId)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Makes ids. The five random bytes tell this process from every other one; the counter starts at random too.
#[derive(Debug)]
pub struct IdMaker {
    process: [u8; 5],
    last: Mutex<(i64, u32)>,
}

impl IdMaker {
    /// `seed`: eight random bytes.
    pub fn new(seed: [u8; 8]) -> Self {
        let [a, b, c, d, e, x, y, z] = seed;
        Self { process: [a, b, c, d, e], last: Mutex::new((0, u32::from_be_bytes([0, x, y, z]))) }
    }

    /// Every id is greater than `floor`, which another process may have made, whatever this machine's clock says.
    pub fn beyond(seed: [u8; 8], floor: Option<Id>) -> Self {
        let maker = Self::new(seed);
        if let Some(floor) = floor {
            maker.raise(floor);
        }
        maker
    }

    /// The same from here on.
    pub fn raise(&self, floor: Id) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.0 = last.0.max(floor.created_at().as_secs() + 1);
    }

    /// A new id. Within this process each is greater than all before it, even when the clock steps back or the counter wraps.
    pub fn next(&self, now: Timestamp) -> Id {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = (last.1 + 1) & 0x00ff_ffff;
        let wrapped = i64::from(counter == 0);
        let seconds = now.as_secs().max(last.0 + wrapped);
        *last = (seconds, counter);
        let [a, b, c, d] = u32::try_from(seconds).unwrap_or(u32::MAX).to_be_bytes();
        let [p, q, r, s, t] = self.process;
        let [_, x, y, z] = counter.to_be_bytes();
        Id([a, b, c, d, p, q, r, s, t, x, y, z])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_and_other_shapes_are_refused() {
        let text = "62788a0b0f1e2d3c4b5a6978";
        let id: Id = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(id.created_at().to_string(), "2022-05-09T03:27:07.000Z");
        for bad in ["", "62788A0B0F1E2D3C4B5A6978", "62788a0b0f1e2d3c4b5a697", "62788a0b0f1e2d3c4b5a69zz"] {
            assert_eq!(bad.parse::<Id>(), Err(NotAnId));
        }
    }

    #[test]
    fn ids_grow_beyond_those_of_an_earlier_process() {
        let now = Timestamp::from_millis(1_000_000_999);
        let earlier = IdMaker::new([0xff; 8]).next(now);
        assert!(IdMaker::new([0; 8]).next(now) < earlier, "the random bytes decide within one second");
        assert!(IdMaker::beyond([0; 8], Some(earlier)).next(now) > earlier);
        let raised = IdMaker::new([0; 8]);
        raised.raise(earlier);
        assert!(raised.next(now) > earlier);
    }

    #[test]
    fn ids_grow_though_the_clock_steps_back_and_the_counter_wraps() {
        let maker = IdMaker::new([1, 2, 3, 4, 5, 0xff, 0xff, 0xf0]);
        let mut last = maker.next(Timestamp::from_millis(1_000_000_000));
        for step in 0..100 {
            let id = maker.next(Timestamp::from_millis(1_000_000_000 - step * 700));
            assert!(id > last);
            last = id;
        }
    }
}
