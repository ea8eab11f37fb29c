use std::collections::BTreeSet;

use gateway_core::ErrorCode;
use gateway_core::notice::{Event, Subscription, UpstreamStanding};
use gateway_core::provisioning::OperationAnswer;

use super::provisioning::{claimant, claimed, operation};
use super::*;
use crate::store::{Claim, NextNotice, WaitingNotice, Way, destination};

const CALLBACK: &str = "http://192.0.2.8/";

fn hook() -> String {
    destination("north", Way::Webhook, "https://alerts.example/hook")
}

/// Tells `north` of these from now on.
fn subscribe(store: &Store, events: &[Event]) {
    let subscription = Subscription { destination: hook(), events: events.iter().copied().collect() };
    store.subscribe("north", vec![subscription]);
}

fn known() -> Vec<String> {
    vec![hook(), "north".to_owned()]
}

async fn due(store: &Store) -> Vec<String> {
    let due = store.due_destinations(&known(), 100, 100).await.expect("read");
    due.into_iter().map(|due| due.name).collect()
}

async fn claim(store: &Store, destination: &str) -> Claim {
    store.claim_destination(destination).await.expect("asked").expect("nobody has it")
}

async fn next(store: &Store, claim: &Claim) -> WaitingNotice {
    match store.next_notice(claim).await.expect("read") {
        NextNotice::Due(notice) => notice,
        other => panic!("{other:?}"),
    }
}

/// The types of all notices to the webhook, delivered now, in their order.
async fn heard(store: &Store) -> Vec<String> {
    let mut heard = Vec::new();
    let Some(claim) = store.claim_destination(&hook()).await.expect("asked") else { return heard };
    loop {
        match store.next_notice(&claim).await.expect("read") {
            NextNotice::Due(notice) => {
                let body: serde_json::Value = serde_json::from_str(&notice.body).expect("JSON");
                heard.push(body["type"].as_str().expect("a type").to_owned());
                store.notice_delivered(&claim, notice.number).await.expect("written");
            }
            NextNotice::None { written } => {
                assert!(store.leave_destination(&claim, written).await.expect("written"));
                return heard;
            }
            NextNotice::Lost => panic!("it is ours"),
        }
    }
}

/// Ends so many operations of `north`, each of a client of its own.
async fn end_operations(store: &Store, codes: &[&str]) {
    for code in codes {
        let id = operation(store, code, at("10:00:00")).await;
        let me = claimant("me");
        assert_eq!(claimed(store, &me, 1).await, [id]);
        let answer = OperationAnswer::Superseded;
        assert!(store.end_operation(&me, id, &answer, at("10:00:01")).await.expect("written"));
    }
}

