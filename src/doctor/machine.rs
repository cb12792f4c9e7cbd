//! The machine: processor, memory, disk, clock, and what the kernel has for the decoder of clips.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::Finding;
use crate::clock::{Clock, Stopwatch};
use crate::config::{Config, Landlock};
use crate::vision::clip;

const MIB: u64 = 1 << 20;
/// What the server takes when idle, with all networks loaded (README), and each worker while it runs a job, with room to spare.
const IDLE_MIB: u64 = 200;
const WORKER_MIB: u64 = 150;
/// The store refuses new work before the disk is as full as this.
const FREE_MIB_MIN: u64 = 1024;
const SYNCS: usize = 40;
/// A commit waits for one sync; many commits share one.
const SYNC_MILLISECONDS_SLOW: f64 = 20.0;
/// 2026-01-01: this program is younger than that.
const BEFORE_THIS_PROGRAM: i64 = 1_767_225_600_000;

pub(super) fn processor(config: &Config) -> Vec<Finding> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = config.workers();
    let mut findings = vec![instructions()];
    findings.push(match workers > cores {
        true => Finding::warning(
            "processor",
            format!("{cores} cores for {workers} workers"),
            "jobs will share cores and each will take longer; set jobs.workers to 0 or to the number of cores",
        ),
        false => Finding::good("processor", format!("{cores} cores, {workers} workers")),
    });
    findings
}

