//! A tenant's rules and limits of the sync.

use jiff::SignedDuration;

use crate::power::{Dbm, PlausibleWindow};
use crate::sync::fields::Fields;
use crate::sync::match_by::MatchBy;

/// What a tenant's sync compares and writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// The fields that are written. Default all.
    pub fields: Fields,
    /// Readings older than this are left alone. Default off.
    pub stale_after: Option<SignedDuration>,
    /// Numbers outside are taken for words. Default off.
    pub plausible: Option<PlausibleWindow>,
    /// What a row of INT6 and a client of OZmap have in common; it is never changed. Default the code.
    pub match_by: MatchBy,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules { fields: Fields::ALL, stale_after: None, plausible: None, match_by: MatchBy::Code }
    }
}

/// The rails: beyond which limits a reading, or a field's part of a plan, is not believed.
///
/// Shares are in percent of the matched clients unless said otherwise; a share bites only from its least number on.
/// Source: `docs/contracts/rules.md`, "Rails, per field".
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Least share of the clients matched in the last good run that must be matched again. Default 70.
    pub min_matched_percent: f64,
    /// Of the clients whose serial number both sides know: share that may change it. Default 20, at least 10 clients.
    pub max_serial_percent: f64,
    /// Of the same: share that may show the serial number of another client whose own changes too. Default 1, at least 10.
    pub max_swapped_percent: f64,
    /// Least number for both. Default 10.
    pub min_serial_clients: u64,
    /// Of INT6's codes: share that may come in rows of different serial numbers. Default 5.
    pub max_foreign_percent: f64,
    /// Least number of such codes. Default 20.
    pub min_foreign_codes: u64,
    /// Of INT6's rows: share without a code, or without a power, that can be read. Default 50, at least 10 rows.
    pub max_unread_percent: f64,
    /// Of the readings: share that may be stale or from the future, where a stale limit is set. Default 50, at least 10.
    pub max_stale_percent: f64,
    /// Least number of rows for both. Default 10.
    pub min_rows: u64,
    /// Of the measured: share of one and the same figure that halts the run. Default 50.
    pub max_same_percent: f64,
    /// Of the measured: share of one and the same figure that is held. Default 10.
    pub max_repeated_percent: f64,
    /// So many times the greatest such share of the last good run is not held. Default 3.
    pub max_repeated_factor: f64,
    /// Most dB by which the median may move from the last good run. Default 6.
    pub max_median_step: Dbm,
    /// Where the median of a first run may lie. Default −32 to −8 dBm.
    pub first_median: PlausibleWindow,
    /// What light can be. Default −38 to +10 dBm.
    pub light: PlausibleWindow,
    /// Of the measured: share outside. Default 1.
    pub max_implausible_percent: f64,
    /// A step of so many dB, by many clients at once and by one amount, is a unit that changed. Default 6.
    pub max_step: Dbm,
    /// Of the measured: share that may make such a step. Default 5.
    pub max_step_percent: f64,
    /// Least number of measured clients for all the lines on figures. Default 20.
    pub min_figure_clients: u64,
    /// Share that may turn to Error. Default 50.
    pub max_error_percent: f64,
    /// Least number of clients that turn to Error. Default 20.
    pub min_error_clients: u64,
    /// Share that may be implanted in one run. Default 5.
    pub max_implantation_percent: f64,
    /// So many times the most of any earlier day of the last 30 may be implanted in one run. Default 3.
    pub max_implantation_factor: f64,
    /// Least number of clients that are implanted. Default 20.
    pub min_implantation_clients: u64,
    /// Share whose ONU data may change. Default 5.
    pub max_onu_percent: f64,
    /// Least number of clients whose ONU data change. Default 20.
    pub min_onu_clients: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            min_matched_percent: 70.0,
            max_serial_percent: 20.0,
            max_swapped_percent: 1.0,
            min_serial_clients: 10,
            max_foreign_percent: 5.0,
            min_foreign_codes: 20,
            max_unread_percent: 50.0,
            max_stale_percent: 50.0,
            min_rows: 10,
            max_same_percent: 50.0,
            max_repeated_percent: 10.0,
            max_repeated_factor: 3.0,
            max_median_step: Dbm::whole(6),
            first_median: PlausibleWindow { min: Dbm::whole(-32), max: Dbm::whole(-8) },
            light: PlausibleWindow { min: Dbm::whole(-38), max: Dbm::whole(10) },
            max_implausible_percent: 1.0,
            max_step: Dbm::whole(6),
            max_step_percent: 5.0,
            min_figure_clients: 20,
            max_error_percent: 50.0,
            min_error_clients: 20,
            max_implantation_percent: 5.0,
            max_implantation_factor: 3.0,
            min_implantation_clients: 20,
            max_onu_percent: 5.0,
            min_onu_clients: 20,
        }
    }
}

/// Whether `part` is more than `percent` of `all`, and at least `least`.
pub(super) fn exceeds(part: u64, all: u64, percent: f64, least: u64) -> bool {
    part >= least.max(1) && part as f64 > all as f64 * percent / 100.0
}
