mod leases;
mod notices;
mod overview;
mod provisioning;

use gateway_core::sync::{
    Calls, Change, ChangeOutcome, ChangeResult, Counts, Field, FieldValue, Finding, FindingKind, Mode,
    Phases, Record, RunState, Trigger,
};
use gateway_core::{ClientCode, Dbm, Onu, RecordId, Status, System};
use gateway_sandbox::Postgres;
use rstest::rstest;
use sqlx::AssertSqlSafe;

use super::*;

/// Which database a test is told to.
#[derive(Clone, Copy)]
enum Database {
    Sqlite,
    Postgres,
}

/// What goes when the test ends.
enum Scratch {
    Folder(tempfile::TempDir),
    Server(Postgres),
}

impl Scratch {
    fn new(kind: Database) -> Scratch {
        match kind {
            Database::Sqlite => Scratch::Folder(tempfile::tempdir().expect("a temporary folder")),
            Database::Postgres => Scratch::Server(Postgres::start()),
        }
    }

    fn url(&self) -> String {
        match self {
            Scratch::Folder(folder) => format!("sqlite://{}", folder.path().join("gateway.db").display()),
            Scratch::Server(server) => server.url(),
        }
    }
}

struct Fresh {
    store: Store,
    url: String,
    _home: Scratch,
}

async fn fresh(kind: Database) -> Fresh {
    let home = Scratch::new(kind);
    let url = home.url();
    Fresh { store: Store::open(&url).await.expect("a new database"), url, _home: home }
}

#[rstest]
#[case::sqlite(Database::Sqlite)]
#[case::postgres(Database::Postgres)]
#[tokio::test]
async fn a_write_that_is_tried_leaves_nothing_behind(#[case] kind: Database) {
    let Fresh { store, url: _, _home } = fresh(kind).await;
    store.try_write().await.expect("it can be written");
    let rows: (i64,) = sqlx::query_as("SELECT COUNT(*) FROM mirror_chunks")
        .fetch_one(&store.reader)
        .await
        .expect("the table is there");
    assert_eq!(rows.0, 0);
}

#[rstest]
#[case::that_may_only_be_read("PRAGMA query_only = 1", "readonly")]
#[case::on_a_full_disk("PRAGMA max_page_count = 1", "full")]
#[tokio::test]
async fn a_database_that_takes_no_writes_says_so(#[case] spoilt: &'static str, #[case] told: &str) {
    let Fresh { store, url: _, _home } = fresh(Database::Sqlite).await;
    store.writer.execute(spoilt).await.expect("a pragma");
    let error = store.try_write().await.expect_err("nothing can be written").to_string();
    assert!(error.starts_with("the database could not write a row and delete it again: "), "{error}");
    assert!(error.contains(told), "{error}");
}

fn at(text: &str) -> Timestamp {
    format!("2026-11-20T{text}Z").parse().expect("a time")
}

async fn begun(store: &Store, holder: &str, started_at: Timestamp) -> Uuid {
    let id = Uuid::now_v7();
    // Numbers of one millisecond may be equal; the engine draws again.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let (tenant, holder) = ("north".to_owned(), holder.to_owned());
    let run = NewRun { id, tenant, trigger: Trigger::Api, mode: Mode::Apply, started_at, holder, plan: None };
    store.begin_run(run).await.expect("it is written");
    id
}

fn end(state: RunState) -> RunEnd {
    RunEnd {
        state,
        counts: Counts { matched: 7, ..Counts::default() },
        calls: Calls { ozmap_writes: 3, ..Calls::default() },
        phases: Phases { read: Some(12), ..Phases::default() },
        halted_because: None,
        error: Some("why".to_owned()),
        finished_at: at("10:00:05.25"),
        notes: RunNotes::default(),
        measures: None,
        good: None,
        implanted: 0,
    }
}

