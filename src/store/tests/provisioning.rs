//! Activations, operations, known powers and locks, on both databases.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use gateway_core::provisioning::{
    ActivationResult, Command, ConnectRequest, OperationAnswer, OperationState,
};
use gateway_core::sync::RunState;
use gateway_core::{
    Client, ClientCode, ClientRecord, ErrorCode, Implantation, KnownPower, Onu, OnuPatch, PortNumber,
    RecordId, Route,
};
use rstest::rstest;

use super::super::*;
use super::{Database, Fresh, at, begun, end, fresh};

fn command(code: &str) -> Command {
    Command::Activate(ConnectRequest {
        code: ClientCode::new(code).expect("a code"),
        splitter: RecordId::new("5da6").expect("an identifier"),
        port: PortNumber::new(3).expect("a port"),
        coordinate: None,
        implantation: Implantation::Implanted,
        name: None,
        address: None,
        onu: OnuPatch::default(),
    })
}

fn client(code: &str) -> ClientRecord {
    let client = Client {
        id: RecordId::new("c1").expect("an identifier"),
        code: ClientCode::new(code).expect("a code"),
        status: None,
        implantation: Implantation::Implanted,
        onu: Onu::default(),
        onu_known: true,
    };
    ClientRecord { client, name: None, property: None }
}

async fn activation(store: &Store, code: &str, requested_at: Timestamp, operation: Option<Uuid>) -> Uuid {
    let id = Uuid::now_v7();
    let command = command(code);
    let requested_by = "192.0.2.7 r1";
    let new = NewActivation {
        id,
        tenant: "north",
        command: &command,
        requested_at,
        requested_by,
        operation,
        number: None,
    };
    store.begin_activation(new).await.expect("it is written");
    id
}

fn as_done(result: ActivationResult) -> ActivationEnd {
    let error = (result == ActivationResult::Refused).then(|| "port_taken: \0".to_owned());
    ActivationEnd { result, before: None, after: Some(client("147")), error }
}

pub(super) async fn operation(store: &Store, code: &str, created_at: Timestamp) -> Uuid {
    let id = Uuid::now_v7();
    let new = NewOperation {
        id,
        tenant: "north",
        command: &command(code),
        requested_by: "192.0.2.7 r1",
        callback_url: Some("http://192.0.2.8/"),
        created_at,
    };
    store.enqueue_operation(new).await.expect("it is written");
    id
}

pub(super) fn claimant(holder: &str) -> Claimant {
    Claimant { tenant: "north".to_owned(), holder: holder.to_owned(), lifetime: Duration::from_secs(60) }
}

pub(super) async fn claimed(store: &Store, claimant: &Claimant, limit: usize) -> Vec<Uuid> {
    let claimed = store.claim_operations(claimant, &BTreeSet::new(), limit).await.expect("claimed");
    claimed.into_iter().map(|operation| operation.id).collect()
}

/// What may be claimed, and is given back.
async fn due(store: &Store) -> Vec<Uuid> {
    due_but(store, &BTreeSet::new()).await
}

async fn due_but(store: &Store, except: &BTreeSet<String>) -> Vec<Uuid> {
    let me = claimant("me");
    let due = store.claim_operations(&me, except, 10).await.expect("claimed");
    let keys: Vec<String> = due.iter().map(|operation| operation.key.clone()).collect();
    store.release_claims(&me, &keys).await.expect("given back");
    due.into_iter().map(|operation| operation.id).collect()
}

fn power(code: &str, as_of: Timestamp) -> KnownPower {
    let code = ClientCode::new(code).expect("a code");
    KnownPower { code, route: Route::default(), other_routes: 0, read: None, as_of }
}