#[rstest]
#[tokio::test]
async fn an_end_and_its_notices_are_written_together_and_once(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    subscribe(&store, &[Event::OperationEnded]);
    let (me, other) = (claimant("me"), claimant("other"));
    let id = operation(&store, "147", at("10:00:00")).await;
    let refused = OperationAnswer::Refused {
        code: ErrorCode::PortTaken,
        detail: "taken\0".to_owned(),
        free_ports: None,
    };
    assert_eq!(claimed(&store, &me, 1).await, [id]);
    assert!(!store.end_operation(&other, id, &refused, at("10:00:01")).await.expect("asked"));
    assert_eq!(due(&store).await, [""; 0], "who ends nothing tells nothing");
    for ends in [true, false] {
        assert_eq!(store.end_operation(&me, id, &refused, at("10:00:01")).await.expect("asked"), ends);
    }
    let waiting = store.waiting_notices().await.expect("read");
    assert_eq!((waiting.len(), waiting[0].count, waiting[0].tenant.as_str()), (1, 2, "north"));
    let callback = destination("north", Way::Callback, CALLBACK);
    assert_eq!(due(&store).await, [callback.clone(), hook()]);
    let at_callback = claim(&store, &callback).await;
    assert_eq!(at_callback.url.as_deref(), Some(CALLBACK));
    let body = format!(r#"{{"code":"147","operation_id":"{id}","state":"refused"}}"#);
    assert_eq!(next(&store, &at_callback).await.body, body);
    let at_hook = claim(&store, &hook()).await;
    assert_eq!(at_hook.url, None, "a webhook's address may carry a token, and is not stored");
    assert!(next(&store, &at_hook).await.body.contains(r#""code":"port_taken""#));
    assert_eq!(due(&store).await, [""; 0], "they are taken");
}

#[rstest]
#[tokio::test]
async fn a_destination_is_in_one_hand_and_its_notices_in_their_order(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let other = Store::open(&url).await.expect("the same database");
    subscribe(&store, &[Event::OperationEnded]);
    end_operations(&store, &["147", "148", "149"]).await;
    let one = claim(&store, &hook()).await;
    assert!(other.claim_destination(&hook()).await.expect("asked").is_none());
    let first = next(&store, &one).await;
    assert!(first.body.contains("147"), "{first:?}");
    let (hour, blink) = (Duration::from_secs(3_600), Duration::from_millis(1));
    store.destination_failed(&one, first.number, hour, "it answered 500").await.expect("written");
    assert_eq!(store.next_notice(&one).await.expect("read"), NextNotice::Lost, "it is left alone");
    assert!(!due(&other).await.contains(&hook()));
    end_operations(&store, &["150"]).await;
    assert!(!due(&other).await.contains(&hook()), "what comes meanwhile keeps the pause");

    sqlx::query("UPDATE notice_destinations SET next_at = 1").execute(&store.writer).await.expect("written");
    let two = claim(&other, &hook()).await;
    assert_eq!(two.failures, 1);
    let again = next(&other, &two).await;
    assert_eq!(
        (&again.id, again.number, again.attempts),
        (&first.id, first.number, 1),
        "the same, once more"
    );
    other.set_notice_aside(&two, again.number, blink, "it answered 422").await.expect("written");
    for code in ["148", "149", "150"] {
        let notice = next(&other, &two).await;
        assert!(notice.body.contains(code), "{code}: {notice:?}");
        other.notice_delivered(&two, notice.number).await.expect("written");
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(next(&other, &two).await.number, first.number, "who is disliked comes last");
    other.give_up_notice(&two, first.number, "it answered 422").await.expect("written");
    let NextNotice::None { written } = other.next_notice(&two).await.expect("read") else { panic!("more") };
    end_operations(&store, &["151"]).await;
    assert!(!other.leave_destination(&two, written).await.expect("asked"), "one was written since");
    other.drop_destination(&two).await.expect("written");
    assert!(due(&store).await.contains(&hook()), "another takes it up at once");
}

#[rstest]
#[tokio::test]
async fn who_wants_no_more_gets_no_more_until_its_time_is_over(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    subscribe(&store, &[Event::OperationEnded]);
    end_operations(&store, &["147", "148"]).await;
    let one = claim(&store, &hook()).await;
    let given_up =
        store.give_up_notices(&one, Duration::ZERO, "it answered 410 Gone").await.expect("written");
    assert_eq!(given_up, 2);
    store.stop_destination(&one, Duration::from_secs(3_600)).await.expect("written");
    end_operations(&store, &["149"]).await;
    assert!(!due(&store).await.contains(&hook()));
    assert!(store.claim_destination(&hook()).await.expect("asked").is_none());
    sqlx::query("UPDATE notice_destinations SET stopped_until = 1")
        .execute(&store.writer)
        .await
        .expect("written");
    end_operations(&store, &["150"]).await;
    let two = claim(&store, &hook()).await;
    let notice = next(&store, &two).await;
    assert!(notice.body.contains("150"), "what came meanwhile is not told: {notice:?}");
}

#[rstest]
#[tokio::test]
async fn many_callbacks_that_are_due_hide_nobody_elses(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    subscribe(&store, &[Event::OperationEnded]);
    end_operations(&store, &["147"]).await;
    let copies = "INSERT INTO notice_destinations (destination, tenant, url, written, next_at) \
                  SELECT destination || value, tenant, url, 1, 1 FROM notice_destinations, ";
    let list = match kind {
        Database::Sqlite => "(SELECT value FROM json_each('[1,2,3,4,5,6,7,8,9]')) AS v",
        Database::Postgres => {
            "(SELECT value FROM json_array_elements('[1,2,3,4,5,6,7,8,9]') AS a(value)) AS v"
        }
    };
    let sql =
        format!("{} {list} WHERE url IS NOT NULL", copies.replace("|| value", "|| CAST(value AS TEXT)"));
    sqlx::query(AssertSqlSafe(sql)).execute(&store.writer).await.expect("written");
    assert_eq!(due(&store).await.len(), 11);
    let few = store.due_destinations(&known(), 5, 4).await.expect("read");
    let callbacks = few.iter().filter(|due| due.is_callback).count();
    assert_eq!((callbacks, few.iter().filter(|due| due.name == hook()).count()), (4, 1), "{few:?}");
    let strangers = store.due_destinations(&["south".to_owned()], 100, 100).await.expect("read");
    assert_eq!(strangers, [], "what another process knows is left to it");
}

#[rstest]
#[tokio::test]
async fn a_run_tells_what_its_end_changes_also_one_that_was_cut_off(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    subscribe(&store, &[Event::SyncFailed, Event::SyncHalted, Event::SyncHeld, Event::SyncRecovered]);
    let ends = async |state, error: Option<&str>| {
        let run = begun(&store, "one/1", at("10:00:00")).await;
        let end = RunEnd { error: error.map(str::to_owned), ..end(state) };
        assert!(store.end_run(run, end.clone()).await.expect("written"));
        assert!(!store.end_run(run, end).await.expect("asked"), "an end is told once");
    };
    ends(RunState::Finished, None).await;
    assert_eq!(heard(&store).await, [""; 0], "a good run is no news");
    ends(RunState::Failed, Some("INT6 is away")).await;
    ends(RunState::Failed, Some("INT6 is away")).await;
    ends(RunState::Failed, Some("interrupted while both sides were read; nothing was written")).await;
    ends(RunState::Finished, None).await;
    assert_eq!(heard(&store).await, ["sync.failed", "sync.recovered"]);
    ends(RunState::Halted, None).await;
    ends(RunState::Finished, None).await;
    assert_eq!(heard(&store).await, ["sync.halted", "sync.recovered"]);
    for _ in 0..2 {
        let dead = Process::current();
        begun(&store, &format!("{}/1", dead.id()), at("10:00:00")).await;
        store.bury(dead.id(), None).await.expect("taken over");
    }
    assert_eq!(heard(&store).await, ["sync.failed"], "one kill is none, two in a row are");
}

#[rstest]
#[tokio::test]
async fn a_system_is_told_of_by_one_process_of_many(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, url, _home } = fresh(kind).await;
    let other = Store::open(&url).await.expect("the same database");
    let events = [Event::UpstreamUnreachable, Event::UpstreamRefusedKey, Event::UpstreamRecovered];
    for store in [&store, &other] {
        subscribe(store, &events);
    }
    let note = async |standing| {
        let told =
            async |store: &Store| store.note_upstream("north", System::Int6, standing, "no answer").await;
        let (one, two) = tokio::join!(told(&store), told(&other));
        one.and(two).expect("written");
    };
    note(UpstreamStanding::Answers).await;
    note(UpstreamStanding::Unreachable).await;
    note(UpstreamStanding::Unreachable).await;
    note(UpstreamStanding::RefusesKey).await;
    note(UpstreamStanding::Answers).await;
    let told = ["upstream.unreachable", "upstream.refused_key", "upstream.recovered"];
    assert_eq!(heard(&store).await, told);
    let standing = store.upstream_standing("north", System::Int6).await.expect("read");
    assert_eq!(standing, Some(UpstreamStanding::Answers));
    assert_eq!(store.upstream_standing("north", System::Ozmap).await.expect("read"), None);
}

#[rstest]
#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_what_waits_is_not(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    subscribe(&store, &[Event::OperationEnded]);
    end_operations(&store, &["147"]).await;
    let (now, week) = (Timestamp::now(), jiff::SignedDuration::from_hours(24 * 7));
    assert_eq!(store.prune_notices(now + jiff::SignedDuration::from_secs(60)).await.expect("pruned"), 0);
    assert_eq!(heard(&store).await, ["operation.ended"]);
    assert_eq!(store.prune_notices(now - week).await.expect("pruned"), 0, "it is young");
    assert_eq!(store.prune_notices(now + jiff::SignedDuration::from_secs(60)).await.expect("pruned"), 1);
    let left: BTreeSet<String> = due(&store).await.into_iter().collect();
    assert_eq!(left, BTreeSet::from([destination("north", Way::Callback, CALLBACK)]));
    assert_eq!(store.prune_notices(now + week * 2).await.expect("pruned"), 1, "nobody delivers it any more");
}
