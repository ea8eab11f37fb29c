//! What one release wrote, another understands or leaves alone: databases of the first release, and rows of a later one.

use std::time::Duration;

use gateway_sandbox::{Options, Postgres};
use int6_ozmap_gateway::store::Store;
use reqwest::Method;
use rstest::rstest;
use serde_json::{Value, json};
use sqlx::{AnyConnection, AssertSqlSafe, Connection};

use crate::commands::serve_with_log;
use crate::technician::{Technician, said};
use crate::world::World;

/// The database that a release left behind when it was killed; `tests/fixtures/release-0.1.0/README.md` says what is in it.
#[derive(Debug, Clone, Copy)]
enum Left {
    Sqlite,
    Postgres,
}

/// The splitter to which what is pending goes.
const SPLITTER: &str = "68e2a1b00cc0ffee0000001b";

impl Left {
    /// Pending operations: id, code, port, outcome, implanted, serial number.
    fn pending(self) -> [(&'static str, &'static str, u16, &'static str, bool, &'static str); 3] {
        let ids = match self {
            Left::Sqlite => [
                "01a212a6-ce4d-70cd-a096-80e137675eee",
                "01a212a6-ce50-70ff-b042-8ab873c62531",
                "01a212a6-db56-7470-a411-24c135f915ef",
            ],
            Left::Postgres => [
                "01a212a7-07a8-77ec-9ee5-85b563ea88e9",
                "01a212a7-07ac-77a8-8ad7-6500add4998f",
                "01a212a7-13db-7691-9c12-fab24115d6ca",
            ],
        };
        [
            (ids[0], "10033", 5, "updated", true, "ZTEG1A2B3C4D"),
            (ids[1], "151", 6, "created", false, "HWTC5E6F7A8B"),
            (ids[2], "152", 7, "created", true, "ALCL9C8B7A6D"),
        ]
    }

    /// Operations that had ended: refused with `port_taken`, superseded.
    fn ended(self) -> [&'static str; 2] {
        match self {
            Left::Sqlite => ["01a212a6-a6b9-716f-9bc7-d5a3190c2e76", "01a212a6-b984-7590-a6b5-33c5cf4c3093"],
            Left::Postgres => {
                ["01a212a6-ded4-7674-884b-6dcbbc495119", "01a212a6-f0ef-7041-98d3-b80e5b7d189d"]
            }
        }
    }

    fn dump(self) -> &'static str {
        match self {
            Left::Sqlite => include_str!("../fixtures/release-0.1.0/sqlite.sql"),
            Left::Postgres => include_str!("../fixtures/release-0.1.0/postgres.sql"),
        }
    }
}

/// What a database lives in.
struct Ground {
    url: String,
    _server: Option<Postgres>,
    _folder: tempfile::TempDir,
}

impl Ground {
    fn new(left: Left) -> Ground {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = matches!(left, Left::Postgres).then(Postgres::start);
        let url = match &server {
            Some(server) => server.url(),
            None => format!("sqlite://{}?mode=rwc", folder.path().join("left.db").display()),
        };
        Ground { url, _server: server, _folder: folder }
    }

    async fn run(&self, sql: &str) {
        sqlx::any::install_default_drivers();
        let mut connection = AnyConnection::connect(&self.url).await.expect("it can be opened");
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("it runs");
        connection.close().await.expect("it closes");
    }
}

async fn technician_on(ground: &Ground) -> Technician {
    let mut world = World::new(Options { clients: 40, ..Options::default() }, false).await;
    world.set("DATABASE_URL", &ground.url);
    // The rows are of 2026; they must not go because a test runs later.
    world.set("GATEWAY_KEEP_RUNS_DAYS", "36500");
    Technician::over(world).await
}

