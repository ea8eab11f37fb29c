//! `doctor`: prints what was looked at, and the remedy.

use std::process::ExitCode;

use int6_ozmap_gateway::config::{Mistakes, Purpose};
use int6_ozmap_gateway::doctor::{Check, CheckStatus, Diagnosis};
use int6_ozmap_gateway::{app, telemetry};

use super::config_file::ConfigFile;
use super::failure::{FAILED, failed};
use super::output;

#[derive(clap::Args)]
pub(super) struct DoctorArguments {
    /// Prints one JSON object: `ok`, and `checks` with tenant, what, status, detail, remedy.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) async fn run(DoctorArguments { json, file }: DoctorArguments) -> ExitCode {
    if let Err(error) = telemetry::start("error") {
        return failed(&error.to_string());
    }
    let diagnosis = match file.load(Purpose::Serve) {
        Ok(config) => app::examine(&config).await,
        Err(mistakes) if json => of_settings(mistakes),
        Err(mistakes) => return failed(&mistakes.to_string()),
    };
    let told = if json { as_json(&diagnosis) } else { as_lines(&diagnosis) };
    output::print(&told);
    if diagnosis.ok { ExitCode::SUCCESS } else { ExitCode::from(FAILED) }
}

/// Where the settings are wrong, nothing else can be looked at.
fn of_settings(Mistakes(mistakes): Mistakes) -> Diagnosis {
    let check = |mistake| Check::fail("settings", mistake, "mend the setting; the README has them all");
    mistakes.into_iter().map(check).collect::<Vec<Check>>().into()
}

fn as_json(diagnosis: &Diagnosis) -> String {
    // Texts and a bool: it cannot fail.
    serde_json::to_string_pretty(diagnosis).unwrap_or_default() + "\n"
}

/// `ok    default: what was seen`, and below what is not ok its remedy.
fn as_lines(diagnosis: &Diagnosis) -> String {
    diagnosis.checks.iter().map(line).collect()
}

fn line(check: &Check) -> String {
    let Check { tenant, what: _, status, detail, remedy } = check;
    let word = match status {
        CheckStatus::Ok => "ok",
        CheckStatus::Warn => "warn",
        CheckStatus::Fail => "FAIL",
    };
    let whose = tenant.as_ref().map_or_else(String::new, |tenant| format!("{tenant}: "));
    let remedy = remedy.as_ref().map_or_else(String::new, |remedy| format!("      remedy: {remedy}\n"));
    format!("{word:<6}{whose}{detail}\n{remedy}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_a_line_and_its_remedy_another() {
        let checks = vec![Check::ok("a.b", "fine"), Check::warn("c.d", "odd", "do this")];
        let diagnosis = Diagnosis::from(checks);
        assert_eq!(as_lines(&diagnosis), "ok    fine\nwarn  odd\n      remedy: do this\n");
        assert!(diagnosis.ok, "a warning is no failure");
    }

    #[test]
    fn as_json_each_check_has_all_its_members() {
        let mistakes = Mistakes(vec!["OZMAP_URL is missing".to_owned()]);
        let value: serde_json::Value = serde_json::from_str(&as_json(&of_settings(mistakes))).expect("JSON");
        let remedy = "mend the setting; the README has them all";
        let check = serde_json::json!({
            "tenant": null, "what": "settings", "status": "fail", "detail": "OZMAP_URL is missing", "remedy": remedy
        });
        assert_eq!(value, serde_json::json!({ "ok": false, "checks": [check] }));
    }
}
