//! What is known of a host by the calls that were made.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::error::Kind;

/// How a host answered last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContactState {
    /// It was not called yet.
    #[default]
    Unknown,
    /// It answers, be it with a refusal.
    Answering,
    /// It does not answer, or its answers are not understood.
    Failing,
    /// It failed several times in a row and is left alone for a while.
    LeftAlone,
    /// It does not accept the credentials.
    KeyRefused,
}

/// What is known of a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contact {
    /// How it answered last.
    pub state: ContactState,
    /// When it last answered anything; `None` before the first time.
    pub last_answer_at: Option<Timestamp>,
}

/// Remembers how calls went.
#[derive(Debug, Default)]
pub(super) struct Contacts(Mutex<Contact>);

impl Contacts {
    /// A call went well, or failed like this; what says nothing of the host is left aside.
    pub(super) fn note(&self, error: Option<&Kind>, now: Timestamp) {
        let state = match error {
            None => ContactState::Answering,
            Some(Kind::Unauthorized { .. }) => ContactState::KeyRefused,
            Some(kind) if kind.was_not_called() || matches!(kind, Kind::Stopped { .. }) => return,
            Some(Kind::Rejected { .. } | Kind::RateLimited { .. }) => ContactState::Answering,
            Some(_) => ContactState::Failing,
        };
        let mut contact = self.contact();
        contact.state = state;
        if !matches!(error, Some(Kind::Unreachable { .. } | Kind::Untrusted { .. })) {
            contact.last_answer_at = Some(now);
        }
    }

    /// What is known now.
    pub(super) fn now(&self) -> Contact {
        *self.contact()
    }

    fn contact(&self) -> MutexGuard<'_, Contact> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::super::error::SaidIn;
    use super::*;

    #[test]
    fn what_is_known_of_a_host_follows_its_answers() {
        let (contacts, mut now) = (Contacts::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(contacts.now(), Contact::default());
        let unreachable = Kind::Unreachable { cause: "time-out".to_owned() };
        let refused = |status| Kind::of_status(status, None, String::new(), SaidIn::Json);
        let seen = [
            (Some(unreachable), ContactState::Failing, None),
            (None, ContactState::Answering, Some(2)),
            (Some(refused(StatusCode::UNAUTHORIZED)), ContactState::KeyRefused, Some(3)),
            (Some(Kind::CircuitOpen), ContactState::KeyRefused, Some(3)),
            (Some(Kind::Stopped { was_sent: true }), ContactState::KeyRefused, Some(3)),
            (Some(refused(StatusCode::NOT_FOUND)), ContactState::Answering, Some(6)),
            (Some(refused(StatusCode::BAD_GATEWAY)), ContactState::Failing, Some(7)),
        ];
        for (error, state, answered) in seen {
            now += jiff::SignedDuration::from_secs(1);
            contacts.note(error.as_ref(), now);
            let answered = answered.map(|second| Timestamp::from_second(second).expect("a time"));
            assert_eq!(contacts.now(), Contact { state, last_answer_at: answered }, "{error:?}");
        }
    }
}
