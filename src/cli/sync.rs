//! `sync`: one run, with a progress bar for people, a printed plan and a summary.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_core::sync::{FindingKind, Mode, Plan, Rails, RunState, Trigger};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use int6_ozmap_gateway::config::{Config, Purpose};
use int6_ozmap_gateway::store::{Process, Store};
use int6_ozmap_gateway::sync::{Observer, Progress, Report};
use int6_ozmap_gateway::{app, telemetry};
use secrecy::ExposeSecret;
use strum::VariantArray;
use tokio_util::sync::CancellationToken;

use super::config_file::ConfigFile;
use super::failure::{FAILED, failed};

#[derive(clap::Args)]
pub(super) struct SyncArguments {
    /// Read and compare only; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// Go on where the rails would halt the run.
    #[arg(long)]
    force: bool,
    /// Only this tenant of the settings file.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) async fn run(arguments: SyncArguments) -> ExitCode {
    telemetry::start("warn");
    let mode = if arguments.dry_run { Mode::DryRun } else { Mode::Apply };
    let rails = if arguments.force { Rails::Forced } else { Rails::Hold };
    let mut config = match arguments.file.load(Purpose::Once) {
        Ok(config) => config,
        Err(mistakes) => return failed(&mistakes.to_string()),
    };
    if let Some(name) = arguments.tenant {
        config.tenants.retain(|tenant| tenant.name == name);
        if config.tenants.is_empty() {
            return failed(&format!("the settings have no tenant called {name}"));
        }
    }
    match runs(&config, mode, rails).await {
        Ok(worst) => ExitCode::from(worst),
        Err(why) => failed(&why),
    }
}

/// One run per tenant, one after the other; returns the worst exit status.
async fn runs(config: &Config, mode: Mode, rails: Rails) -> Result<u8, String> {
    let store = Store::open(config.database_url.expose_secret()).await.map_err(|e| e.to_string())?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let signal = app::stop_asked();
    tokio::spawn(async move {
        signal.await;
        eprintln!("stopping: calls under way are finished");
        asked.cancel();
    });
    let process = Process::current();
    let mut worst = 0;
    for tenant in &config.tenants {
        let engine = app::engine(tenant, &store, &process, &stop).map_err(|e| e.to_string())?;
        engine.recover().await.map_err(|e| e.to_string())?;
        if config.tenants.len() > 1 {
            print_lines(&format!("# {}\n", tenant.name));
        }
        let (observer, bar) = observer();
        let report = engine.run(Trigger::Cli, mode, rails, &observer).await.map_err(|e| e.to_string())?;
        bar.finish_and_clear();
        print_lines(&summary(&report, mode));
        worst = worst.max(exit_status(&report));
    }
    Ok(worst)
}

fn exit_status(report: &Report) -> u8 {
    match report.state {
        RunState::Finished if report.counts.failed == 0 => 0,
        RunState::Finished => 1,
        RunState::Running | RunState::Halted | RunState::Failed | RunState::Skipped => FAILED,
    }
}

/// A bar on a terminal; plain lines otherwise.
fn observer() -> (Observer, ProgressBar) {
    let bar = if std::io::stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() };
    bar.enable_steady_tick(Duration::from_millis(100));
    let (ozmap, int6) = (AtomicU64::new(0), AtomicU64::new(0));
    let shown = bar.clone();
    let observer = move |progress: Progress<'_>| match progress {
        Progress::OzmapRead(clients) => {
            ozmap.store(clients, Ordering::Relaxed);
            shown.set_message(reading(clients, int6.load(Ordering::Relaxed)));
        }
        Progress::Int6Read(readings) => {
            int6.store(readings, Ordering::Relaxed);
            shown.set_message(reading(ozmap.load(Ordering::Relaxed), readings));
        }
        Progress::Planned(plan) => {
            plain(&shown, &reading(ozmap.load(Ordering::Relaxed), int6.load(Ordering::Relaxed)));
            shown.suspend(|| print_plan(plan));
            if let Ok(style) =
                ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} changes, {eta} left")
            {
                shown.set_style(style);
            }
            shown.set_length(plan.changes.len() as u64);
        }
        Progress::Applied(done, all) => {
            shown.set_position(done as u64);
            if done == all {
                plain(&shown, &format!("{} changes tried", HumanCount(all as u64)));
            }
        }
    };
    (Arc::new(observer), bar)
}

