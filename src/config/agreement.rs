//! Settings that have to go together.

use super::setting::Fault;
use super::source::Source;
use super::table;
use crate::int6;

/// One socket serves one thing; port 0 takes a free one each time.
pub(super) fn check_listeners(source: &mut Source) {
    if let (Some(api), Some(Some(metrics))) =
        (source.get(&table::GATEWAY_LISTEN), source.get(&table::GATEWAY_METRICS_LISTEN))
        && api == metrics
        && api.port() != 0
    {
        source.mistake(&table::GATEWAY_METRICS_LISTEN.name, "is the address of the API (`listen`)");
    }
}

/// Only a bearer needs no e-mail.
pub(super) fn check_email(source: &mut Source) {
    let email = &table::INT6_EMAIL.name;
    if source.get(&table::INT6_AUTH) != Some(int6::AuthStyle::Bearer) && !source.is_given(email) {
        source.mistake(email, Fault::Missing);
    }
}

/// The window has both ends or none.
pub(super) fn check_window(source: &mut Source) {
    for (min, max) in [
        (&table::SYNC_FIRST_MEDIAN_MIN_DBM, &table::SYNC_FIRST_MEDIAN_MAX_DBM),
        (&table::SYNC_LIGHT_MIN_DBM, &table::SYNC_LIGHT_MAX_DBM),
    ] {
        if let (Some(least), Some(most)) = (source.get(min), source.get(max))
            && least >= most
        {
            source.mistake(&min.name, format!("is not below `{}`", max.name.toml));
        }
    }
    let ends = [&table::SYNC_PLAUSIBLE_MIN_DBM, &table::SYNC_PLAUSIBLE_MAX_DBM];
    let missing = "is missing: the window needs both ends";
    match ends.map(|end| source.is_given(&end.name)) {
        [true, false] => source.mistake(&ends[1].name, missing),
        [false, true] => source.mistake(&ends[0].name, missing),
        [false, false] => (),
        [true, true] => {
            if let [Some(min), Some(max)] = ends.map(|end| source.get(end))
                && min >= max
            {
                source.mistake(&ends[0].name, "is not below the other end of the window");
            }
        }
    }
}
