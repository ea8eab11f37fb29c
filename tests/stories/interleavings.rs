//! A plan, people who edit OZmap before and while it is applied, and what is written: only what was shown.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::sync::{Mode, Rails, RunState, Trigger};
use gateway_sandbox::{RecordedCall, TestClient};
use int6_ozmap_gateway::sync::{Engine, Observer, Progress};
use rand::rngs::SmallRng;
use rand::{Rng, RngExt, SeedableRng};
use rstest::rstest;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::World;

const CLIENTS: u32 = 6;
const ROUNDS: u32 = 125;

/// What a change may write: record, field of OZmap, value.
type Shown = HashSet<(String, String, String)>;

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_plans_among_edits_write_nothing_that_was_not_shown(
    #[values(0, 1, 2, 3, 4, 5, 6, 7)] seed: u64,
) {
    let mut rng = SmallRng::seed_from_u64(seed);
    let world = World::empty().await;
    for code in 1..=CLIENTS {
        world.sandbox.ozmap().add_client(TestClient::new(&code.to_string()).potency_read(-20.0));
        world.reading(&code.to_string(), json!(-20));
    }
    let (engine, observer): (Engine, Observer) = (world.engine(), Arc::new(|_: Progress<'_>| ()));
    let mut written = 0;
    for round in 0..ROUNDS {
        read_anew(&world, &mut rng);
        let dry = engine.run(Trigger::Api, Mode::DryRun, Rails::Hold, &observer).await.expect("a dry run");
        assert_eq!(dry.state, RunState::Finished);
        let (shown, users) = shown(&world, dry.id).await;
        edit_some(&world, &mut rng, &users).await;
        world.sandbox.ozmap().calls().reset();
        let apply = engine.apply_plan(Trigger::Api, dry.id, None, &observer);
        let edits = edit_meanwhile(&world, &mut rng);
        let (report, ()) = tokio::join!(apply, edits);
        let report = report.expect("it is applied");
        assert_eq!((report.state, report.counts.failed), (RunState::Finished, 0), "round {round}");
        for call in world.sandbox.ozmap().calls().writes() {
            for write in writes_of(&call) {
                assert!(shown.contains(&write), "round {round}: {write:?} was not shown: {shown:?}");
                written += 1;
            }
        }
    }
    assert!(written > 100, "{written} writes: the rounds were about something");
}

fn any_power(rng: &mut impl Rng) -> f64 {
    -15.0 - f64::from(rng.random_range(0..12)) / 2.0
}

/// INT6 reads something else of some clients.
fn read_anew(world: &World, rng: &mut impl Rng) {
    for code in 1..=CLIENTS {
        let power = match rng.random_range(0..6) {
            0 => json!("LOS"),
            1 => json!(0),
            _ => json!(any_power(rng)),
        };
        let user = format!("user.{}", rng.random_range(0..4));
        let row = json!({"gpon_client_id": code, "rx_power": power, "pppoe_username": user});
        world.sandbox.int6().set_row(&code.to_string(), row);
    }
}

/// What the plan shows, and the PPPoE user that each client shall have.
async fn shown(world: &World, plan: Uuid) -> (Shown, HashMap<String, String>) {
    let rows = world.store.changes(plan, &Default::default(), None, 1_000).await.expect("read");
    let (mut shown, mut users) = (Shown::new(), HashMap::new());
    for row in rows {
        let client = world.sandbox.ozmap().client(&row.code).expect("a client")["id"].clone();
        let property = world.sandbox.ozmap().property_of(&row.code).expect("a property")["id"].clone();
        let new: Value = serde_json::from_str(&row.new_value).expect("JSON");
        let (id, field, value) = match row.field.as_str() {
            "read_power" => (property, "potencyRead", new),
            "status" => (client, "status", json!(u8::from(new == "error"))),
            "implantation" => (client, "implanted", json!(true)),
            _ => {
                let user = new["pppoe_user"].as_str().expect("a user").to_owned();
                users.insert(row.code.clone(), user.clone());
                (client, "user_PPPoE", json!(user))
            }
        };
        shown.insert((id.as_str().expect("an id").to_owned(), field.to_owned(), value.to_string()));
    }
    (shown, users)
}

/// People edit, after the plan was shown and before it is applied; one edit is of the very value that the plan has.
async fn edit_some(world: &World, rng: &mut impl Rng, users: &HashMap<String, String>) {
    for _ in 0..rng.random_range(0..4) {
        let code = rng.random_range(1..=CLIENTS).to_string();
        match rng.random_range(0..4) {
            0 => drop(world.sandbox.ozmap().set_potency_read(&code, Some(any_power(rng)))),
            1 => world.edit_client(&code, json!({"status": rng.random_range(0..2)})).await,
            2 => {
                let user = users.get(&code).cloned().unwrap_or_else(|| "nobody".to_owned());
                let user = if rng.random() { user } else { format!("by.hand.{}", rng.random_range(0..3)) };
                let onu = json!({"user_PPPoE": user, "serial_number": "", "mac_address": ""});
                world.edit_client(&code, json!({ "onu": onu })).await;
            }
            _ => world.edit_client(&code, json!({"implanted": true})).await,
        }
    }
}

/// The same while it is applied; past HTTP, so that the log has the gateway's calls only.
async fn edit_meanwhile(world: &World, rng: &mut impl Rng) {
    for _ in 0..rng.random_range(0..3) {
        tokio::time::sleep(Duration::from_micros(rng.random_range(0..4_000))).await;
        let code = rng.random_range(1..=CLIENTS).to_string();
        world.sandbox.ozmap().set_potency_read(&code, Some(any_power(rng)));
    }
}

/// Record, field and value of a write, one for each record of a batch.
fn writes_of(call: &RecordedCall) -> Vec<(String, String, String)> {
    let (ids, update): (Vec<String>, &Value) = match call.path.strip_suffix("/batch-update") {
        Some(_) => {
            let ids = call.body["filter"][0]["value"].as_array().expect("a filter by identifier");
            (ids.iter().map(|id| id.as_str().expect("an id").to_owned()).collect(), &call.body["update"])
        }
        None => (vec![call.path.rsplit('/').next().expect("an id").to_owned()], &call.body),
    };
    let mut fields: Vec<(String, String)> = Vec::new();
    for (name, value) in update.as_object().expect("an object") {
        match name.as_str() {
            // The others are sent as they stand: the object may be replaced.
            "onu" => fields.push(("user_PPPoE".to_owned(), value["user_PPPoE"].to_string())),
            _ => fields.push((name.clone(), value.to_string())),
        }
    }
    let of = |id: &String| {
        fields.iter().map(|(name, value)| (id.clone(), name.clone(), value.clone())).collect::<Vec<_>>()
    };
    ids.iter().flat_map(of).collect()
}
