//! The chained lines of the audit log: how they are written and how a copy is checked, without a file, a store or a clock.
//!
//! Each line is JSON and names the SHA-256 of the line before it. After each batch of entries stands a checkpoint: a signature
//! (Ed25519) of the line before it and of how many lines there are. Whoever changes, adds, leaves out or moves a line must sign
//! anew; whoever cuts the end off ends at a line that is no checkpoint, or before the head, which is kept beside the log.

use serde::{Deserialize, Serialize};

use crate::crypto::{self, SigningKey};
use crate::domain::audit::Entry;
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::time::Timestamp;

/// What the first line names as the line before it.
pub const BEGINNING: [u8; 32] = [0; 32];

/// Where a chain has come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Lines so far, checkpoints included.
    pub lines: u64,
    /// SHA-256 of the last line.
    #[serde(with = "hexadecimal")]
    pub hash: [u8; 32],
}

impl Default for Head {
    fn default() -> Self {
        Self { lines: 0, hash: BEGINNING }
    }
}

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Checkpoint(Checkpoint),
    Entry(Chained),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Chained {
    line: u64,
    /// The number that the store gave the entry when it was committed.
    id: Id,
    #[serde(flatten)]
    entry: Entry,
    #[serde(with = "hexadecimal")]
    before: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Checkpoint {
    line: u64,
    checkpoint: Timestamp,
    /// Who signed.
    #[serde(with = "hexadecimal")]
    key: [u8; 32],
    #[serde(with = "hexadecimal")]
    before: [u8; 32],
    #[serde(with = "hexadecimal")]
    signature: [u8; 64],
}

/// Lines for these entries and a checkpoint, to be appended to a chain that has come to `head`; with where it then is.
pub fn lines(head: &Head, entries: &[(Id, Entry)], at: Timestamp, key: &SigningKey) -> Option<(String, Head)> {
    let mut text = String::new();
    let mut head = head.clone();
    for (id, entry) in entries {
        let chained = Chained { line: head.lines + 1, id: *id, entry: entry.clone(), before: head.hash };
        push(&mut text, &mut head, &Line::Entry(chained))?;
    }
    let line = head.lines + 1;
    let signature = key.sign(&signed(line, at, &head.hash));
    let checkpoint = Checkpoint { line, checkpoint: at, key: key.public(), before: head.hash, signature };
    push(&mut text, &mut head, &Line::Checkpoint(checkpoint))?;
    Some((text, head))
}

fn push(text: &mut String, head: &mut Head, line: &Line) -> Option<()> {
    let json = serde_json::to_string(line).ok()?;
    *head = Head { lines: head.lines + 1, hash: crypto::sha256(json.as_bytes()) };
    text.push_str(&json);
    text.push('\n');
    Some(())
}

/// What a checkpoint signs.
fn signed(line: u64, at: Timestamp, before: &[u8; 32]) -> Vec<u8> {
    [&b"twoface audit checkpoint\0"[..], &line.to_be_bytes(), &at.as_millis().to_be_bytes(), before].concat()
}

/// What is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Counted from 1; the first that cannot be believed.
    pub line: u64,
    pub why: &'static str,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// What a log that is whole says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whole {
    pub entries: u64,
    pub checkpoints: u64,
    pub head: Head,
    /// Who signed it, in hexadecimal.
    pub key: String,
    /// The number of the last entry.
    pub last: Option<Id>,
    /// When its last checkpoint was made.
    pub until: Option<Timestamp>,
}

/// Reads a log line by line; remembers only where it is.
pub struct Reader {
    whole: Whole,
    signer: Option<[u8; 32]>,
    head: Head,
    at_checkpoint: bool,
}

impl Reader {
    /// `signer`: who must have signed; if not given, whoever signed the first checkpoint. `head`: where the log had come to when
    /// somebody wrote that down; it must have come as far, by the same way.
    pub fn new(signer: Option<[u8; 32]>, head: Option<Head>) -> Self {
        Self { whole: Whole::default(), signer, head: head.unwrap_or_default(), at_checkpoint: true }
    }

