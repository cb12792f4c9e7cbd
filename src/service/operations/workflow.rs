//! A workflow: its steps in order, until one does not pass. The job's status is that of the last step that ran.

use serde_json::{Map, Value, json};

use super::{Concluded, Work, documents, faces, people};
use crate::config::Config;
use crate::domain::evidence::{Embedding, Examiner};
use crate::domain::job::{Candidate, CandidateSearch, Outcome, Verdict, WorkflowRun};
use crate::domain::user::{DocumentNumber, DocumentType};
use crate::domain::workflow::{Action, Fault, FieldKind, Step};

pub(super) fn run(examiner: &dyn Examiner, config: &Config, work: &Work) -> Concluded {
    let Some(run) = &work.job.workflow else {
        return Outcome::invalid("The job names no workflow.", "no_workflow", json!({})).into();
    };
    if !work.job.faults.is_empty() {
        return faulty(run, &work.job.faults).into();
    }
    let mut so_far = SoFar::default();
    let mut last = None;
    for step in &run.definition.steps {
        let mut concluded = run_step(examiner, config, work, step, &so_far);
        so_far.take(step, &mut concluded);
        let passed = concluded.outcome.verdict == Verdict::Succeeded;
        last = Some(concluded.outcome);
        if !passed {
            break;
        }
    }
    let not_run = run.definition.steps.iter().skip(so_far.told.len());
    so_far.told.extend(not_run.map(|step| json!({ "name": step.run.name(), "status": null })));
    conclude(examiner, config, work, run, so_far, last)
}

/// What the steps before found.
#[derive(Default)]
struct SoFar {
    told: Vec<Value>,
    /// Of the last comparison that succeeded.
    selfie: Option<Embedding>,
    read: Option<DocumentNumber>,
    review: Vec<String>,
    all: Vec<Concluded>,
}

impl SoFar {
    /// Keeps what a step found, after its findings have had their effect on its outcome.
    fn take(&mut self, step: &Step, concluded: &mut Concluded) {
        let name = step.run.name();
        let listed =
            |list: &[String]| list.iter().filter(|slug| concluded.findings.contains(slug)).cloned().collect::<Vec<_>>();
        let (against, doubtful) = (listed(&step.fail_on), listed(&step.review_on));
        if concluded.outcome.verdict == Verdict::Succeeded && !against.is_empty() {
            concluded.outcome.verdict = Verdict::Failed;
            concluded.outcome.output = json!({ "code": 200, "result": false });
        }
        self.review.extend(doubtful.iter().map(|slug| format!("{name}:{slug}")));
        self.told.push(json!({
            "name": name,
            "status": concluded.outcome.verdict.number(),
            "output": concluded.outcome.output,
            "details": concluded.outcome.details,
            "findings": concluded.findings,
            "failedOn": against,
            "reviewOn": doubtful,
        }));
        if step.run == Action::ReadNumber && concluded.outcome.verdict == Verdict::Succeeded {
            self.read = concluded.numbers.first().cloned();
        }
        // A document's portrait is nobody's selfie.
        if matches!(step.run, Action::CompareFaces | Action::CompareEnrolled)
            && let Some(face) = concluded.face.take()
        {
            self.selfie = Some(face);
        }
        let outcome = concluded.outcome.clone();
        self.all.push(std::mem::replace(concluded, outcome.into()));
    }
}

fn run_step(examiner: &dyn Examiner, config: &Config, work: &Work, step: &Step, so_far: &SoFar) -> Concluded {
    let parameters: Map<String, Value> = step
        .with
        .iter()
        .filter_map(|(input, field)| Some((input.clone(), work.parameters.get(field)?.clone())))
        .collect();
    let files = step.with.iter().filter_map(|(input, field)| {
        let (_, asked, bytes) = work.files.iter().find(|(name, ..)| name == field)?;
        Some((input.as_str(), *asked, *bytes))
    });
    let step_work = Work {
        job: work.job,
        operation: step.run.operation().unwrap_or(work.operation),
        parameters: &parameters,
        files: files.collect(),
        threshold_min: step.threshold_min,
        past: work.past,
        people: work.people,
        documents: work.documents.clone(),
    };
    match step.run {
        Action::CompareEnrolled => faces::compare_enrolled(examiner, config, &step_work),
        Action::ReadNumber => documents::read_number(examiner, &step_work),
        Action::SearchPeople => {
            // The numbers that were read, and the ones that the client says: one of them will be registered.
            let said = work.parameters.iter().filter(|(field, _)| is_number(work, field));
            let said = said.filter_map(|(_, value)| value.as_str().and_then(DocumentNumber::parse));
            let numbers: Vec<DocumentNumber> = so_far.numbers().into_iter().chain(said).collect();
            people::search(examiner, config, &step_work, so_far.selfie.as_ref(), &numbers)
        }
        _ => super::run(examiner, config, &step_work),
    }
}