#[rstest]
#[tokio::test]
async fn an_activation_is_read_back_as_it_was_written(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let all = ActivationFilter::default();
    assert_eq!(store.activations("north", &all, 10).await.expect("read"), []);
    let operation = Uuid::now_v7();
    let id = activation(&store, "147", at("10:00:00"), Some(operation)).await;
    let row = store.activations("north", &all, 10).await.expect("read").remove(0);
    assert_eq!((row.id, row.result, row.finished_at), (id, Ok(ActivationResult::Running), None));
    assert_eq!((row.requested_at, row.requested_by.as_str()), (at("10:00:00"), "192.0.2.7 r1"));
    assert_eq!((row.operation, row.command), (Some(operation), Some(command("147"))));
    store.end_activation(id, at("10:00:01"), as_done(ActivationResult::Refused)).await.expect("written");
    let row = store.activations("north", &all, 10).await.expect("read").remove(0);
    let error = Some("port_taken: \u{fffd}");
    assert_eq!((row.result, row.error.as_deref()), (Ok(ActivationResult::Refused), error));
    assert_eq!((row.before, row.after), (None, Some(client("147"))));
    assert_eq!(row.finished_at, Some(at("10:00:01")));
    assert_eq!(store.activations("south", &all, 10).await.expect("read"), [], "another tenant's");
    assert!(store.was_tried(operation).await.expect("read") && !store.was_tried(id).await.expect("read"));
}

#[rstest]
#[tokio::test]
async fn activations_of_one_key_are_told_from_those_of_a_longer_name(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let asked = ["painel", "painel dois", "não%_", "192.0.2.7", "pai"];
    for key in asked {
        let by = format!("{key} 2001:db8::1 r1");
        let begun = NewActivation {
            id: Uuid::now_v7(),
            tenant: "north",
            command: &command("147"),
            requested_at: at("10:00:00"),
            requested_by: &by,
            operation: None,
            number: None,
        };
        store.begin_activation(begun).await.expect("written");
    }
    activation(&store, "147", at("10:00:00"), None).await;
    for key in asked {
        let filter = ActivationFilter { by_key: Some(key.to_owned()), ..ActivationFilter::default() };
        let rows = store.activations("north", &filter, 9).await.expect("read");
        let by: Vec<&str> = rows.iter().map(|row| row.requested_by.as_str()).collect();
        assert_eq!(by, [format!("{key} 2001:db8::1 r1")], "{key}");
    }
}

#[rstest]
#[tokio::test]
async fn activations_are_filtered_and_come_in_pages(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let mut ids = Vec::new();
    for (code, result) in [
        ("1", ActivationResult::Created),
        ("2", ActivationResult::Refused),
        ("1", ActivationResult::Updated),
        ("1", ActivationResult::Refused),
    ] {
        let id = activation(&store, code, at("10:00:00"), None).await;
        store.end_activation(id, at("10:00:01"), as_done(result)).await.expect("written");
        ids.push(id);
    }
    let found = async |code: Option<&str>, result, before, limit| {
        let filter = ActivationFilter { code: code.map(Into::into), result, before, by_key: None };
        let rows = store.activations("north", &filter, limit).await.expect("read");
        rows.into_iter().map(|row| row.id).collect::<Vec<Uuid>>()
    };
    assert_eq!(found(None, None, None, 3).await, [ids[3], ids[2], ids[1]]);
    assert_eq!(found(None, None, Some(ids[1]), 3).await, [ids[0]]);
    assert_eq!(found(Some("1"), None, None, 9).await, [ids[3], ids[2], ids[0]]);
    assert_eq!(found(Some("1"), Some(ActivationResult::Refused), None, 9).await, [ids[3]]);
    assert_eq!(found(Some("1"), Some(ActivationResult::Refused), Some(ids[3]), 9).await, Vec::<Uuid>::new());
    assert_eq!(
        found(Some("1\0' OR '1'='1"), None, None, 9).await,
        Vec::<Uuid>::new(),
        "no filter makes it fail"
    );
}

