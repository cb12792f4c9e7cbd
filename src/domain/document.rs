//! What was seen of an identity document: class and side, fields with their sources, checks and warnings. Facts without
//! verdicts, but for one law: when a number that was read is the number that was expected ([`DocumentSeen::compare_number`]).

use serde::{Deserialize, Serialize};

use super::evidence::{Box2, Embedding, ModelUsed, Point};
use super::user::{DocumentNumber, DocumentType};

/// Which side a photo shows. A passport's data page is its front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Side {
    Front,
    Back,
}

impl Side {
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "FRONT" => Some(Self::Front),
            "BACK" => Some(Self::Back),
            _ => None,
        }
    }
}

/// A photo of a document, or of none.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentSeen {
    pub photo: PhotoRead,
    pub kind: Kind,
    pub fields: Vec<Field>,
    pub mrz: Option<MrzSeen>,
    pub barcodes: Vec<Barcode>,
    pub portrait: Option<Portrait>,
    pub cross_checks: Vec<CrossCheck>,
    pub warnings: Vec<Warning>,
    pub milliseconds: DocumentTimes,
    pub models: Vec<ModelUsed>,
}

/// The photo as it was decoded, and where the document lies on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PhotoRead {
    /// `jpeg`, `png` or `webp`, by content.
    pub format: String,
    /// Pixels after EXIF orientation.
    pub width: u32,
    pub height: u32,
    /// Corners of the document in its reading order: top left, top right, bottom right, bottom left of the upright document.
    pub quad: Option<[Point; 4]>,
    /// Clockwise turn that brings it nearest to upright.
    pub rotation_degrees: u16,
    /// Pieces of text that were found, and the mean confidence of their characters.
    pub lines: usize,
    pub legibility: f64,
}

/// What it is. `class` is absent when nothing was recognised with a sufficient margin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kind {
    pub class: Option<DocumentType>,
    pub side: Option<Side>,
    /// Of a cédula: `2014` or `2026`.
    pub model: Option<String>,
    /// 0–1: by how much of the needed margin the best class leads.
    pub confidence: f64,
    pub evidence: Vec<Evidence>,
}

/// One thing that speaks for a class and a side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// A stable slug: `mrz_td3`, `phrase_junta_central_electoral`, `face`, …
    pub what: String,
    pub class: DocumentType,
    pub side: Side,
    pub points: f64,
}

/// Names of what is printed on documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FieldName {
    Number,
    /// Serial of a card, which is not the person's number.
    CardSerial,
    Surnames,
    GivenNames,
    BirthDate,
    BirthPlace,
    Sex,
    Nationality,
    IssueDate,
    ExpiryDate,
    IssuingState,
    Occupation,
    CivilStatus,
    BloodType,
    PollingStation,
    PollingPlace,
    Address,
    Sector,
    Municipality,
    PreviousNumber,
    PostalCode,
    BirthRecord,
    /// Of a passport: the person's number with the issuing state.
    PersonalNumber,
    Authority,
}

/// Where a value was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Source {
    #[serde(rename = "MRZ")]
    Mrz,
    /// The visual inspection zone: the printed text.
    #[serde(rename = "VIZ")]
    Viz,
    #[serde(rename = "barcode")]
    Barcode,
}

/// One value from one source. Dates are `YYYY-MM-DD`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Field {
    pub name: FieldName,
    pub value: String,
    /// The least sure character's, 0–1.
    pub confidence: f64,
    pub source: Source,
    /// Characters that may be others, by place in the value.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubtful: Vec<Doubt>,
    /// A character was repaired to satisfy a check digit: good enough to be shown, not to be relied on.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repaired: bool,
    /// A check digit over the value that holds without repair.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub checked: bool,
}

/// A character that was not read surely.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Doubt {
    /// From 0, in characters of the value.
    pub position: usize,
    pub read: char,
    pub confidence: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub perhaps: Option<char>,
}

