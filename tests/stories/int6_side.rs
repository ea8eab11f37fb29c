//! INT6's side: credentials in three styles, tokens that expire, pages that are short, repeated or missing.

use gateway_core::sync::RunState;
use gateway_sandbox::Fault;
use rstest::rstest;
use serde_json::json;

use crate::world::World;

#[rstest]
#[case("request_token", "Bearer")]
#[case("request_token", "JWT")]
#[case("user_token_headers", "Bearer")]
#[case("bearer", "Bearer")]
#[tokio::test]
async fn every_style_of_authentication_works(#[case] style: &str, #[case] scheme: &str) {
    let mut world = World::town(20).await;
    world.set("INT6_AUTH", style);
    world.set("INT6_TOKEN_SCHEME", scheme);
    assert_eq!(world.sync().await.state, RunState::Finished);
    let expected = usize::from(style == "request_token");
    assert_eq!(world.sandbox.int6().token_requests(), expected);
}

#[tokio::test]
async fn a_token_is_kept_from_run_to_run() {
    use gateway_core::sync::{Mode, Rails};
    let world = World::town(20).await;
    let engine = world.engine();
    for _ in 0..3 {
        assert_eq!(world.run(&engine, Mode::Apply, Rails::Hold).await.state, RunState::Finished);
    }
    assert_eq!(world.sandbox.int6().token_requests(), 1);
    world.sandbox.int6().expire_tokens();
    assert_eq!(world.run(&engine, Mode::Apply, Rails::Hold).await.state, RunState::Finished);
    assert_eq!(world.sandbox.int6().token_requests(), 2);
}

#[rstest]
#[case(401)]
#[case(403)]
#[tokio::test]
async fn a_token_that_is_refused_in_mid_run_is_asked_for_once_more(#[case] status: u16) {
    let mut world = World::town(100).await;
    world.set("INT6_PAGE_SIZE", "10");
    world.sandbox.int6().faults().fail_after(4, 1, Fault::Status(status));
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched), (RunState::Finished, 100));
    assert_eq!(world.sandbox.int6().token_requests(), 2);
}

#[tokio::test]
async fn a_wrong_token_fails_the_run_with_two_tries_and_no_secret_in_the_error() {
    let mut world = World::town(20).await;
    world.set("INT6_TOKEN", "not-the-token-of-this-isp");
    let report = world.sync().await;
    let error = report.error.unwrap_or_default();
    assert_eq!(report.state, RunState::Failed);
    assert!(error.starts_with("INT6, request a token: the credentials were not accepted"), "{error}");
    assert!(!error.contains("not-the-token"), "{error}");
    assert!(world.sandbox.int6().calls().counts().total() <= 2, "firewalls ban hosts that hammer");
}

#[tokio::test]
async fn pages_are_read_to_the_end_whatever_their_size() {
    for size in ["1", "7", "50", "99", "100", "101", "5000"] {
        let mut world = World::town(100).await;
        world.set("INT6_PAGE_SIZE", size);
        let report = world.sync().await;
        assert_eq!((report.counts.int6_readings, report.counts.matched), (100, 100), "page size {size}");
    }
}

#[tokio::test]
async fn a_short_page_in_the_middle_is_not_the_end() {
    let mut world = World::town(60).await;
    world.set("INT6_PAGE_SIZE", "20");
    // The second of four data calls (one asks for the token) gives one row only.
    let row = json!([{"gpon_client_id": 999_999, "rx_power": -20}]).to_string();
    world.sandbox.int6().faults().fail_after(2, 1, Fault::Body(row));
    let report = world.sync().await;
    assert_eq!(report.counts.matched, 40, "two whole pages were read");
    assert_eq!(
        (report.state, report.counts.only_in_ozmap, report.counts.only_in_int6),
        (RunState::Finished, 20, 1)
    );
}

#[tokio::test]
async fn an_error_object_instead_of_a_page_fails_the_run_and_is_named() {
    let world = World::town(20).await;
    world.sandbox.int6().faults().fail_route(
        "/api/diag",
        10,
        Fault::Body(r#"{"error":"maintenance"}"#.to_owned()),
    );
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Failed);
    let error = report.error.unwrap_or_default();
    assert!(
        error.starts_with(
            "INT6, read all ONUs: the answer is not understood: the answer is an object with `error`"
        ),
        "{error}"
    );
    assert_eq!(world.writes(), 0);
}

#[tokio::test]
async fn a_list_inside_an_object_is_read() {
    let world = World::empty().await;
    world.client("147");
    let body = json!({"onu_status": [{"gpon_client_id": "147", "rx_power": "-22,5"}]}).to_string();
    world.sandbox.int6().faults().fail_route("/api/diag", 2, Fault::Body(body));
    let report = world.sync().await;
    assert_eq!((report.state, world.held("147").0), (RunState::Finished, json!(-22.5)));
}

#[tokio::test]
async fn field_names_and_the_path_are_settings() {
    let mut world = World::empty().await;
    world.client("147");
    let body = json!([{"client": 147, "light": "-22,5"}]).to_string();
    world.sandbox.int6().faults().fail_route("/api/other/status", 2, Fault::Body(body));
    world.set("INT6_STATUS_PATH", "/api/other/status");
    world.set("INT6_CODE_FIELD", "client");
    world.set("INT6_POWER_FIELD", "light");
    let report = world.sync().await;
    assert_eq!((report.state, world.held("147").0), (RunState::Finished, json!(-22.5)));
}

#[tokio::test]
async fn a_wrong_field_name_halts_and_says_where_to_look() {
    let mut world = World::town(30).await;
    world.set("INT6_CODE_FIELD", "client_id");
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Halted);
    let why = report.halted_because.unwrap_or_default();
    assert_eq!(
        why,
        "INT6 returned 0 of 30 clients, and 30 rows that could not be read: are the field names of INT6 in the settings right? The rows have: contract_id, gpon_client_id, id, mac_address, olt_rx_power, pppoe_username, rx_power, serial_number, updated_at. For instance: `client_id` is missing, empty or no number"
    );
}