#[rstest]
#[tokio::test]
async fn only_what_was_asked_later_and_done_overtakes(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let number = async |id: Uuid| {
        let sql = "SELECT number FROM activations WHERE id = $1";
        let row: (i64,) =
            sqlx::query_as(sql).bind(id.to_string()).fetch_one(&store.reader).await.expect("read");
        row.0
    };
    let before = activation(&store, "147", at("10:00:00"), None).await;
    // Its clock is ahead; it came first all the same.
    let since = Since { number: number(before).await, asked_at: at("23:59:59") };
    let overtaken = async || store.activated_since("north", "147", since).await.expect("read");
    store.end_activation(before, at("10:00:09"), as_done(ActivationResult::Updated)).await.expect("written");
    for (second, code, result) in
        [("10:00:01", "147", ActivationResult::Refused), ("10:00:01", "148", ActivationResult::Created)]
    {
        let id = activation(&store, code, at(second), None).await;
        store.end_activation(id, at("10:00:09"), as_done(result)).await.expect("written");
    }
    let under_way = activation(&store, "147", at("10:00:02"), None).await;
    assert!(!overtaken().await, "its own, refused, another client's, and not done yet");
    store
        .end_activation(under_way, at("10:00:09"), as_done(ActivationResult::Unchanged))
        .await
        .expect("written");
    assert!(overtaken().await);
    assert!(!store.activated_since("south", "147", since).await.expect("read"));
    let last = Since { number: number(under_way).await, asked_at: at("09:00:00") };
    assert!(!store.activated_since("north", "147", last).await.expect("read"), "nothing came after the last");
    // What a release without numbers wrote is told by its time.
    let unnumbered = "UPDATE activations SET number = 0 WHERE id = $1";
    sqlx::query(unnumbered).bind(under_way.to_string()).execute(&store.writer).await.expect("written");
    for (asked_at, expected) in [("10:00:01", true), ("10:00:02", false)] {
        let since = Since { number: 9, asked_at: at(asked_at) };
        assert_eq!(store.activated_since("north", "147", since).await.expect("read"), expected, "{asked_at}");
    }
}

#[rstest]
#[tokio::test]
async fn an_operation_is_due_until_it_ends_and_of_one_client_only_the_oldest(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let none: [Uuid; 0] = [];
    assert_eq!(due(&store).await, none);
    assert_eq!(store.next_operation_in("north").await.expect("read"), None);
    // The numbers tell who came first, whatever the clocks say.
    let first = operation(&store, "147", at("10:00:09")).await;
    let second = operation(&store, "147", at("10:00:01")).await;
    let other = operation(&store, "148", at("10:00:00")).await;
    assert!(store.next_operation_in("north").await.expect("read").is_some_and(|left| left.is_negative()));
    assert_eq!(due(&store).await, [first, other]);
    assert_eq!(due_but(&store, &BTreeSet::from([first.to_string()])).await, [second, other]);
    let elsewhere = Claimant { tenant: "south".to_owned(), ..claimant("me") };
    assert_eq!(claimed(&store, &elsewhere, 10).await, none);

    let me = claimant("me");
    let put_off = async |id, seconds| {
        let (pause, next_at) = (Duration::from_secs(seconds), at("10:01:00"));
        store.postpone_operation(&me, id, pause, next_at, "OZmap is away \0").await.expect("written");
    };
    put_off(first, 60).await;
    assert_eq!(due(&store).await, [other], "the second waits for the first");
    let row = store.operation("north", first).await.expect("read").expect("it is there");
    assert_eq!((row.state, row.attempts, row.command), (Ok(OperationState::Pending), 1, Ok(command("147"))));
    let error = Some("OZmap is away \u{fffd}");
    assert_eq!((row.last_error.as_deref(), row.next_at), (error, at("10:01:00")));
    put_off(first, 60).await;
    assert_eq!(
        due(&store).await,
        [second, other],
        "what keeps failing holds nobody up until it is due again"
    );
    put_off(second, 0).await;
    put_off(first, 0).await;
    assert_eq!(due(&store).await, [first, other], "and then it comes first");

    put_off(first, 60).await;
    let later = activation(&store, "147", at("09:00:00"), None).await;
    store.end_activation(later, at("10:00:09"), as_done(ActivationResult::Refused)).await.expect("written");
    assert_eq!(due(&store).await, [second, other]);
    store.end_activation(later, at("10:00:09"), as_done(ActivationResult::Updated)).await.expect("written");
    assert_eq!(due(&store).await, [first, other], "it came too late, which is told at once");

    let answer = OperationAnswer::Superseded;
    let ends = async |id, answer: &OperationAnswer| {
        store.end_operation(&me, id, answer, at("10:01:01")).await.expect("written")
    };
    assert!(ends(first, &answer).await);
    assert_eq!(due(&store).await, [second, other]);
    let refused = OperationAnswer::Refused {
        code: ErrorCode::PortTaken,
        detail: "no harm".to_owned(),
        free_ports: None,
    };
    assert!(!ends(first, &refused).await);
    put_off(first, 9).await;
    let row = store.operation("north", first).await.expect("read").expect("it is there");
    let end = (Ok(OperationState::Superseded), 5, None);
    assert_eq!((row.state, row.attempts, row.last_error), end, "an end is an end");
    let callback = Some("http://192.0.2.8/");
    assert_eq!((row.answer, row.callback_url.as_deref()), (Some(answer), callback));
    assert_eq!(store.operation("south", first).await.expect("read"), None, "another tenant's");
}

