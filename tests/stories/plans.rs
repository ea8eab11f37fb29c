//! The plan that was shown is the plan that is applied: by id, whole or by field, once, within 24 hours.

use std::sync::Arc;

use gateway_core::sync::{Field, Fields, RunState, Trigger};
use gateway_sandbox::TestClient;
use int6_ozmap_gateway::store::Process;
use int6_ozmap_gateway::sync::{Observer, PlanError, Progress, Report};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::technician::{Technician, said};
use crate::world::World;

async fn applied(world: &World, plan: Uuid, fields: Option<Fields>) -> Result<Report, PlanError> {
    let observer: Observer = Arc::new(|_: Progress<'_>| ());
    world.engine().apply_plan(Trigger::Cli, plan, fields, &observer).await
}

async fn post(technician: &Technician, body: &Value) -> reqwest::Response {
    technician.ask(reqwest::Method::POST, "/v1/sync-runs").json(body).send().await.expect("an answer")
}

/// A run by the API, at its end.
async fn run(technician: &Technician, body: Value) -> Value {
    let begun = said(post(technician, &body).await, 202).await;
    let path = format!("/v1/sync-runs/{}", begun["id"].as_str().expect("an id"));
    for _ in 0..1_000 {
        let run = technician.get(&path).await;
        if run["state"] != "running" {
            return run;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{body}: not ended in ten seconds");
}

/// Clients 1 to 4, of whom INT6 reads other powers than OZmap holds; 4 is not implanted.
async fn four() -> World {
    let world = World::empty().await;
    for code in ["1", "2", "3"] {
        world.client(code);
        world.reading(code, json!(-21.5));
    }
    world.sandbox.ozmap().add_client(TestClient::new("4").potency_read(-20.0).implanted(false));
    world.reading("4", json!(-22.5));
    world
}

#[tokio::test]
async fn a_dry_plan_is_applied_as_it_was_shown_whatever_int6_says_by_then() {
    let world = four().await;
    let dry = world.dry_run().await;
    world.reading("1", json!(-30));
    let report = applied(&world, dry.id, None).await.expect("it is applied");
    assert_eq!((report.state, report.counts.changed, report.counts.skipped), (RunState::Finished, 4, 0));
    assert_eq!(world.held("1").0, json!(-21.5), "as it was shown");
    assert_eq!(world.held("4"), (json!(-22.5), json!(0), json!(true)));
    let shown: Vec<String> = world.changes(&dry).await;
    let written: Vec<String> = world.changes(&report).await;
    let expected: Vec<String> = shown.iter().map(|line| line.replace(" planned", " applied")).collect();
    assert_eq!(written, expected);
}

#[tokio::test]
async fn a_record_that_moved_meanwhile_is_left_alone_and_told() {
    let world = four().await;
    let dry = world.dry_run().await;
    world.sandbox.ozmap().set_potency_read("2", Some(-19.0));
    let report = applied(&world, dry.id, None).await.expect("it is applied");
    assert_eq!((report.counts.changed, report.counts.skipped, report.counts.unchanged), (3, 1, 0));
    assert_eq!(world.held("2").0, json!(-19.0), "a person's edit stays");
    let rows = world.store.changes(report.id, &Default::default(), None, 100).await.expect("read");
    let skipped: Vec<_> = rows.iter().filter(|row| row.result == "skipped").collect();
    assert_eq!(
        (skipped.len(), skipped[0].code.as_str(), skipped[0].found.as_deref()),
        (1, "2", Some("-19.0"))
    );
}

#[tokio::test]
async fn a_plan_may_be_applied_field_by_field_and_each_field_once() {
    let world = four().await;
    let dry = world.dry_run().await;
    let only = |field| Some(Fields::NONE.with(field));
    let report = applied(&world, dry.id, only(Field::Implantation)).await.expect("it is applied");
    assert_eq!((report.counts.matched, report.counts.changed), (1, 1));
    assert_eq!(world.held("4"), (json!(-20.0), json!(0), json!(true)), "only the implantation");
    let again = applied(&world, dry.id, only(Field::Implantation)).await.expect_err("once");
    assert!(matches!(again, PlanError::Applied(_)), "{again}");
    assert_eq!(
        again.to_string(),
        "implantation of this plan was applied already; begin a new dry run for what is left"
    );
    assert!(matches!(applied(&world, dry.id, None).await, Err(PlanError::Applied(_))));
    assert!(matches!(applied(&world, dry.id, only(Field::Onu)).await, Err(PlanError::Nothing(_))));
    let rest = applied(&world, dry.id, only(Field::ReadPower)).await.expect("the rest");
    assert_eq!(rest.counts.changed, 4);
}

#[tokio::test]
async fn what_was_held_is_one_command_away_and_the_rest_was_written() {
    let world = World::town(400).await;
    let codes = world.sandbox.ozmap().codes();
    for code in codes.iter().take(30) {
        world.edit_client(code, json!({"implanted": false})).await;
    }
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.held, report.notes.is_first), (RunState::Finished, 30, true));
    let because = &report.notes.held[0].because;
    assert_eq!(
        because,
        "30 of 30 reservations would be implanted in one run; that is more than 5 % of 400 clients"
    );
    assert!(codes.iter().take(30).all(|code| world.held(code).2 == json!(false)), "nobody is implanted");

    let released = applied(&world, report.id, None).await.expect("it is applied");
    assert_eq!((released.counts.changed, released.implanted), (30, 30));
    assert!(codes.iter().take(30).all(|code| world.held(code).2 == json!(true)));
    let after = world.sync().await;
    assert_eq!((after.counts.changed, after.counts.held), (0, 0));
    assert!(matches!(applied(&world, after.id, None).await, Err(PlanError::AppliedItself)));
}

#[tokio::test]
async fn a_halted_plan_that_is_applied_whole_becomes_the_measure() {
    let world = World::town(60).await;
    assert_eq!(world.sync().await.state, RunState::Finished);
    for code in world.sandbox.ozmap().codes().iter().take(25) {
        world.sandbox.int6().remove_row(code);
    }
    let halted = world.sync().await;
    assert_eq!(halted.state, RunState::Halted);
    let why = halted.halted_because.unwrap_or_default();
    assert!(why.starts_with("only 35 of the 60 clients of the last good run"), "{why}");
    assert_eq!(world.sync().await.state, RunState::Halted, "until somebody has looked");
    applied(&world, halted.id, None).await.expect("it is applied");
    assert_eq!(world.sync().await.state, RunState::Finished, "a real loss stops the sync once");
}

#[tokio::test]
async fn a_plan_older_than_a_day_is_not_applied() {
    let world = four().await;
    let dry = world.dry_run().await;
    world.backdate(dry.id, 25).await;
    assert!(matches!(applied(&world, dry.id, None).await, Err(PlanError::Expired)));
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn of_two_who_apply_one_plan_at_once_one_does() {
    let world = four().await;
    let dry = world.dry_run().await;
    let engine = world.engine();
    let observer: Observer = Arc::new(|_: Progress<'_>| ());
    let apply = || engine.apply_plan(Trigger::Api, dry.id, None, &observer);
    let outcomes =
        [tokio::join!(apply(), apply(), apply())].map(|(a, b, c)| [a.is_ok(), b.is_ok(), c.is_ok()]);
    assert_eq!(outcomes[0].iter().filter(|ok| **ok).count(), 1, "{outcomes:?}");
}

#[tokio::test]
async fn the_api_refuses_what_is_no_plan_and_writes_nothing() {
    let world = four().await;
    let technician = Technician::over(world).await;
    let world = &technician.world;
    let dry = run(&technician, json!({"dry_run": true})).await;
    let id = dry["id"].as_str().expect("an id").to_owned();
    let refused = async |body: Value| {
        let answer = post(&technician, &body).await;
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let cases = [
        (json!({"plan": id, "fields": ["potency"]}), 400, "invalid_request", "fields"),
        (json!({"plan": id, "fields": []}), 400, "invalid_request", "fields"),
        (json!({"plan": id, "fields": ["onu"]}), 400, "invalid_request", "fields"),
        (json!({"plan": id, "dry_run": true}), 400, "invalid_request", "plan"),
        (json!({"plan": "next"}), 400, "invalid_request", "plan"),
        (json!({"fields": ["onu"]}), 400, "invalid_request", "fields"),
        (json!({"plan": Uuid::now_v7()}), 404, "not_found", "run"),
    ];
    for (body, status, code, named) in cases {
        let (answered, problem) = refused(body.clone()).await;
        assert_eq!((answered, problem["code"].as_str()), (status, Some(code)), "{body}: {problem}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains(named)), "{body}: {problem}");
    }
    assert_eq!(world.writes(), 0);
    let applied = run(&technician, json!({"plan": id})).await;
    assert_eq!((applied["state"].as_str(), applied["plan"].as_str()), (Some("finished"), Some(id.as_str())));
    assert_eq!(applied["fields"][0]["applied"], 4);
    let (status, problem) = refused(json!({"plan": id})).await;
    assert_eq!((status, problem["code"].as_str()), (409, Some("plan_applied")), "{problem}");
}

#[rstest]
#[case::whole(Value::Null, [true, true])]
#[case::by_field(json!(["read_power"]), [true, false])]
#[tokio::test]
async fn forcing_a_run_may_name_the_fields(#[case] fields: Value, #[case] expected: [bool; 2]) {
    let world = World::town(60).await;
    for code in world.sandbox.ozmap().codes() {
        world.reading(&code, json!(0));
    }
    let technician = Technician::over(world).await;
    let world = &technician.world;
    let mut body = json!({"force": true});
    if !fields.is_null() {
        body["fields"] = fields;
    }
    let run = run(&technician, body).await;
    assert_eq!(run["state"], "finished", "{run}");
    let code = &world.sandbox.ozmap().codes()[0];
    let (power, status, _) = world.held(code);
    assert_eq!([power == json!(0.0) || power == json!(0), status == json!(1)], expected, "{run}");
}

/// Restart: the plan is in the database, not in the process.
#[tokio::test]
async fn a_plan_outlives_the_process_that_made_it() {
    let world = four().await;
    let dry = world.dry_run().await;
    let config = world.config();
    let store =
        int6_ozmap_gateway::store::Store::open(&world.database_url()).await.expect("the same database");
    let engine =
        int6_ozmap_gateway::app::engine(&config.tenants[0], &store, &Process::current(), &world.stop)
            .expect("an engine");
    let observer: Observer = Arc::new(|_: Progress<'_>| ());
    let report = engine.apply_plan(Trigger::Cli, dry.id, None, &observer).await.expect("it is applied");
    assert_eq!(report.counts.changed, 4);
}
