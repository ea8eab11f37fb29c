//! What calls say of a host as a whole: there or away, with the credentials or without; for whoever has to be told.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::error::Kind;

/// Questions in a row that no answer came to before the host counts as away; a run has tried long enough by one.
const QUESTIONS: u32 = 5;

/// How a host stands, by the calls of this process.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Contact {
    /// It was not called yet.
    #[default]
    Unknown,
    /// It answers, and takes the credentials.
    Answers,
    /// It answers, and does not take the credentials, for reading or for writing.
    RefusesKey {
        /// The same for people.
        why: String,
    },
    /// It cannot be reached.
    Away {
        /// Why not, for people.
        why: String,
    },
}

/// How a host stands, and every change of it.
#[derive(Debug, Clone)]
pub struct Contacts {
    seen: watch::Receiver<Seen>,
}

impl Contacts {
    /// How it stands now.
    pub fn now(&self) -> Contact {
        self.seen.borrow().contact.clone()
    }

    /// Completes at the next change; never, once the host is gone.
    pub async fn changed(&mut self) {
        if self.seen.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Whether it answered within this time.
    pub fn has_answered_within(&self, time: Duration) -> bool {
        self.seen.borrow().answered.is_some_and(|at| at.elapsed() <= time)
    }
}

#[derive(Debug, Default)]
struct Seen {
    contact: Contact,
    answered: Option<Instant>,
}

/// Whether a call changes something: a key may do the one and not the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Whether somebody waits for the call, or a run that has repeated it for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    Question,
    Run,
}

/// Sums the outcomes of calls up.
#[derive(Debug)]
pub(super) struct ContactBook {
    outcomes: Mutex<Outcomes>,
    seen: watch::Sender<Seen>,
}

#[derive(Debug, Default)]
struct Outcomes {
    outages: u32,
    away: Option<String>,
    refused_reading: Option<String>,
    refused_writing: Option<String>,
}

impl ContactBook {
    pub(super) fn new() -> ContactBook {
        ContactBook { outcomes: Mutex::default(), seen: watch::Sender::new(Seen::default()) }
    }

    pub(super) fn watched(&self) -> Contacts {
        Contacts { seen: self.seen.subscribe() }
    }

    /// Notes how a call ended, its repeats included.
    pub(super) fn note(&self, access: Access, caller: Caller, error: Option<&Kind>) {
        if error.is_some_and(Kind::was_not_called) {
            return;
        }
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        outcomes.note(access, caller, error);
        let (contact, answers) = (outcomes.contact(), error.is_none());
        self.seen.send_if_modified(|seen| {
            if answers {
                seen.answered = Some(Instant::now());
            }
            let is_new = contact.as_ref().is_some_and(|contact| !contact.is_like(&seen.contact));
            if let Some(contact) = contact.filter(|_| is_new) {
                seen.contact = contact;
            }
            is_new
        });
    }
}

impl Outcomes {
    fn note(&mut self, access: Access, caller: Caller, error: Option<&Kind>) {
        match error {
            Some(kind) if kind.is_outage() => {
                self.outages += 1;
                if caller == Caller::Run || self.outages >= QUESTIONS {
                    self.away = Some(kind.to_string());
                }
                return;
            }
            Some(kind) if kind.is_unauthorized() => *self.refused(access) = Some(kind.to_string()),
            // It is there; what it thinks of the key it did not say.
            Some(_) => (),
            None => *self.refused(access) = None,
        }
        (self.outages, self.away) = (0, None);
    }

    fn refused(&mut self, access: Access) -> &mut Option<String> {
        match access {
            Access::Read => &mut self.refused_reading,
            Access::Write => &mut self.refused_writing,
        }
    }

    /// `None` while the failures are too few to say anything.
    fn contact(&self) -> Option<Contact> {
        let refused = self.refused_reading.as_ref().or(self.refused_writing.as_ref());
        match (&self.away, refused) {
            (Some(why), _) => Some(Contact::Away { why: why.clone() }),
            (None, _) if self.outages > 0 => None,
            (None, Some(why)) => Some(Contact::RefusesKey { why: why.clone() }),
            (None, None) => Some(Contact::Answers),
        }
    }
}

impl Contact {
    /// Whether it is the same state, be it for another reason.
    fn is_like(&self, other: &Contact) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;

    use super::Access::{Read, Write};
    use super::Caller::{Question, Run};
    use super::*;

    fn outage() -> Kind {
        Kind::Unreachable { cause: "time-out".to_owned() }
    }

    fn unauthorized() -> Kind {
        Kind::of_status(StatusCode::FORBIDDEN, None, String::new())
    }

    fn state(book: &ContactBook) -> &'static str {
        match book.watched().now() {
            Contact::Unknown => "unknown",
            Contact::Answers => "answers",
            Contact::RefusesKey { .. } => "refuses",
            Contact::Away { .. } => "away",
        }
    }

    #[test]
    fn a_host_is_away_after_a_runs_call_or_five_questions_in_a_row() {
        let book = ContactBook::new();
        (0..4).for_each(|_| book.note(Read, Question, Some(&outage())));
        assert_eq!(state(&book), "unknown");
        book.note(Read, Question, Some(&outage()));
        assert_eq!(state(&book), "away");
        book.note(Read, Question, None);
        book.note(Read, Question, Some(&outage()));
        assert_eq!(state(&book), "answers", "one question is little");
        book.note(Read, Run, Some(&outage()));
        assert_eq!(state(&book), "away");
        book.note(Read, Run, Some(&Kind::CircuitOpen));
        assert_eq!(state(&book), "away", "it was not called");
    }

    #[test]
    fn a_key_that_may_read_and_not_write_is_refused_until_it_may_write() {
        let book = ContactBook::new();
        book.note(Write, Run, Some(&unauthorized()));
        book.note(Read, Run, None);
        assert_eq!(state(&book), "refuses");
        book.note(Write, Run, None);
        assert_eq!(state(&book), "answers");
    }

    #[tokio::test]
    async fn a_change_is_seen_once_and_what_stays_as_it_is_is_none() {
        let book = ContactBook::new();
        let mut contacts = book.watched();
        book.note(Read, Question, None);
        contacts.changed().await;
        assert!(contacts.has_answered_within(Duration::from_secs(60)));
        book.note(Read, Question, None);
        let waited = tokio::time::timeout(Duration::from_millis(20), contacts.changed());
        assert!(waited.await.is_err(), "nothing changed");
        book.note(Read, Run, Some(&outage()));
        contacts.changed().await;
        assert_eq!(contacts.now(), Contact::Away { why: outage().to_string() });
    }
}