#[rstest]
#[tokio::test]
async fn an_operation_is_in_one_hand_until_its_claim_ends(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let other = Store::open(&url).await.expect("the same database");
    let (one, two) = (claimant("one"), claimant("two"));
    let none: [Uuid; 0] = [];
    let first = operation(&store, "147", at("10:00:00")).await;
    let second = operation(&store, "147", at("10:00:00")).await;
    let third = operation(&store, "148", at("10:00:00")).await;
    assert_eq!(claimed(&store, &one, 1).await, [first]);
    assert_eq!(claimed(&other, &two, 10).await, [third], "of one client none while another is claimed");
    assert_eq!(claimed(&store, &one, 10).await, none, "not even by the same");
    let has = async |claimant, id| store.has_claim(claimant, id).await.expect("read");
    assert!(has(&one, first).await && has(&two, third).await);
    assert!(!has(&two, first).await && !has(&one, second).await);
    let superseded = OperationAnswer::Superseded;
    let ended = other.end_operation(&two, first, &superseded, at("10:00:01")).await;
    assert!(!ended.expect("written"), "only who has it ends it");

    // The one that is gone renews nothing; its claims end by the database's clock.
    let brief = Claimant { lifetime: Duration::from_millis(1), ..one.clone() };
    store.renew_claims(&brief, &[first.to_string()]).await.expect("written");
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(claimed(&other, &two, 10).await, [first]);
    store.renew_claims(&one, &[first.to_string()]).await.expect("written");
    assert!(has(&two, first).await && !has(&one, first).await, "what was lost is not had back");
    let ended = store.end_operation(&one, first, &superseded, at("10:00:01")).await;
    assert!(!ended.expect("written"), "who was stopped for too long ends nothing");
    assert!(other.end_operation(&two, first, &superseded, at("10:00:01")).await.expect("written"));
    assert_eq!(claimed(&store, &one, 10).await, [second]);
}

#[rstest]
#[tokio::test]
async fn of_workers_that_claim_at_once_each_operation_has_one(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let mut waiting = BTreeSet::new();
    for code in 0..60 {
        waiting.insert(operation(&store, &code.to_string(), at("10:00:00")).await);
    }
    let mut workers = Vec::new();
    for worker in 0..6 {
        let (store, me) = (Store::open(&url).await.expect("the same"), claimant(&worker.to_string()));
        workers.push(tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                match claimed(&store, &me, 4).await {
                    none if none.is_empty() => return mine,
                    some => mine.extend(some),
                }
            }
        }));
    }
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.expect("it ends"));
    }
    assert_eq!(all.len(), 60, "none is claimed twice");
    assert_eq!(all.into_iter().collect::<BTreeSet<_>>(), waiting);
}

