//! What a worker takes from itself before it reads the first byte of a clip.
//!
//! In this order, and nothing is begun that failed: not dumpable; Landlock, which forbids every file, port and signal;
//! limits; and last the filter of system calls, after which nothing can be opened, mapped executable, started or sent.
//! The limits come after Landlock, which needs a descriptor more than they leave.

use std::collections::BTreeMap;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Whether a kernel without Landlock (before Linux 5.13, or not switched on) will do. The other walls stand always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landlock {
    Required,
    IfAvailable,
}

/// Address space. HEVC keeps up to 16 pictures of 1920 × 1920 with their motion; measured peaks are far below.
pub const MEMORY_MAX: u64 = 768 * 1024 * 1024;

/// Builds every wall, or says which could not be built.
pub fn enter(landlock: Landlock, cpu_seconds: u64) -> Result<(), String> {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(|error| format!("dumpable: {error}"))?;
    forbid_files(landlock)?;
    let limits = [
        (Resource::As, MEMORY_MAX),
        (Resource::Cpu, cpu_seconds),
        (Resource::Fsize, 0),
        (Resource::Core, 0),
        (Resource::Nofile, 3),
        (Resource::Nproc, 0),
    ];
    for (resource, most) in limits {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).map_err(|error| format!("limit {resource:?}: {error}"))?;
    }
    let filter = system_calls().map_err(|error| format!("filter: {error}"))?;
    seccompiler::apply_filter(&filter).map_err(|error| format!("filter: {error}"))
}

fn forbid_files(landlock: Landlock) -> Result<(), String> {
    let outcome = everything_forbidden();
    let stands = outcome.as_ref().is_ok_and(|status| *status != RulesetStatus::NotEnforced);
    match landlock {
        Landlock::Required if !stands => Err(format!(
            "Landlock: {}",
            outcome.err().map_or("not in this kernel".to_owned(), |error| error.to_string())
        )),
        _ => Ok(()),
    }
}

/// A ruleset with no rule: what it handles is forbidden. Files are handled by every version; ports, signals and abstract
/// sockets where the kernel can.
fn everything_forbidden() -> Result<RulesetStatus, RulesetError> {
    let newest = ABI::V6;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::HardRequirement)
        .handle_access(AccessFs::from_all(ABI::V1))?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}

/// The calls that decoding needs, with their arguments where those matter; any other ends the process at once.
fn system_calls() -> Result<BpfProgram, seccompiler::Error> {
    let is = |argument, value| condition(argument, SeccompCmpOp::Eq, value);
    let not_executable = || condition(2, SeccompCmpOp::MaskedEq(u64::from(libc::PROT_EXEC as u32)), 0);
    let rule = |conditions: Vec<SeccompCondition>| SeccompRule::new(conditions);
    let anonymous = is(4, u64::from(u32::MAX))?;
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::from([
        // The clip comes in on 0; frames go out on 1 and a panic's message on 2. No other descriptor can be used.
        (libc::SYS_read, vec![rule(vec![is(0, 0)?])?]),
        (libc::SYS_write, vec![rule(vec![is(0, 1)?])?, rule(vec![is(0, 2)?])?]),
        (libc::SYS_mmap, vec![rule(vec![not_executable()?, anonymous])?]),
        (libc::SYS_mprotect, vec![rule(vec![not_executable()?])?]),
    ]);
    let plain = [
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
    calls.extend(plain.map(|call| (call, Vec::new())));
    let filter = SeccompFilter::new(calls, SeccompAction::KillProcess, SeccompAction::Allow, TargetArch::x86_64)?;
    Ok(filter.try_into()?)
}

fn condition(argument: u8, compare: SeccompCmpOp, value: u64) -> Result<SeccompCondition, seccompiler::Error> {
    Ok(SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)?)
}
