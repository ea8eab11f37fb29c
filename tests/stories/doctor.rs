//! `doctor`: what is in order, what is not, and the setting that helps. Nothing that is set wrong is ever `ok`.

use std::path::Path;

use gateway_core::sync::RunState;
use gateway_sandbox::{Fault, FilterManner, OzmapManners, TestClient};
use rstest::rstest;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::World;

const CLIENTS: usize = 60;
const MANY: u64 = 1_000;

struct Told {
    status: Option<i32>,
    ok: bool,
    checks: Vec<Value>,
}

impl Told {
    /// What is not in order: `fail int6.fields: detail | remedy`.
    fn bad(&self) -> Vec<String> {
        let text = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
        let bad = self.checks.iter().filter(|check| check["status"] != "ok");
        bad.map(|check| {
            let [status, what, detail, remedy] =
                ["status", "what", "detail", "remedy"].map(|name| text(check, name));
            format!("{status} {what}: {detail} | {remedy}")
        })
        .collect()
    }

    /// Asserts that one check begins so and has all these words in detail and remedy.
    fn has(&self, begin: &str, words: &[&str]) {
        let bad = self.bad();
        let found =
            bad.iter().any(|line| line.starts_with(begin) && words.iter().all(|word| line.contains(word)));
        assert!(found, "{begin} with {words:?} is missing in {bad:#?}");
        let fails = self.checks.iter().any(|check| check["status"] == "fail");
        assert_eq!((self.ok, self.status), (!fails, Some(if fails { 2 } else { 0 })), "{bad:#?}");
    }
}

async fn doctor(world: &World) -> Told {
    doctor_in(world, env!("CARGO_MANIFEST_DIR").as_ref()).await
}

async fn doctor_in(world: &World, folder: &Path) -> Told {
    let mut command = Command::new(env!("CARGO_BIN_EXE_int6-ozmap-gateway"));
    command.args(["doctor", "--json"]).env_clear().envs(world.settings()).current_dir(folder);
    let output = command.output().await.expect("it can be started");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(world.writes(), 0, "doctor writes nothing to OZmap");
    Told {
        status: output.status.code(),
        ok: told["ok"].as_bool().expect("a bool"),
        checks: told["checks"].as_array().expect("a list").clone(),
    }
}

async fn town() -> World {
    World::town(CLIENTS).await
}

async fn town_with(name: &str, value: &str) -> Told {
    let mut world = town().await;
    world.set(name, value);
    doctor(&world).await
}

/// As `town`, but INT6's rows are made anew.
async fn town_with_rows(row: impl Fn(usize, Value) -> Value) -> World {
    let world = town().await;
    let rows = world.sandbox.int6().rows();
    world.sandbox.int6().clear();
    for (i, old) in rows.into_iter().enumerate() {
        world.sandbox.int6().push_row(row(i, old));
    }
    world
}

#[tokio::test]
async fn a_sound_town_is_all_in_order() {
    let told = doctor(&town().await).await;
    let bad = told.bad();
    // How many descriptors there are is a matter of the machine on which the tests run.
    let bad: Vec<&String> = bad.iter().filter(|line| !line.starts_with("warn machine.")).collect();
    assert_eq!(bad, Vec::<&String>::new());
    assert_eq!((told.ok, told.status), (true, Some(0)));
    for what in [
        "settings",
        "machine.certificates",
        "database.write",
        "database.place",
        "ozmap.reach",
        "ozmap.clients",
        "ozmap.filter",
        "ozmap.rights",
        "int6.reach",
        "int6.rows",
        "int6.fields",
        "int6.power",
        "int6.ages",
        "int6.codes",
        "int6.pages",
        "clock",
        "sync.last_run",
    ] {
        let check = told.checks.iter().find(|check| check["what"] == what);
        let check = check.unwrap_or_else(|| panic!("{what} is missing: {:#?}", told.checks));
        assert_eq!((&check["status"], &check["remedy"]), (&json!("ok"), &Value::Null));
    }
}