    /// One line, without its end.
    pub fn line(&mut self, text: &str) -> Result<(), Broken> {
        let number = self.whole.head.lines + 1;
        let broken = |why| Broken { line: number, why };
        let line: Line = serde_json::from_str(text).map_err(|_| broken("it is no line of an audit log"))?;
        // Another spelling of the same would be a change all the same.
        if serde_json::to_string(&line).ok().as_deref() != Some(text) {
            return Err(broken("it is not written as it was"));
        }
        let (claimed, before) = match &line {
            Line::Entry(Chained { line, before, .. }) => (*line, before),
            Line::Checkpoint(Checkpoint { line, before, .. }) => (*line, before),
        };
        if claimed != number || *before != self.whole.head.hash {
            return Err(broken("it does not follow the line before it: one was changed, left out, added or moved"));
        }
        match &line {
            Line::Entry(chained) => {
                if self.whole.last.is_some_and(|last| last >= chained.id) {
                    return Err(broken("its number is not beyond the one before"));
                }
                self.whole.last = Some(chained.id);
                self.whole.entries += 1;
                self.at_checkpoint = false;
            }
            Line::Checkpoint(checkpoint) => {
                let signer = *self.signer.get_or_insert(checkpoint.key);
                let message = signed(checkpoint.line, checkpoint.checkpoint, &checkpoint.before);
                if signer != checkpoint.key || !crypto::verify(&signer, &message, &checkpoint.signature) {
                    return Err(broken("its signature is not the server's"));
                }
                self.whole.key = hex::encode(&signer);
                self.whole.checkpoints += 1;
                self.whole.until = Some(checkpoint.checkpoint);
                self.at_checkpoint = true;
            }
        }
        self.whole.head = Head { lines: number, hash: crypto::sha256(text.as_bytes()) };
        if number == self.head.lines && self.whole.head != self.head {
            return Err(broken("it is not what the head says"));
        }
        Ok(())
    }

    /// Where the log has come to, whether a checkpoint stands there or not.
    pub fn reached(&self) -> &Whole {
        &self.whole
    }

    /// The end of the log: a checkpoint, not before the head.
    pub fn end(self) -> Result<Whole, Broken> {
        let broken = |why| Err(Broken { line: self.whole.head.lines + 1, why });
        if !self.at_checkpoint {
            return broken("the log ends without a checkpoint: its end was cut off");
        }
        if self.whole.head.lines < self.head.lines {
            return broken("the log ends before its head: its end was cut off");
        }
        Ok(self.whole)
    }
}

/// Checks a whole log.
pub fn verify(text: &str, signer: Option<[u8; 32]>, head: Option<Head>) -> Result<Whole, Broken> {
    let mut reader = Reader::new(signer, head);
    let mut rest = text;
    while !rest.is_empty() {
        let Some((line, after)) = rest.split_once('\n') else {
            return Err(Broken { line: reader.reached().head.lines + 1, why: "it is cut off in its middle" });
        };
        reader.line(line)?;
        rest = after;
    }
    reader.end()
}

/// Which line this is, and which entry; `None` if it is no line of a log.
pub fn place_of(line: &str) -> Option<(Head, Option<Id>)> {
    let (number, id) = match serde_json::from_str(line).ok()? {
        Line::Entry(chained) => (chained.line, Some(chained.id)),
        Line::Checkpoint(checkpoint) => (checkpoint.line, None),
    };
    Some((Head { lines: number, hash: crypto::sha256(line.as_bytes()) }, id))
}

mod hexadecimal {
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::domain::hex;

