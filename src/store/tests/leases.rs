use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::store::hold::{Hold, LeaseAnswer};
use crate::store::locks::Locks;

/// Long enough for a busy machine, short enough to wait for.
const LIFE: Duration = Duration::from_millis(2_000);

async fn ask(store: &Store, process: &Process, name: &str) -> LeaseAnswer {
    Hold::ask(store, process, name, Uuid::now_v7(), true).await.expect("asked")
}

async fn took(store: &Store, process: &Process, name: &str) -> Option<Arc<Hold>> {
    match ask(store, process, name).await {
        LeaseAnswer::Taken(hold) => Some(hold),
        LeaseAnswer::Held { .. } => None,
    }
}

/// Asks until it is taken; how long that took.
async fn taken_in_time(store: &Store, process: &Process, name: &str) -> (Arc<Hold>, Duration) {
    let begun = Instant::now();
    loop {
        if let Some(hold) = took(store, process, name).await {
            return (hold, begun.elapsed());
        }
        assert!(begun.elapsed() < LIFE * 8, "it is never free");
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// A run of the process under this lease.
async fn run_under(store: &Store, hold: &Hold) -> Uuid {
    let id = begun(store, &hold.lease().holder, at("10:00:00")).await;
    assert!(store.number_run(id, hold.lease()).await.expect("written"));
    id
}

async fn run_of(store: &Store, id: Uuid) -> RunRow {
    store.run("north", id).await.expect("read").expect("it is there")
}

#[rstest]
#[tokio::test]
async fn a_lease_is_one_holders_until_it_is_given_back_and_its_number_grows(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let (one, two) = (Process::current(), Process::current());
    let first = took(&store, &one, "north").await.expect("it is free");
    assert!(took(&store, &two, "north").await.is_none(), "another process has it");
    assert!(took(&store, &one, "north").await.is_none(), "another run of the same process has it");
    assert!(first.is_ours().await);
    assert_eq!(store.lease_holder("north").await.expect("asked").as_deref(), Some(&*first.lease().holder));
    first.release().await;
    assert_eq!(store.lease_holder("north").await.expect("asked"), None);
    let second = took(&store, &two, "north").await.expect("it is free");
    assert!(second.lease().fence > first.lease().fence);
    first.release().await;
    assert!(second.is_ours().await, "who has given it back gives nobody else's back");
    assert!(took(&store, &one, "south").await.is_some(), "another lease");
}

#[rstest]
#[tokio::test]
async fn of_many_that_ask_for_a_lease_at_once_one_gets_it(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let other = Store::open(&url).await.expect("the same database");
    let tasks = (0..20).map(|i| {
        let store = if i % 2 == 0 { store.clone() } else { other.clone() };
        tokio::spawn(async move { took(&store, &Process::current(), "north").await })
    });
    let mut taken = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        taken.extend(task.await.expect("no panic"));
    }
    assert_eq!(taken.len(), 1);
}

#[rstest]
#[tokio::test]
async fn what_a_dead_process_held_is_taken_over_and_its_run_has_an_end(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let (dead, heir) = (Process::with_life(LIFE), Process::with_life(LIFE));
    let lease = took(&store, &dead, "north").await.expect("it is free");
    let _lock = took(&store, &dead, "north/client/147").await.expect("it is free");
    let (run, number) = (run_under(&store, &lease).await, lease.lease().fence);
    let (holder, interval) = (lease.lease().holder.clone(), Duration::from_secs(3_600));
    store.plan_beat("north", Duration::ZERO).await.expect("planned");
    // No sign of life follows; what it held stays in the table.
    dead.left().cancel();

    assert_eq!(store.begin_beat("north", interval).await.expect("asked"), Beat::Busy, "its lease is there");
    let (hold, after) = taken_in_time(&store, &heir, "north").await;
    assert!(after > LIFE / 2, "it was taken from a process that may be alive: {after:?}");
    assert!(hold.lease().fence > number && hold.lease().holder != holder);
    let ended = run_of(&store, run).await;
    assert_eq!((ended.state, ended.finished_at.is_some()), (RunState::Failed, true));
    assert!(ended.error.is_some_and(|why| why.starts_with("cut off:")));
    assert!(took(&store, &heir, "north/client/147").await.is_some(), "its locks went with it");
    hold.release().await;
    assert_eq!(
        store.begin_beat("north", interval).await.expect("asked"),
        Beat::Ours,
        "its work goes on at once"
    );
}

#[rstest]
#[tokio::test]
async fn a_living_process_keeps_what_it_holds_however_long_it_takes(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let (alive, other) = (Process::with_life(LIFE), Process::with_life(LIFE));
    let hold = took(&store, &alive, "north").await.expect("it is free");
    let run = run_under(&store, &hold).await;
    let begun = Instant::now();
    while begun.elapsed() < LIFE * 3 {
        assert!(took(&store, &other, "north").await.is_none(), "after {:?}", begun.elapsed());
        assert!(hold.is_ours().await, "after {:?}", begun.elapsed());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(run_of(&store, run).await.state, RunState::Running);
}

#[rstest]
#[tokio::test]
async fn who_was_taken_for_dead_records_nothing_and_writes_nothing_more(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let (paused, heir) = (Process::current(), Process::current());
    let hold = took(&store, &paused, "north").await.expect("it is free");
    let run = run_under(&store, &hold).await;
    store.record_changes(run, &[change(1)], KeepRecords::No).await.expect("it holds the lease");
    let estate = store.bury(paused.id(), None).await.expect("taken over").expect("it was there");
    assert_eq!((estate.runs, estate.leases), (vec![run.to_string()], 1));
    let theirs = took(&store, &heir, "north").await.expect("it is free");

    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!hold.is_ours().await && theirs.is_ours().await);
    tokio::time::timeout(Duration::from_secs(5), hold.lost()).await.expect("whoever waits is told");
    let outcome = [(0, ChangeOutcome::Applied)];
    let refused = store.record_outcomes(run, &outcome).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    let refused = store.record_changes(run, &[change(2)], KeepRecords::No).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    let refused = store.record_findings(run, &[]).await;
    assert!(matches!(refused, Err(StoreError::LeaseLost)), "{refused:?}");
    assert!(!store.end_run(run, end(RunState::Finished)).await.expect("asked"), "it has its end");
    let rows = store.changes(run, &ChangeFilter::default(), None, 10).await.expect("read");
    assert_eq!(rows.iter().map(|row| row.result.as_str()).collect::<Vec<_>>(), ["planned"]);
    hold.release().await;
    assert!(theirs.is_ours().await);
}

#[rstest]
#[tokio::test]
async fn what_is_dropped_instead_of_given_back_is_given_back_by_the_next_sign_of_life(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let (one, two) = (Process::with_life(LIFE), Process::with_life(LIFE));
    drop(took(&store, &one, "north").await.expect("it is free"));
    let (_hold, after) = taken_in_time(&store, &two, "north").await;
    assert!(after < LIFE, "its process is alive, and gives it back itself: {after:?}");
    // Within the process nobody waits for that.
    drop(took(&store, &one, "south").await.expect("it is free"));
    assert!(took(&store, &one, "south").await.is_none(), "it is only just given back");
    assert!(took(&store, &one, "south").await.is_some());
}

#[tokio::test]
async fn a_lock_that_could_not_be_given_back_is_free_as_soon_as_the_database_answers() {
    let server = Postgres::start();
    let store = Store::open(&server.url()).await.expect("a new database");
    let locks = |process| Locks::new("north".to_owned(), store.clone(), process);
    let (here, elsewhere) = (locks(Process::current()), locks(Process::current()));
    let held = here.lock("splitter", "s").await.expect("it is free");
    server.halt();
    // It fails at once, or when nobody answers for long enough.
    drop(tokio::time::timeout(Duration::from_secs(1), here.release(held)).await);
    server.resume();
    let answers = Instant::now();
    let again = elsewhere.lock("splitter", "s").await.expect("it is given back");
    assert!(answers.elapsed() < Duration::from_secs(10), "{:?}", answers.elapsed());
    elsewhere.release(again).await;
    let again = here.lock("splitter", "s").await.expect("nobody has it");
    here.release(again).await;
}

#[rstest]
#[tokio::test]
async fn a_beat_is_begun_by_one_replica_and_the_next_is_due_an_interval_later(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let other = Store::open(&url).await.expect("the same database");
    let interval = Duration::from_secs(600);
    for store in [&store, &other] {
        store.plan_beat("north", Duration::ZERO).await.expect("planned");
        store.plan_beat("south", interval / 2).await.expect("planned");
    }
    let asked = (0..10).map(|i| if i % 2 == 0 { store.clone() } else { other.clone() });
    let asked = asked.map(|store| async move { store.begin_beat("north", interval).await.expect("asked") });
    let beats = futures::future::join_all(asked).await;
    assert_eq!(beats.iter().filter(|beat| **beat == Beat::Ours).count(), 1, "{beats:?}");
    let almost = Duration::from_secs(590)..=interval;
    let is_later = |beat: &Beat| matches!(beat, Beat::In(left) if almost.contains(left));
    assert!(beats.iter().all(|beat| *beat == Beat::Ours || is_later(beat)), "{beats:?}");
    let Beat::In(left) = store.begin_beat("south", interval).await.expect("asked") else {
        panic!("its place is later")
    };
    assert!((Duration::from_secs(290)..=interval / 2).contains(&left), "{left:?}");

    // The database's clock was put back by a day.
    sqlx::query("UPDATE beats SET due_ms = due_ms + 86400000").execute(&store.writer).await.expect("written");
    assert_eq!(
        store.begin_beat("north", interval).await.expect("asked"),
        Beat::Ours,
        "a day is not waited for"
    );
    assert_eq!(store.begin_beat("new", interval).await.expect("asked"), Beat::Ours, "nobody has planned it");
}

#[rstest]
#[tokio::test]
async fn what_release_0_1_0_holds_is_its_own_until_it_expires(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let process = Process::current();
    let soon = time_text(Timestamp::now() + Duration::from_secs(30));
    let row = async |tenant: &str, expires_at: &str| {
        sqlx::query("INSERT INTO leases (tenant, holder, expires_at) VALUES ($1, $2, $3)")
            .bind(tenant.to_owned())
            .bind("host/1/mark/run")
            .bind(expires_at.to_owned())
            .execute(&store.writer)
            .await
            .expect("written");
    };
    row("alive", &soon).await;
    row("expired", "2026-01-02T03:04:05.000Z").await;
    assert!(took(&store, &process, "alive").await.is_none());
    let hold = took(&store, &process, "expired").await.expect("it has expired");
    // And it respects ours: the time is written as it reads it.
    let (expires_at,): (String,) = sqlx::query_as("SELECT expires_at FROM leases WHERE tenant = 'expired'")
        .fetch_one(&store.reader)
        .await
        .expect("read");
    let left = time_of(&expires_at).duration_since(Timestamp::now());
    assert!(
        (15..=20).contains(&left.as_secs()) && time_text(time_of(&expires_at)) == expires_at,
        "{expires_at}"
    );
    // It takes one away by a clock that is ahead; the row is not given back in its place.
    sqlx::query("UPDATE leases SET holder = 'host/1/mark/other' WHERE tenant = 'expired'")
        .execute(&store.writer)
        .await
        .expect("written");
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert!(!hold.is_ours().await);
    store.give_sign(process.id(), process.life()).await.expect("given");
    assert_eq!(store.lease_holder("expired").await.expect("read").as_deref(), Some("host/1/mark/other"));
}

#[rstest]
#[tokio::test]
async fn a_run_that_release_0_1_0_left_has_an_end_and_one_that_has_a_lease_goes_on(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let long_ago = Timestamp::now() - Duration::from_secs(60);
    let (dead, alive) = (
        begun(&store, "host/1/mark/dead", long_ago).await,
        begun(&store, "host/1/mark/alive", long_ago).await,
    );
    let young = begun(&store, "host/1/mark/young", Timestamp::now()).await;
    sqlx::query("INSERT INTO leases (tenant, holder, expires_at) VALUES ('north', 'host/1/mark/alive', $1)")
        .bind(time_text(Timestamp::now() + Duration::from_secs(30)))
        .execute(&store.writer)
        .await
        .expect("written");
    Process::current().take_over(&store).await.expect("looked");
    let mut states = Vec::new();
    for id in [dead, alive, young] {
        states.push(run_of(&store, id).await.state);
    }
    assert_eq!(states, [RunState::Failed, RunState::Running, RunState::Running]);
    assert!(store.end_run(alive, end(RunState::Finished)).await.expect("written"));
    assert!(!store.end_run(dead, end(RunState::Finished)).await.expect("asked"), "it was cut off");
}

#[test]
fn no_clock_of_a_process_is_compared() {
    let sources = [
        include_str!("../leases.rs"),
        include_str!("../replicas.rs"),
        include_str!("../beats.rs"),
        include_str!("../hold.rs"),
        include_str!("../locks.rs"),
        include_str!("../heartbeat.rs"),
    ];
    for clock in ["Timestamp", "SystemTime", "time_text", "jiff", "now()", "CURRENT_TIMESTAMP"] {
        let in_code = |source: &&str| {
            let code = source.lines().filter(|line| !line.trim_start().starts_with("//"));
            code.map(|line| line.replace("Instant::now()", "")).any(|line| line.contains(clock))
        };
        assert!(!sources.iter().any(in_code), "{clock}");
    }
    assert!(POSTGRES.now_ms.contains("clock_timestamp()"), "`now()` stands still in a transaction");
}