#[tokio::test]
async fn for_people_each_check_is_a_line_and_a_remedy() {
    let mut world = town().await;
    world.set("INT6_POWER_FIELD", "potencia");
    let mut command = Command::new(env!("CARGO_BIN_EXE_int6-ozmap-gateway"));
    command.arg("doctor").env_clear().envs(world.settings());
    let told = String::from_utf8(command.output().await.expect("it can be started").stdout).expect("text");
    for part in [
        "ok    settings: 1 tenant(s)\n",
        "ok    default: OZmap at http://127.0.0.1",
        "FAIL  default: no row of INT6 has a field `potencia` (INT6_POWER_FIELD); the rows have: contract_id, ",
        "\n      remedy: set INT6_POWER_FIELD to the right name; did you mean `rx_power`?\n",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[rstest]
#[case::power("INT6_POWER_FIELD", "potencia", "fail int6.fields", &["did you mean `rx_power`?"])]
#[case::code("INT6_CODE_FIELD", "nope", "fail int6.fields", &["did you mean `gpon_client_id`?"])]
#[case::code_of_no_row("INT6_CODE_FIELD", "nope", "fail int6.rows", &["none can be read", "INT6_CODE_FIELD"])]
#[case::contract("INT6_CODE_FIELD", "contract_id", "fail int6.codes", &["do not match", "INT6_CODE_FIELD", "`gpon_client_id`"])]
#[case::a_serial_for_a_code("INT6_CODE_FIELD", "serial_number", "fail int6.codes", &["no number", "INT6_CODE_FIELD"])]
#[case::the_olts_end("INT6_POWER_FIELD", "olt_rx_power", "warn int6.power", &["is it the ONU's or the OLT's?", "INT6_POWER_FIELD"])]
#[case::a_number_that_is_no_power("INT6_POWER_FIELD", "id", "fail int6.power", &["median", "INT6_POWER_FIELD"])]
#[case::a_text_that_is_no_power("INT6_POWER_FIELD", "mac_address", "fail int6.power", &["no row of INT6 has a figure", "INT6_POWER_FIELD"])]
#[case::path("INT6_STATUS_PATH", "/api/diag/v1/onu_status", "fail int6.reach", &["404", "INT6_STATUS_PATH"])]
#[case::token("INT6_TOKEN", "not-the-token", "fail int6.reach", &["INT6_TOKEN"])]
#[case::key("OZMAP_API_KEY", "not-the-key", "fail ozmap.reach", &["OZMAP_API_KEY"])]
#[case::host("OZMAP_URL", "http://127.0.0.1:1", "fail ozmap.reach", &["OZMAP_URL"])]
#[case::window("SYNC_PLAUSIBLE_MIN_DBM", "-9", "fail int6.power", &["SYNC_PLAUSIBLE_MIN_DBM"])]
#[tokio::test]
async fn a_wrong_setting_is_never_ok(
    #[case] name: &str,
    #[case] value: &str,
    #[case] begin: &str,
    #[case] words: &[&str],
) {
    let mut world = town().await;
    world.set("UPSTREAM_TIMEOUT_SECONDS", "2");
    world.set(name, value);
    if name == "SYNC_PLAUSIBLE_MIN_DBM" {
        world.set("SYNC_PLAUSIBLE_MAX_DBM", "-8");
    }
    doctor(&world).await.has(begin, words);
}

#[tokio::test]
async fn wrong_settings_are_told_as_json_too() {
    let told = town_with("OZMAP_URL", "nonsense").await;
    told.has("fail settings", &["OZMAP_URL"]);
    assert_eq!((told.checks.len(), told.status), (1, Some(2)));
}

#[tokio::test]
async fn rows_with_other_names_are_not_ok() {
    let world = town_with_rows(|_, old| {
        json!({ "client_id": old["gpon_client_id"], "power": old["rx_power"], "sn": old["serial_number"] })
    })
    .await;
    let told = doctor(&world).await;
    told.has("fail int6.rows", &["none can be read", "client_id, power, sn", "INT6_CODE_FIELD"]);
    told.has("fail int6.fields", &["INT6_POWER_FIELD", "did you mean `power`?"]);
    told.has("warn int6.fields", &["`int6.serial_field`", "did you mean `sn`?"]);
    told.has("warn int6.fields", &["`int6.mac_field`"]);
}

#[rstest]
#[case::hundredths(|power: f64| json!((power * 100.0) as i64), "hundredths")]
#[case::tenths(|power: f64| json!(power * 10.0), "tenths")]
#[case::without_a_sign(|power: f64| json!(power.abs()), "without the minus sign")]
#[tokio::test]
async fn powers_in_another_unit_are_not_ok(#[case] unit: fn(f64) -> Value, #[case] told: &str) {
    let world = town_with_rows(|i, mut row| {
        row["rx_power"] = unit(-18.0 - (i % 40) as f64 / 10.0);
        row
    })
    .await;
    doctor(&world).await.has("fail int6.power", &[told, "INT6_POWER_FIELD"]);
}

#[tokio::test]
async fn one_figure_for_all_is_not_ok() {
    let world = town_with_rows(|_, mut row| {
        row["rx_power"] = json!(-20.0);
        row
    })
    .await;
    doctor(&world).await.has("fail int6.power", &["50 of 50 powers of INT6 are -20.00 dBm"]);
}

#[tokio::test]
async fn old_readings_are_not_ok_and_fail_where_a_limit_is_set() {
    let mut world = town_with_rows(|_, mut row| {
        row["updated_at"] = json!("2026-01-01T10:00:00Z");
        row
    })
    .await;
    doctor(&world).await.has("warn int6.ages", &["old", "`int6.updated_at_field`"]);
    world.set("SYNC_STALE_AFTER_SECONDS", "3600");
    doctor(&world).await.has("fail int6.ages", &["50 of 50", "SYNC_STALE_AFTER_SECONDS"]);
}

#[tokio::test]
async fn times_of_another_zone_name_the_setting() {
    let local = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(3)).strftime("%Y-%m-%d %H:%M:%S");
    let local = local.to_string();
    let world = town_with_rows(|_, mut row| {
        row["updated_at"] = json!(local);
        row
    })
    .await;
    doctor(&world).await.has("warn int6.ages", &["from the future", "INT6_TIME_ZONE"]);
}

#[tokio::test]
async fn rows_without_a_time_fail_where_a_limit_is_set() {
    let mut world = town_with_rows(|_, mut row| {
        row["seen_at"] = row["updated_at"].take();
        row.as_object_mut().expect("an object").remove("updated_at");
        row
    })
    .await;
    doctor(&world).await.has("warn int6.ages", &["`int6.updated_at_field`"]);
    world.set("SYNC_STALE_AFTER_SECONDS", "3600");
    doctor(&world).await.has("fail int6.ages", &["cannot see the ages"]);
}

#[rstest]
#[case::a_sign_in_page("<!doctype html><title>Login</title><form><input type=password></form>", &["INT6_URL"])]
#[case::its_own_error(r#"{"error":"Usuario sem permissao para esta API"}"#, &["Usuario sem permissao"])]
#[case::another_shape(r#"{"status":"ok"}"#, &["INT6_STATUS_PATH"])]
#[tokio::test]
async fn something_else_than_rows_with_200_is_not_ok(#[case] body: &str, #[case] words: &[&str]) {
    let world = town().await;
    let fault = Fault::Raw {
        status: 200,
        headers: vec![(
            "content-type",
            if body.starts_with('<') { "text/html" } else { "application/json" }.to_owned(),
        )],
        body: body.into(),
    };
    world.sandbox.int6().faults().fail_route("GET /api/diag", MANY, fault);
    doctor(&world).await.has("fail int6.reach", words);
}

#[tokio::test]
async fn an_int6_without_rows_is_a_warning() {
    let world = town().await;
    world.sandbox.int6().clear();
    let told = doctor(&world).await;
    told.has("warn int6.rows", &["INT6_STATUS_PATH"]);
    assert_eq!((told.ok, told.status), (true, Some(0)));
}

#[tokio::test]
async fn an_int6_that_ignores_pages_is_told() {
    let world = town().await;
    let rows = serde_json::to_vec(&world.sandbox.int6().rows()[..40]).expect("JSON");
    let fault = Fault::Raw { status: 200, headers: Vec::new(), body: rows };
    world.sandbox.int6().faults().fail_route("GET /api/diag", MANY, fault);
    doctor(&world).await.has("warn int6.pages", &["ignores `page`", "INT6_PAGE_SIZE"]);
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_named_with_its_host() {
    let world = town().await;
    let date = (jiff::Timestamp::now() - jiff::SignedDuration::from_hours(1))
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string();
    let rows = serde_json::to_vec(&world.sandbox.int6().rows()).expect("JSON");
    let fault = Fault::Raw { status: 200, headers: vec![("date", date)], body: rows };
    world.sandbox.int6().faults().fail_route("GET /api/diag", MANY, fault);
    doctor(&world).await.has("fail clock", &["INT6's clock is", "behind this machine's"]);
}

#[tokio::test]
async fn a_database_that_may_only_be_read_is_not_ok() {
    let mut world = town().await;
    let url = format!("{}?mode=ro", world.database_url());
    world.set("DATABASE_URL", &url);
    doctor(&world).await.has("fail database.", &["DATABASE_URL", "may only be read"]);
}

#[tokio::test]
async fn a_database_that_lies_where_the_command_is_started_is_told() {
    let mut world = town().await;
    world.set("DATABASE_URL", "sqlite://gateway.db");
    let folder = tempfile::tempdir().expect("a folder");
    let uses = format!("this command uses {}", folder.path().join("gateway.db").display());
    doctor_in(&world, folder.path()).await.has("warn database.place", &["DATABASE_URL", &uses]);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_not_ok() {
    let mut world = town().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "no database at all, but long enough to be looked at as one".repeat(40))
        .expect("written");
    world.set("DATABASE_URL", &format!("sqlite://{}", file.path().display()));
    doctor(&world).await.has("fail database.open", &["DATABASE_URL"]);
}

#[rstest]
#[case::ignored(FilterManner::IgnoredByLists)]
#[case::forbidden(FilterManner::Forbidden)]
#[case::a_page(FilterManner::HtmlPage)]
#[tokio::test]
async fn a_filter_that_is_not_honoured_is_told(#[case] filters: FilterManner) {
    let world = town().await;
    world.sandbox.ozmap().set_manners(OzmapManners { filters, ..OzmapManners::default() });
    doctor(&world).await.has("warn ozmap.filter", &["one by one", "SYNC_BATCHING"]);
}

#[rstest]
#[case("GET /splitters", "fail ozmap.rights: /splitters")]
#[case("GET /ftth-clients", "fail ozmap.rights: /ftth-clients")]
#[case("GET /properties", "fail ozmap.rights: /properties")]
#[case("GET /boxes", "warn ozmap.rights: /boxes")]
#[case("GET /buildings", "warn ozmap.rights: /buildings")]
#[case("GET /properties/client/", "warn ozmap.rights: a client's calculated power")]
#[tokio::test]
async fn a_right_that_the_key_does_not_have_is_named(#[case] route: &str, #[case] told: &str) {
    let world = town().await;
    world.sandbox.ozmap().faults().fail_route(route, MANY, Fault::Status(403));
    doctor(&world).await.has(told, &["OZMAP_API_KEY"]);
}

#[tokio::test]
async fn a_client_of_ozmap_that_cannot_be_read_is_told() {
    let world = World::empty().await;
    let added = world.sandbox.ozmap().add_client(TestClient::new("147"));
    world.reading("147", json!(-21.53));
    assert!(world.sandbox.ozmap().show_as(&added.property_id, json!({ "potencyRead": "strange" })));
    doctor(&world).await.has("warn ozmap.clients", &["potencyRead"]);
}

#[tokio::test]
async fn what_the_last_run_held_is_told_with_the_command_that_applies_it() {
    let world = town().await;
    world.sync().await;
    for code in world.sandbox.ozmap().codes() {
        world.reading(&code, json!("LOS"));
    }
    let before = world.writes();
    let report = world.sync().await;
    assert_eq!((report.state, world.writes()), (RunState::Finished, before));
    let command = format!("int6-ozmap-gateway sync --tenant default --plan {}", report.id);
    let mut told = Command::new(env!("CARGO_BIN_EXE_int6-ozmap-gateway"));
    told.arg("doctor").env_clear().envs(world.settings());
    let told = String::from_utf8(told.output().await.expect("it can be started").stdout).expect("text");
    assert!(
        told.contains("warn  default: the last run (") && told.contains("held status of 60 clients"),
        "{told}"
    );
    assert!(told.contains(&command), "{told}");
    assert!(
        told.contains("learnt from the last good run: the next must match 42 of 60 clients or more"),
        "{told}"
    );
}