#[rstest]
#[tokio::test]
async fn what_the_first_release_accepted_is_carried_out(#[values(Left::Sqlite, Left::Postgres)] left: Left) {
    let ground = Ground::new(left);
    ground.run(left.dump()).await;
    let technician = technician_on(&ground).await;
    for (id, code, port, outcome, implanted, serial) in left.pending() {
        let operation = technician.done(&format!("/v1/operations/{id}")).await;
        let client = &operation["client"];
        let place = json!({"splitter_id": SPLITTER, "port": port});
        assert_eq!(
            (&operation["state"], &client["outcome"]),
            (&json!("succeeded"), &json!(outcome)),
            "{code}"
        );
        for (name, expected) in place.as_object().expect("an object") {
            assert_eq!(&client["connection"][name], expected, "{code}");
        }
        assert_eq!(
            (&client["implanted"], &client["onu"]["serial_number"]),
            (&json!(implanted), &json!(serial))
        );
        assert_eq!(technician.on_port(SPLITTER, port).as_deref(), Some(code));
    }
}

#[rstest]
#[tokio::test]
async fn what_the_first_release_remembered_is_shown(#[values(Left::Sqlite, Left::Postgres)] left: Left) {
    let ground = Ground::new(left);
    ground.run(left.dump()).await;
    let technician = technician_on(&ground).await;

    let runs = technician.get("/v1/sync-runs").await;
    let states: Vec<&str> = runs["sync_runs"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|run| run["state"].as_str())
        .collect();
    let expected = ["failed", "finished", "failed", "finished", "finished", "halted", "finished"];
    assert_eq!(states, expected, "newest first; the one that was cut off has ended");

    let [refused, superseded] = left.ended();
    let refused = technician.get(&format!("/v1/operations/{refused}")).await;
    let problem = &refused["problem"];
    assert_eq!((&problem["code"], &problem["free_ports"]), (&json!("port_taken"), &json!([1, 7])));
    assert_eq!(technician.get(&format!("/v1/operations/{superseded}")).await["state"], "superseded");

    let log = technician.get("/v1/activations?code=10025&result=updated").await;
    let moved = &log["activations"][0];
    assert_eq!(moved["request"]["splitter_id"], moved["after"]["connection"]["splitter_id"], "{log:#}");
    assert!(moved["before"]["connection"]["port"].is_u64(), "{log:#}");
}

#[rstest]
#[tokio::test]
async fn what_the_first_release_knew_of_ozmap_is_the_answer_while_ozmap_is_away(
    #[values(Left::Sqlite, Left::Postgres)] left: Left,
) {
    let ground = Ground::new(left);
    ground.run(left.dump()).await;
    let mut world = World::new(Options { clients: 40, ..Options::default() }, false).await;
    world.set("DATABASE_URL", &ground.url);
    world.set("GATEWAY_KEEP_RUNS_DAYS", "36500");
    world.set("OZMAP_URL", "http://127.0.0.1:9");
    let technician = Technician::over(world).await;
    let power = technician.get("/v1/clients/10024/power").await;
    assert_eq!((&power["calculated_power_dbm"], &power["source"]), (&json!(-19.9), &json!("cache")));
    let nearby = technician.get("/v1/splitters/nearby?lat=-26.515226&lng=-44.217466").await;
    let nearest = &nearby["splitters"][0];
    assert_eq!((&nearest["id"], &nearby["verified"]), (&json!(SPLITTER), &json!(false)));
    assert_eq!(nearest["ports"]["free"], json!([5, 6, 7, 8]));
}

/// A request that a later release accepted, as it would stand in the table.
async fn accepted_later(ground: &Ground, id: &str, code: &str, kind: &str, wish: &Value) {
    let wish = wish.to_string();
    ground
        .run(&format!(
            "INSERT INTO operations (id, tenant, code, kind, wish, asked_by, callback_url, state, attempts, created_at, next_at) \
             VALUES ('{id}', 'default', '{code}', '{kind}', '{wish}', '127.0.0.1 later', NULL, 'pending', 0, \
             '2026-11-25T12:00:00.000Z', '2026-11-25T12:00:00.000Z')"
        ))
        .await;
}