/// A machine-readable zone (ICAO Doc 9303).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MrzSeen {
    /// `TD1`, `TD2`, `TD3`, `MRV-A`, `MRV-B`.
    pub format: String,
    pub lines: Vec<String>,
    /// Of the least sure character, 0–1.
    pub confidence: f64,
    pub check_digits: Vec<CheckDigit>,
    /// Characters that were repaired, by line and column from 0.
    pub repaired: Vec<(usize, usize)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckDigit {
    /// `document_number`, `birth_date`, `expiry_date`, `optional_data`, `composite`.
    pub over: String,
    pub valid: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Barcode {
    /// `qr`, `code128`, `pdf417`, …
    pub format: String,
    pub text: String,
}

/// The holder's portrait on the document.
#[derive(Clone, Debug, PartialEq)]
pub struct Portrait {
    /// In pixels of the photo.
    pub r#box: Box2,
    /// Of the face detector, 0–1.
    pub confidence: f64,
    /// The upright portrait as a JPEG.
    pub jpeg: Vec<u8>,
    /// `None` if the face is too small or too turned to be embedded.
    pub embedding: Option<Embedding>,
}

/// Two sources of one field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CrossCheck {
    pub field: FieldName,
    pub between: (Source, Source),
    pub agree: bool,
}

/// Something that a person should look at. Never a verdict by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Warning {
    /// A stable slug.
    pub warning: String,
    pub message: String,
    /// How often it is raised on genuine specimens, measured; `None` while it is experimental.
    pub false_alarm_rate: Option<f64>,
    pub experimental: bool,
}

/// Where the time went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DocumentTimes {
    pub decode: f64,
    pub locate: f64,
    pub detect_text: f64,
    pub read_text: f64,
    pub read_mrz: f64,
    pub barcodes: f64,
    pub portrait: f64,
    pub judge: f64,
}

/// From this confidence of its least sure character on a number is taken as read. A cédula's number whose own digit fails
/// needs the second: nothing else then speaks against a misread character.
pub const SURE_MIN: f64 = 0.80;
pub const SURE_WITHOUT_CHECK_MIN: f64 = 0.97;
/// To say that it is another number than the expected one takes more than to confirm it: a cédula's own digit lets one misreading
/// in ten pass, and only by chance would that be the expected number.
const REFUSING_MIN: f64 = 0.90;

/// How an expected number compares with what was read.
#[derive(Clone, Debug, PartialEq)]
pub enum NumberSeen {
    /// Read surely, and it is the expected one.
    Same(Field),
    /// Read surely, and it is another one.
    Other(Field),
    /// Something was read, but not surely enough to say either.
    Doubtful(Field),
    /// No number was read.
    Nothing,
}

impl DocumentSeen {
    /// The fields called `name`, the surest first.
    pub fn fields_named(&self, name: FieldName) -> Vec<&Field> {
        let mut found: Vec<&Field> = self.fields.iter().filter(|field| field.name == name).collect();
        found.sort_by(|a, b| b.standing().total_cmp(&a.standing()));
        found
    }

    /// The number that it bears: [`NumberSeen::Same`] if a source read it surely and none surely says another.
    pub fn number(&self, class: DocumentType) -> NumberSeen {
        let read = self.fields_named(FieldName::Number);
        let Some(first) = read.first() else { return NumberSeen::Nothing };
        let sure = read.iter().find(|field| field.is_sure(class));
        match sure.and_then(|field| DocumentNumber::parse(&field.value)) {
            Some(number) => match self.compare_number(&number, class) {
                NumberSeen::Other(other) => NumberSeen::Doubtful(other),
                seen => seen,
            },
            None => NumberSeen::Doubtful((*first).clone()),
        }
    }

    /// Compares the expected number with the numbers read. It is the same only if a source read it surely, character by
    /// character, and no other source surely read another one.
    pub fn compare_number(&self, expected: &DocumentNumber, class: DocumentType) -> NumberSeen {
        let read = self.fields_named(FieldName::Number);
        let wanted = expected.canonical();
        let said = |field: &Field| DocumentNumber::parse(&field.value).map(|read| read.canonical()).unwrap_or_default();
        let contradicts = |field: &&&Field| {
            field.is_sure(class) && field.can_refuse() && said(field) != wanted
                || field.is_plain() && lookalikes_folded(&said(field)) != lookalikes_folded(&wanted)
        };
        if let Some(other) = read.iter().find(contradicts) {
            return NumberSeen::Other((*other).clone());
        }
        let mut sure = read.iter().filter(|field| field.is_sure(class));
        match (sure.next(), read.first()) {
            (Some(same), _) if said(same) == wanted && sure.all(|field| said(field) == wanted) => {
                NumberSeen::Same((*same).clone())
            }
            (_, Some(doubtful)) => NumberSeen::Doubtful((*doubtful).clone()),
            (_, None) => NumberSeen::Nothing,
        }
    }
}

