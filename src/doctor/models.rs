//! The networks: whether they answer as their originals do, and how many comparisons this machine makes.

use std::time::Duration;

use super::Finding;
use super::bench::{self, Load};
use crate::cli::device;
use crate::clock::Stopwatch;
use crate::config::Config;
use crate::domain::evidence::Examiner as _;
use crate::vision::Engine;

/// Cosines that the original networks give (tests/golden), and how far ours may be from them; the alignment differs by as much.
const GOLDEN: [(&[u8], &[u8], f64); 2] =
    [(bench::PORTRAIT, bench::SELFIE, 0.75936), (bench::STRANGER, bench::SELFIE, 0.08646)];
const TOLERANCE: f64 = 0.06;

const MEASURED_FOR: Duration = Duration::from_secs(4);

pub(super) fn self_test(config: &Config) -> Vec<Finding> {
    let watch = Stopwatch::start();
    let engine = match Engine::load_on(device(config)) {
        Ok(engine) => engine.with_clips(crate::server::clip_settings(&config.clips)),
        Err(error) => return vec![Finding::bad("models", error.to_string(), "install the release again")],
    };
    if let Err(why) = engine.warm_up() {
        return vec![Finding::bad("models", why, "install the release again, or set networks.device to \"cpu\"")];
    }
    let seconds = watch.elapsed().as_secs_f64();
    for (document, face, expected) in GOLDEN {
        let found = match engine.compare_faces(document, face) {
            Ok(comparison) => comparison.cosine.0,
            Err(why) => {
                return vec![Finding::bad(
                    "models",
                    format!("a known photo is refused: {why:?}"),
                    "install the release again",
                )];
            }
        };
        if (found - expected).abs() > TOLERANCE {
            return vec![Finding::bad(
                "models",
                format!("a known pair of photos gives {found:.3}, not {expected:.3}"),
                "do not serve: the processor, the memory or the file is not what it should be",
            )];
        }
    }
    let mut findings = vec![Finding::good(
        "models",
        format!(
            "{} networks loaded and run once in {seconds:.1} s; known pairs give known answers",
            engine.models().len()
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
