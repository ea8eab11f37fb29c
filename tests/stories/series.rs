//! The series of `/metrics` are those of `src/telemetry/series.rs`: each is there before anything happened, what the sources
//! count is among them, and alerts, their tests and the dashboard ask for nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use int6_ozmap_gateway::telemetry::series::{SERIES, Series, SeriesKind, SeriesScope};
use regex::Regex;

use crate::monitoring::{Scrape, Watched};
use crate::world::World;

const ALERTS: &str = include_str!("../../deploy/alerts.yaml");
const ALERT_TESTS: &str = include_str!("../../deploy/alerts.tests.yaml");
const DASHBOARD: &str = include_str!("../../deploy/dashboard.json");
/// Labels that Prometheus adds to what it scrapes, and that of a histogram's buckets.
const ADDED: [&str; 3] = ["job", "instance", "le"];
/// Named in alerts, and Prometheus' own.
const PROMETHEUS: [&str; 1] = ["up"];

fn pattern(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a good pattern")
}

/// `name{tenant="…",label="word"}`, as `/metrics` writes it.
fn written(series: &Series, words: &[(&str, &str)], tenant: &str) -> String {
    let own = (series.scope == SeriesScope::Tenant).then_some(("tenant", tenant));
    let labels: Vec<String> =
        own.iter().chain(words).map(|(name, word)| format!(r#"{name}="{word}""#)).collect();
    let suffix = if series.kind == SeriesKind::Histogram { "_count" } else { "" };
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    format!("{}{suffix}{labels}", series.name)
}

#[tokio::test]
async fn every_series_is_there_before_anything_happened_and_what_is_counted_is_nothing_yet() {
    let watched = Watched::over(World::empty().await, "at-rest");
    let scrape = Scrape::of(&watched.start().await).await;
    for series in SERIES {
        for words in series.combinations() {
            let figure = scrape.figure(&written(series, &words, "at-rest"));
            // The mirror is loaded at once.
            let is_busy =
                series.name.starts_with("gateway_upstream_") || series.name.starts_with("gateway_mirror_");
            if series.scope == SeriesScope::Tenant && series.kind == SeriesKind::Counter && !is_busy {
                assert_eq!(figure, 0.0, "{} {words:?}", series.name);
            }
        }
    }
    let version = format!(r#"version="{}""#, env!("CARGO_PKG_VERSION"));
    assert!(scrape.0.keys().any(|name| name.starts_with("gateway_build_info{") && name.contains(&version)));
    assert!(scrape.figure("process_open_fds") > 0.0 && scrape.figure("process_max_fds") > 0.0);
    assert!(scrape.figure("gateway_http_connections") >= 0.0);
    let of_tenant = scrape.0.keys().filter(|name| name.contains(r#"tenant="at-rest""#)).count();
    assert!(of_tenant < 150, "1,000 tenants have {of_tenant} series each");
}

#[test]
fn each_series_is_named_by_the_rules_of_prometheus_and_once() {
    let mut names = BTreeSet::new();
    for Series { name, kind, .. } in SERIES {
        assert!(names.insert(*name), "{name} is described twice");
        assert!(pattern("^gateway_[a-z]+(_[a-z]+)*$").is_match(name), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == SeriesKind::Counter, "{name}");
    }
}

/// What the sources count: each name with its labels, as often as it stands there.
fn counted() -> BTreeMap<String, Vec<Vec<String>>> {
    let call = pattern(
        r#"metrics::(?:counter|gauge|histogram)!\(\s*"([a-z_]+)"((?:,\s*"[a-z]+" => (?:"[A-Za-z0-9]+"|[^"]+?))*)\)\s*[.}\n]"#,
    );
    let label = pattern(r#""([a-z]+)" =>"#);
    let mut counted: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
    for file in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = fs::read_to_string(&file).expect("a source");
        for found in call.captures_iter(&text) {
            let labels = label.captures_iter(&found[2]).map(|label| label[1].to_owned()).collect();
            counted.entry(found[1].to_owned()).or_default().push(labels);
        }
        let calls = text.matches("metrics::counter!(\"").count()
            + text.matches("metrics::gauge!(\"").count()
            + text.matches("metrics::histogram!(\"").count();
        let listed = text.matches("_total\", &labels)").count();
        assert_eq!(
            call.captures_iter(&text).count() + listed,
            calls,
            "{}: a call is not understood",
            file.display()
        );
    }
    counted
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .filter(|path| path.extension().is_some_and(|ending| ending == "rs"))
        .collect()
}

#[test]
fn what_the_sources_count_is_what_is_described_with_the_same_labels_in_the_same_order() {
    let counted = counted();
    for (name, calls) in &counted {
        let series = SERIES.iter().find(|series| series.name == name);
        let series = series.unwrap_or_else(|| panic!("{name} is not described in src/telemetry/series.rs"));
        let own = (series.scope == SeriesScope::Tenant).then_some("tenant");
        let labels: Vec<&str> = own.into_iter().chain(series.labels.iter().map(|label| label.name)).collect();
        for call in calls {
            assert_eq!(*call, labels, "{name}");
        }
    }
    // Its labels are made beside it.
    let listed = ["gateway_http_requests_total"];
    for Series { name, .. } in SERIES.iter().filter(|series| !listed.contains(&series.name)) {
        assert!(counted.contains_key(*name), "{name} is described and counted nowhere");
    }
}

/// What is asked for in PromQL: names of series, each with the labels that it is asked by.
fn asked(text: &str) -> Vec<(String, Vec<String>)> {
    let selector = pattern(r#"\b((?:gateway|process)_[a-z_]+|up\b)(?:\{([^}]*)\})?"#);
    let label = pattern(r#"([a-z]+)\s*(?:=~|!~|!=|=)"#);
    let asked = selector.captures_iter(text).map(|found| {
        let labels = found.get(2).map_or("", |labels| labels.as_str());
        (found[1].to_owned(), label.captures_iter(labels).map(|label| label[1].to_owned()).collect())
    });
    asked.collect()
}

/// The expressions of alerts and dashboard, and the dashboard's questions for labels.
fn expressions() -> String {
    let alerts = pattern(r"(?m)^ {8}expr: (?:>\n((?: {10}.*\n)+)|(.*)\n)");
    let alerts = alerts.captures_iter(ALERTS).map(|found| {
        let lines = found.get(1).or(found.get(2)).map_or("", |lines| lines.as_str());
        lines.to_owned()
    });
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().expect("targets").clone());
    let shown = targets.map(|target| target["expr"].as_str().expect("an expression").to_owned());
    let variables = dashboard["templating"]["list"].as_array().expect("variables").clone();
    let variables =
        variables.into_iter().map(|variable| variable["query"].as_str().unwrap_or_default().to_owned());
    alerts.chain(shown).chain(variables).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn alerts_and_dashboard_ask_for_series_and_labels_that_a_gateway_shows() {
    let watched = Watched::over(World::empty().await, "asked");
    let scrape = Scrape::of(&watched.start().await).await;
    let label = pattern(r#"([a-z]+)=""#);
    let mut shown: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for series in scrape.0.keys() {
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        shown.entry(name).or_default().extend(label.captures_iter(labels).map(|label| label[1].to_owned()));
    }
    let expressions = expressions();
    let asked = asked(&expressions);
    assert!(asked.len() > 40, "{} were found", asked.len());
    for (name, labels) in asked.iter().filter(|(name, _)| !PROMETHEUS.contains(&name.as_str())) {
        let has = shown.get(name.as_str()).unwrap_or_else(|| panic!("no gateway shows {name}"));
        for label in labels.iter().filter(|label| !ADDED.contains(&label.as_str())) {
            assert!(has.contains(label), "{name} has no label {label}");
        }
    }
    let known: BTreeSet<&str> = shown.values().flatten().map(String::as_str).chain(ADDED).collect();
    for group in pattern(r"\b(?:by|on) \(([a-z, ]*)\)").captures_iter(&expressions) {
        for label in group[1].split(", ") {
            assert!(known.contains(label), "no series has the label {label}");
        }
    }
}

#[tokio::test]
async fn the_series_that_the_alerts_are_tried_on_are_what_a_gateway_shows() {
    let watched = Watched::over(World::empty().await, "recorded");
    let scrape = Scrape::of(&watched.start().await).await;
    let recorded = pattern(r"(?m)^ +- series: '([a-z_]+)(?:\{(.*)\})?'$");
    let mut tried = 0;
    for found in recorded.captures_iter(ALERT_TESTS).filter(|found| !PROMETHEUS.contains(&&found[1])) {
        let labels = found.get(2).map_or("", |labels| labels.as_str()).split(',');
        let own = labels.filter(|label| !ADDED.iter().any(|added| label.starts_with(&format!("{added}="))));
        let tenant = pattern(r#"^tenant=".*"$"#);
        let own: Vec<_> = own.map(|label| tenant.replace(label, r#"tenant="recorded""#)).collect();
        let own = own.join(",");
        let series = if own.is_empty() { found[1].to_owned() } else { format!("{}{{{own}}}", &found[1]) };
        assert!(
            scrape.0.contains_key(&series) || is_a_build(&series, &scrape) || series.contains(r#"status="5"#),
            "no gateway shows {series}"
        );
        tried += 1;
    }
    assert!(tried > 30, "{tried} were found");
}

/// Its labels are those of the build.
fn is_a_build(series: &str, scrape: &Scrape) -> bool {
    series == "gateway_build_info" && scrape.0.keys().any(|shown| shown.starts_with("gateway_build_info{"))
}