impl Field {
    /// A repaired value stands behind every unrepaired one, a checked one before.
    fn standing(&self) -> f64 {
        self.confidence + f64::from(u8::from(self.checked)) - 2.0 * f64::from(u8::from(self.repaired))
    }

    /// Read so surely that its characters are believed without a check digit, up to those that look alike.
    fn is_plain(&self) -> bool {
        !self.repaired && self.confidence >= SURE_WITHOUT_CHECK_MIN
    }

    /// Whether it may say that the expected number is another one.
    fn can_refuse(&self) -> bool {
        self.checked || self.confidence >= REFUSING_MIN
    }

    /// Whether a number was read so that another document's number is out of the question. A passport's has letters, which
    /// print does not tell from digits: it needs its check digit.
    fn is_sure(&self, class: DocumentType) -> bool {
        let checked = !self.repaired && self.confidence >= SURE_MIN;
        match class {
            DocumentType::Passport => checked && self.checked,
            DocumentType::Cedula => checked && (self.checked || has_valid_digit(&self.value)) || self.is_plain(),
        }
    }
}

/// Letters as the digits that they look like.
fn lookalikes_folded(number: &str) -> String {
    let folded = |c| match c {
        'O' | 'Q' | 'D' => '0',
        'I' | 'L' => '1',
        'Z' => '2',
        'S' => '5',
        'G' => '6',
        'B' => '8',
        other => other,
    };
    number.chars().map(folded).collect()
}

