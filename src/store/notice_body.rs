//! What a notice says, in the form that its receivers read. No secret, and nothing of where people live.

use gateway_core::notice::Event;
use gateway_core::provisioning::OperationAnswer;
use gateway_core::{ErrorCode, System};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::runs::HeldField;

#[derive(Serialize)]
struct NoticeBody<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Value,
}

/// A notice as it is posted. Source: `docs/contracts/gateway-api.md`, "Notices".
fn noticed(event: Event, at: Timestamp, data: Value) -> String {
    let body = NoticeBody { r#type: event.name(), timestamp: format!("{at:.3}"), data };
    // Texts, numbers and lists of them: it cannot fail.
    serde_json::to_string(&body).unwrap_or_default()
}

/// A run of a whole tenant that ended, as it is told.
pub(super) struct ToldRun<'a> {
    pub(super) tenant: &'a str,
    pub(super) id: &'a str,
    pub(super) state: &'a str,
    /// Why it failed or was halted.
    pub(super) reason: Option<&'a str>,
    pub(super) held: &'a [HeldField],
    /// How the sync stood before, and since when.
    pub(super) before: &'a str,
    pub(super) since: &'a str,
    pub(super) at: Timestamp,
}

/// `sync.failed`, `sync.halted`, `sync.held`, `sync.recovered`.
pub(super) fn of_run(event: Event, run: &ToldRun<'_>) -> String {
    let ToldRun { tenant, id, state, reason, held, before, since, at } = run;
    let mut data = json!({ "tenant": tenant, "run_id": id, "state": state });
    match event {
        Event::SyncRecovered => (data["after"], data["since"]) = (json!(before), json!(since)),
        Event::SyncHeld => data["held"] = json!(held),
        _ => data["reason"] = json!(reason),
    }
    noticed(event, *at, data)
}

/// The systems' words in settings and notices.
pub(super) fn word_of(system: System) -> &'static str {
    match system {
        System::Ozmap => "ozmap",
        System::Int6 => "int6",
    }
}

/// `upstream.unreachable`, `upstream.refused_key`, `upstream.recovered`.
pub(super) fn of_upstream(event: Event, tenant: &str, system: System, reason: &str, at: Timestamp) -> String {
    let mut data = json!({ "tenant": tenant, "system": word_of(system) });
    if event != Event::UpstreamRecovered {
        data["reason"] = json!(reason);
    }
    noticed(event, at, data)
}

/// `operation.ended`.
pub(super) fn of_operation(
    tenant: &str,
    operation: &str,
    client: &str,
    answer: &OperationAnswer,
    at: Timestamp,
) -> String {
    let error = match answer {
        OperationAnswer::Refused { code, detail, .. } => {
            // What another system said may be about a person.
            let is_foreign = matches!(code, ErrorCode::OzmapRejected | ErrorCode::Int6Rejected);
            let detail = (!is_foreign).then_some(detail);
            json!({ "code": code.name(), "detail": detail })
        }
        OperationAnswer::Done(_) | OperationAnswer::Superseded => Value::Null,
    };
    let state = answer.state().name();
    let data = json!({ "tenant": tenant, "operation_id": operation, "code": client, "state": state, "error": error });
    noticed(Event::OperationEnded, at, data)
}

/// What a `Callback-Url` is told. Source: `docs/contracts/gateway-api.md`, "Stored requests".
pub(super) fn of_callback(operation: &str, client: &str, answer: &OperationAnswer) -> String {
    json!({ "operation_id": operation, "code": client, "state": answer.state().name() }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-11-25T18:00:00.25Z".parse().expect("a time")
    }

    #[test]
    fn a_notice_says_its_type_its_time_and_what_happened() {
        let run = ToldRun {
            tenant: "north",
            id: "019a",
            state: "failed",
            reason: Some("INT6, sign in: the host did not answer"),
            held: &[],
            before: "good",
            since: "2026-11-25T17:50:00.000Z",
            at: at(),
        };
        assert_eq!(
            of_run(Event::SyncFailed, &run),
            r#"{"type":"sync.failed","timestamp":"2026-11-25T18:00:00.250Z","data":{"reason":"INT6, sign in: the host did not answer","run_id":"019a","state":"failed","tenant":"north"}}"#
        );
        let recovered = of_run(Event::SyncRecovered, &ToldRun { state: "finished", before: "failed", ..run });
        assert!(
            recovered.contains(r#""after":"failed","#) && recovered.contains(r#""since":"#),
            "{recovered}"
        );
        assert!(!recovered.contains("reason"), "{recovered}");
    }

    #[test]
    fn what_another_system_said_of_a_refusal_is_not_passed_on() {
        let refused = |code, detail: &str| {
            let answer = OperationAnswer::Refused { code, detail: detail.to_owned(), free_ports: None };
            of_operation("north", "019a", "147", &answer, at())
        };
        let own = refused(ErrorCode::PortTaken, "port 3 is taken");
        assert!(own.contains(r#""error":{"code":"port_taken","detail":"port 3 is taken"}"#), "{own}");
        let foreign = refused(ErrorCode::OzmapRejected, "it said: coords -27.59561 are wrong");
        assert!(foreign.contains(r#""error":{"code":"ozmap_rejected","detail":null}"#), "{foreign}");
        let callback = of_callback("019a", "147", &OperationAnswer::Superseded);
        assert_eq!(callback, r#"{"code":"147","operation_id":"019a","state":"superseded"}"#);
    }
}
