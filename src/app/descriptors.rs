//! How many files and connections this process may open, and how they are shared out.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// For the database, the log, the listener, and what libraries open for themselves.
const OWN: usize = 64;
/// What is shared out where there is no limit.
const MANY: usize = 1 << 20;
/// Connections of callers, unless a setting says otherwise.
const MOST_CALLERS: usize = 4_096;
/// Less room than this is none.
const LEAST: usize = 16;

/// The shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Descriptors {
    /// Connections of callers.
    pub(super) callers: usize,
    /// Calls to OZmap and INT6 under way at once.
    pub(super) calls: usize,
    /// Connections to them that are kept for the next call.
    pub(super) idle: usize,
}

impl Descriptors {
    /// Raises the limit to what the platform allows at most, and shares it out. `most_callers` is what a setting says.
    pub(super) fn raised(most_callers: Option<usize>) -> Descriptors {
        let limit = raised();
        let shares = Descriptors::of(limit, most_callers);
        let Descriptors { callers, calls, idle } = shares;
        let limit = limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
        tracing::info!(limit, callers, calls, idle, "open files and connections are limited, and shared out");
        shares
    }

    fn of(limit: Option<u64>, most_callers: Option<usize>) -> Descriptors {
        let limit = limit.and_then(|limit| usize::try_from(limit).ok()).map_or(MANY, |limit| limit.min(MANY));
        let room = limit.saturating_sub(OWN);
        // A fifth is left for those that are being closed.
        let callers = match most_callers {
            Some(most) => most.min(room * 3 / 5),
            None => MOST_CALLERS.min(room * 2 / 5),
        };
        let callers = callers.max(LEAST);
        let outgoing = (room * 4 / 5).saturating_sub(callers).max(LEAST);
        Descriptors { callers, calls: outgoing * 3 / 4, idle: outgoing / 4 }
    }
}

/// The limit that holds now; `None` is none.
fn raised() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files and connections could not be raised");
            current
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::few(Some(1_024), None, 384, 288, 96)]
    #[case::as_a_unit_sets_it(Some(65_536), None, 4_096, 36_210, 12_070)]
    #[case::a_setting_within_the_limit(Some(1_024), Some(200), 200, 426, 142)]
    #[case::a_setting_beyond_the_limit(Some(1_024), Some(100_000), 576, 144, 48)]
    #[case::hardly_any(Some(70), None, 16, 12, 4)]
    fn the_shares_fit_into_the_limit(
        #[case] limit: Option<u64>,
        #[case] most: Option<usize>,
        #[case] callers: usize,
        #[case] calls: usize,
        #[case] idle: usize,
    ) {
        assert_eq!(Descriptors::of(limit, most), Descriptors { callers, calls, idle });
    }

    #[test]
    fn without_a_limit_there_is_room_for_as_many_as_a_gateway_needs() {
        assert_eq!(Descriptors::of(None, None), Descriptors::of(Some(1 << 20), None));
    }

    #[test]
    fn the_limit_is_the_highest_there_may_be() {
        let limit = raised();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!((limit, current), (maximum, maximum));
    }
}
