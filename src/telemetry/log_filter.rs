//! `GATEWAY_LOG`: which lines are logged.

use std::env::VarError;

use tracing_subscriber::EnvFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
/// From here on a word is taken for a slip.
const ALIKE: f64 = 0.8;

/// `GATEWAY_LOG` or `GATEWAY_LOG_FORMAT` does not say what is to be logged.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LogSettingError(pub(super) String);

/// The filter of the environment; `default` counts where there is none.
///
/// # Errors
/// [`LogSettingError`], which names the word: the library would take one that is no level for the name of a module, log
/// nothing of the gateway and say nothing.
pub(super) fn from_environment(default: &str) -> Result<EnvFilter, LogSettingError> {
    match std::env::var("GATEWAY_LOG") {
        Ok(text) if !text.trim().is_empty() => filter(&text),
        Ok(_) | Err(VarError::NotPresent) => Ok(EnvFilter::new(default)),
        Err(VarError::NotUnicode(_)) => Err(LogSettingError("GATEWAY_LOG: it is no UTF-8".to_owned())),
    }
}

fn filter(text: &str) -> Result<EnvFilter, LogSettingError> {
    let directives: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    for directive in &directives {
        // A filter by span or field has levels of its own.
        let level = match directive.rsplit_once('=') {
            Some((_, level)) if !directive.ends_with(']') => level,
            None if !directive.contains('[') => *directive,
            _ => continue,
        };
        if !is_level(level) {
            return Err(LogSettingError(format!(
                "GATEWAY_LOG: `{level}` is no level: one of {} is expected, or a filter such as info,int6_ozmap_gateway=debug{}",
                LEVELS.join(", "),
                did_you_mean(level)
            )));
        }
    }
    EnvFilter::builder()
        .parse(directives.join(","))
        .map_err(|error| LogSettingError(format!("GATEWAY_LOG: {error}")))
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word))
        || matches!(word, "0" | "1" | "2" | "3" | "4" | "5")
}

fn did_you_mean(word: &str) -> String {
    let alike = |level: &&str| strsim::jaro_winkler(&word.to_ascii_lowercase(), level);
    let nearest = LEVELS.iter().max_by(|one, other| alike(one).total_cmp(&alike(other)));
    let nearest = nearest.filter(|level| alike(level) >= ALIKE);
    nearest.map_or_else(String::new, |level| format!("; did you mean `{level}`?"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("info")]
    #[case("WARN")]
    #[case("3")]
    #[case("info,int6_ozmap_gateway=debug")]
    #[case(" info , sqlx=off ")]
    #[case("int6_ozmap_gateway[run]=debug")]
    fn a_filter_is_taken(#[case] text: &str) {
        assert!(filter(text).is_ok(), "{text}");
    }

    #[rstest]
    #[case("warning", "`warning` is no level", "did you mean `warn`?")]
    #[case("information", "`information` is no level", "did you mean `info`?")]
    #[case("int6_ozmap_gateway=verbose", "`verbose` is no level", "int6_ozmap_gateway=debug")]
    #[case("info,sqlx", "`sqlx` is no level", "one of off, error")]
    fn what_is_no_level_is_refused(#[case] text: &str, #[case] what: &str, #[case] help: &str) {
        let error = filter(text).expect_err(text).to_string();
        assert!(
            error.starts_with("GATEWAY_LOG: ") && error.contains(what) && error.contains(help),
            "{error}"
        );
    }
}
