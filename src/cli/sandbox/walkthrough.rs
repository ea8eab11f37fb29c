//! What the newcomer reads: addresses, keys, and calls that can be pasted.

use gateway_sandbox::Sandbox;
use serde_json::{Value, json};

/// The client that is installed in the walkthrough: INT6 knows it, OZmap does not. Codes of the town are greater.
const CODE: &str = "147";

/// Where the gateway of a sandbox is, and its key.
pub(super) struct GatewayAccess<'a> {
    pub(super) url: &'a str,
    pub(super) key: &'a str,
}

/// Puts the client of the story into INT6.
pub(super) fn prepare(sandbox: &Sandbox) {
    let row = json!({
        "id": 147, "gpon_client_id": 147, "rx_power": "-20,10", "olt_rx_power": -22.4, "contract_id": 55147,
        "serial_number": "FHTT9A0B1C2D", "pppoe_username": "maria.147", "mac_address": "94:E3:EE:0E:10:55",
        "updated_at": "2026-11-20T10:03:11Z",
    });
    sandbox.int6().set_row(CODE, row);
}

/// The whole greeting; `systems` are the settings of both pretend systems.
pub(super) fn greeting(
    sandbox: &Sandbox,
    systems: &[(&str, String)],
    gateway: &GatewayAccess<'_>,
    clients: usize,
) -> String {
    let GatewayAccess { url, key } = gateway;
    let systems: Vec<String> = systems.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let all = format!("{} GATEWAY_URL={url} GATEWAY_API_KEY={key}", systems.join(" "));
    format!(
        "\nA made-up town of {clients} clients. Everything runs on this machine and is gone with Ctrl-C.\n\
         \n  documentation  {url}/docs\n\
         \nFor another terminal (then `int6-ozmap-gateway sync --dry-run` works there, too):\n\
         \nexport {all}\n\
         \nFour calls to try:\n{RUNS}\
         \nAn installation, step by step:\n{}\n",
        installation(sandbox)
    )
}

const RUNS: &str = r#"
  # the runs: a first one is under way
  curl -s -H "X-API-Key: $GATEWAY_API_KEY" $GATEWAY_URL/v1/sync-runs

  # one more, now
  curl -s -X POST -H "X-API-Key: $GATEWAY_API_KEY" -d '{"dry_run": true}' $GATEWAY_URL/v1/sync-runs

  # what the newest run changed, as CSV
  RUN=$(curl -s -H "X-API-Key: $GATEWAY_API_KEY" "$GATEWAY_URL/v1/sync-runs?limit=1" \
    | python3 -c 'import json,sys; print(json.load(sys.stdin)["sync_runs"][0]["id"])')
  curl -s -H "X-API-Key: $GATEWAY_API_KEY" -H 'Accept: text/csv' $GATEWAY_URL/v1/sync-runs/$RUN/changes | head

  # what a rail kept back of it, and why; then apply just that, if it is true
  curl -s -H "X-API-Key: $GATEWAY_API_KEY" "$GATEWAY_URL/v1/sync-runs?limit=200" \
    | python3 -c 'import json,sys; [print(r["id"], r["held"]) for r in json.load(sys.stdin)["sync_runs"] if r["held"]]'
  HELD=$(curl -s -H "X-API-Key: $GATEWAY_API_KEY" "$GATEWAY_URL/v1/sync-runs?limit=200" \
    | python3 -c 'import json,sys; print([r["id"] for r in json.load(sys.stdin)["sync_runs"] if r["held"] and not r["dry_run"]][0])')
  curl -s -X POST -H "X-API-Key: $GATEWAY_API_KEY" -d '{"plan": "'$HELD'"}' $GATEWAY_URL/v1/sync-runs
"#;

/// One call for each step; the splitter is one of the town's with a free port.
fn installation(sandbox: &Sandbox) -> String {
    let Some((splitter, port)) = sandbox.ozmap().free_port() else {
        return "\n  (the town has no free port)\n".to_owned();
    };
    let (lat, lng) = beside(sandbox, &splitter).unwrap_or_default();
    let asked = json!({
        "splitter_id": splitter, "port": port, "coordinate": {"lat": lat, "lng": lng}, "name": "Maria",
        "address": "Rua das Orquídeas, 258", "onu": {"serial_number": "FHTT9A0B1C2D", "pppoe_user": "maria.147"},
    });
    format!(
        r#"
  # 1 which splitters are near the customer?
  curl -s -H "X-API-Key: $GATEWAY_API_KEY" "$GATEWAY_URL/v1/splitters/nearby?lat={lat}&lng={lng}&limit=3"

  # 2 connect client {CODE}, which INT6 knows and OZmap does not; repeat it: nothing happens
  curl -s -X PUT -H "X-API-Key: $GATEWAY_API_KEY" $GATEWAY_URL/v1/clients/{CODE}/activation \
    -d '{asked}'

  # 3 is the light that INT6 reads near enough to what OZmap calculates?
  curl -s -H "X-API-Key: $GATEWAY_API_KEY" "$GATEWAY_URL/v1/clients/{CODE}/power?read_dbm=-20.10&limit_db=3"

  # 4 INT6's reading reaches OZmap now, not at the next beat
  curl -s -X POST -H "X-API-Key: $GATEWAY_API_KEY" $GATEWAY_URL/v1/clients/{CODE}/sync

  # 5 the client in OZmap
  curl -s -H "Authorization: $OZMAP_API_KEY" $OZMAP_URL/api/v2/properties/client/{CODE}
"#
    )
}

/// A house about 60 m from the splitter's site: latitude and longitude.
fn beside(sandbox: &Sandbox, splitter: &str) -> Option<(f64, f64)> {
    let splitter = sandbox.ozmap().record_of(splitter)?;
    let parent = &splitter["parent"];
    let site = sandbox.ozmap().record_of(parent.as_str().or(parent["id"].as_str())?)?;
    let degrees = |value: &Value| value.as_f64().map(|degrees| (degrees * 1e6).round() / 1e6);
    let (lng, lat) = (degrees(&site["coords"][0])?, degrees(&site["coords"][1])?);
    Some((((lat + 0.0005) * 1e6).round() / 1e6, lng))
}
