//! Sessions: opened with an API key, used with their token, ended by closing or by time.

use std::time::Duration;

use super::audit::noted;
use super::events::tell;
use super::once::{Once, came_to};
use super::{Committed, KeyHolder, Service, SessionHolder, failed, person, put, unreadable};
use crate::crypto;
use crate::domain::attempt::{Attempt, AttemptKind, AttemptStatus, Closing, Session};
use crate::domain::audit::{Act, Actor, Entry};
use crate::domain::event::Happened;
use crate::domain::hex;
use crate::domain::id::Id;
use crate::domain::refusal::{Refusal, Stop};
use crate::domain::replay::Effect;
use crate::store::tables::{Table, hash_key, ids, key};
use crate::store::{Commit, Expect};

/// Session tokens belong to no account until they are looked up.
pub(super) const NO_ACCOUNT: Id = Id::from_bytes([0; 12]);

impl Service {
    /// Opens a session and its attempt. The token is shown this once, and for a day to whoever asks with the same idempotency key.
    pub fn open_session(&self, holder: KeyHolder, kind: AttemptKind, once: Option<&Once>) -> Result<String, Stop> {
        self.open(holder, kind, once).map(|(_, token)| token)
    }

    pub(super) fn open(
        &self,
        holder: KeyHolder,
        kind: AttemptKind,
        once: Option<&Once>,
    ) -> Result<(SessionHolder, String), Stop> {
        let now = self.clock.now();
        let token = hex::encode(&crypto::random::<32>());
        let session = Session {
            token_hash: self.token_hash(&token),
            expires_at: now.after(Duration::from_secs(self.config.sessions.minutes * 60)),
            answer: holder.answer,
            key: Some(holder.key),
        };
        let attempt = Attempt::open(self.ids.next(now), holder.account, kind, now, session);
        let row = key(&[attempt.account, attempt.id]);
        let mut commit = Commit {
            expects: vec![Expect::Absent(Table::Attempts, row.clone())],
            ops: vec![
                put(Table::Attempts, row, &attempt, person(attempt.account, attempt.id))?,
                tell(attempt.account, now, Happened::AttemptCreated { attempt: attempt.id, kind })?,
            ],
        };
        came_to(once, &mut commit, holder.account, now, || Effect::SessionOpened { token: token.clone() })?;
        match self.commit(commit)? {
            Committed::Done => Ok((
                SessionHolder {
                    account: attempt.account,
                    attempt: attempt.id,
                    answer: holder.answer,
                    key: Some(holder.key),
                },
                token,
            )),
            Committed::Conflict => Err(crate::domain::refusal::Failure("two attempts with one id".to_owned()).into()),
        }
    }

    /// Who holds `token`, if its session is open.
    pub fn session_of(&self, token: &str) -> Result<SessionHolder, Stop> {
        let refused = || Stop::from(Refusal::InvalidToken);
        let row = hash_key(&self.token_hash(token)).map_err(|bad| unreadable(Table::SessionsByToken, bad))?;
        let found = self.store.get(Table::SessionsByToken, &row).map_err(failed)?.ok_or_else(refused)?;
        let [account, attempt] = ids(&found).map_err(|bad| unreadable(Table::SessionsByToken, bad))?;
        let record: Attempt = self.record(Table::Attempts, &found)?.ok_or_else(refused)?;
        match &record.session {
            Some(session) if record.is_open(self.clock.now()) => {
                Ok(SessionHolder { account, attempt, answer: session.answer, key: session.key })
            }
            _ => Err(refused()),
        }
    }

    /// Closes a session as the client judged it; the token is invalid from then on. Jobs still running finish and are recorded.
    pub fn close_session(&self, holder: SessionHolder, closing: Closing, once: Option<&Once>) -> Result<Id, Stop> {
        let _one = self.one_registration(&self.jobs_of(holder.account, holder.attempt)?);
        let new = self.change_attempt(holder.account, holder.attempt, |attempt| {
            let now = self.clock.now();
            if !attempt.is_open(now) {
                return Err(Refusal::InvalidToken.into());
            }
            let mut commit = Commit::default();
            let closed = || Effect::SessionClosed { attempt: holder.attempt };
            came_to(once, &mut commit, holder.account, now, closed)?;
            Ok((self.close(attempt, closing.status(), now, &mut commit)?, commit))
        })?;
        new.map(|new| self.enrolled(new));
        Ok(holder.attempt)
    }

    /// Writes EXPIRED into attempts whose session ran out. Returns how many.
    pub fn expire_sessions(&self) -> Result<usize, Stop> {
        let mut expired = 0;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = self.store.scan(Table::SessionsByToken, &[], after.as_deref(), 256).map_err(failed)?;
            let Some((last, _)) = page.last() else { return Ok(expired) };
            after = Some(last.clone());
            for (_, row) in &page {
                let now = self.clock.now();
                let Some(record) = self.record::<Attempt>(Table::Attempts, row)? else { continue };
                if record.status_at(now) != AttemptStatus::Expired {
                    continue;
                }
                expired += self.change_attempt(record.account, record.id, |attempt| {
                    // Somebody may have closed it since.
                    let run_out = attempt.status_at(now) == AttemptStatus::Expired && attempt.session.is_some();
                    if !run_out {
                        return Ok((0, Commit::default()));
                    }
                    let status = AttemptStatus::Expired;
                    attempt.end(status, now);
                    let expired = tell(attempt.account, now, Happened::AttemptExpired { attempt: attempt.id, status })?;
                    let entry = Entry::new(now, Actor::System, Act::AttemptClosed).of(attempt.account, attempt.id);
                    let noted = noted(&entry.word(status.name()))?;
                    Ok((1, Commit { ops: vec![expired, noted], ..Commit::default() }))
                })?;
            }
        }
    }

    pub(super) fn token_hash(&self, token: &str) -> String {
        hex::encode(&self.store.blind(NO_ACCOUNT, "session token", token))
    }
}
