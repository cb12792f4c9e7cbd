//! Carrying out a request: one function for each, in files by subject.

mod attempts;
mod keys;
mod people;
mod status;

use super::reply::{LogLine, Reply, SetBy, SettingSeen};
use super::request::Request;
use super::{Actor, Desk, audit, blocklist, limits, sentence, webhooks};
use crate::config::{Origin, Setting};
use crate::domain::id::Id;
use crate::domain::refusal::Stop;
use crate::service::Service;
use crate::service::workflows::Workflows;

type Answer = Result<Reply, Stop>;

/// Carries out one request in the name of `actor`.
pub fn handle(desk: &Desk, actor: &Actor, request: Request) -> Reply {
    let (service, by) = (&*desk.service, &actor.by());
    let done = match request {
        Request::Status => status::status(desk, actor),
        Request::Keys(command) => keys::keys(service, by, command),
        Request::Accounts(command) => keys::accounts(service, by, command),
        Request::Blocklist(command) => blocklist::handle(service, by, command),
        Request::Workflows => Ok(Reply::Workflows(service.workflows().all().cloned().collect())),
        Request::WorkflowsFile => Ok(workflows_file(service)),
        Request::Sessions(command) => attempts::sessions(service, by, command),
        Request::Attempts(command) => attempts::attempts(service, by, command),
        Request::Review(command) => attempts::review(service, actor, command),
        Request::Jobs(command) => attempts::jobs(service, command),
        Request::Picture { attempt, file, side } => attempts::picture(desk, attempt, &file, side),
        Request::Users(command) => people::users(service, by, command),
        Request::Audit(command) => audit::handle(service, &command),
        Request::Settings => Ok(settings(service)),
        Request::Logs(logs) => {
            let lines = (desk.log)(logs.after, usize::try_from(logs.lines).unwrap_or(usize::MAX));
            Ok(Reply::Log(lines.into_iter().map(|(number, text)| LogLine { number, text }).collect()))
        }
        Request::Erase(whom) => people::erase(service, by, &whom),
        Request::Erasures => service.erasures().map(Reply::Erasures),
        Request::Retention(command) => people::retention(service, by, command),
        Request::Limits(command) => limits::handle(service, by, command),
        Request::Webhooks(command) => webhooks::handle(service, by, command),
        Request::Export { file } => service.export(by, &file).map(|records| Reply::Exported { records }),
        Request::Backup { folder } => service.backup(by, &folder).map(|done| Reply::BackedUp {
            rows: done.rows,
            files: done.files,
            files_copied: done.files_copied,
            bytes_copied: done.bytes_copied,
        }),
    };
    done.unwrap_or_else(|stop| Reply::Refused(sentence(&stop)))
}

fn workflows_file(service: &Service) -> Reply {
    match Workflows::load(&service.config().workflows.file) {
        Ok(read) => Reply::WorkflowsFile { differing: service.workflows().differing(&read) },
        Err(why) => Reply::Refused(why),
    }
}

fn settings(service: &Service) -> Reply {
    let seen = |Setting { name, value, from }: &Setting| SettingSeen {
        name: name.clone(),
        value: value.clone(),
        from: match from {
            Origin::Default => SetBy::Default,
            Origin::File => SetBy::File,
            Origin::Variable(name) => SetBy::Variable(name.clone()),
        },
    };
    Reply::Settings(service.config().settings.iter().map(seen).collect())
}

fn no_account(name: &str) -> String {
    format!("there is no account {name:?}; make it with `twoface accounts create {name}`")
}

/// The accounts by id, for lists that name them.
struct Names(Vec<(Id, String)>);

impl Names {
    fn of(service: &Service) -> Result<Self, Stop> {
        Ok(Self(service.accounts()?.into_iter().map(|account| (account.id, account.name)).collect()))
    }

    fn name(&self, account: Id) -> String {
        self.0.iter().find(|(id, _)| *id == account).map_or_else(String::new, |(_, name)| name.clone())
    }

    /// The account that a list is asked of: `Ok(None)` for all, a sentence if there is none of that name.
    fn wanted(&self, name: Option<&str>) -> Result<Option<Id>, String> {
        match name {
            None => Ok(None),
            Some(name) => match self.0.iter().find(|(_, known)| known == name) {
                Some((id, _)) => Ok(Some(*id)),
                None => Err(no_account(name)),
            },
        }
    }
}