#[rstest]
#[tokio::test]
async fn an_activation_that_shows_no_life_gets_an_end_in_the_record(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let alive = activation(&store, "147", at("10:00:00"), None).await;
    let cut_off = activation(&store, "148", at("10:00:00"), None).await;
    let gone = "UPDATE activations SET alive_until = 1 WHERE id = $1";
    for id in [alive, cut_off] {
        sqlx::query(gone).bind(id.to_string()).execute(&store.writer).await.expect("written");
    }
    store.keep_activation(alive).await.expect("written");
    let end =
        async |tenant: &str| store.end_cut_off_activations(tenant, at("10:00:30")).await.expect("written");
    assert_eq!((end("south").await, end("north").await, end("north").await), (0, 1, 0));
    let rows = store.activations("north", &ActivationFilter::default(), 10).await.expect("read");
    let [ended, running] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((ended.id, ended.result.clone()), (cut_off, Ok(ActivationResult::Failed)));
    let told = ended.error.as_deref().expect("why");
    assert!(told.starts_with("unavailable: cut off: "), "{told}");
    assert_eq!(
        (ended.finished_at, running.result.clone()),
        (Some(at("10:00:30")), Ok(ActivationResult::Running))
    );
}

#[tokio::test]
async fn whoever_waits_for_no_disk_leaves_the_next_one_waiting_for_it() {
    let Fresh { store, _home, .. } = fresh(Database::Sqlite).await;
    let flushes = async |connection: &mut sqlx::AnyConnection| {
        let row: (i64,) =
            sqlx::query_as("PRAGMA synchronous").fetch_one(connection).await.expect("it is told");
        row.0
    };
    for _ in 0..2 {
        let mut transaction = store.transaction().await.expect("begun");
        assert_eq!(flushes(&mut transaction).await, 2, "FULL: a commit is on the disk before it returns");
        drop(transaction);
        let mut forgetful = store.forgetful().await.expect("a connection");
        assert_eq!(flushes(&mut forgetful).await, 1, "NORMAL");
    }
}

#[rstest]
#[tokio::test]
async fn of_many_that_are_written_down_together_one_that_cannot_be_costs_no_other(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let wish = command("147");
    let twice = Uuid::now_v7();
    let new = |id| NewOperation {
        id,
        tenant: "north",
        command: &wish,
        requested_by: "192.0.2.7 r1",
        callback_url: None,
        created_at: at("10:00:00"),
    };
    let ids: Vec<Uuid> = (0..40).map(|i| if i % 20 == 5 { twice } else { Uuid::now_v7() }).collect();
    let stored = futures::future::join_all(ids.iter().map(|id| store.enqueue_operation(new(*id)))).await;
    assert_eq!(stored.iter().filter(|stored| stored.is_err()).count(), 1, "one name twice");
    let mut numbers = Vec::new();
    for (id, stored) in ids.iter().zip(&stored) {
        let row = store.operation("north", *id).await.expect("read");
        assert!(row.is_some(), "{stored:?}");
        numbers.extend(row.map(|row| row.number));
    }
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), 39, "each has a number of its own");
}

#[rstest]
#[tokio::test]
async fn the_power_that_was_told_last_is_known(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    assert_eq!(store.known_power("north", "147").await.expect("read"), None);
    for second in ["10:00:01", "10:00:03", "10:00:02"] {
        store.remember_power("north", &power("147", at(second))).await.expect("written");
    }
    let known = store.known_power("north", "147").await.expect("read");
    assert_eq!(
        known,
        Some(power("147", at("10:00:03"))),
        "an answer that came late does not undo a newer one"
    );
    assert_eq!(store.known_power("south", "147").await.expect("read"), None);
}

