//! The workflows that clients may start: those that come with the program, under those of the administrator's file.
//!
//! Read and checked once, before anything is served: a file with a mistake stops the start.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::Service;
use crate::crypto;
use crate::domain::hex;
use crate::domain::job::WorkflowRun;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::workflow::Workflow;

/// The workflows of the contract, with every key explained: the manual.
pub const DEFAULTS: &str = include_str!("../../assets/workflows.toml");

/// By name.
#[derive(Clone, Debug, Default)]
pub struct Workflows(BTreeMap<String, Arc<WorkflowRun>>);

impl Workflows {
    /// The defaults, overlaid by the file if there is one. An error names the file, the workflow and the step.
    pub fn load(file: &Path) -> Result<Self, String> {
        if file.as_os_str().is_empty() {
            return Self::parse("");
        }
        let named = |why: String| format!("{}: {why}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
        Self::parse(&text).map_err(named)
    }

    /// The defaults, overlaid by `text`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read = |text: &str| toml::from_str::<BTreeMap<String, Workflow>>(text).map_err(|error| error.to_string());
        let mut all = read(DEFAULTS)?;
        all.extend(read(text)?);
        let run = |(name, definition): (String, Workflow)| {
            definition.check(&name).map_err(|why| format!("[{name}] {why}"))?;
            let fingerprint = fingerprint(&definition);
            Ok((name.clone(), Arc::new(WorkflowRun { name, fingerprint, definition })))
        };
        all.into_iter().map(run).collect::<Result<_, String>>().map(Self)
    }

    pub fn all(&self) -> impl Iterator<Item = &WorkflowRun> {
        self.0.values().map(AsRef::as_ref)
    }

    /// The names that mean something else in `other`, or are in one of the two only.
    pub fn differing(&self, other: &Self) -> Vec<String> {
        let of = |all: &Self, name: &String| all.0.get(name).map(|run| run.fingerprint.clone());
        let mut names: Vec<String> = self.0.keys().chain(other.0.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names.retain(|name| of(self, name) != of(other, name));
        names
    }

    fn enabled(&self, name: &str) -> Option<Arc<WorkflowRun>> {
        self.0.get(name).filter(|run| run.definition.enabled).cloned()
    }
}

/// SHA-256 of a definition.
pub(super) fn fingerprint(definition: &Workflow) -> String {
    // Names and numbers alone: nothing in it cannot be written.
    hex::encode(&crypto::sha256(&serde_json::to_vec(definition).unwrap_or_default()))
}

impl Service {
    /// The workflow that clients start by that name.
    pub fn workflow(&self, name: &str) -> Result<Arc<WorkflowRun>, Stop> {
        let unknown = || Refusal::NoWorkflow { name: name.chars().take(64).collect() }.into();
        self.workflows.enabled(name).ok_or_else(unknown)
    }

    pub fn workflows(&self) -> &Workflows {
        &self.workflows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_contract_s_workflows_come_with_the_program() {
        let workflows = Workflows::parse("").unwrap();
        assert_eq!(workflows.all().map(|run| run.name.as_str()).collect::<Vec<_>>(), ["signup", "validation"]);
        let required = |name: &str| {
            let run = workflows.enabled(name).unwrap();
            let fields = run.definition.fields.iter().filter(|(_, rule)| rule.required);
            fields.map(|(field, _)| field.clone()).collect::<Vec<_>>()
        };
        assert_eq!(required("signup"), ["document", "documentSide", "documentType", "face", "metadata"]);
        assert_eq!(required("validation"), ["documentId", "face"]);
    }

    #[test]
    fn a_file_replaces_adds_and_takes_away_and_its_mistakes_are_named() {
        let stop_signup = format!("{}\n", DEFAULTS.replace("[signup]\n", "[signup]\nenabled = false\n"));
        assert!(Workflows::parse(&stop_signup).unwrap().enabled("signup").is_none());
        let lively = r#"
            [lively]
            version = 3
            about = "A blink."
            fields.clip = { kind = "clip" }
            steps = [{ run = "check_blink", with = { clip = "clip" } }]
        "#;
        let workflows = Workflows::parse(lively).unwrap();
        assert_eq!(workflows.all().count(), 3);
        let before = workflows.enabled("lively").unwrap().fingerprint.clone();
        let edited = Workflows::parse(&lively.replace("check_blink", "check_smile")).unwrap();
        assert_ne!(edited.enabled("lively").unwrap().fingerprint, before, "an edit is seen without a new version");
        assert_eq!(workflows.differing(&edited), ["lively"]);
        assert_eq!(workflows.differing(&Workflows::parse(&stop_signup).unwrap()), ["lively", "signup"]);
        assert!(workflows.differing(&workflows).is_empty());
        for (text, says) in [
            (lively.replace("clip = \"clip\"", "clip = \"film\""), "[lively] step 1 (check_blink): there is no field"),
            (lively.replace("version = 3", "version = 0"), "[lively] `version`"),
            (lively.replace("check_blink", "check_pulse"), "check_pulse"),
            (lively.replace("about", "abuot"), "abuot"),
        ] {
            let error = Workflows::parse(&text).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
