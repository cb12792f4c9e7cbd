//! Names: from the zone's letters to words, from printed names to the zone's letters, and whether the two are the same.
//!
//! ICAO Doc 9303-3, sections 4.5 to 4.7; truncation as in section 4.2.3 of parts 4 to 7.

use serde::{Deserialize, Serialize};

use super::format::FILLER;
use super::latin;

/// The holder's names in the zone's letters: without accents, perhaps cut short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Names {
    /// The primary identifier, its parts separated by spaces.
    pub surnames: String,
    /// The secondary identifier; empty if there is none.
    pub given_names: String,
    /// The field is full to its last letter, so names may be cut short or missing: nothing tells whether they are.
    pub may_be_truncated: bool,
}

impl Names {
    /// What a names field says.
    pub fn of(field: &str) -> Names {
        let (surnames, given) = field.split_once("<<").unwrap_or((field, ""));
        Names {
            surnames: words(surnames),
            given_names: words(given),
            may_be_truncated: !field.ends_with(FILLER) && !field.is_empty(),
        }
    }

    /// Whether these can be the printed names. A printed letter may stand for any of the spellings that Doc 9303 allows; names
    /// that may be cut short agree if what is there is how the printed ones begin.
    pub fn agree_with(&self, surnames: &str, given_names: &str) -> bool {
        // Without a secondary identifier the field's last letter belongs to the primary one.
        let cut_in_surnames = self.may_be_truncated;
        same(&self.surnames, surnames, cut_in_surnames) && same(&self.given_names, given_names, self.may_be_truncated)
    }
}

