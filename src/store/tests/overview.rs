//! How tenants stand, on both databases.

use gateway_core::provisioning::OperationAnswer;
use gateway_core::sync::{Counts, Mode, RunState, Trigger};
use rstest::rstest;

use super::super::*;
use super::provisioning::{claimant, claimed, operation};
use super::{Database, Fresh, at, end, fresh};

/// A run of the tenant `north` that ended.
async fn ended(store: &Store, state: RunState, minute: u32, spoilt: impl FnOnce(&mut NewRun, &mut RunEnd)) {
    let id = Uuid::now_v7();
    // Numbers of one millisecond may be equal; the engine draws again.
    tokio::time::sleep(Duration::from_millis(2)).await;
    let mut run = NewRun {
        id,
        tenant: "north".to_owned(),
        trigger: Trigger::Timer,
        mode: Mode::Apply,
        started_at: at(&format!("10:{minute:02}:00")),
        holder: "me".to_owned(),
        plan: None,
    };
    let mut end = RunEnd { finished_at: at(&format!("10:{minute:02}:30")), ..end(state) };
    spoilt(&mut run, &mut end);
    store.begin_run(run).await.expect("it is written");
    store.end_run(id, end).await.expect("it is written");
}

async fn north(store: &Store) -> Overview {
    let watched = ["south", "north"].map(|name| Watched { tenant: name.to_owned(), read_only: false });
    let mut seen = store.overview(&watched).await.expect("read");
    seen.sort_by(|a, b| b.tenant.cmp(&a.tenant));
    let north = seen.pop().expect("north");
    assert_eq!(seen, [Overview { tenant: "south".to_owned(), ..Overview::default() }]);
    north
}

#[rstest]
#[tokio::test]
async fn a_tenant_stands_as_its_last_full_runs_left_it(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    assert_eq!(north(&store).await, Overview { tenant: "north".to_owned(), ..Overview::default() });
    ended(&store, RunState::Failed, 1, |_, _| ()).await;
    let never_good = north(&store).await;
    let times = (never_good.first_at, never_good.good_at, never_good.failed_at);
    assert_eq!(times, (Some(at("10:01:00")), None, Some(at("10:01:30"))));

    ended(&store, RunState::Finished, 2, |_, end| {
        end.counts = Counts { matched: 9, absent: 4, ..Counts::default() };
        let held = HeldField {
            field: "status".to_owned(),
            clients: 51,
            reason: "mass_outage".to_owned(),
            because: String::new(),
        };
        end.notes.held = vec![held];
    })
    .await;
    let good = north(&store).await;
    assert_eq!((good.good_at, good.failed_at), (Some(at("10:02:30")), None), "what failed before is over");
    let last = good.last.expect("a run that saw both sides");
    assert_eq!((last.counts.absent, last.held[0].clients), (4, 51));

    ended(&store, RunState::Halted, 3, |_, _| ()).await;
    ended(&store, RunState::Failed, 4, |_, _| ()).await;
    let spoilt = north(&store).await;
    assert_eq!(spoilt.good_at, Some(at("10:02:30")));
    assert_eq!((spoilt.halted_at, spoilt.failed_at), (Some(at("10:03:30")), Some(at("10:04:30"))));
    assert_eq!(spoilt.last.expect("the halted run").counts.matched, 7);
}

#[rstest]
#[case::dry(|run: &mut NewRun, _: &mut RunEnd| run.mode = Mode::DryRun)]
#[case::of_one_client(|run: &mut NewRun, _: &mut RunEnd| run.trigger = Trigger::Client)]
#[case::of_a_plan(|run: &mut NewRun, _: &mut RunEnd| run.plan = Some(Uuid::now_v7()))]
#[case::of_somebody_else(|run: &mut NewRun, _: &mut RunEnd| "west".clone_into(&mut run.tenant))]
#[tokio::test]
async fn other_runs_say_nothing_of_it(#[case] other: fn(&mut NewRun, &mut RunEnd)) {
    let Fresh { store, _home, .. } = fresh(Database::Sqlite).await;
    ended(&store, RunState::Finished, 1, |_, _| ()).await;
    let before = north(&store).await;
    for (minute, state) in [(2, RunState::Failed), (3, RunState::Halted), (4, RunState::Finished)] {
        ended(&store, state, minute, other).await;
    }
    let after = north(&store).await;
    assert_eq!(after, Overview { finished_at: after.finished_at, ..before });
}

#[rstest]
#[case::killed("cut off: the gateway was stopped while this run was under way; the next run goes on")]
#[case::stopped("interrupted after 3 of 9 changes; the next run goes on with the others")]
#[tokio::test]
async fn a_run_that_ended_with_its_gateway_did_not_fail(#[case] error: &str) {
    let Fresh { store, _home, .. } = fresh(Database::Sqlite).await;
    ended(&store, RunState::Failed, 1, |_, end| end.error = Some(error.to_owned())).await;
    assert_eq!(north(&store).await.failed_at, None);
    ended(&store, RunState::Failed, 2, |_, end| end.error = None).await;
    assert_eq!(north(&store).await.failed_at, Some(at("10:02:30")));
}

#[tokio::test]
async fn a_tenant_that_is_read_only_stands_by_its_dry_runs() {
    let Fresh { store, _home, .. } = fresh(Database::Sqlite).await;
    ended(&store, RunState::Finished, 1, |run, _| run.mode = Mode::DryRun).await;
    let watched = [Watched { tenant: "north".to_owned(), read_only: true }];
    assert_eq!(store.overview(&watched).await.expect("read")[0].good_at, Some(at("10:01:30")));
}

#[rstest]
#[tokio::test]
async fn operations_that_wait_are_counted_with_the_time_of_the_oldest(
    #[values(Database::Sqlite, Database::Postgres)] kind: Database,
) {
    let Fresh { store, _home, .. } = fresh(kind).await;
    let oldest = operation(&store, "147", at("10:00:00")).await;
    operation(&store, "148", at("10:00:07")).await;
    let seen = north(&store).await;
    assert_eq!((seen.pending, seen.oldest_pending_at), (2, Some(at("10:00:00"))));
    let one = claimant("one");
    assert_eq!(claimed(&store, &one, 1).await, [oldest]);
    assert!(
        store
            .end_operation(&one, oldest, &OperationAnswer::Superseded, at("10:00:09"))
            .await
            .expect("written")
    );
    let seen = north(&store).await;
    assert_eq!((seen.pending, seen.oldest_pending_at), (1, Some(at("10:00:07"))));
}
