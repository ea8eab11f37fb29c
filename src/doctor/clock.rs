//! The clocks of this machine and of both hosts, by the `Date` of their answers.

use jiff::SignedDuration;

use super::check::{Check, CheckStatus};
use super::words;

const WHAT: &str = "clock";
/// From here on ages are told wrong.
const MUCH: SignedDuration = SignedDuration::from_secs(30);
/// From here on tokens and guards fail.
const TOO_MUCH: SignedDuration = SignedDuration::from_mins(5);

/// How far the hosts' clocks are ahead of this machine's; `None` where a host did not say its time.
pub(super) fn clocks(int6: Option<SignedDuration>, ozmap: Option<SignedDuration>) -> Vec<Check> {
    let both = int6.zip(ozmap);
    if let Some((int6, ozmap)) = both
        && int6.abs() > MUCH
        && ozmap.abs() > MUCH
        && (int6 - ozmap).abs() <= MUCH
    {
        return vec![own(int6)];
    }
    let hosts = [("INT6", int6), ("OZmap", ozmap)];
    let wrong: Vec<Check> = hosts
        .iter()
        .filter_map(|(host, skew)| Some((host, skew.filter(|skew| skew.abs() > MUCH)?)))
        .map(|(host, skew)| of_host(host, skew, both.is_some()))
        .collect();
    if !wrong.is_empty() {
        return wrong;
    }
    let agreeing: Vec<&str> = hosts.iter().filter_map(|(host, skew)| skew.map(|_| *host)).collect();
    if agreeing.is_empty() {
        let remedy = "see with `timedatectl` that this machine's clock is kept right";
        return vec![Check::warn(
            WHAT,
            "no host said its time: this machine's clock was not compared",
            remedy,
        )];
    }
    let detail = format!("this machine's clock agrees with {} to within 30 s", agreeing.join(" and "));
    vec![Check::ok(WHAT, detail)]
}

fn status(skew: SignedDuration) -> CheckStatus {
    if skew.abs() > TOO_MUCH { CheckStatus::Fail } else { CheckStatus::Warn }
}

/// Ahead of us is behind for us.
fn own(skew: SignedDuration) -> Check {
    let way = if skew.is_negative() { "ahead of" } else { "behind" };
    let detail =
        format!("this machine's clock is {} {way} those of INT6 and OZmap, which agree", words::time(skew));
    let remedy = "set this machine's clock, and keep it right: `timedatectl set-ntp true`";
    Check::bad(status(skew), WHAT, detail, remedy)
}

fn of_host(host: &str, skew: SignedDuration, other_agrees: bool) -> Check {
    let way = if skew.is_negative() { "behind" } else { "ahead of" };
    let detail = format!("{host}'s clock is {} {way} this machine's", words::time(skew));
    let remedy = match other_agrees {
        true => format!("tell {host}'s operator: the other system's clock is another"),
        false => format!("look at this machine's clock (`timedatectl`) first, then tell {host}'s operator"),
    };
    Check::bad(status(skew), WHAT, detail, remedy)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn seconds(skew: i64) -> Option<SignedDuration> {
        Some(SignedDuration::from_secs(skew))
    }

    #[rstest]
    #[case::both_right(seconds(1), seconds(-2), CheckStatus::Ok, "agrees with INT6 and OZmap")]
    #[case::one_silent(None, seconds(-2), CheckStatus::Ok, "agrees with OZmap to")]
    #[case::both_silent(None, None, CheckStatus::Warn, "was not compared")]
    #[case::a_little(seconds(31), seconds(0), CheckStatus::Warn, "INT6's clock is 31 s ahead of")]
    #[case::much(seconds(0), seconds(-301), CheckStatus::Fail, "OZmap's clock is 5 min 1 s behind")]
    #[case::ours(seconds(600), seconds(601), CheckStatus::Fail, "this machine's clock is 10 min behind")]
    #[case::ours_ahead(seconds(-60), seconds(-61), CheckStatus::Warn, "this machine's clock is 1 min ahead")]
    fn the_clock_that_is_wrong_is_named(
        #[case] int6: Option<SignedDuration>,
        #[case] ozmap: Option<SignedDuration>,
        #[case] expected: CheckStatus,
        #[case] told: &str,
    ) {
        let checks = clocks(int6, ozmap);
        assert_eq!(checks.len(), 1, "{checks:?}");
        assert_eq!(checks[0].status, expected);
        assert!(checks[0].detail.contains(told), "{checks:?}");
    }

    #[test]
    fn two_clocks_that_are_wrong_in_different_ways_are_both_named() {
        assert_eq!(clocks(seconds(60), seconds(-600)).len(), 2);
    }
}
