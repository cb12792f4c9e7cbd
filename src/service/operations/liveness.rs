//! What the configuration makes of passive liveness: nothing, a report, or a condition.

use serde_json::Value;

use crate::config::{Config, LivenessRequired};
use crate::domain::liveness::Reality;

/// Where it is enforced, only what looks real passes: what cannot be told is not evidence of a person.
pub(super) fn is_refused(config: &Config, verdict: Reality) -> bool {
    config.liveness.required == LivenessRequired::Enforce && verdict != Reality::Real
}

/// Takes it out of what is reported where the configuration wants none of it.
pub(super) fn withhold(config: &Config, seen: &mut Value) {
    if config.liveness.required != LivenessRequired::Off {
        return;
    }
    match seen {
        Value::Object(fields) => {
            fields.remove("liveness");
            fields.values_mut().for_each(|value| withhold(config, value));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| withhold(config, value)),
        _ => {}
    }
}
