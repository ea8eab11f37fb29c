//! The pretend INT6 as a caller meets it, without sockets.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::handle::Int6Handle;
use super::routes::Int6;
use crate::exchange::{Answer, Call};
use crate::faults::FaultInjector;
use crate::simulator::Simulator;
use crate::town;

fn start(clients: usize) -> (Arc<Int6>, Int6Handle) {
    let int6 =
        Arc::new(Int6::new(FaultInjector::new(Duration::ZERO, 0.0), town::build(clients, 7, true).rows));
    (int6.clone(), Int6Handle::new(int6, 7))
}

fn get(int6: &Int6, path: &str) -> Answer {
    int6.answer(&Call::test("GET", path, &format!("Bearer {}", int6.token), Value::Null))
}

fn token(int6: &Int6) -> String {
    let body = json!({"username": int6.email, "password": int6.token});
    let answer = int6.answer(&Call::test("POST", "/api/auth/v2/request_token", "", body));
    answer.body.expect("body")["token"].as_str().expect("token").to_owned()
}

#[test]
fn all_three_styles_of_authentication_are_let_in() {
    let (int6, _) = start(1);
    let status = |call: Call| int6.answer(&call).status;
    let call = |authorization: &str| Call::test("GET", "/api/diag/v2/onu_status", authorization, Value::Null);
    let issued = token(&int6);
    assert_eq!(status(call(&format!("Bearer {issued}"))), 200);
    assert_eq!(status(call(&format!("JWT {issued}"))), 200);
    assert_eq!(status(call(&format!("Bearer {}", int6.token))), 200);
    let headers =
        |email: &str| call("").with_header("x-user-email", email).with_header("x-user-token", &int6.token);
    let without = |email: &str| {
        let mut call = headers(email);
        call.headers.remove("authorization");
        call
    };
    assert_eq!(status(without(&int6.email)), 200);
    assert_eq!(status(without("someone@else.example")), 401);
    for wrong in ["", &issued, &format!("Basic {issued}"), &format!("JWT {}", int6.token), "Bearer x"] {
        let answer = int6.answer(&call(wrong));
        assert_eq!(answer.status, 401, "{wrong}");
        assert!(answer.body.is_some_and(|body| body["error"].is_string()));
    }
}

#[test]
fn expired_tokens_are_refused_and_requests_counted() {
    let (int6, story) = start(1);
    let issued = token(&int6);
    let status = |token: &str| {
        int6.answer(&Call::test("GET", "/api/diag/v2/onu_status", &format!("Bearer {token}"), Value::Null))
            .status
    };
    story.expire_tokens();
    assert_eq!((status(&issued), story.token_requests()), (401, 1));
    story.set_token_lifetime(Some(Duration::ZERO));
    assert_eq!(status(&token(&int6)), 401);
}

#[test]
fn pages_begin_at_1_and_the_last_one_is_short() {
    let (int6, story) = start(130);
    let page =
        |n: usize| get(&int6, &format!("/api/diag/v2/onu_status?page={n}&per_page=50")).body.expect("body");
    let length = |page: Value| page.as_array().map(Vec::len);
    let all = story.rows();
    assert_eq!(page(1)[0], all[0]);
    assert_eq!(page(2)[0], all[50]);
    assert_eq!((length(page(3)), length(page(4))), (Some(all.len() - 100), Some(0)));
    assert_eq!(get(&int6, "/api/diag/v2/onu_status?page=x").status, 400);
}

#[test]
fn a_page_has_a_thousand_rows_at_most() {
    let (int6, _) = start(1200);
    let answer = get(&int6, "/api/diag/v2/onu_status?page=1&per_page=100000");
    assert_eq!(answer.body.expect("body").as_array().map(Vec::len), Some(1000));
}

#[test]
fn a_story_sets_rows_and_powers() {
    let (int6, story) = start(3);
    story.set_row("10002", json!({"gpon_client_id": "10002", "rx_power": "LOS", "pppoe_username": "me"}));
    story.push_row(json!("no object"));
    assert_eq!(story.rows()[1]["rx_power"], "LOS");
    assert!(story.set_power("10002", json!({"text": "-20"})));
    assert!(!story.set_power("nobody", json!(1)));
    assert_eq!(story.rows()[1]["rx_power"]["text"], "-20");
    assert_eq!(story.rows()[3], "no object");
    let readings = get(&int6, "/gpon_clients/10002/last_power_readings").body.expect("body");
    assert_eq!(readings[0]["read_power"]["text"], "-20");
    assert!(
        get(&int6, "/api/info/v2/gpon_info?pppoe_username=me").body.expect("body")["ponlink"].is_string()
    );
    assert!(
        get(&int6, "/api/diag/v2/live/gpon_status?pppoe_username=me").body.expect("body")["rx_power"]["text"]
            .is_string()
    );
    for path in ["/gpon_clients/1/last_power_readings", "/api/info/v2/gpon_info?pppoe_username=nobody", "/x"]
    {
        assert_eq!(get(&int6, path).status, 404, "{path}");
    }
    story.clear();
    assert_eq!(get(&int6, "/api/diag/v2/onu_status").body, Some(json!([])));
}

#[test]
fn drift_moves_most_readings_a_little() {
    let (_, story) = start(500);
    let moved = story.drift();
    assert!(moved > story.row_count() * 7 / 10, "{moved}");
    assert!(moved < story.row_count());
}