fn change(code: u32) -> Change {
    let edit = match code % 2 {
        0 => FieldValue::Status { old: None, new: Status::Ok },
        _ => FieldValue::ReadPower { old: None, new: Dbm::from_hundredths(-2153).expect("a power") },
    };
    let record = Record::Client(RecordId::new("c1").expect("an identifier"));
    Change { code: ClientCode::new(&code.to_string()).expect("a code"), record, edit, held: false }
}

#[rstest]
#[tokio::test]
async fn a_run_is_read_back_as_it_was_written(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    assert_eq!(store.runs("north", &RunFilter::default(), 10).await.expect("no runs"), []);
    let id = begun(&store, "me", at("10:00:00")).await;
    let run = store.run("north", id).await.expect("read").expect("it is there");
    assert_eq!(
        (run.state, run.trigger, run.mode, run.finished_at),
        (RunState::Running, Trigger::Api, Mode::Apply, None)
    );
    store.end_run(id, end(RunState::Halted)).await.expect("written");
    let run = store.run("north", id).await.expect("read").expect("it is there");
    assert_eq!((run.state, run.counts.matched, run.calls.ozmap_writes), (RunState::Halted, 7, 3));
    assert_eq!((run.phases.read, run.phases.plan), (Some(12), None));
    assert_eq!((run.started_at, run.finished_at), (at("10:00:00"), Some(at("10:00:05.25"))));
    assert_eq!(store.run("south", id).await.expect("read"), None, "another tenant's");
    assert_eq!(store.run("north", Uuid::now_v7()).await.expect("read"), None);
}

#[rstest]
#[tokio::test]
async fn runs_come_newest_first_and_in_pages(#[values(Database::Sqlite, Database::Postgres)] kind: Database) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let mut ids = Vec::new();
    for second in 0..5 {
        ids.push(begun(&store, "me", at(&format!("10:00:0{second}"))).await);
    }
    store.end_run(ids[1], end(RunState::Finished)).await.expect("written");
    let page = store.runs("north", &RunFilter::default(), 2).await.expect("read");
    assert_eq!(page.iter().map(|run| run.id).collect::<Vec<_>>(), [ids[4], ids[3]]);
    let page = store
        .runs("north", &RunFilter { before: Some(ids[3]), ..RunFilter::default() }, 2)
        .await
        .expect("read");
    assert_eq!(page.iter().map(|run| run.id).collect::<Vec<_>>(), [ids[2], ids[1]]);
    let finished = store
        .runs("north", &RunFilter { state: Some(RunState::Finished), ..RunFilter::default() }, 9)
        .await
        .expect("read");
    assert_eq!(finished.len(), 1);
}

#[rstest]
#[tokio::test]
async fn changes_are_planned_then_get_their_outcome(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let id = begun(&store, "me", at("10:00:00")).await;
    let changes: Vec<Change> = (0..1234).map(change).collect();
    store.record_changes(id, &changes, KeepRecords::Yes).await.expect("written");
    let applied = (0..1000).map(|seq| (seq, ChangeOutcome::Applied));
    let failed = (1000..1200).map(|seq| (seq, ChangeOutcome::Failed("OZmap said no".to_owned())));
    store.record_outcomes(id, &applied.chain(failed).collect::<Vec<_>>()).await.expect("written");
    let of = |result: &str| ChangeFilter { result: result.parse().ok(), ..ChangeFilter::default() };
    for (result, expected) in [("applied", 1000), ("failed", 200), ("planned", 34)] {
        assert_eq!(
            store.changes(id, &of(result), None, 5000).await.expect("read").len(),
            expected,
            "{result}"
        );
    }
    let page = store.changes(id, &ChangeFilter::default(), Some(999), 2).await.expect("read");
    assert_eq!((page[0].seq, page[0].error.as_deref()), (1000, Some("OZmap said no")));
    assert_eq!(
        (page[1].field.as_str(), page[1].old_value.as_str(), page[1].new_value.as_str()),
        ("read_power", "null", "-21.53")
    );
    let field =
        ChangeFilter { field: Some(Field::Status), code: Some("8".to_owned()), ..ChangeFilter::default() };
    let rows = store.changes(id, &field, None, 10).await.expect("read");
    assert_eq!(rows.iter().map(|row| row.code.as_str()).collect::<Vec<_>>(), ["8"]);
    assert_eq!(store.changes(Uuid::now_v7(), &ChangeFilter::default(), None, 10).await.expect("read"), []);
}

