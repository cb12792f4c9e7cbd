//! A workflow: the fields that a client sends, the operations that run on them in order, and what comes of it.
//!
//! A definition that [`Workflow::check`] passes can always be run: each step's inputs are fields of the right kind. A job keeps
//! the definition that it runs, so an edited file changes no job that is stored.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::document::Side;
use super::job::Operation;
use super::user::{DocumentNumber, DocumentType};

/// More would be a mistake: each step costs up to a second of a core.
pub const STEPS_MAX: usize = 16;
pub const FIELDS_MAX: usize = 32;
/// It is kept with the job and with the user, and waits in memory until the job runs.
const OBJECT_BYTES_MAX: usize = 64 << 10;

/// As the administrator declares it; `assets/workflows.toml` explains every key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    pub version: u32,
    pub about: String,
    /// Disabled, its name is unknown to clients.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    pub fields: BTreeMap<String, FieldRule>,
    pub steps: Vec<Step>,
    /// Present: its success registers a user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub register: Option<Register>,
}

fn yes() -> bool {
    true
}

fn is_yes(value: &bool) -> bool {
    *value
}

/// One field of the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldRule {
    pub kind: FieldKind,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub required: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Photo,
    Clip,
    DocumentType,
    Side,
    DocumentNumber,
    /// A JSON object, written as a JSON string where the request's encoding has no objects.
    Object,
    /// A similarity, 0–100.
    Score,
}

/// One operation, with where its inputs come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub run: Action,
    /// Input of the operation → field of the workflow.
    #[serde(default)]
    pub with: BTreeMap<String, String>,
    /// The lowest similarity that a client may ask for; without it, the one of `faces.match_at_fmr`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_min: Option<f64>,
    /// Findings that make the step fail.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fail_on: Vec<String>,
    /// Findings that a person must look at before anything comes of the job.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub review_on: Vec<String>,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    DetectFaces,
    CompareFaces,
    /// A selfie against the enrolled face of the user with that number.
    CompareEnrolled,
    ValidateDocumentType,
    ValidateIdentity,
    /// Reads the document's number as surely as `validate_identity` would demand.
    ReadNumber,
    CheckSmile,
    CheckBlink,
    /// The selfie of a step before among all enrolled faces, and the number on the block-list.
    SearchPeople,
}

/// Where the user's data come from when the workflow registers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Register {
    pub document_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// A field with the number; without it, the number that `read_number` read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<String>,
}

/// An input of an action: its name, the kind of field that it takes, and whether there must be one.
type Input = (&'static str, FieldKind, bool);

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Self::CompareEnrolled => "compare_enrolled",
            Self::ReadNumber => "read_number",
            Self::SearchPeople => "search_people",
            other => other.operation().map_or("", Operation::name),
        }
    }

    /// The endpoint's operation that it is, if it is one.
    pub fn operation(self) -> Option<Operation> {
        match self {
            Self::DetectFaces => Some(Operation::DetectFaces),
            Self::CompareFaces => Some(Operation::CompareFaces),
            Self::ValidateDocumentType => Some(Operation::ValidateDocumentType),
            Self::ValidateIdentity => Some(Operation::ValidateIdentity),
            Self::CheckSmile => Some(Operation::CheckSmile),
            Self::CheckBlink => Some(Operation::CheckBlink),
            Self::CompareEnrolled | Self::ReadNumber | Self::SearchPeople => None,
        }
    }

    fn inputs(self) -> &'static [Input] {
        use FieldKind as Kind;
        match self {
            Self::DetectFaces => &[("file", Kind::Photo, true)],
            Self::CompareFaces => {
                &[("document", Kind::Photo, true), ("face", Kind::Photo, true), ("threshold", Kind::Score, false)]
            }
            Self::CompareEnrolled => &[
                ("face", Kind::Photo, true),
                ("documentId", Kind::DocumentNumber, true),
                ("threshold", Kind::Score, false),
            ],
            Self::ValidateDocumentType => {
                &[("file", Kind::Photo, true), ("documentType", Kind::DocumentType, true), ("side", Kind::Side, false)]
            }
            Self::ValidateIdentity => &[
                ("file", Kind::Photo, true),
                ("documentType", Kind::DocumentType, true),
                ("documentId", Kind::DocumentNumber, true),
            ],
            Self::ReadNumber => &[("file", Kind::Photo, true), ("documentType", Kind::DocumentType, true)],
            Self::CheckSmile | Self::CheckBlink => &[("clip", Kind::Clip, true)],
            Self::SearchPeople => &[],
        }
    }

    /// Whether a selfie is embedded by it.
    fn embeds(self) -> bool {
        matches!(self, Self::CompareFaces | Self::CompareEnrolled)
    }
}

