//! The gateway's own API over real HTTP.

use std::time::Duration;

use gateway_core::ErrorCode;
use gateway_sandbox::{Fault, Options};
use int6_ozmap_gateway::app::Gateway;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use rstest::rstest;
use serde_json::{Value, json};
use strum::VariantArray;

use crate::world::{KEY, World};

pub struct Api {
    pub world: World,
    pub gateway: Gateway,
    pub http: reqwest::Client,
}

impl Api {
    pub async fn over(world: World) -> Api {
        let gateway = Gateway::start(&world.config()).await.expect("the gateway starts");
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client");
        Api { world, gateway, http }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address)
    }

    pub fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, self.url(path)).header("x-api-key", KEY)
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.ask(Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.json().await.expect("JSON")
    }

    /// Starts a run and waits for its end.
    async fn run(&self, body: Value) -> Value {
        let answer = self.ask(Method::POST, "/v1/sync-runs").json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::ACCEPTED);
        let location = answer.headers()["location"].to_str().expect("a text").to_owned();
        self.ended(&location).await
    }

    async fn ended(&self, path: &str) -> Value {
        for _ in 0..500 {
            let run = self.get(path).await;
            if run["state"] != "running" {
                return run;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the run did not end in ten seconds");
    }
}

async fn town(clients: usize) -> Api {
    Api::over(World::new(Options { clients, ..Options::default() }, false).await).await
}

/// Asserts a problem+json of this code and returns it.
pub async fn problem(answer: Response, status: u16, code: &str) -> Value {
    assert_eq!(answer.status().as_u16(), status);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let id = answer.headers()["x-request-id"].to_str().expect("a text").to_owned();
    let problem: Value = answer.json().await.expect("JSON");
    assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{problem}");
    assert_eq!(problem["type"], format!("/docs/errors#{code}"));
    assert_eq!(problem["request_id"], id);
    problem
}

#[tokio::test]
async fn a_run_is_started_followed_and_read_back() {
    let api = town(300).await;
    let run = api.run(json!({"dry_run": false, "force": false})).await;
    assert_eq!(
        (&run["state"], &run["trigger"], &run["dry_run"]),
        (&json!("finished"), &json!("api"), &json!(false))
    );
    let counts = &run["counts"];
    let n = |name: &str| counts[name].as_u64().unwrap_or_else(|| panic!("{name} is a number"));
    let wholly_held = n("matched") - n("unchanged") - n("changed") - n("failed");
    assert!(wholly_held <= n("held"), "{counts}");
    assert!(n("changed") > 0 && n("ozmap_clients") == 300);
    for name in ["int6_readings", "only_in_ozmap", "only_in_int6", "duplicates", "unreadable"] {
        n(name);
    }
    assert!(run["calls"]["ozmap_writes"].as_u64() > Some(0) && run["calls"]["int6_reads"].as_u64() > Some(0));
    assert!(
        run["phases_ms"]["apply"].is_u64()
            && run["finished_at"].is_string()
            && run["halted_because"].is_null()
    );
    let list = api.get("/v1/sync-runs").await;
    assert_eq!(list["sync_runs"][0], run);
}

#[tokio::test]
async fn an_empty_body_is_an_ordinary_run() {
    let api = town(30).await;
    let answer = api.ask(Method::POST, "/v1/sync-runs").send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::ACCEPTED);
    let run: Value = answer.json().await.expect("JSON");
    assert_eq!((&run["dry_run"], &run["finished_at"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn changes_come_in_pages_filtered_and_as_csv() {
    let api = town(300).await;
    let run = api.run(json!({"dry_run": true})).await;
    let path = format!("/v1/sync-runs/{}/changes", run["id"].as_str().expect("an id"));
    let all = api.get(&format!("{path}?limit=1000")).await["changes"].as_array().expect("a list").clone();
    let results = ["planned", "held"];
    assert!(
        all.len() > 100 && all.iter().all(|change| results.iter().any(|result| change["result"] == *result))
    );

    let (mut paged, mut next) = (Vec::new(), Value::Null);
    loop {
        let after = next.as_str().map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = api.get(&format!("{path}?limit=37{after}")).await;
        paged.extend(page["changes"].as_array().expect("a list").clone());
        next = page["next"].clone();
        if next.is_null() {
            break;
        }
    }
    assert_eq!(paged, all);

    let of_field = api.get(&format!("{path}?limit=1000&field=status&result=planned")).await;
    let expected: Vec<Value> = all.iter().filter(|change| change["field"] == "status").cloned().collect();
    assert_eq!(of_field["changes"], json!(expected));
    let code = all[0]["code"].as_str().expect("a code");
    let of_client = api.get(&format!("{path}?code={code}")).await;
    assert!(
        of_client["changes"].as_array().is_some_and(|c| !c.is_empty() && c.iter().all(|c| c["code"] == code))
    );

    let answer = api.ask(Method::GET, &path).header("accept", "text/csv").send().await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    let text = answer.text().await.expect("a text");
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    assert_eq!(
        reader.headers().expect("headers"),
        vec!["code", "field", "old", "new", "result", "error", "found"]
    );
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().expect("rows");
    assert_eq!(rows.len(), all.len());
    assert_eq!((&rows[0][0], &rows[0][1]), (code, all[0]["field"].as_str().expect("a field")));
}

#[tokio::test]
async fn a_run_that_meets_another_is_skipped() {
    let world = World::town(50).await;
    world.sandbox.ozmap().faults().set_latency(Duration::from_millis(600));
    let api = Api::over(world).await;
    let first =
        api.ask(Method::POST, "/v1/sync-runs").send().await.expect("an answer").headers()["location"].clone();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let second = api.run(json!({})).await;
    assert_eq!(second["state"], "skipped");
    assert!(second["error"].as_str().is_some_and(|why| why.contains("another run")), "{second}");
    assert_eq!(api.ended(first.to_str().expect("a text")).await["state"], "finished");
    assert_eq!(api.run(json!({})).await["state"], "finished", "the lease was given back");
}

#[tokio::test]
async fn findings_say_what_does_not_match_and_why() {
    let api = town(600).await;
    let run = api.run(json!({})).await;
    let path = format!("/v1/sync-runs/{}/findings", run["id"].as_str().expect("an id"));
    let findings = api.get(&format!("{path}?kind=only_in_int6")).await;
    let count = run["counts"]["only_in_int6"].as_u64().expect("a number") as usize;
    assert_eq!(findings["findings"].as_array().map(Vec::len), Some(count));
    assert!(count > 0 && findings["findings"][0]["detail"].as_str().is_some_and(|d| !d.is_empty()));
}

#[rstest]
#[case("authorization", format!("Bearer {KEY}"))]
#[case("authorization", format!("bearer {KEY}"))]
#[case("authorization", KEY.to_owned())]
#[case("x-api-key", KEY.to_owned())]
#[tokio::test]
async fn the_key_is_taken_in_three_forms(#[case] header: &str, #[case] value: String) {
    let api = Api::over(World::empty().await).await;
    let answer =
        api.http.get(api.url("/v1/sync-runs")).header(header, value).send().await.expect("an answer");
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn without_a_good_key_or_from_elsewhere_nobody_comes_in() {
    let mut world = World::empty().await;
    world.set("GATEWAY_ALLOWED_IPS", "192.0.2.0/24");
    world.set("GATEWAY_TRUSTED_PROXIES", "127.0.0.1");
    let api = Api::over(world).await;
    let path = api.url("/v1/sync-runs");
    let none = api.http.get(&path).send().await.expect("an answer");
    assert_eq!(none.headers()["www-authenticate"], "Bearer");
    problem(none, 401, "unauthorised").await;
    problem(api.http.get(&path).bearer_auth("wrong").send().await.expect("an answer"), 401, "unauthorised")
        .await;
    let elsewhere = api.ask(Method::GET, "/v1/sync-runs").send().await.expect("an answer");
    problem(elsewhere, 403, "address_not_admitted").await;
    let proxied = api.ask(Method::GET, "/v1/sync-runs").header("x-forwarded-for", "192.0.2.7");
    assert_eq!(proxied.send().await.expect("an answer").status(), StatusCode::OK);
}

#[rstest]
#[case(Method::GET, "/v1/nothing", "", 404, "not_found")]
#[case(Method::GET, "/nothing", "", 404, "not_found")]
#[case(Method::GET, "/v1/sync-runs/147", "", 404, "not_found")]
#[case(Method::GET, "/v1/sync-runs/019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c", "", 404, "not_found")]
#[case(Method::GET, "/v1/sync-runs/019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c/changes", "", 404, "not_found")]
#[case(Method::DELETE, "/v1/sync-runs", "", 405, "method_not_allowed")]
#[case(Method::POST, "/health/live", "", 405, "method_not_allowed")]
#[case(Method::GET, "/v1/sync-runs?limit=0", "", 400, "invalid_request")]
#[case(Method::GET, "/v1/sync-runs?limit=many", "", 400, "invalid_request")]
#[case(Method::GET, "/v1/sync-runs?limt=5", "", 400, "invalid_request")]
#[case(Method::GET, "/v1/sync-runs?state=done", "", 400, "invalid_request")]
#[case(Method::GET, "/v1/sync-runs?before=x", "", 400, "invalid_request")]
#[case(Method::POST, "/v1/sync-runs", "{", 400, "invalid_request")]
#[case(Method::POST, "/v1/sync-runs", "[]", 400, "invalid_request")]
#[case(Method::POST, "/v1/sync-runs", "{\"dry_run\": \"yes\"}", 400, "invalid_request")]
#[case(Method::POST, "/v1/sync-runs", "{\"dry-run\": true}", 400, "invalid_request")]
#[case(Method::POST, "/v1/sync-runs", "{} {}", 400, "invalid_request")]
#[tokio::test]
async fn a_bad_request_is_explained(
    #[case] method: Method,
    #[case] path: &str,
    #[case] body: &'static str,
    #[case] status: u16,
    #[case] code: &str,
) {
    let api = Api::over(World::empty().await).await;
    let answer = api.ask(method, path).body(body).send().await.expect("an answer");
    problem(answer, status, code).await;
    assert_eq!(api.get("/v1/sync-runs").await["sync_runs"], json!([]), "nothing was begun");
}

#[tokio::test]
async fn errors_name_the_field_and_keep_the_callers_request_id() {
    let api = Api::over(World::empty().await).await;
    let post = || api.ask(Method::POST, "/v1/sync-runs").header("x-request-id", "ticket-4711");
    let told =
        problem(post().body(r#"{"dry_run": 5}"#).send().await.expect("an answer"), 400, "invalid_request")
            .await;
    assert!(told["detail"].as_str().is_some_and(|d| d.starts_with("dry_run:")), "{told}");
    assert_eq!(told["request_id"], "ticket-4711");
    let large = post().body("x".repeat(100_000)).send().await.expect("an answer");
    problem(large, 413, "invalid_request").await;
    let odd = api
        .ask(Method::GET, "/v1/nothing")
        .header("x-request-id", "two words")
        .send()
        .await
        .expect("an answer");
    assert_ne!(problem(odd, 404, "not_found").await["request_id"], "two words");
}

#[tokio::test]
async fn signs_of_life_and_documentation_are_open_to_all() {
    let api = Api::over(World::empty().await).await;
    for path in ["/health/live", "/health/ready", "/openapi.json", "/docs", "/docs/errors", "/"] {
        let answer = api.http.get(api.url(path)).send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
    }
    let page = api.http.get(api.url("/docs/")).send().await.expect("an answer").text().await.expect("a text");
    assert!(
        page.contains("swagger-ui") && !page.contains("https://"),
        "no file comes from another host: {page}"
    );
    let errors =
        api.http.get(api.url("/docs/errors")).send().await.expect("an answer").text().await.expect("a text");
    for code in ErrorCode::VARIANTS {
        assert!(errors.contains(&format!("id=\"{code}\"")), "{code} is not explained");
    }
}

#[tokio::test]
async fn the_openapi_document_is_the_one_in_the_repository() {
    let document = int6_ozmap_gateway::http::openapi_json();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/gateway.json");
    let committed = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        committed == document,
        "run `cargo run -- openapi > openapi/gateway.json` and look at the difference"
    );
    let api = Api::over(World::empty().await).await;
    assert_eq!(api.get("/openapi.json").await, serde_json::from_str::<Value>(&document).expect("JSON"));
}

#[tokio::test]
async fn a_stop_in_mid_run_finishes_the_call_under_way_and_says_so() {
    let world = World::town(60).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-20.005 - i as f64 / 20.0));
    }
    world.sandbox.ozmap().faults().set_latency(Duration::from_millis(200));
    let store = world.store.clone();
    let api = Api::over(world).await;
    let answer = api.ask(Method::POST, "/v1/sync-runs").send().await.expect("an answer");
    let run: Value = answer.json().await.expect("JSON");
    while api.world.writes() == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let Api { world, gateway, .. } = api;
    gateway.stop().await;
    let id = run["id"].as_str().and_then(|id| id.parse().ok()).expect("an id");
    let row = store.run("default", id).await.expect("read").expect("it is there");
    assert_eq!(row.state.name(), "failed");
    let error = row.error.unwrap_or_default();
    assert!(error.starts_with("interrupted after ") && error.contains(" of 60 changes"), "{error}");
    let filter = int6_ozmap_gateway::store::ChangeFilter {
        result: Some(gateway_core::sync::ChangeResult::Applied),
        ..Default::default()
    };
    let applied = store.changes(id, &filter, None, 1000).await.expect("read").len();
    assert_eq!(applied, world.writes(), "what was written is recorded");
    assert!(applied < 60);
    assert_eq!(world.sync().await.counts.changed as usize, 60 - applied, "the next run goes on");
}

#[tokio::test]
async fn the_beat_runs_at_the_start_and_again() {
    let mut world = World::town(20).await;
    world.set("SYNC_INTERVAL_SECONDS", "1");
    let api = Api::over(world).await;
    tokio::time::sleep(Duration::from_millis(2_600)).await;
    let runs = api.get("/v1/sync-runs?state=finished").await["sync_runs"].clone();
    let runs = runs.as_array().expect("a list");
    assert!((2..=4).contains(&runs.len()), "{runs:#?}");
    assert!(runs.iter().all(|run| run["trigger"] == "timer"));
}

#[tokio::test]
async fn no_secret_of_any_side_is_in_any_answer() {
    let world = World::new(Options { clients: 50, ..Options::default() }, false).await;
    let secrets = [world.sandbox.ozmap_key(), world.sandbox.int6_token(), KEY.to_owned()];
    let body = format!(r#"{{"message":"bad key {} or {}"}}"#, secrets[0], secrets[1]);
    let fault = Fault::StatusWith { status: 400, retry_after: None, body };
    world.sandbox.ozmap().faults().fail_route("/api/v2/properties", 1, fault);
    let api = Api::over(world).await;
    let run = api.run(json!({})).await;
    assert_eq!(run["state"], "failed");
    let text = run.to_string();
    assert!(text.contains("bad key ***"), "{text}");
    assert!(secrets.iter().all(|secret| !text.contains(secret.as_str())), "{text}");
}

#[tokio::test]
async fn what_is_counted_is_shown_to_admitted_addresses() {
    let api = town(30).await;
    api.run(json!({})).await;
    let metrics = async |request: RequestBuilder| request.send().await.expect("an answer");
    let answer = metrics(api.http.get(api.url("/metrics"))).await;
    assert!(answer.headers()["content-type"].to_str().is_ok_and(|t| t.starts_with("text/plain")));
    let text = answer.text().await.expect("a text");
    let counted = r#"gateway_sync_runs_total{tenant="default",kind="full",state="finished"} 1"#;
    assert!(text.contains(counted), "{text}");
    assert!(text.contains(r#"route="/v1/sync-runs/{id}""#), "{text}");
    let mut world = World::empty().await;
    world.set("GATEWAY_ALLOWED_IPS", "192.0.2.7");
    let strict = Api::over(world).await;
    problem(metrics(strict.http.get(strict.url("/metrics"))).await, 403, "address_not_admitted").await;
}