#[rstest]
#[tokio::test]
async fn every_finding_is_kept_and_those_that_are_new_are_told_from_the_others(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let id = begun(&store, "me", at("10:00:00")).await;
    let finding = |kind, code: u32| Finding {
        kind,
        system: System::Int6,
        code: Some(code.to_string().into()),
        detail: "d".into(),
    };
    let mut findings: Vec<Finding> = (0..1500).map(|code| finding(FindingKind::OnlyInInt6, code)).collect();
    findings.push(finding(FindingKind::Duplicate, 7));
    store.record_findings(id, &findings).await.expect("written");
    assert_eq!(store.findings(id, FindingFilter::default(), None, 5000).await.expect("read").len(), 1501);
    let duplicates = store
        .findings(
            id,
            FindingFilter { kind: Some(FindingKind::Duplicate), ..FindingFilter::default() },
            None,
            10,
        )
        .await
        .expect("read");
    assert_eq!((duplicates.len(), duplicates[0].code.as_deref()), (1, Some("7")));

    let later = begun(&store, "me", at("10:10:00")).await;
    let moved = Finding { detail: "another".to_owned(), ..finding(FindingKind::OnlyInInt6, 3) };
    store.record_findings(later, &[moved, finding(FindingKind::Absent, 3)]).await.expect("written");
    let new = FindingFilter { since_run: Some(id), ..FindingFilter::default() };
    let new = store.findings(later, new, None, 10).await.expect("read");
    assert_eq!(new.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>(), ["absent"]);
}

#[rstest]
#[tokio::test]
async fn old_runs_go_with_their_changes_and_younger_ones_stay(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let (old, young) = (begun(&store, "me", at("08:00:00")).await, begun(&store, "me", at("10:00:00")).await);
    for id in [old, young] {
        store.record_changes(id, &[change(1)], KeepRecords::Yes).await.expect("written");
        store.end_run(id, end(RunState::Finished)).await.expect("written");
    }
    assert_eq!(store.prune(at("09:00:00")).await.expect("pruned"), 1);
    assert_eq!(store.prune(at("09:00:00")).await.expect("pruned"), 0);
    let left = async |id| store.changes(id, &ChangeFilter::default(), None, 10).await.expect("read").len();
    assert_eq!((left(old).await, left(young).await), (0, 1));
    assert_eq!(store.run("north", old).await.expect("read"), None);
}

#[rstest]
#[tokio::test]
async fn a_database_with_rows_is_opened_again(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let id = begun(&store, "me", at("10:00:00")).await;
    store.close().await;
    let again = Store::open(&url).await.expect("the same database");
    assert!(again.run("north", id).await.expect("read").is_some());
    again.ready().await.expect("it answers");
}

/// A row of each first table, as the first gateway wrote it.
const ROWS_OF_0001: [&str; 4] = [
    "INSERT INTO runs VALUES (1, '019a0000-0000-7000-8000-000000000001', 'north', 'timer', 0, 'finished', 'me', \
     '2026-01-02T03:04:05.000Z', '2026-01-02T03:04:06.000Z', NULL, NULL, '{\"matched\":7}', '{}', '{}')",
    "INSERT INTO changes VALUES (1, 0, '10234', 'read_power', '-19.3', '-21.75', 'applied', NULL)",
    "INSERT INTO findings VALUES (1, 0, 'duplicate', 'INT6', NULL, 'twice')",
    "INSERT INTO leases VALUES ('north', 'me', '2026-01-02T03:04:35.000Z')",
];