#[cfg(target_arch = "x86_64")]
fn instructions() -> Finding {
    let has = [
        ("AVX2", std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma")),
        ("AVX-512", std::is_x86_feature_detected!("avx512f")),
        ("AES", std::is_x86_feature_detected!("aes")),
    ];
    let names: Vec<&str> = has.iter().filter(|(_, there)| *there).map(|(name, _)| *name).collect();
    match has.first().is_some_and(|(_, there)| *there) {
        true => Finding::good("processor", names.join(", ")),
        false => Finding::warning(
            "processor",
            "no AVX2",
            "the networks run many times slower; in a virtual machine, let the host's processor through (cpu host-passthrough)",
        ),
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn instructions() -> Finding {
    Finding::warning("processor", "not x86-64", "this program was measured on x86-64 only")
}

pub(super) fn memory(config: &Config) -> Vec<Finding> {
    let Some((total, available)) = meminfo() else {
        return vec![Finding::warning("memory", "/proc/meminfo cannot be read", "look at it with `free -m`")];
    };
    let workers = u64::try_from(config.workers()).unwrap_or(u64::MAX);
    let uploads = u64::try_from(config.jobs.upload_memory_mib).unwrap_or(u64::MAX);
    let clips = u64::try_from(config.clips.workers).unwrap_or(u64::MAX);
    let usual = IDLE_MIB + workers.saturating_mul(WORKER_MIB) + uploads;
    let worst = usual + clips.saturating_mul(clip::MEMORY_MAX / MIB);
    let seen = format!(
        "{} MiB, {} MiB available; at full load about {usual} MiB, at the limits of every clip's decoder {worst} MiB",
        total / MIB,
        available / MIB
    );
    vec![if available / MIB < usual {
        Finding::bad("memory", seen, "add memory, or lower jobs.workers and jobs.upload_memory_mib")
    } else if total / MIB < worst {
        Finding::warning("memory", seen, "a decoder that takes too much is ended alone; lower clips.workers to be sure")
    } else {
        Finding::good("memory", seen)
    }]
}

/// Bytes in all, and bytes that can be had without swapping.
fn meminfo() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let of = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
    };
    Some((of("MemTotal:")?, of("MemAvailable:")?))
}

pub(super) fn disk(config: &Config) -> Vec<Finding> {
    let folder = existing(&config.data.dir);
    let mut findings = Vec::new();
    match rustix::fs::statvfs(&folder) {
        Ok(seen) => {
            let free = seen.f_bavail.saturating_mul(seen.f_frsize) / MIB;
            let text = format!("{free} MiB free at {}", folder.display());
            findings.push(match free < FREE_MIB_MIN {
                true => Finding::bad("disk", text, "make room: a full disk refuses new work with 507"),
                false => Finding::good("disk", text),
            });
        }
        Err(error) => {
            findings.push(Finding::warning("disk", format!("{}: {error}", folder.display()), "look at it with `df`"))
        }
    }
    findings.push(match sync_milliseconds(&folder) {
        Ok((median, slowest)) => {
            let text = format!("a synced write of 4 KiB takes {median:.2} ms (median of {SYNCS}), {slowest:.2} ms at most");
            match median {
                slow if slow > SYNC_MILLISECONDS_SLOW => {
                    Finding::warning("disk", text, "every answer waits for such a write; put the data on an SSD of its own")
                }
                // No disk with a cache that survives a power cut is known to do this; memory and liars do.
                fast if fast < 0.02 => Finding::warning(
                    "disk",
                    text,
                    "that is too fast for a disk: a file system in memory, or one that ignores syncs, loses data with the power",
                ),
                _ => Finding::good("disk", text),
            }
        }
        Err(error) => Finding::bad(
            "disk",
            format!("{}: {error}", folder.display()),
            "run this as the service's user or as root; the server must be able to write there",
        ),
    });
    findings
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> PathBuf {
    folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Median and longest time of a small write with `fdatasync`.
pub(super) fn sync_milliseconds(folder: &Path) -> std::io::Result<(f64, f64)> {
    let path = folder.join(format!(".twoface-doctor-{}", std::process::id()));
    let measured = measure_syncs(&path);
    fs::remove_file(&path)?;
    let mut times = measured?;
    times.sort_by(f64::total_cmp);
    Ok((times.get(SYNCS / 2).copied().unwrap_or_default(), times.last().copied().unwrap_or_default()))
}

fn measure_syncs(path: &Path) -> std::io::Result<Vec<f64>> {
    let mut file = File::create_new(path)?;
    (0..SYNCS)
        .map(|_| {
            let watch = Stopwatch::start();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            Ok(watch.elapsed_ms())
        })
        .collect()
}

pub(super) fn clock() -> Finding {
    let now = Clock::system().now();
    let advice = "sessions, expiries and the audit log go by the clock: keep it with chrony or systemd-timesyncd and a time source of your network";
    if now.as_millis() < BEFORE_THIS_PROGRAM {
        return Finding::bad("clock", format!("it says {now}"), advice);
    }
    let kept = ["/run/systemd/timesync/synchronized", "/run/chrony/chronyd.pid", "/run/chronyd.pid", "/run/ntpd.pid"];
    match kept.iter().find(|mark| Path::new(mark).exists()) {
        Some(mark) => Finding::good("clock", format!("{now}, kept ({mark})")),
        None => Finding::warning("clock", format!("{now}; nothing that is known keeps it"), advice),
    }
}

pub(super) fn sandbox(config: &Config) -> Finding {
    let modules = fs::read_to_string("/sys/kernel/security/lsm").unwrap_or_default();
    let advice =
        "clips.landlock is \"required\" and no clip would be decoded: boot with lsm=landlock,… or set \"if-available\"";
    match (modules.split(',').any(|module| module.trim() == "landlock"), config.clips.landlock) {
        (true, _) => Finding::good("clips", "the kernel has Landlock for the decoder's walls"),
        (false, _) if modules.is_empty() => Finding::warning(
            "clips",
            "/sys/kernel/security cannot be read: whether there is Landlock is unknown",
            advice,
        ),
        (false, Landlock::Required) => Finding::bad("clips", "the kernel has no Landlock", advice),
        (false, Landlock::IfAvailable) => Finding::good("clips", "no Landlock; the other walls stand"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_measured_not_guessed() {
        let (total, available) = meminfo().unwrap();
        assert!(total >= available && available > 0);
        let folder = tempfile::tempdir().unwrap();
        let (median, slowest) = sync_milliseconds(folder.path()).unwrap();
        assert!(median > 0.0 && slowest >= median);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
        assert_eq!(existing(&folder.path().join("a/b")), folder.path());
    }
}
