//! The audit log as an administrator asks for it.

use clap::Subcommand;
use serde::{Deserialize, Serialize};

use super::Reply;
use crate::domain::refusal::Stop;
use crate::service::Service;

#[derive(Clone, Debug, PartialEq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audit {
    /// Print the last lines
    Tail {
        #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        count: u32,
    },
    /// Print the last lines in which a word stands: an id, an act like key.revoked, an actor like admin:ana
    Search {
        word: String,
        #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
        count: u32,
    },
    /// Check the whole log of this server
    Check,
    /// Print the public keys of the log and of evidence bundles: note them elsewhere
    Key,
}

/// Carries out one request.
pub fn handle(service: &Service, request: &Audit) -> Result<Reply, Stop> {
    let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Ok(match request {
        Audit::Tail { count: most } => Reply::AuditLines(service.tail_audit(count(*most))?.lines),
        Audit::Search { word, count: most } => Reply::AuditLines(service.search_audit(word, count(*most))?.lines),
        Audit::Check => Reply::AuditWhole(service.verify_audit()?),
        Audit::Key => {
            let (audit, evidence) = service.public_keys()?;
            Reply::PublicKeys { audit, evidence }
        }
    })
}