/// Every table with its number of rows, but for the migrations' own.
async fn rows_of_tables(store: &Store, kind: Database) -> Vec<(String, i64)> {
    let tables = match kind {
        Database::Sqlite => {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'"
        }
        Database::Postgres => "SELECT CAST(tablename AS TEXT) FROM pg_tables WHERE schemaname = 'public'",
    };
    let tables: Vec<(String,)> = sqlx::query_as(tables).fetch_all(&store.writer).await.expect("read");
    let mut rows = Vec::new();
    for (table,) in tables.into_iter().filter(|(table,)| !table.starts_with('_')) {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let (count,) =
            sqlx::query_as(AssertSqlSafe(sql)).fetch_one(&store.writer).await.expect("the table can be read");
        rows.push((table, count));
    }
    rows
}

#[rstest]
#[tokio::test]
async fn rows_of_the_first_gateway_survive_every_migration(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let home = Scratch::new(kind);
    let url = home.url();
    let old = Store::connect(&url).await.expect("a new database");
    let first = MIGRATIONS.iter().take(1).cloned().collect();
    Migrator::with_migrations(first).run(&old.writer).await.expect("the first tables");
    for sql in ROWS_OF_0001 {
        sqlx::query(sql).execute(&old.writer).await.expect("written");
    }
    let before = rows_of_tables(&old, kind).await;
    assert_eq!(before.iter().map(|(_, rows)| rows).sum::<i64>(), 4, "one row in each table: {before:?}");
    old.close().await;

    let store = Store::open(&url).await.expect("every migration");
    let after = rows_of_tables(&store, kind).await;
    assert!(before.iter().all(|table| after.contains(table)), "{before:?} became {after:?}");
    let run = store.runs("north", &RunFilter::default(), 10).await.expect("read").remove(0);
    assert_eq!((run.state, run.counts.matched), (RunState::Finished, 7));
    let change: ChangeRow =
        sqlx::query_as("SELECT seq, code, field, old_value, new_value, result, error, found FROM changes")
            .fetch_one(&store.writer)
            .await
            .expect("read");
    assert_eq!((change.code.as_str(), change.new_value.as_str()), ("10234", "-21.75"));
    assert_eq!(store.lease_holder("north").await.expect("read").as_deref(), Some("me"));
}

#[rstest]
#[tokio::test]
async fn replicas_that_start_at_once_share_one_new_database(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let home = Scratch::new(kind);
    let url = home.url();
    let opened = futures::future::join_all((0..4).map(|_| Store::open(&url))).await;
    for store in opened {
        store.expect("the tables are made once").ready().await.expect("it answers");
    }
}

#[rstest]
#[tokio::test]
async fn a_nul_in_a_foreign_text_costs_nothing(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let id = begun(&store, "me", at("10:00:00")).await;
    let finding = Finding {
        kind: FindingKind::Unreadable,
        system: System::Int6,
        code: Some("1\0-2".into()),
        detail: "the code \"1\0-2\"".into(),
    };
    store.record_findings(id, &[finding]).await.expect("written");
    let found = store.findings(id, FindingFilter::default(), None, 10).await.expect("read").remove(0);
    assert_eq!(
        (found.code.as_deref(), found.detail.as_str()),
        (Some("1\u{fffd}-2"), "the code \"1\u{fffd}-2\"")
    );
    let onu = Onu { pppoe_user: "a\0b".into(), ..Onu::default() };
    let edit = FieldValue::Onu { old: Box::default(), new: Box::new(onu) };
    store.record_changes(id, &[Change { edit, ..change(1) }], KeepRecords::Yes).await.expect("written");
    store.record_outcomes(id, &[(0, ChangeOutcome::Failed("no \0".to_owned()))]).await.expect("written");
    let filter = ChangeFilter { code: Some("\0".to_owned()), ..ChangeFilter::default() };
    assert_eq!(store.changes(id, &filter, None, 10).await.expect("read"), []);
    let written = store.changes(id, &ChangeFilter::default(), None, 10).await.expect("read").remove(0);
    assert!(written.new_value.contains(r"a\u0000b"), "{}", written.new_value);
    assert_eq!(written.error.as_deref(), Some("no \u{fffd}"));
    store
        .end_run(id, RunEnd { error: Some("\0".to_owned()), ..end(RunState::Failed) })
        .await
        .expect("written");
}