#[rstest]
#[tokio::test]
async fn what_is_old_is_forgotten_but_no_operation_that_waits(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let run = begun(&store, "me", at("08:00:00")).await;
    store.end_run(run, end(RunState::Finished)).await.expect("written");
    let (waits, done) =
        (operation(&store, "1", at("08:00:00")).await, operation(&store, "2", at("08:00:00")).await);
    let late = operation(&store, "3", at("08:00:00")).await;
    assert_eq!(due(&store).await, [waits, done, late]);
    for (id, second) in [(done, "08:00:01"), (late, "10:00:00")] {
        let answer = OperationAnswer::Superseded;
        assert!(store.end_operation(&claimant("me"), id, &answer, at(second)).await.expect("written"));
    }
    activation(&store, "1", at("08:00:00"), Some(waits)).await;
    activation(&store, "2", at("08:00:00"), Some(done)).await;
    activation(&store, "4", at("08:00:00"), None).await;
    activation(&store, "5", at("10:00:00"), None).await;
    for (code, second) in [("1", "08:00:00"), ("2", "10:00:00")] {
        store.remember_power("north", &power(code, at(second))).await.expect("written");
    }
    for (tenant, holder, expires_at) in [
        ("cut off", "me", "2026-11-20T08:00:09.000Z"),
        ("held", "me", "2026-11-20T09:00:04.000Z"),
        ("free", "", ""),
    ] {
        let lease = sqlx::query("INSERT INTO leases (tenant, holder, expires_at) VALUES ($1, $2, $3)");
        let written = lease.bind(tenant).bind(holder).bind(expires_at).execute(&store.writer).await;
        written.expect("written");
    }

    assert_eq!(
        store.prune(at("09:00:00")).await.expect("pruned"),
        6,
        "a run, an operation, two activations, a power, a lease"
    );
    assert_eq!(store.prune(at("09:00:00")).await.expect("pruned"), 0, "works twice");
    let left = store.activations("north", &ActivationFilter::default(), 10).await.expect("read");
    assert_eq!(left.iter().map(|row| row.code.as_str()).collect::<Vec<_>>(), ["5", "1"]);
    assert!(store.was_tried(waits).await.expect("read"), "a create that waits may have happened");
    for (id, is_kept) in [(waits, true), (done, false), (late, true)] {
        assert_eq!(store.operation("north", id).await.expect("read").is_some(), is_kept);
    }
    assert_eq!(due(&store).await, [waits]);
    assert_eq!(store.known_power("north", "1").await.expect("read"), None);
    assert!(store.known_power("north", "2").await.expect("read").is_some());
    assert_eq!(store.lease_holder("held").await.expect("read").as_deref(), Some("me"));
}

#[rstest]
#[tokio::test]
async fn a_lock_is_held_by_one_at_a_time_across_replicas(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let other = Store::open(&url).await.expect("the same database");
    let locks = |store: &Store| Arc::new(Locks::new("north".to_owned(), store.clone(), Process::current()));
    let replicas = [locks(&store), locks(&other)];
    let inside = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let tasks = (0..12).map(|i| {
        let (locks, inside) = (Arc::clone(&replicas[i % 2]), Arc::clone(&inside));
        tokio::spawn(async move {
            let held = locks.lock("client", "147").await.expect("it is given back in time");
            let before = inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(3)).await;
            inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
            locks.release(held).await;
            before
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.expect("it ends"), 0, "nobody else was inside");
    }
    assert_eq!(store.lease_holder("north/client/147").await.expect("read"), None);
}

#[rstest]
#[tokio::test]
async fn who_loses_patience_leaves_no_lock_behind(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let other = Store::open(&url).await.expect("the same database");
    let here = Locks::new("north".to_owned(), store.clone(), Process::current());
    let elsewhere = Locks::new("north".to_owned(), other, Process::current());
    let soon = || Instant::now() + Duration::from_millis(250);
    for locks in [&here, &elsewhere] {
        let held = here.lock_until("client", "147", soon()).await.expect("it is free");
        let begun = Instant::now();
        assert!(matches!(locks.lock_until("client", "147", soon()).await, Err(LockError::InUse("client"))));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        here.release(held).await;
    }
    assert!(here.lock_until("client", "147", Instant::now()).await.is_err(), "it is too late");
    assert_eq!(store.lease_holder("north/client/147").await.expect("read"), None);
    let held = elsewhere.lock_until("client", "147", soon()).await.expect("it is free");
    elsewhere.release(held).await;
}