/// A field that a request lacks or filled wrongly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub field: String,
    /// Ends the sentence "`field` must …".
    pub must: String,
}

impl FieldKind {
    pub fn is_file(self) -> bool {
        matches!(self, Self::Photo | Self::Clip)
    }

    /// What a value of this kind is, to end the sentence "`field` must …".
    pub fn must(self) -> &'static str {
        match self {
            Self::Photo => "be a photo, sent as a file",
            Self::Clip => "be a clip, sent as a file",
            Self::DocumentType => "be CEDULA or PASSPORT",
            Self::Side => "be FRONT or BACK",
            Self::DocumentNumber => "be 1 to 64 characters with a letter or digit",
            Self::Object => "be a JSON object of at most 64 KB",
            Self::Score => "be a number from 0 to 100",
        }
    }

    /// A value as it is kept with the job; `None` if the text is none of this kind.
    pub fn parse(self, text: &str) -> Option<Value> {
        match self {
            Self::Photo | Self::Clip => None,
            Self::DocumentType => DocumentType::parse(text).map(|_| text.into()),
            Self::Side => Side::parse(text).map(|_| text.into()),
            Self::DocumentNumber => DocumentNumber::parse(text).map(|number| number.as_str().into()),
            Self::Object if text.len() > OBJECT_BYTES_MAX => None,
            Self::Object => serde_json::from_str::<Map<String, Value>>(text).ok().map(Value::Object),
            Self::Score => {
                text.trim().parse::<f64>().ok().filter(|score| (0.0..=100.0).contains(score)).map(Value::from)
            }
        }
    }
}

impl Workflow {
    /// Whether a clip is among its fields.
    pub fn takes_clip(&self) -> bool {
        self.fields.values().any(|rule| rule.kind == FieldKind::Clip)
    }

    /// Whether a step of it compares faces.
    pub fn compares(&self) -> bool {
        self.steps.iter().any(|step| step.run.embeds())
    }

    /// The field of the selfie whose face it leaves: that of its last step that embeds one.
    pub fn selfie_field(&self) -> Option<&str> {
        let last = self.steps.iter().rev().find(|step| step.run.embeds())?;
        last.with.get("face").map(String::as_str)
    }

    /// Whether it can be run; the text says what is wrong with it.
    pub fn check(&self, name: &str) -> Result<(), String> {
        let letters = |text: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        let is_name = (1..=64).contains(&name.len()) && letters(name) && name.starts_with(char::is_alphabetic);
        if !is_name {
            return Err("a workflow's name is a letter, then letters, digits, `_` and `-`, at most 64".into());
        }
        if Operation::ALL.iter().any(|operation| operation.name() == name) {
            return Err("it has the name of an operation, whose tries it would count as".into());
        }
        if self.version == 0 {
            return Err("`version` counts from 1".into());
        }
        if self.steps.is_empty() || self.steps.len() > STEPS_MAX {
            return Err(format!("it has {} steps; 1 to {STEPS_MAX} are possible", self.steps.len()));
        }
        if self.fields.len() > FIELDS_MAX || !self.fields.keys().all(|field| !field.is_empty() && letters(field)) {
            return Err(format!("it has at most {FIELDS_MAX} fields, named with letters, digits, `_` and `-`"));
        }
        for (number, step) in self.steps.iter().enumerate() {
            self.check_step(number, step).map_err(|why| format!("step {} ({}): {why}", number + 1, step.run.name()))?;
        }
        self.register.as_ref().map_or(Ok(()), |register| self.check_register(register))
    }

