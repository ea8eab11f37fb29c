//! `sync`: one run, with a progress bar for people, a printed plan and a summary.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gateway_core::sync::{Field, Fields, FindingKind, Mode, Plan, Rails, RunState, Trigger};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use int6_ozmap_gateway::config::{Config, Purpose};
use int6_ozmap_gateway::store::{FieldCounts, Process, Store};
use int6_ozmap_gateway::sync::{Observer, Progress, Report};
use int6_ozmap_gateway::{app, telemetry};
use secrecy::ExposeSecret;
use strum::VariantArray;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::config_file::ConfigFile;
use super::failure::{FAILED, failed};
use super::output;

#[derive(clap::Args)]
pub(super) struct SyncArguments {
    /// Read and compare only; nothing is written.
    #[arg(long)]
    dry_run: bool,
    /// Go on where the rails would halt the run, or hold changes; with --fields, only changes of these.
    #[arg(long)]
    force: bool,
    /// Apply what this run has shown, less what moved meanwhile: a dry or halted run, or what a run has held.
    #[arg(long, value_name = "ID", conflicts_with_all = ["dry_run", "force"])]
    plan: Option<Uuid>,
    /// With --plan or --force: these fields only, with commas between.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = field)]
    fields: Vec<Field>,
    /// Only this tenant of the settings file.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) async fn run(arguments: SyncArguments) -> ExitCode {
    if let Err(error) = telemetry::start("warn") {
        return failed(&error.to_string());
    }
    let task = match arguments.task() {
        Ok(task) => task,
        Err(why) => return failed(why),
    };
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
    if matches!(task, Task::Plan(..)) && config.tenants.len() > 1 {
        return failed("a plan is one tenant's: say whose with --tenant");
    }
    match runs(&config, task).await {
        Ok(worst) => ExitCode::from(worst),
        Err(why) => failed(&why),
    }
}

/// What is asked for.
#[derive(Clone, Copy)]
enum Task {
    Compare(Mode, Rails),
    Plan(Uuid, Option<Fields>),
}

impl SyncArguments {
    fn task(&self) -> Result<Task, &'static str> {
        let fields: Option<Fields> = (!self.fields.is_empty()).then(|| self.fields.iter().copied().collect());
        match (self.plan, fields) {
            (Some(plan), fields) => Ok(Task::Plan(plan, fields)),
            (None, Some(_)) if !self.force => Err("--fields goes with --plan or with --force"),
            (None, fields) => {
                let forced = Rails::Forced(fields.unwrap_or(Fields::ALL));
                let mode = if self.dry_run { Mode::DryRun } else { Mode::Apply };
                Ok(Task::Compare(mode, if self.force { forced } else { Rails::Hold }))
            }
        }
    }
}

fn field(text: &str) -> Result<Field, String> {
    text.trim().parse().map_err(|_| {
        let known: Vec<&str> = Field::VARIANTS.iter().map(|field| field.name()).collect();
        format!("one of {} is expected", known.join(", "))
    })
}

/// One run per tenant, one after the other; returns the worst exit status.
async fn runs(config: &Config, task: Task) -> Result<u8, String> {
    let store = Store::open(config.database_url.expose_secret()).await.map_err(|e| e.to_string())?;
    let stop = CancellationToken::new();
    let asked = stop.clone();
    let signal = app::stop_asked();
    tokio::spawn(async move {
        signal.await;
        eprintln!("stopping: calls under way are finished");
        asked.cancel();
    });
    let process = Process::with_life(config.lease);
    let mut worst = 0;
    for tenant in &config.tenants {
        let engine = app::engine(tenant, &store, &process, &stop).map_err(|e| e.to_string())?;
        engine.recover().await.map_err(|e| e.to_string())?;
        if config.tenants.len() > 1 {
            output::print(&format!("# {}\n", tenant.name));
        }
        let (observer, bar) = observer();
        let report = match task {
            Task::Compare(mode, rails) => {
                engine.run(Trigger::Cli, mode, rails, &observer).await.map_err(|e| e.to_string())
            }
            Task::Plan(plan, fields) => {
                engine.apply_plan(Trigger::Cli, plan, fields, &observer).await.map_err(|e| e.to_string())
            }
        }?;
        bar.finish_and_clear();
        let is_dry = tenant.read_only || matches!(task, Task::Compare(Mode::DryRun, _));
        let mode = if is_dry { Mode::DryRun } else { Mode::Apply };
        output::print(&summary(&report, mode));
        worst = worst.max(exit_status(&report));
    }
    process.leave(&store).await;
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
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
        bar.set_style(style);
    }
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

/// What a person wants to know after a run.
fn summary(report: &Report, mode: Mode) -> String {
    let Report { id, state, counts, calls, phases, halted_because, error, failures, notes, .. } = report;
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
    text.push_str(&by_field(report));
    for remark in &notes.remarks {
        let _ = writeln!(text, "  note: {remark}");
    }
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

/// What came of each field, what is held and why, and how to apply it.
fn by_field(report: &Report) -> String {
    let mut text = String::new();
    let Report { id, state, notes, .. } = report;
    if notes.is_first && !notes.fields.is_empty() {
        let _ =
            writeln!(text, "  this is the first run of this tenant: look at what it finds before you go on");
    }
    for counts in &notes.fields {
        let FieldCounts { field, changes, applied, held, skipped, failed } = counts;
        let parts = [("written", applied), ("held", held), ("moved meanwhile", skipped), ("failed", failed)];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(what, count)| format!("{} {what}", HumanCount(**count)))
            .collect();
        let parts = if parts.is_empty() { String::new() } else { format!(": {}", parts.join(", ")) };
        let _ = writeln!(text, "  {}: {} changes{parts}", field.replace('_', " "), HumanCount(*changes));
    }
    for held in &notes.held {
        let (field, clients) = (held.field.replace('_', " "), HumanCount(held.clients));
        let _ = writeln!(text, "  HELD, {field} of {clients} clients: {}", held.because);
    }
    let can_be_applied = !notes.held.is_empty() || *state == RunState::Halted;
    if can_be_applied && !notes.fields.is_empty() {
        let _ = writeln!(
            text,
            "  if it is true, apply it within 24 hours: int6-ozmap-gateway sync --plan {id} [--fields {}]",
            notes.fields.iter().map(|field| field.field.as_str()).collect::<Vec<_>>().join(",")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use gateway_core::sync::{Calls, Counts, Phases};
    use int6_ozmap_gateway::store::{HeldField, RunNotes};

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
            halt: Some("no_readings"),
            halted_because: Some("INT6 returned 0 of 3,812 clients".to_owned()),
            error: Some("INT6, read all ONUs: the host did not answer: time-out".to_owned()),
            failures: vec![(
                "~ 147  power -19.30 -> -21.75 dBm".to_owned(),
                "OZmap, update a property: refused".to_owned(),
            )],
            notes: RunNotes {
                held: vec![HeldField {
                    field: "implantation".to_owned(),
                    clients: 30,
                    reason: "mass_implantation".to_owned(),
                    because: "30 of 31 reservations would be implanted in one run".to_owned(),
                }],
                fields: vec![
                    FieldCounts {
                        field: "read_power".to_owned(),
                        changes: 190,
                        applied: 189,
                        failed: 1,
                        ..FieldCounts::default()
                    },
                    FieldCounts {
                        field: "implantation".to_owned(),
                        changes: 30,
                        held: 30,
                        ..FieldCounts::default()
                    },
                ],
                remarks: vec!["batch-update of properties is missing".to_owned()],
                is_first: true,
            },
            measures: None,
            good: None,
            implanted: 0,
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