fn words(field: &str) -> String {
    field.split(FILLER).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The words of a printed name in the zone's letters, by the first spelling that Doc 9303 gives for each letter: hyphens,
/// commas and spaces part words, apostrophes and what is no letter vanish.
pub fn transliterate(printed: &str) -> Vec<String> {
    let spell = |word: &str| word.chars().filter_map(|c| latin::spellings(c).first().copied()).collect::<String>();
    latin::words(printed).iter().map(|word| spell(word)).filter(|word| !word.is_empty()).collect()
}

/// Whether the words of a zone are the printed ones.
fn same(zone: &str, printed: &str, truncated: bool) -> bool {
    let zone: Vec<&str> = zone.split_whitespace().collect();
    let printed = latin::words(printed);
    // Cut names keep the order of the words, and each word's beginning.
    let enough = if truncated { zone.len() <= printed.len() } else { zone.len() == printed.len() };
    enough && zone.iter().zip(&printed).all(|(zone, printed)| spells(zone, printed, truncated))
}

/// Whether a word of the zone can be that printed word, or, where cut words count, its beginning.
fn spells(zone: &str, printed: &str, cut: bool) -> bool {
    // How many letters of the zone's word may be used up after each printed letter.
    let mut reached = vec![0_usize];
    for letter in printed.chars() {
        let spellings = latin::spellings(letter);
        if cut && reached.contains(&zone.len()) {
            return true;
        }
        let mut next = Vec::new();
        for place in &reached {
            let rest = zone.get(*place..).unwrap_or("");
            for spelling in spellings {
                // A word may be cut within a letter's spelling.
                if rest.starts_with(spelling) || cut && !rest.is_empty() && spelling.starts_with(rest) {
                    next.push((place + spelling.len()).min(zone.len()));
                }
            }
        }
        next.sort_unstable();
        next.dedup();
        reached = next;
    }
    reached.contains(&zone.len())
}

/// Why names cannot be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoName;

/// A names field of `length` symbols. Too long names are cut as Doc 9303 says: first the primary identifier, until two
/// fillers and one letter of the secondary one find place, and the field ends with a letter.
pub fn print(surnames: &str, given_names: &str, length: usize) -> Result<String, NoName> {
    let filler = FILLER.to_string();
    let primary = transliterate(surnames).join(&filler);
    let secondary = transliterate(given_names).join(&filler);
    if primary.is_empty() {
        return Err(NoName);
    }
    if secondary.is_empty() {
        let kept = ends_with_letter(&primary, length);
        return Ok(format!("{kept:<<length$}"));
    }
    // Each try cuts the primary identifier by one letter more, until the secondary one can end the field with a letter.
    for room in (1..=length.saturating_sub(3)).rev() {
        let primary = ends_with_letter(&primary, room);
        let left = length - 2 - primary.len();
        let field = format!("{primary}<<{}", ends_with_letter(&secondary, left));
        if secondary.len() <= left || field.len() == length && !field.ends_with(FILLER) {
            return Ok(format!("{field:<<length$}"));
        }
    }
    Err(NoName)
}

/// At most `length` symbols of words in the zone's letters. What is cut fills its place and ends with a letter: where a
/// filler would come last, an earlier word of more than one letter gives up its last one.
fn ends_with_letter(words: &str, length: usize) -> String {
    if words.len() <= length {
        return words.to_owned();
    }
    let kept: String = words.chars().take(length).collect();
    let Some(whole) = kept.strip_suffix(FILLER) else { return kept };
    let mut parts: Vec<&str> = words.split(FILLER).collect();
    let last_long = parts.iter_mut().take(whole.split(FILLER).count()).rev().find(|part| part.len() > 1);
    match last_long {
        Some(part) => *part = part.get(..part.len() - 1).unwrap_or(part),
        None => return whole.to_owned(),
    }
    parts.join("<").chars().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ICAO Doc 9303-4, 4.2.3.1 (all names that are not cut), as field 39 long.
    const WHOLE: [(&str, &str, &str); 10] = [
        ("ERIKSSON", "ANNA MARIA", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<"),
        ("HENG", "DEBORAH MING LO", "HENG<<DEBORAH<MING<LO<<<<<<<<<<<<<<<<<<"),
        ("SMITH-JONES", "SUSIE MARGARET", "SMITH<JONES<<SUSIE<MARGARET<<<<<<<<<<<<"),
        ("O'CONNOR", "ENYA SIOBHAN", "OCONNOR<<ENYA<SIOBHAN<<<<<<<<<<<<<<<<<<"),
        ("VAN DER MUELLEN", "MARTIN", "VAN<DER<MUELLEN<<MARTIN<<<<<<<<<<<<<<<<"),
        ("AL-BASRI", "HUDA MUHAMMAD JAWAD", "AL<BASRI<<HUDA<MUHAMMAD<JAWAD<<<<<<<<<<"),
        ("VILARCHAO FERNANDEZ", "JOSE RAMON", "VILARCHAO<FERNANDEZ<<JOSE<RAMON<<<<<<<<"),
        ("ARKFREITH", "", "ARKFREITH<<<<<<<<<<<<<<<<<<<<<<<<<<<<<<"),
        ("SATRIYA SUDARPA", "", "SATRIYA<SUDARPA<<<<<<<<<<<<<<<<<<<<<<<<"),
        ("PAPANDROPOULOUS", "JONATHON WARREN TREVOR", "PAPANDROPOULOUS<<JONATHON<WARREN<TREVOR"),
    ];

    #[test]
    fn published_names_are_printed_and_read() {
        for (surnames, given, field) in WHOLE {
            assert_eq!(print(surnames, given, 39).unwrap(), field);
            let names = Names::of(field);
            assert!(names.agree_with(surnames, given), "{names:?}");
            assert_eq!(names.may_be_truncated, given.contains("TREVOR"));
        }
        let cut = |given| print("NILAVADHANANANDA", given, 39).unwrap();
        assert_eq!(cut("CHAYAPA DEJTHAMRONG KRASUANG"), "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<K");
        assert_eq!(cut("ARNPOL PETCH CHARONGUANG"), "NILAVADHANANANDA<<ARNPOL<PETCH<CHARONGU");
    }

    #[test]
    fn every_published_way_to_cut_a_name_agrees_with_the_printed_one() {
        let surnames = "BENNELONG WOOLOOMOOLOO WARRANDYTE WARNAMBOOL";
        for field in [
            "BENNELONG<WOOLOOMOOLOO<WARRANDYTE<W<<DI",
            "BENNELONG<WOOLOOM<WARRAND<WARNAM<<DINGO",
            "BENNEL<WOOLOO<WARRAN<WARNAM<<DINGO<POTO",
            "BENNELONG<WOOLOOMOOLOO<W<W<<D<P",
            "BENNEL<WOOLO<WARRA<WARNA<<DIN<P",
        ] {
            assert!(Names::of(field).agree_with(surnames, "DINGO POTOROO"), "{field}");
            assert!(!Names::of(field).agree_with(surnames, "FINGO POTOROO"), "{field}");
        }
        let ours = print(surnames, "DINGO POTOROO", 39).unwrap();
        assert!(Names::of(&ours).agree_with(surnames, "DINGO POTOROO"), "{ours}");
        assert!(
            Names::of("NILAVADHANANANDA<<CHAYAPA<DEJ<K").agree_with("NILAVADHANANANDA", "CHAYAPA DEJTHAMRONG KRASUANG")
        );
    }

    #[test]
    fn a_cut_field_is_full_and_ends_with_a_letter() {
        for (surnames, given, length, field) in [
            ("ABCDE", "FGH IJ", 10, "ABCDE<<FGH"),
            ("ABCDE", "FG IJ", 10, "ABCDE<<F<I"),
            ("ABCDEFG", "H I", 11, "ABCDEF<<H<I"),
            ("ABCDEFGHIJKL", "M", 8, "ABCDE<<M"),
            ("ABCD EFGH", "", 5, "ABC<E"),
            ("ABCD EFGH", "", 4, "ABCD"),
        ] {
            assert_eq!(print(surnames, given, length).unwrap(), field);
            assert!(Names::of(field).may_be_truncated);
        }
        assert_eq!(print("", "ANNA", 39), Err(NoName));
        assert_eq!(print("中", "ANNA", 39), Err(NoName));
    }

    #[test]
    fn letters_may_be_spelled_as_the_issuer_likes() {
        let agree = |zone: &str, surnames: &str, given: &str| Names::of(zone).agree_with(surnames, given);
        assert!(agree("MUNOZ<<JOSE<<<", "Muñoz", "José"));
        assert!(agree("MUNXXOZ<<JOSE<<<", "MUÑOZ", "JOSÉ"));
        assert!(agree("AGUERO<<<<", "AGÜERO", ""));
        assert!(agree("AGUEERO<<<<", "AGÜERO", ""));
        assert!(agree("STRASSE<<SOEREN<<<", "Straße", "Sören"));
        assert!(!agree("MUNOZ<<JOSE<<<", "MUÑIZ", "JOSÉ"));
        assert!(!agree("MUNOZ<<JOSE<<<", "MUÑOZ", ""));
        assert!(!agree("MUNO<<JOSE<<<", "MUÑOZ", "JOSÉ"), "nothing was cut here");
        assert!(!agree("MUNOZ<<JOSE<<<", "MUÑOZ", "JOSÉ LUIS"));
        assert_eq!(transliterate("Ñáñez D’Óleo-Peña, hijo"), ["NANEZ", "DOLEO", "PENA", "HIJO"]);
    }
}
