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
    let new = NewActivation { id, tenant: "north", command: &command, requested_at, requested_by, operation };
    store.begin_activation(new).await.expect("it is written");
    id
}

fn as_done(result: ActivationResult) -> ActivationEnd {
    let error = (result == ActivationResult::Refused).then(|| "port_taken: \0".to_owned());
    ActivationEnd { result, before: None, after: Some(client("147")), error }
}

async fn operation(store: &Store, code: &str, created_at: Timestamp) -> Uuid {
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

async fn due(store: &Store, now: Timestamp) -> Vec<Uuid> {
    due_but(store, now, &BTreeSet::new()).await
}

async fn due_but(store: &Store, now: Timestamp, except: &BTreeSet<String>) -> Vec<Uuid> {
    let due = store.due_operations("north", now, except, 10).await.expect("read");
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
    let overtaken = async || store.activated_since("north", "147", at("10:00:00")).await.expect("read");
    for (second, code, result) in [
        ("10:00:00", "147", ActivationResult::Updated),
        ("10:00:01", "147", ActivationResult::Refused),
        ("10:00:01", "148", ActivationResult::Created),
    ] {
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
    assert!(!store.activated_since("south", "147", at("10:00:00")).await.expect("read"));
}

#[rstest]
#[tokio::test]
async fn an_operation_is_due_until_it_ends_and_of_one_client_only_the_oldest(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let none: [Uuid; 0] = [];
    assert_eq!(due(&store, at("10:00:00")).await, none);
    let first = operation(&store, "147", at("10:00:00")).await;
    let second = operation(&store, "147", at("10:00:01")).await;
    let other = operation(&store, "148", at("10:00:02")).await;
    assert_eq!(due(&store, at("09:59:59")).await, none);
    assert_eq!(due(&store, at("10:00:05")).await, [first, other]);
    assert_eq!(due_but(&store, at("10:00:05"), &BTreeSet::from([first.to_string()])).await, [second, other]);
    let all = BTreeSet::new();
    assert_eq!(store.due_operations("south", at("10:00:05"), &all, 10).await.expect("read"), []);
    assert_eq!(store.due_operations("north", at("10:00:05"), &all, 1).await.expect("read").len(), 1);

    store.postpone_operation(first, at("10:01:00"), "OZmap is away \0").await.expect("written");
    assert_eq!(due(&store, at("10:00:05")).await, [other], "the second waits for the first");
    let row = store.operation("north", first).await.expect("read").expect("it is there");
    assert_eq!((row.state, row.attempts, row.command), (Ok(OperationState::Pending), 1, Ok(command("147"))));
    let error = Some("OZmap is away \u{fffd}");
    assert_eq!((row.last_error.as_deref(), row.next_at), (error, at("10:01:00")));

    let answer = OperationAnswer::Superseded;
    store.end_operation(first, &answer, at("10:01:01")).await.expect("written");
    assert_eq!(due(&store, at("10:01:02")).await, [second, other]);
    let refused = OperationAnswer::Refused {
        code: ErrorCode::PortTaken,
        detail: "no harm".to_owned(),
        free_ports: None,
    };
    store.end_operation(first, &refused, at("10:01:03")).await.expect("no harm");
    store.postpone_operation(first, at("10:05:00"), "no harm").await.expect("no harm");
    let row = store.operation("north", first).await.expect("read").expect("it is there");
    let end = (Ok(OperationState::Superseded), 2, None);
    assert_eq!((row.state, row.attempts, row.last_error), end, "an end is an end");
    let callback = Some("http://192.0.2.8/");
    assert_eq!((row.answer, row.callback_url.as_deref()), (Some(answer), callback));
    assert_eq!(store.operation("south", first).await.expect("read"), None, "another tenant's");
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
    for (id, second) in [(done, "08:00:01"), (late, "10:00:00")] {
        store.end_operation(id, &OperationAnswer::Superseded, at(second)).await.expect("written");
    }
    activation(&store, "1", at("08:00:00"), Some(waits)).await;
    activation(&store, "2", at("08:00:00"), Some(done)).await;
    activation(&store, "4", at("08:00:00"), None).await;
    activation(&store, "5", at("10:00:00"), None).await;
    for (code, second) in [("1", "08:00:00"), ("2", "10:00:00")] {
        store.remember_power("north", &power(code, at(second))).await.expect("written");
    }
    store.try_lease("cut off", "me", at("08:00:00"), Duration::from_secs(9)).await.expect("taken");
    store.try_lease("held", "me", at("08:59:55"), Duration::from_secs(9)).await.expect("taken");

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
    assert_eq!(due(&store, at("09:00:00")).await, [waits]);
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