#[tokio::test]
async fn what_cannot_be_opened_is_explained_without_a_password() {
    let text = |result: Result<Store, StoreError>| result.err().map(|e| e.to_string()).unwrap_or_default();
    let missing = text(Store::open("sqlite:///does/not/exist/gateway.db").await);
    assert!(missing.contains("/does/not/exist/gateway.db") && missing.contains("folder"), "{missing}");
    assert!(text(Store::open("mysql://u:s3cret@h/d").await).contains("neither sqlite"));
    let refused = text(Store::open("postgres://u:s3cret@127.0.0.1:1/d").await);
    assert!(refused.contains("refused") && refused.contains("is the server up"), "{refused}");
    let malformed = text(Store::open("postgres://u:s3cret@h:port/d").await);
    let server = Postgres::start();
    let wrong = text(Store::open(&server.url().replace("throw-away", "s3cret")).await);
    assert!(wrong.contains("password authentication failed"), "{wrong}");
    assert!([refused, malformed, wrong].iter().all(|told| !told.contains("s3cret")));
}

#[rstest]
#[tokio::test]
async fn two_hundred_thousand_changes_are_written_in_bulk(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let id = begun(&store, "me", at("10:00:00")).await;
    let changes: Vec<Change> = (0..200_000).map(change).collect();
    let begun = std::time::Instant::now();
    store.record_changes(id, &changes, KeepRecords::Yes).await.expect("written");
    let inserted = begun.elapsed();
    let outcomes: Vec<(u32, ChangeOutcome)> = (0..200_000).map(|seq| (seq, ChangeOutcome::Applied)).collect();
    store.record_outcomes(id, &outcomes).await.expect("written");
    println!("200,000 changes: inserted in {inserted:?}, outcomes in {:?}", begun.elapsed() - inserted);
    let filter = ChangeFilter { result: Some(ChangeResult::Applied), ..ChangeFilter::default() };
    assert_eq!(store.changes(id, &filter, Some(199_989), 100).await.expect("read").len(), 10);
}

#[rstest]
#[tokio::test]
async fn a_mirror_is_replaced_as_a_whole_and_never_by_an_older_one(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let save = async |as_of: &str, chunks: &[&str]| {
        let saved = store.save_mirror("north", 1, at(as_of), chunks.len(), |seq| chunks[seq].to_owned());
        saved.await.expect("the database answers")
    };
    let saved = async |tenant: &str, format: i64| {
        let mut chunks = Vec::new();
        let as_of = store.saved_mirror(tenant, format, |chunk| chunks.push(chunk)).await.expect("read");
        as_of.map(|as_of| (as_of, chunks))
    };
    let texts = |chunks: &[&str]| chunks.iter().map(|chunk| (*chunk).to_owned()).collect::<Vec<_>>();
    assert_eq!(saved("north", 1).await, None);
    assert!(save("10:00:00", &["a", "b", "c"]).await);
    assert_eq!(saved("north", 1).await, Some((at("10:00:00"), texts(&["a", "b", "c"]))));
    assert!(save("10:10:00", &["a", "B"]).await);
    assert!(!save("10:10:00", &["x"]).await, "the same load of another replica is enough");
    assert!(!save("10:05:00", &["x"]).await, "an older one does not replace it");
    assert_eq!(saved("north", 1).await, Some((at("10:10:00"), texts(&["a", "B"]))));
    assert_eq!((saved("south", 1).await, saved("north", 2).await), (None, None));
    assert!(save("10:20:00", &[]).await);
    assert_eq!(saved("north", 1).await, Some((at("10:20:00"), Vec::new())));
}
