//! What is known of a host by the calls that were made: for readiness, the gauges and the notices alike.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use super::error::Kind;

/// Outages in a row before a host counts as away where somebody waits for each call; a run has tried long enough by one.
const QUESTIONS: u32 = 5;

/// How a host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContactState {
    /// It was not called yet.
    #[default]
    Unknown,
    /// It answers, be it with a refusal.
    Answering,
    /// The last call got no answer, or none that is understood.
    Failing,
    /// It does not answer, or another does in its place: several calls in a row, or one that was repeated for long, say so.
    Away,
    /// It failed several times in a row and is left alone for a while.
    LeftAlone,
    /// It does not accept the credentials, be it for reading or for writing.
    KeyRefused,
}

/// What is known of a host.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Contact {
    /// How it stands.
    pub state: ContactState,
    /// Why it came into this state, for people; empty while it answers.
    pub why: String,
    /// When it last answered anything; `None` before the first time.
    pub last_answer_at: Option<Timestamp>,
}

/// What is known of a host, and every change of its state.
#[derive(Debug, Clone)]
pub struct ContactWatch {
    seen: watch::Receiver<Contact>,
}

impl ContactWatch {
    /// What is known now, whoever leaves it alone.
    pub fn now(&self) -> Contact {
        self.seen.borrow().clone()
    }

    /// Completes at the next change of the state; never, once the host is gone.
    pub async fn changed(&mut self) {
        if self.seen.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// What a call says of the host and of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// It took the key and answered, if only with a refusal.
    Answer,
    /// It did not take the key.
    KeyRefusal,
    /// It is there and asks for a pause.
    Plea,
    /// It is there, and what it says is no answer to this one.
    Nonsense,
    /// Something else answers in its place.
    Stranger,
    /// It is away, or what stands before it says so.
    Outage,
}

impl Heard {
    /// Of a call that went well, or failed like this; `None` if it says nothing of the host.
    pub(super) fn of(error: Option<&Kind>) -> Option<Heard> {
        let Some(kind) = error else { return Some(Heard::Answer) };
        match kind {
            Kind::Rejected { status, .. } if status.is_redirection() => Some(Heard::Stranger),
            Kind::Rejected { .. } => Some(Heard::Answer),
            Kind::Unauthorized { .. } => Some(Heard::KeyRefusal),
            Kind::RateLimited { .. } => Some(Heard::Plea),
            Kind::Page { .. } => Some(Heard::Stranger),
            Kind::Malformed { .. } => Some(Heard::Nonsense),
            Kind::Failing { .. } if kind.is_outage() => Some(Heard::Outage),
            Kind::Failing { .. } => Some(Heard::Nonsense),
            Kind::Unreachable { .. } | Kind::Untrusted { .. } => Some(Heard::Outage),
            Kind::CircuitOpen
            | Kind::QuotaExhausted
            | Kind::Busy
            | Kind::LeaseLost
            | Kind::Stopped { .. } => None,
        }
    }
}

/// Whether a call changes something: a key may do the one and not the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Whether somebody waits for the call, or a run that has repeated it for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    Question,
    Run,
}

/// Sums up how calls went.
#[derive(Debug, Default)]
pub(super) struct ContactBook {
    streak: Mutex<Streak>,
    seen: watch::Sender<Contact>,
}

#[derive(Debug, Default)]
struct Streak {
    outages: u32,
    refuses_reading: bool,
    refuses_writing: bool,
}

impl ContactBook {
    /// A call has come to its end, its repeats included.
    pub(super) fn note(&self, access: Access, effort: Effort, error: Option<&Kind>, now: Timestamp) {
        let Some(heard) = Heard::of(error) else { return };
        let is_silence = matches!(error, Some(Kind::Unreachable { .. } | Kind::Untrusted { .. }));
        let mut streak = self.streak.lock().unwrap_or_else(PoisonError::into_inner);
        self.seen.send_if_modified(|contact| {
            if !is_silence {
                contact.last_answer_at = Some(now);
            }
            let state = streak.after(access, effort, heard, contact.state);
            let is_new = state != contact.state;
            if is_new {
                contact.state = state;
                contact.why = error.map(Kind::to_string).unwrap_or_default();
            }
            is_new
        });
    }

    /// What is known now.
    pub(super) fn now(&self) -> Contact {
        self.seen.borrow().clone()
    }

    pub(super) fn watched(&self) -> ContactWatch {
        ContactWatch { seen: self.seen.subscribe() }
    }
}