/// Whether a cédula's eleven digits satisfy their check digit (weights 1 and 2 from the left, digits of the products summed,
/// modulo 10). Hundreds of valid old numbers do not, so this never refuses one.
pub fn has_valid_digit(number: &str) -> bool {
    let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    let weighed = digits.iter().zip([1, 2].into_iter().cycle()).map(|(digit, weight)| digit * weight);
    digits.len() == 11 && weighed.map(|product| product / 10 + product % 10).sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(value: &str, confidence: f64, source: Source) -> Field {
        let name = FieldName::Number;
        Field { name, value: value.into(), confidence, source, doubtful: Vec::new(), repaired: false, checked: false }
    }

    fn seen(fields: Vec<Field>) -> DocumentSeen {
        DocumentSeen {
            photo: PhotoRead::default(),
            kind: Kind::default(),
            fields,
            mrz: None,
            barcodes: Vec::new(),
            portrait: None,
            cross_checks: Vec::new(),
            warnings: Vec::new(),
            milliseconds: DocumentTimes::default(),
            models: Vec::new(),
        }
    }

    fn compared(fields: Vec<Field>, expected: &str, class: DocumentType) -> NumberSeen {
        seen(fields).compare_number(&DocumentNumber::parse(expected).unwrap(), class)
    }

    #[test]
    fn published_numbers_and_their_digit() {
        for valid in ["402-0057193-9", "001-0000000-9", "00113918205"] {
            assert!(has_valid_digit(valid), "{valid}");
        }
        for invalid in ["00113918204", "001-1391820", "", "0011391820500"] {
            assert!(!has_valid_digit(invalid), "{invalid}");
        }
    }

    #[test]
    fn every_single_wrong_digit_is_noticed() {
        let valid = "40200571939";
        for (place, other) in (0..11).flat_map(|place| ('0'..='9').map(move |digit| (place, digit))) {
            let changed: String = valid.chars().enumerate().map(|(i, c)| if i == place { other } else { c }).collect();
            assert_eq!(has_valid_digit(&changed), changed == valid);
        }
    }

    #[test]
    fn a_number_is_the_same_in_any_spelling_and_only_if_read_surely() {
        let cedula = DocumentType::Cedula;
        let read = |confidence| vec![number("402-0057193-9", confidence, Source::Viz)];
        assert!(matches!(compared(read(0.95), "40200571939", cedula), NumberSeen::Same(_)));
        assert!(matches!(compared(read(0.95), "402 0057193 8", cedula), NumberSeen::Other(_)));
        assert!(matches!(compared(read(0.85), "40200571939", cedula), NumberSeen::Same(_)));
        let refused = compared(read(0.85), "402 0057193 8", cedula);
        assert!(matches!(refused, NumberSeen::Doubtful(_)), "surely enough to confirm, not to refuse: {refused:?}");
        assert!(matches!(compared(read(0.5), "40200571939", cedula), NumberSeen::Doubtful(_)));
        assert!(matches!(compared(read(0.5), "40200571938", cedula), NumberSeen::Doubtful(_)));
        assert_eq!(compared(Vec::new(), "40200571939", cedula), NumberSeen::Nothing);
        assert!(matches!(compared(read(0.95), "40200571939 A", cedula), NumberSeen::Other(_)), "letters count");
    }

    #[test]
    fn a_passport_s_number_needs_its_check_digit_and_look_alikes_contradict_nobody() {
        let passport = DocumentType::Passport;
        let mut zone = number("RO1234567", 0.99, Source::Mrz);
        let printed = number("R01234567", 0.99, Source::Viz);
        assert!(matches!(compared(vec![zone.clone()], "RO1234567", passport), NumberSeen::Doubtful(_)));
        zone.checked = true;
        let both = || vec![zone.clone(), printed.clone()];
        assert!(matches!(compared(both(), "ro-1234567", passport), NumberSeen::Same(_)));
        assert!(matches!(compared(both(), "R01234567", passport), NumberSeen::Other(_)), "O is not 0");
        assert!(matches!(compared(both(), "1234567", passport), NumberSeen::Other(_)));
        assert!(matches!(compared(vec![printed.clone()], "R01234567", passport), NumberSeen::Doubtful(_)));
        assert!(matches!(compared(vec![printed.clone()], "RO1234567", passport), NumberSeen::Doubtful(_)));
        assert!(matches!(compared(vec![printed], "R01234568", passport), NumberSeen::Other(_)));
    }

    #[test]
    fn a_number_is_taken_from_a_document_only_if_nothing_surely_says_another() {
        let cedula = DocumentType::Cedula;
        let viz = |value, confidence| number(value, confidence, Source::Viz);
        let mrz = number("40200571939", 0.95, Source::Mrz);
        assert_eq!(seen(vec![mrz.clone()]).number(cedula), NumberSeen::Same(mrz.clone()));
        assert_eq!(seen(vec![mrz.clone(), viz("001-0000000-8", 0.5)]).number(cedula), NumberSeen::Same(mrz.clone()));
        let contradicted = seen(vec![mrz, viz("001-0000000-9", 0.98)]).number(cedula);
        assert!(matches!(contradicted, NumberSeen::Doubtful(_)), "{contradicted:?}");
        assert!(matches!(seen(vec![viz("402-0057193-9", 0.5)]).number(cedula), NumberSeen::Doubtful(_)));
        assert_eq!(seen(Vec::new()).number(cedula), NumberSeen::Nothing);
    }

    #[test]
    fn an_old_number_without_a_valid_digit_must_be_read_more_surely() {
        let read = |confidence| vec![number("001-1391820-4", confidence, Source::Viz)];
        assert!(matches!(compared(read(0.9), "00113918204", DocumentType::Cedula), NumberSeen::Doubtful(_)));
        assert!(matches!(compared(read(0.99), "00113918204", DocumentType::Cedula), NumberSeen::Same(_)));
    }

    #[test]
    fn a_source_that_surely_says_otherwise_is_heard_and_a_repaired_one_is_not() {
        let cedula = DocumentType::Cedula;
        let mut mrz = number("40200571939", 0.99, Source::Mrz);
        let viz = number("001-0000000-9", 0.99, Source::Viz);
        assert!(matches!(compared(vec![mrz.clone(), viz], "40200571939", cedula), NumberSeen::Other(_)));
        mrz.repaired = true;
        assert!(matches!(compared(vec![mrz], "40200571939", cedula), NumberSeen::Doubtful(_)));
    }
}