#[rstest]
#[tokio::test]
async fn what_is_not_understood_stays_pending_is_logged_counted_and_holds_nobody_up(
    #[values(Left::Sqlite, Left::Postgres)] left: Left,
) {
    let ground = Ground::new(left);
    let mut world = World::empty().await;
    world.set("DATABASE_URL", &ground.url);
    // The tables.
    drop(int6_ozmap_gateway::store::Store::open(&ground.url).await.expect("a new database"));
    let cto = crate::technician::Network::of(&world).await.ctos[0].clone();
    let connect = |port: u16| {
        json!({"v": 1, "code": "147", "splitter": cto, "port": port, "coordinate": null,
            "implantation": "implanted", "name": null, "address": null,
            "onu": {"serial": null, "pppoe_user": null, "mac": null}})
    };
    let mut next_version = connect(1);
    next_version["v"] = json!(2);
    let mut other_names = connect(2);
    other_names["splitter_id"] = other_names["splitter"].take();
    let ids = [
        "01a212a6-0000-7000-8000-000000000001",
        "01a212a6-0000-7000-8000-000000000002",
        "01a212a6-0000-7000-8000-000000000003",
    ];
    let no_uuid = "operation-4";
    accepted_later(&ground, ids[0], "147", "cancel", &connect(3)).await;
    accepted_later(&ground, ids[1], "148", "activate", &next_version).await;
    accepted_later(&ground, ids[2], "149", "create", &other_names).await;
    accepted_later(&ground, no_uuid, "150", "activate", &connect(4)).await;

    let (_gateway, url, log) = serve_with_log(&world).await;
    let technician = Technician::at(world, url).await;
    // A later request of the same client is not held up.
    let answer = technician
        .ask(Method::PUT, "/v1/clients/147/activation")
        .header("prefer", "respond-async")
        .json(&json!({"splitter_id": cto, "port": 5}))
        .send()
        .await
        .expect("an answer");
    let operation = said(answer, 202).await;
    let id = operation["id"].as_str().expect("an id");
    let done = technician.done(&format!("/v1/operations/{id}")).await;
    assert_eq!(done["state"], "succeeded", "{done:#}");

    for id in ids {
        let operation = technician.get(&format!("/v1/operations/{id}")).await;
        assert_eq!((&operation["state"], &operation["attempts"]), (&json!("pending"), &json!(0)), "{id}");
    }
    let codes = technician.world.sandbox.ozmap().summary()["clients"].clone();
    assert_eq!(codes, json!(1), "nothing was carried out as something else");
    let metrics = technician.ask(Method::GET, "/metrics").send().await.expect("an answer");
    let metrics = metrics.text().await.expect("a text");
    let counted = r#"gateway_operations_not_understood{tenant="default"} 4"#;
    assert!(metrics.contains(counted), "{metrics}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let lines = log.lock().expect("the log").clone();
    let reasons = ["kind is \"cancel\"", "version 2", "form cannot be read", "its id is no UUID"];
    for (id, why) in ids.iter().chain([&no_uuid]).zip(reasons) {
        let why = why.replace('"', "\\\"");
        let told = |line: &&String| {
            line.contains(id) && (line.contains(&why) || line.contains(&why.replace('\\', "")))
        };
        assert!(lines.iter().any(|line| told(&line)), "{id} {why}: {lines:#?}");
    }
}

/// What a later release does when it brings the tables up to date.
fn later_migration(left: Left) -> String {
    let checksum = match left {
        Left::Sqlite => "x'00'",
        Left::Postgres => r"'\x00'::bytea",
    };
    format!(
        "CREATE TABLE of_a_later_release (id TEXT PRIMARY KEY);
         ALTER TABLE operations ADD COLUMN of_a_later_release TEXT NOT NULL DEFAULT '';
         INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (999999, 'of a later release', TRUE, {checksum}, 0);"
    )
}

#[rstest]
#[case::sqlite(Left::Sqlite)]
#[case::postgres(Left::Postgres)]
#[tokio::test]
async fn one_may_go_back_from_a_release_that_has_added_to_the_tables(#[case] left: Left) {
    let ground = Ground::new(left);
    Store::open(&ground.url).await.expect("it is made").close().await;
    ground.run(&later_migration(left)).await;

    let store = Store::open(&ground.url).await.expect("what is not known is left alone");
    store.ready().await.expect("it can be asked");
    store.close().await;
    ground.run("INSERT INTO of_a_later_release (id) VALUES ('still here')").await;
}