    pub(super) fn serialize<S: Serializer, const N: usize>(bytes: &[u8; N], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(from: D) -> Result<[u8; N], D::Error> {
        hex::decode(&String::deserialize(from)?).ok_or_else(|| serde::de::Error::custom("not hexadecimal"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretKey;
    use crate::domain::audit::{Act, Actor};
    use proptest::prelude::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&SecretKey::from_bytes([seed; 32])).unwrap()
    }

    /// A log of `batches`, with its head.
    fn log(batches: &[usize], key: &SigningKey) -> (String, Head) {
        let (mut text, mut head, mut number) = (String::new(), Head::default(), 0_u8);
        let at = Timestamp::from_millis(1_652_067_131_748);
        for size in batches {
            let entries: Vec<(Id, Entry)> = (0..*size)
                .map(|_| {
                    number += 1;
                    let id = Id::from_bytes([number; 12]);
                    let actor = if number % 2 == 0 { Actor::System } else { Actor::Key(id) };
                    (id, Entry::new(at, actor, Act::AttemptClosed).of(id, id).word("SUCCESS"))
                })
                .collect();
            let (more, new) = lines(&head, &entries, at, key).unwrap();
            text.push_str(&more);
            head = new;
        }
        (text, head)
    }

    #[test]
    fn a_log_that_nobody_touched_is_whole() {
        let (text, head) = log(&[3, 1, 5], &key(1));
        let whole = verify(&text, Some(key(1).public()), Some(head)).unwrap();
        assert_eq!((whole.entries, whole.checkpoints, whole.head.lines), (9, 3, 12));
        assert_eq!(whole.last, Some(Id::from_bytes([9; 12])));
        assert_eq!(verify(&text, None, None).unwrap(), whole);
        assert_eq!(verify("", None, None).unwrap().entries, 0);
    }

    #[test]
    fn a_log_signed_anew_by_somebody_else_is_not_the_servers() {
        let (forged, _) = log(&[3, 1, 5], &key(2));
        assert!(verify(&forged, Some(key(1).public()), None).is_err());
        let (mine, head) = log(&[3], &key(1));
        let entry = Entry::new(Timestamp::from_millis(1), Actor::System, Act::KeyCreated);
        let (appended, _) =
            lines(&head, &[(Id::from_bytes([200; 12]), entry)], Timestamp::from_millis(1), &key(2)).unwrap();
        assert!(verify(&format!("{mine}{appended}"), None, None).is_err(), "two signers");
    }

    #[test]
    fn cutting_at_a_checkpoint_is_found_by_the_head() {
        let (text, head) = log(&[3, 1], &key(1));
        let cut: String = text.split_inclusive('\n').take(4).collect();
        assert!(verify(&cut, None, None).is_ok());
        assert!(verify(&cut, None, Some(head)).is_err());
    }

    /// A change that somebody may make to a log.
    #[derive(Clone, Debug)]
    enum Tampering {
        Byte { at: usize, to: u8 },
        Delete { line: usize, count: usize },
        Duplicate { line: usize, to: usize },
        Swap { a: usize, b: usize },
        Cut { bytes: usize },
        Insert { line: usize, from_elsewhere: usize },
    }

    fn tampering() -> impl Strategy<Value = Tampering> {
        prop_oneof![
            (any::<usize>(), 32_u8..127).prop_map(|(at, to)| Tampering::Byte { at, to }),
            (any::<usize>(), 1_usize..4).prop_map(|(line, count)| Tampering::Delete { line, count }),
            (any::<usize>(), any::<usize>()).prop_map(|(line, to)| Tampering::Duplicate { line, to }),
            (any::<usize>(), any::<usize>()).prop_map(|(a, b)| Tampering::Swap { a, b }),
            any::<usize>().prop_map(|bytes| Tampering::Cut { bytes }),
            (any::<usize>(), any::<usize>())
                .prop_map(|(line, from_elsewhere)| Tampering::Insert { line, from_elsewhere }),
        ]
    }

    fn tampered(text: &str, other: &str, how: &Tampering) -> String {
        let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
        let count = lines.len();
        match *how {
            Tampering::Byte { at, to } => {
                let mut bytes = text.as_bytes().to_vec();
                let at = at % bytes.len();
                bytes[at] = to;
                return String::from_utf8(bytes).unwrap();
            }
            Tampering::Delete { line, count: some } => {
                let from = line % count;
                lines.drain(from..(from + some).min(count));
            }
            Tampering::Duplicate { line, to } => lines.insert(to % (count + 1), lines[line % count]),
            Tampering::Swap { a, b } => lines.swap(a % count, b % count),
            Tampering::Cut { bytes } => return text[..bytes % text.len()].to_owned(),
            Tampering::Insert { line, from_elsewhere } => {
                let others: Vec<&str> = other.split_inclusive('\n').collect();
                lines.insert(line % (count + 1), others[from_elsewhere % others.len()]);
            }
        }
        lines.concat()
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_change_deletion_reordering_or_truncation_of_any_line_is_found(how in tampering()) {
            let (text, head) = log(&[4, 1, 7, 2], &key(1));
            let (other, _) = log(&[9, 9], &key(1));
            let changed = tampered(&text, &other, &how);
            prop_assume!(changed != text);
            prop_assert!(verify(&changed, Some(key(1).public()), Some(head)).is_err());
        }
    }
}
