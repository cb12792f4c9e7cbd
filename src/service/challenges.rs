//! Challenges: a random order of steps with a nonce, which one clip of the same session may answer before it expires.

use std::time::Duration;

use super::{Service, SessionHolder};
use crate::crypto;
use crate::domain::attempt::Attempt;
use crate::domain::challenge::{Challenge, Step};
use crate::domain::hex;
use crate::domain::refusal::{Refusal, Stop};
use crate::store::Commit;
use crate::store::tables::{Table, key};

impl Service {
    /// Issues a challenge to a session. It takes the place of one that was not answered.
    pub fn issue_challenge(&self, holder: SessionHolder) -> Result<Challenge, Stop> {
        let now = self.clock.now();
        let challenge = Challenge {
            nonce: hex::encode(&crypto::random::<16>()),
            steps: shuffled(crypto::random()),
            expires_at: now.after(Duration::from_secs(self.config.liveness.challenge_seconds)),
        };
        self.change_attempt(holder.account, holder.attempt, |attempt| {
            if !attempt.is_open(now) {
                return Err(Refusal::InvalidToken.into());
            }
            attempt.challenge = Some(challenge.clone());
            Ok((challenge.clone(), Commit::default()))
        })
    }

    /// The session's challenge with this nonce. Unknown, expired and answered already are one answer.
    pub(super) fn challenge_named(&self, holder: SessionHolder, nonce: &str) -> Result<Challenge, Stop> {
        let attempt: Attempt =
            self.record(Table::Attempts, &key(&[holder.account, holder.attempt]))?.ok_or(Refusal::InvalidToken)?;
        let challenge = attempt.challenge.filter(|challenge| challenge.is_answered_by(nonce, self.clock.now()));
        Ok(challenge.ok_or(Refusal::ChallengeGone)?)
    }
}

/// The steps in an order that the random numbers decide (R. Durstenfeld's shuffle, 1964). Each number is so much larger than
/// what it is divided by that no order is more likely by a part in 10¹⁸.
fn shuffled(random: [u8; 32]) -> Vec<Step> {
    let mut steps = Step::ALL.to_vec();
    let numbers = random.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
    for (last, number) in (1..steps.len()).rev().zip(numbers) {
        steps.swap(last, (number % (last as u64 + 1)) as usize);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_order_comes_up_about_as_often() {
        let mut seen = BTreeMap::new();
        for _ in 0..4800 {
            *seen.entry(format!("{:?}", shuffled(crypto::random()))).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 24);
        // 200 expected, with a standard deviation of 14.
        assert!(seen.values().all(|count| (100..300).contains(count)), "{seen:?}");
    }
}