impl Streak {
    fn after(&mut self, access: Access, effort: Effort, heard: Heard, before: ContactState) -> ContactState {
        if matches!(heard, Heard::Outage | Heard::Stranger) {
            self.outages = self.outages.saturating_add(1);
            let is_away = before == ContactState::Away || effort == Effort::Run || self.outages >= QUESTIONS;
            return if is_away { ContactState::Away } else { ContactState::Failing };
        }
        self.outages = 0;
        let refuses = match access {
            Access::Read => &mut self.refuses_reading,
            Access::Write => &mut self.refuses_writing,
        };
        match heard {
            Heard::Answer => *refuses = false,
            Heard::KeyRefusal => *refuses = true,
            Heard::Nonsense => return ContactState::Failing,
            // What it thinks of the key it did not say.
            Heard::Plea | Heard::Outage | Heard::Stranger => (),
        }
        match self.refuses_reading || self.refuses_writing {
            true => ContactState::KeyRefused,
            false => ContactState::Answering,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::StatusCode;

    use super::super::error::SaidIn;
    use super::Access::{Read, Write};
    use super::Effort::{Question, Run};
    use super::*;

    fn unreachable() -> Kind {
        Kind::Unreachable { cause: "time-out".to_owned() }
    }

    fn refused(status: StatusCode) -> Kind {
        Kind::of_status(status, None, String::new(), SaidIn::Json)
    }

    fn note(book: &ContactBook, access: Access, effort: Effort, error: Option<Kind>) -> ContactState {
        book.note(access, effort, error.as_ref(), Timestamp::UNIX_EPOCH);
        book.now().state
    }

    #[test]
    fn what_is_known_of_a_host_follows_its_answers() {
        let (book, mut now) = (ContactBook::default(), Timestamp::UNIX_EPOCH);
        assert_eq!(book.now(), Contact::default());
        let seen = [
            (Some(unreachable()), ContactState::Failing, None),
            (None, ContactState::Answering, Some(2)),
            (Some(refused(StatusCode::UNAUTHORIZED)), ContactState::KeyRefused, Some(3)),
            (Some(Kind::CircuitOpen), ContactState::KeyRefused, Some(3)),
            (Some(Kind::Stopped { was_sent: true }), ContactState::KeyRefused, Some(3)),
            (Some(refused(StatusCode::NOT_FOUND)), ContactState::Answering, Some(6)),
            (Some(refused(StatusCode::BAD_GATEWAY)), ContactState::Failing, Some(7)),
            (Some(refused(StatusCode::TOO_MANY_REQUESTS)), ContactState::Answering, Some(8)),
            (Some(refused(StatusCode::INTERNAL_SERVER_ERROR)), ContactState::Failing, Some(9)),
        ];
        for (error, state, answered) in seen {
            now += jiff::SignedDuration::from_secs(1);
            book.note(Read, Question, error.as_ref(), now);
            let answered = answered.map(|second| Timestamp::from_second(second).expect("a time"));
            let Contact { state: found, last_answer_at, .. } = book.now();
            assert_eq!((found, last_answer_at), (state, answered), "{error:?}");
        }
    }

    #[test]
    fn a_host_is_away_after_a_runs_call_or_five_questions_in_a_row() {
        let book = ContactBook::default();
        (0..4).for_each(|_| {
            assert_eq!(note(&book, Read, Question, Some(unreachable())), ContactState::Failing)
        });
        assert_eq!(note(&book, Read, Question, Some(unreachable())), ContactState::Away);
        assert_eq!(note(&book, Read, Question, None), ContactState::Answering);
        let page = Kind::of_status(StatusCode::FOUND, None, String::new(), SaidIn::Page);
        assert_eq!(note(&book, Read, Run, Some(page)), ContactState::Away, "another answers in its place");
        assert_eq!(note(&book, Read, Question, Some(unreachable())), ContactState::Away);
    }

    #[test]
    fn a_key_that_may_read_and_not_write_is_refused_until_it_may_write() {
        let book = ContactBook::default();
        let forbidden = || Some(refused(StatusCode::FORBIDDEN));
        assert_eq!(note(&book, Write, Run, forbidden()), ContactState::KeyRefused);
        assert_eq!(note(&book, Read, Run, None), ContactState::KeyRefused);
        assert_eq!(note(&book, Read, Run, Some(unreachable())), ContactState::Away);
        assert_eq!(note(&book, Read, Run, None), ContactState::KeyRefused);
        assert_eq!(note(&book, Write, Run, None), ContactState::Answering);
    }

    #[tokio::test]
    async fn a_change_is_seen_once_and_what_stays_as_it_is_is_none() {
        let book = ContactBook::default();
        let mut watch = book.watched();
        note(&book, Read, Question, None);
        watch.changed().await;
        note(&book, Read, Question, None);
        let waited = tokio::time::timeout(Duration::from_millis(20), watch.changed());
        assert!(waited.await.is_err(), "nothing changed");
        note(&book, Read, Run, Some(unreachable()));
        watch.changed().await;
        let Contact { state, why, .. } = watch.now();
        assert_eq!((state, why), (ContactState::Away, unreachable().to_string()));
    }
}