    fn check_step(&self, number: usize, step: &Step) -> Result<(), String> {
        let inputs = step.run.inputs();
        if let Some(unknown) = step.with.keys().find(|input| inputs.iter().all(|(known, ..)| known != input)) {
            let known: Vec<&str> = inputs.iter().map(|(name, ..)| *name).collect();
            return Err(format!("it has no input `{unknown}`; it has [{}]", known.join(", ")));
        }
        for (input, kind, needed) in inputs {
            match step.with.get(*input) {
                None if *needed => return Err(format!("`with` does not say where `{input}` comes from")),
                None => {}
                Some(field) => self.check_field(field, *kind, *needed)?,
            }
        }
        if step.threshold_min.is_some_and(|least| !(0.0..=100.0).contains(&least)) {
            return Err("`threshold_min` is a number from 0 to 100".into());
        }
        if step.threshold_min.is_some() && !step.run.embeds() {
            return Err("`threshold_min` is for comparisons".into());
        }
        let before = self.steps.get(..number).unwrap_or_default();
        if step.run == Action::SearchPeople && !before.iter().any(|step| step.run.embeds()) {
            return Err("no step before it compares a selfie".into());
        }
        Ok(())
    }

    fn check_field(&self, field: &str, kind: FieldKind, needed: bool) -> Result<(), String> {
        match self.fields.get(field) {
            None => Err(format!("there is no field `{field}`")),
            Some(rule) if rule.kind != kind => Err(format!("`{field}` is of another kind: it must {}", kind.must())),
            Some(rule) if needed && !rule.required => Err(format!("`{field}` must be a required field for this")),
            Some(_) => Ok(()),
        }
    }

    fn check_register(&self, register: &Register) -> Result<(), String> {
        let checked = || {
            self.check_field(&register.document_type, FieldKind::DocumentType, true)?;
            if let Some(field) = &register.metadata {
                self.check_field(field, FieldKind::Object, false)?;
            }
            match &register.document_id {
                Some(field) => self.check_field(field, FieldKind::DocumentNumber, true),
                None if self.steps.iter().any(|step| step.run == Action::ReadNumber) => Ok(()),
                None => Err("without `documentId` a step must be `read_number`".to_owned()),
            }
        };
        checked().map_err(|why| format!("register: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signup() -> Workflow {
        serde_json::from_value(serde_json::json!({
            "version": 1,
            "about": "",
            "fields": {
                "selfie": { "kind": "photo" },
                "card": { "kind": "photo" },
                "kind": { "kind": "document_type" },
                "notes": { "kind": "object", "required": false },
            },
            "steps": [
                { "run": "read_number", "with": { "file": "card", "documentType": "kind" } },
                { "run": "compare_faces", "with": { "document": "card", "face": "selfie" } },
                { "run": "search_people", "review_on": ["duplicate_identity"] },
            ],
            "register": { "documentType": "kind", "metadata": "notes" },
        }))
        .unwrap()
    }

    #[test]
    fn a_good_definition_passes_and_each_mistake_is_named() {
        assert_eq!(signup().check("signup"), Ok(()));
        type Break = fn(&mut Workflow);
        let mistakes: [(Break, &str); 10] = [
            (|w| w.version = 0, "counts from 1"),
            (|w| w.steps.clear(), "0 steps"),
            (|w| drop(w.steps[1].with.remove("face")), "step 2 (compare_faces): `with` does not say where `face`"),
            (|w| drop(w.steps[1].with.insert("face".into(), "kind".into())), "`kind` is of another kind"),
            (|w| drop(w.steps[1].with.insert("face".into(), "nobody".into())), "there is no field `nobody`"),
            (|w| drop(w.steps[1].with.insert("clip".into(), "card".into())), "no input `clip`"),
            (|w| w.fields.get_mut("card").unwrap().required = false, "must be a required field"),
            (|w| w.steps.swap(1, 2), "no step before it compares a selfie"),
            (|w| drop(w.steps.remove(0)), "a step must be `read_number`"),
            (|w| w.steps[0].threshold_min = Some(50.0), "for comparisons"),
        ];
        for (break_it, says) in mistakes {
            let mut broken = signup();
            break_it(&mut broken);
            let error = broken.check("signup").unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(signup().check("compare_faces").unwrap_err().contains("name of an operation"));
        assert!(signup().check("1st").is_err() && signup().check("").is_err() && signup().check("a/b").is_err());
    }

    #[test]
    fn values_are_taken_in_their_kind_only() {
        assert_eq!(FieldKind::Score.parse("82.5"), Some(82.5.into()));
        for bad in ["", "x", "-1", "100.5", "NaN", "inf"] {
            assert_eq!(FieldKind::Score.parse(bad), None, "{bad}");
        }
        assert_eq!(FieldKind::Object.parse("{\"a\":1}"), Some(serde_json::json!({"a": 1})));
        assert_eq!(FieldKind::Object.parse("[1]"), None);
        assert_eq!(FieldKind::Side.parse("front"), None);
    }
}
