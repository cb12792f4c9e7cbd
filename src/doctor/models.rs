//! The networks: whether they answer as their originals do, and how many comparisons this machine makes.

use std::time::Duration;

use super::Finding;
use super::bench::{self, Load};
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::domain::evidence::Examiner as _;
use crate::models::{self, trial};

const MEASURED_FOR: Duration = Duration::from_secs(4);

pub(super) fn self_test(config: &Config) -> Vec<Finding> {
    let watch = Stopwatch::start();
    let engine = match models::engine(config) {
        Ok(engine) => engine,
        Err(error) => {
            return vec![Finding::bad("models", error.to_string(), "install the release or the bundle again")];
        }
    };
    if let Err(why) = trial::run(&engine, config) {
        let advice = "do not serve: the processor, the memory or a file is not what it should be; if networks.device names a \
                      card, try \"cpu\"";
        return vec![Finding::bad("models", why, advice)];
    }
    let seconds = watch.elapsed().as_secs_f64();
    let mut findings = vec![Finding::good(
        "models",
        format!(
            "{} networks for faces loaded and tried in {seconds:.1} s{}; known photos give known answers",
            engine.models().len(),
            engine.bundle().map(|bundle| format!(", from the bundle {bundle}")).unwrap_or_default()
        ),
    )];
    let workers = config.workers();
    findings.push(match bench::compares(&engine, Load { threads: workers, time: MEASURED_FOR }) {
        Some(measured) => Finding::good(
            "capacity",
            format!(
                "{:.0} comparisons a minute with {workers} workers, each {:.0} ms (median); measured now for {} s, without the network and the store",
                measured.per_minute(),
                measured.percentile(0.5),
                MEASURED_FOR.as_secs()
            ),
        ),
        None => Finding::warning("capacity", "nothing was measured", "try `twoface bench`"),
    });
    findings
}
