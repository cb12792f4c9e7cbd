//! Registered people, their erasure, and retention.

use super::keys::account_seen;
use super::{Answer, Names};
use crate::admin::reply::{Reply, UserSeen};
use crate::admin::request::{Retention, Users, Whom};
use crate::domain::account::Retention as Days;
use crate::domain::audit::Actor;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::user::{DocumentNumber, User};
use crate::service::Service;
use crate::service::erasure::Erased;
use crate::service::retention::{Mode, Swept};

pub(super) const NOT_A_NUMBER: &str = "a document number is 1 to 64 characters with a letter or digit";

pub(super) fn users(service: &Service, by: &Actor, command: Users) -> Answer {
    let names = Names::of(service)?;
    match command {
        Users::List(part) => {
            let account = match names.wanted(part.account.as_deref()) {
                Ok(account) => account,
                Err(why) => return Ok(Reply::Refused(why)),
            };
            let page = service.users_anywhere(account, part.cursor, part.limit as usize)?;
            let users = page.rows.into_iter().map(|user| seen(user, &names)).collect();
            Ok(Reply::Users { users, next: page.next })
        }
        Users::Find { document } => {
            let Some(number) = DocumentNumber::parse(&document) else {
                return Ok(Reply::Refused(NOT_A_NUMBER.to_owned()));
            };
            let mut users = Vec::new();
            for account in service.accounts()? {
                match service.user_by_document(account.id, &number) {
                    Ok(user) => users.push(seen(user, &names)),
                    Err(Stop::Refused(Refusal::NoEntity { .. })) => {}
                    Err(stop) => return Err(stop),
                }
            }
            Ok(Reply::Users { users, next: None })
        }
        Users::Show { id } => {
            let user = service.user(service.account_of_user(id)?, id)?;
            Ok(Reply::User(Box::new(seen(user, &names))))
        }
        Users::Erase { id } => Ok(erased(service.erase_user(by, service.account_of_user(id)?, id)?)),
    }
}

fn seen(user: User, names: &Names) -> UserSeen {
    UserSeen {
        id: user.id,
        account: names.name(user.account),
        document_id: user.document_id.as_str().to_owned(),
        document_type: user.document_type,
        attempt: user.attempt,
        created_at: user.created_at,
        metadata: user.metadata,
    }
}

pub(super) fn erase(service: &Service, by: &Actor, whom: &Whom) -> Answer {
    let done = if let Some(text) = &whom.document {
        let Some(number) = DocumentNumber::parse(text) else { return Ok(Reply::Refused(NOT_A_NUMBER.to_owned())) };
        service.erase_document(by, &number)?
    } else if let Some(id) = whom.user {
        service.erase_somewhere(by, id, Service::erase_user)?
    } else if let Some(id) = whom.attempt {
        service.erase_somewhere(by, id, Service::erase_attempt)?
    } else {
        return Ok(Reply::Refused("name a document number, a user or an attempt".to_owned()));
    };
    Ok(erased(done))
}

fn erased(done: Erased) -> Reply {
    Reply::Erased { subjects: done.subjects, rows: done.rows, files: done.files }
}

pub(super) fn retention(service: &Service, by: &Actor, command: Retention) -> Answer {
    match command {
        Retention::Set { account, photos, clips, attempts } => {
            let days = Days { photos_days: photos, clips_days: clips, attempts_days: attempts };
            match service.accounts()?.into_iter().find(|known| known.name == account) {
                Some(known) => Ok(Reply::Accounts(vec![account_seen(service.set_retention(by, known.id, days)?)])),
                None => {
                    Ok(Reply::Refused(format!("there is no account {account:?}; `twoface accounts list` shows them")))
                }
            }
        }
        Retention::Preview => service.sweep_retention(by, Mode::Preview).map(|swept| told(swept, true)),
        Retention::Apply => service.sweep_retention(by, Mode::Remove).map(|swept| told(swept, false)),
    }
}

fn told(Swept { photos, clips, attempts }: Swept, preview: bool) -> Reply {
    Reply::Swept { photos, clips, attempts, preview }
}
