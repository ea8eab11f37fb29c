//! Lines in which the requests of this process stand for a lock, and what a caller can be told of its turn.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

type Tickets = Mutex<HashMap<String, BTreeSet<u64>>>;

/// The lines, by the name of what they are for.
#[derive(Debug, Default)]
pub(super) struct Lines {
    tickets: Arc<Tickets>,
}

impl Lines {
    /// Takes the last place of a line.
    pub(super) fn join(&self, name: String) -> PlaceInLine {
        let mut lines = lock(&self.tickets);
        let line = lines.entry(name.clone()).or_default();
        let ticket = line.last().map_or(0, |last| last + 1);
        line.insert(ticket);
        PlaceInLine { tickets: Arc::clone(&self.tickets), name, ticket }
    }
}

fn lock(tickets: &Tickets) -> MutexGuard<'_, HashMap<String, BTreeSet<u64>>> {
    tickets.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place in a line, from when it is joined until what it was for is given back; dropped, it is left.
#[derive(Debug)]
pub struct PlaceInLine {
    tickets: Arc<Tickets>,
    name: String,
    ticket: u64,
}

impl PlaceInLine {
    /// How many are before it, the one whose turn it is included. Those of other processes are not known.
    pub fn before(&self) -> usize {
        lock(&self.tickets).get(&self.name).map_or(0, |line| line.range(..self.ticket).count())
    }
}

impl Drop for PlaceInLine {
    fn drop(&mut self) {
        let mut lines = lock(&self.tickets);
        if let Some(line) = lines.get_mut(&self.name) {
            line.remove(&self.ticket);
            if line.is_empty() {
                lines.remove(&self.name);
            }
        }
    }
}

/// Whether what a caller asked for has begun. Who gives up and who begins agree on it: what was given up never begins.
#[derive(Debug, Default)]
pub struct Turn(Mutex<TurnCourse>);

#[derive(Debug, Default)]
struct TurnCourse {
    /// When the first line was joined.
    joined: Option<Instant>,
    step: TurnStep,
}

#[derive(Debug, Default)]
enum TurnStep {
    #[default]
    NotInLine,
    InLine(&'static str, Arc<PlaceInLine>),
    Begun {
        waited: Duration,
    },
    GivenUp,
}

/// What a caller can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnState {
    /// It has not come to a line yet; nothing was begun.
    NotInLine,
    /// It stands in line for this kind of thing; nothing was begun.
    InLine {
        /// `client` or `splitter`.
        kind: &'static str,
        /// Requests before it, at least one.
        before: usize,
    },
    /// It has begun, and goes on.
    Begun {
        /// For how long it stood in line.
        waited: Duration,
    },
}

impl Turn {
    /// It stands in line now.
    pub fn joins(&self, kind: &'static str, place: &Arc<PlaceInLine>) {
        let mut course = self.course();
        if !matches!(course.step, TurnStep::GivenUp) {
            course.joined.get_or_insert_with(Instant::now);
            course.step = TurnStep::InLine(kind, Arc::clone(place));
        }
    }

    /// Its turn has come; false if it was given up before.
    pub fn begins(&self) -> bool {
        let mut course = self.course();
        let waited = course.joined.map_or(Duration::ZERO, |joined| joined.elapsed());
        let begins = !matches!(course.step, TurnStep::GivenUp);
        if begins {
            course.step = TurnStep::Begun { waited };
        }
        begins
    }

    /// The caller waits no longer: what has not begun never does.
    pub fn give_up(&self) -> TurnState {
        let mut course = self.course();
        let state = match &course.step {
            TurnStep::NotInLine | TurnStep::GivenUp => TurnState::NotInLine,
            // One that is not known here stands before it: another process's.
            TurnStep::InLine(kind, place) => TurnState::InLine { kind, before: place.before().max(1) },
            TurnStep::Begun { waited } => TurnState::Begun { waited: *waited },
        };
        if !matches!(state, TurnState::Begun { .. }) {
            course.step = TurnStep::GivenUp;
        }
        state
    }

    fn course(&self) -> MutexGuard<'_, TurnCourse> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_line_is_what_stands_before_one_now() {
        let lines = Lines::default();
        let [first, second, third] = std::array::from_fn(|_| lines.join("north/splitter/1".to_owned()));
        let other = lines.join("north/splitter/2".to_owned());
        assert_eq!([&first, &second, &third, &other].map(PlaceInLine::before), [0, 1, 2, 0]);
        drop(second);
        assert_eq!(third.before(), 1, "one in the middle has given up");
        drop(first);
        assert_eq!(third.before(), 0);
        drop((third, other));
        assert!(lock(&lines.tickets).is_empty());
    }

    #[test]
    fn what_was_given_up_in_line_never_begins_and_what_has_begun_is_not_given_up() {
        let lines = Lines::default();
        let _first = lines.join("x".to_owned());
        let place = Arc::new(lines.join("x".to_owned()));
        let given_up = Turn::default();
        given_up.joins("splitter", &place);
        assert_eq!(given_up.give_up(), TurnState::InLine { kind: "splitter", before: 1 });
        assert!(!given_up.begins());
        given_up.joins("splitter", &place);
        assert!(!given_up.begins(), "nor later");
        let begun = Turn::default();
        begun.joins("client", &place);
        assert!(begun.begins());
        assert!(matches!(begun.give_up(), TurnState::Begun { .. }));
        assert!(begun.begins(), "it goes on");
        assert_eq!(Turn::default().give_up(), TurnState::NotInLine);
    }
}
