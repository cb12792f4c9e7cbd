//! Accounts and API keys.

use std::time::Duration;

use super::{Answer, Names, no_account};
use crate::admin::reply::{AccountSeen, KeySeen, Reply};
use crate::admin::request::{Accounts, Keys};
use crate::domain::account::Account;
use crate::domain::audit::Actor;
use crate::domain::id::Id;
use crate::domain::key::{ApiKeyRecord, KeyTerms};
use crate::domain::refusal::Stop;
use crate::service::Service;

pub(super) fn keys(service: &Service, by: &Actor, command: Keys) -> Answer {
    match command {
        Keys::Create { account, name, scopes, expires, from, certificate, answer } => {
            let end = |days| service.now().after(Duration::from_secs(u64::from(days) * 86_400));
            let expires_at = expires.map(end);
            let rest = KeyTerms::default();
            let terms = KeyTerms { scopes, expires_at, addresses: from, certificates: certificate, answer, ..rest };
            create(service, by, &account, &name, terms)
        }
        Keys::Rotate { id, overlap } => rotate(service, by, id, overlap),
        Keys::List => list(service).map(Reply::Keys),
        Keys::Revoke { id } => {
            let record = service.revoke_key(by, id)?;
            Ok(Reply::Revoked(seen(service, &record, &Names::of(service)?.name(record.account))))
        }
    }
}

pub(super) fn accounts(service: &Service, by: &Actor, command: Accounts) -> Answer {
    match command {
        Accounts::Create { name } => {
            if name.trim().is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
                return Ok(Reply::Refused("an account's name is 1 to 100 characters".to_owned()));
            }
            Ok(Reply::Accounts(vec![account_seen(service.make_account(by, name.trim())?)]))
        }
        Accounts::Set { account, review_unproven } => {
            match service.accounts()?.into_iter().find(|known| known.name == account) {
                Some(known) => Ok(Reply::Accounts(vec![account_seen(service.set_review_unproven(
                    by,
                    known.id,
                    review_unproven,
                )?)])),
                None => Ok(Reply::Refused(no_account(&account))),
            }
        }
        Accounts::List => Ok(Reply::Accounts(service.accounts()?.into_iter().map(account_seen).collect())),
    }
}

fn create(service: &Service, by: &Actor, account: &str, name: &str, terms: KeyTerms) -> Answer {
    if name.trim().is_empty() || name.len() > 100 || name.chars().any(char::is_control) {
        return Ok(Reply::Refused("a key's name is 1 to 100 characters".to_owned()));
    }
    let accounts = service.accounts()?;
    let Some(account) = accounts.into_iter().find(|known| known.name == account) else {
        return Ok(Reply::Refused(no_account(account)));
    };
    let (record, secret) = service.create_key(by, account.id, name.trim(), terms)?;
    Ok(Reply::Key { key: seen(service, &record, &account.name), secret })
}

fn rotate(service: &Service, by: &Actor, id: Id, overlap_hours: u32) -> Answer {
    let (record, secret) = service.rotate_key(by, id, Duration::from_secs(u64::from(overlap_hours) * 3_600))?;
    Ok(Reply::Key { key: seen(service, &record, &Names::of(service)?.name(record.account)), secret })
}

/// Every key of every account.
pub(super) fn list(service: &Service) -> Result<Vec<KeySeen>, Stop> {
    let mut keys = Vec::new();
    for account in service.accounts()? {
        keys.extend(service.keys(account.id)?.iter().map(|record| seen(service, record, &account.name)));
    }
    Ok(keys)
}

pub(super) fn account_seen(account: Account) -> AccountSeen {
    let Account { id, name, created_at, retention, review_unproven, .. } = account;
    AccountSeen { id, name, created_at, retention, review_unproven }
}

fn seen(service: &Service, record: &ApiKeyRecord, account: &str) -> KeySeen {
    let now = service.now();
    KeySeen {
        id: record.id,
        account: account.to_owned(),
        name: record.name.clone(),
        created_at: record.created_at,
        revoked_at: record.revoked_at,
        scopes: record.terms.scopes.clone(),
        expires_at: record.terms.expires_at,
        addresses: record.terms.addresses.clone(),
        certificates: record.terms.certificates.clone(),
        answer: record.terms.answer,
        old_secret_until: record.old_secret.as_ref().map(|old| old.until).filter(|until| *until > now),
        last_used_at: record.last_used_at,
        live: record.is_live(now),
    }
}
