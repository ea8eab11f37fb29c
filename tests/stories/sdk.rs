//! OZmap's official SDK as judge: it reads and writes the pretend OZmap, and reads what the gateway wrote there.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gateway_core::sync::RunState;
use gateway_sandbox::TestClient;
use serde_json::{Map, Value, json};
use tokio::process::Command;

use crate::world::World;

#[tokio::test]
async fn the_official_sdk_reads_and_writes_the_sandboxs_ozmap() {
    let world = World::town(300).await;
    let (login, password) = world.sandbox.ozmap_login();
    let settings = [("CLIENTS", "300"), ("OZMAP_LOGIN", &login), ("OZMAP_PASSWORD", &password)];
    judge(&world, "everything", &settings).await;
}

#[tokio::test]
async fn the_official_sdk_reads_what_the_gateway_wrote() {
    let world = World::town(300).await;
    let (ozmap, int6) = (world.sandbox.ozmap(), world.sandbox.int6());
    let codes = ozmap.codes();
    let mut expected: Map<String, Value> =
        codes.iter().map(|code| (code.clone(), held(&world, code))).collect();
    let mut expect = |code: &str, now: Value| expected.insert(code.to_owned(), now);

    // Not implanted, and in error until now: one by one, with a power that nobody else has.
    for (code, power, dbm) in [
        (&codes[3], json!("-21,53"), -21.53),
        (&codes[70], json!("-27.9 dBm"), -27.9),
        (&codes[299], json!(3.2), 3.2),
    ] {
        ozmap.put_client(TestClient::new(code).implanted(false).status(1).potency_read(-20.0));
        world.reading(code, power);
        expect(code, json!([dbm, 0, true]));
    }
    // One power for many: by batch.
    for code in &codes[100..160] {
        let (_, status, implanted) = world.held(code);
        assert_eq!((status, implanted), (json!(0), json!(true)), "the town is in order");
        assert!(int6.set_power(code, json!(-19.99)));
        expect(code, json!([-19.99, 0, true]));
    }
    for code in &codes[200..205] {
        assert!(int6.set_power(code, json!(0)));
        expect(code, json!([0.0, 1, true]));
    }
    for code in &codes[210..215] {
        assert!(int6.set_power(code, json!("LOS")));
        expect(code, json!([world.held(code).0, 1, true]));
    }
    // Nothing is known of the ONU until now.
    let onu = json!({"serial_number": "ABCD12345678", "user_PPPoE": "147@isp.example", "mac_address": "02:12:c8:cb:10:a8"});
    let row = json!({"serial_number": "ABCD12345678", "pppoe_username": "147@isp.example", "mac_address": "02:12:C8:CB:10:A8"});
    let code = &codes[250];
    ozmap.put_client(TestClient::new(code).potency_read(-20.0));
    world.reading(code, json!(-20.0));
    let mut whole = int6.rows_of(code).remove(0);
    whole.as_object_mut().expect("a row").extend(row.as_object().expect("parts").clone());
    int6.set_row(code, whole);
    expect(code, json!([-20.0, 0, true, onu]));

    // Sixty of one power would be held.
    let report = world.forced().await;
    assert_eq!((report.state, report.counts.failed), (RunState::Finished, 0), "{:?}", report.error);
    assert_eq!(report.counts.changed, 3 + 60 + 5 + 5 + 1);
    judge(&world, "holds", &[("EXPECTED", &Value::Object(expected).to_string())]).await;
}

fn held(world: &World, code: &str) -> Value {
    let (power, status, implanted) = world.held(code);
    json!([power, status, implanted])
}

/// Lets the SDK judge this world's OZmap; panics with all that it said unless it found nothing wrong.
async fn judge(world: &World, what: &str, settings: &[(&str, &str)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
    assert!(
        folder.join("node_modules/@ozmap/ozmap-sdk").is_dir(),
        "the official OZmap SDK is not installed: run `npm ci --prefix tests/sdk`"
    );
    let child = Command::new("node")
        .args(["judge.cjs", what])
        .current_dir(folder)
        .env("OZMAP_URL", world.sandbox.ozmap_url())
        .env("OZMAP_API_KEY", world.sandbox.ozmap_key())
        .envs(settings.iter().copied())
        // The sandbox is on loopback, wherever the machine's other calls go.
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(Duration::from_secs(60), child).await;
    let output = output.expect("the judge takes less than 60 s").expect("node is installed (20 or newer)");
    assert!(
        output.status.success(),
        "the SDK found something wrong:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