fn reading(clients: u64, readings: u64) -> String {
    format!("read {} clients of OZmap, {} rows of INT6", HumanCount(clients), HumanCount(readings))
}

fn plain(bar: &ProgressBar, line: &str) {
    if bar.is_hidden() {
        eprintln!("{line}");
    }
}

fn print_plan(plan: &Plan) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for change in &plan.changes {
        // Somebody who pipes into `head` has seen enough; the run goes on.
        if writeln!(out, "{change}").is_err() {
            return;
        }
    }
}

fn print_lines(text: &str) {
    // As above.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// What a person wants to know after a run.
fn summary(report: &Report, mode: Mode) -> String {
    let Report { id, state, counts, calls, phases, halted_because, error, failures } = report;
    let mut text = String::new();
    let n = |count: u64| HumanCount(count).to_string();
    for (change, reason) in failures {
        let _ = writeln!(text, "! {}: {reason}", change.trim_start_matches("~ "));
    }
    let took: u64 = [phases.read, phases.plan, phases.apply].into_iter().flatten().sum();
    let what = match (state, mode) {
        (RunState::Finished, Mode::DryRun) => "dry run, nothing was written".to_owned(),
        (RunState::Halted, _) => {
            format!("HALTED, nothing was written: {}", halted_because.as_deref().unwrap_or(""))
        }
        (RunState::Failed | RunState::Skipped, _) => {
            format!("{}: {}", state.name().to_uppercase(), error.as_deref().unwrap_or(""))
        }
        _ => state.name().to_owned(),
    };
    let _ = writeln!(text, "run {id}: {what}");
    let changed = if mode == Mode::DryRun || *state == RunState::Halted { "to change" } else { "changed" };
    let _ = writeln!(
        text,
        "  {} clients compared: {} {changed}, {} failed, {} unchanged",
        n(counts.matched),
        n(counts.changed),
        n(counts.failed),
        n(counts.unchanged)
    );
    let reported: Vec<String> = FindingKind::VARIANTS
        .iter()
        .map(|&kind| format!("{} {}", kind.name().replace('_', " "), n(counts.of(kind))))
        .collect();
    let _ = writeln!(text, "  set aside: {}", reported.join(", "));
    let _ = writeln!(
        text,
        "  calls: {} reads and {} writes of OZmap, {} reads of INT6, in {took} ms",
        n(calls.ozmap_reads),
        n(calls.ozmap_writes),
        n(calls.int6_reads)
    );
    text
}

#[cfg(test)]
mod tests {
    use gateway_core::sync::{Calls, Counts, Phases};

    use super::*;

    fn report(state: RunState) -> Report {
        Report {
            id: uuid::Uuid::nil(),
            state,
            counts: Counts {
                matched: 3790,
                changed: 189,
                failed: 1,
                unchanged: 3600,
                only_in_ozmap: 22,
                ..Counts::default()
            },
            calls: Calls { ozmap_reads: 8, ozmap_writes: 41, int6_reads: 9 },
            phases: Phases { read: Some(812), plan: Some(3), apply: Some(640) },
            halted_because: Some("INT6 returned 0 of 3,812 clients".to_owned()),
            error: Some("INT6, read all ONUs: the host did not answer: time-out".to_owned()),
            failures: vec![(
                "~ 147  power -19.30 -> -21.75 dBm".to_owned(),
                "OZmap, update a property: refused".to_owned(),
            )],
        }
    }

    #[test]
    fn the_summary_says_what_happened() {
        let finished = summary(&report(RunState::Finished), Mode::Apply);
        let halted = summary(&Report { failures: vec![], ..report(RunState::Halted) }, Mode::Apply);
        let failed = summary(&Report { failures: vec![], ..report(RunState::Failed) }, Mode::DryRun);
        insta::assert_snapshot!([finished, halted, failed].join("\n"));
    }

    #[test]
    fn the_exit_status_tells_fine_from_some_failed_from_no_run() {
        let fine = Report { counts: Counts::default(), ..report(RunState::Finished) };
        assert_eq!(exit_status(&fine), 0);
        assert_eq!(exit_status(&report(RunState::Finished)), 1);
        for state in [RunState::Halted, RunState::Failed, RunState::Skipped] {
            assert_eq!(exit_status(&report(state)), 2);
        }
    }
}