fn is_number(work: &Work, field: &str) -> bool {
    let rule = work.job.workflow.as_ref().and_then(|run| run.definition.fields.get(field));
    rule.is_some_and(|rule| rule.kind == FieldKind::DocumentNumber)
}

impl SoFar {
    /// Every number that was read so far.
    fn numbers(&self) -> Vec<DocumentNumber> {
        self.all.iter().flat_map(|concluded| concluded.numbers.iter().cloned()).collect()
    }
}

fn conclude(
    examiner: &dyn Examiner,
    config: &Config,
    work: &Work,
    run: &WorkflowRun,
    so_far: SoFar,
    last: Option<Outcome>,
) -> Concluded {
    let candidate = candidate(examiner, config, work, run, &so_far);
    let numbers = so_far.numbers();
    let SoFar { told, selfie, review, all, read } = so_far;
    let details = json!({
        "workflow": described(run),
        "steps": told,
        "documentId": read,
        "review": review,
    });
    let outcome = match last {
        Some(last) if last.verdict == Verdict::Invalid => Outcome { details, ..last },
        Some(last) => Outcome::answered(last.verdict, json!(last.verdict == Verdict::Succeeded), details),
        // A definition has at least one step.
        None => Outcome::invalid("The workflow has no steps.", "no_steps", details),
    };
    let passed = outcome.verdict == Verdict::Succeeded;
    let mut concluded = Concluded::from(outcome);
    for step in all {
        for file in step.files {
            if concluded.files.iter().all(|(name, bytes)| *name != file.0 || *bytes != file.1) {
                concluded.files.push(file);
            }
        }
        concluded.fingerprint = step.fingerprint.or(concluded.fingerprint);
    }
    Concluded {
        numbers,
        face: selfie.filter(|_| passed),
        candidate: candidate.filter(|_| passed),
        review: if passed { review } else { Vec::new() },
        ..concluded
    }
}

/// Whom the workflow registers.
fn candidate(
    examiner: &dyn Examiner,
    config: &Config,
    work: &Work,
    run: &WorkflowRun,
    so_far: &SoFar,
) -> Option<Candidate> {
    let register = run.definition.register.as_ref()?;
    let text = |field: &String| work.parameters.get(field).and_then(Value::as_str);
    let document_id = match &register.document_id {
        Some(field) => text(field).and_then(DocumentNumber::parse),
        None => so_far.read.clone(),
    };
    let metadata = register.metadata.as_ref().and_then(|field| work.parameters.get(field)?.as_object().cloned());
    Some(Candidate {
        document_id: document_id?,
        document_type: text(&register.document_type).and_then(DocumentType::parse)?,
        metadata: metadata.unwrap_or_default(),
        search: run.definition.steps.iter().find(|step| step.run == Action::SearchPeople).map(|step| CandidateSearch {
            cosine: people::threshold(examiner, config),
            findings: step.fail_on.iter().chain(&step.review_on).cloned().collect(),
        }),
    })
}

fn described(run: &WorkflowRun) -> Value {
    json!({ "name": run.name, "version": run.definition.version, "fingerprint": run.fingerprint })
}

/// Fields are missing or wrong: the output names each.
fn faulty(run: &WorkflowRun, faults: &[Fault]) -> Outcome {
    let sentences: Vec<String> = faults.iter().map(|fault| format!("`{}` must {}.", fault.field, fault.must)).collect();
    let fields: Vec<Value> = faults
        .iter()
        .map(|fault| json!({ "field": fault.field, "msg": format!("`{}` must {}.", fault.field, fault.must) }))
        .collect();
    let mut outcome = Outcome::invalid(&sentences.join(" "), "bad_fields", json!({ "workflow": described(run) }));
    if let Some(Value::Object(result)) = outcome.output.get_mut("result") {
        result.insert("fields".to_owned(), json!(fields));
    }
    outcome
}
