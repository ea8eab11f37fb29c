//! A sync without any rail, which shows that the broken worlds are broken, and that the healthy ones ask for nothing impossible.

use serde_json::Value;

use super::{begun, find, of};
use crate::sandbox::Sandbox;
use crate::worlds::{Health, WorldEnd};

/// Does what each row says, as the table of the rules has it; understands plain figures only.
///
/// Source: `docs/contracts/rules.md`, "INT6 → OZmap, every 10 minutes".
fn sync(sandbox: &Sandbox) {
    for row in sandbox.int6().rows() {
        let code = match &row["gpon_client_id"] {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            _ => continue,
        };
        let figure = match &row["rx_power"] {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        let is_word = row["rx_power"].as_str().is_some_and(|text| !text.is_empty() && figure.is_none());
        let mut state = sandbox.ozmap().state();
        let Some(id) = state.client_by_code(&code).map(|client| client.id) else { continue };
        if let (Some(figure), Some(property)) = (figure, state.property_of(id).map(|property| property.id)) {
            state.change_property(property, |property| property.potency_read = Some(figure));
        }
        state.change_client(id, |client| {
            if figure.is_some() || is_word {
                client.status = Some(u8::from(figure.is_none_or(|figure| figure == 0.0)));
            }
            client.implanted |= figure.is_some_and(|figure| figure != 0.0);
            let known = |name: &str| row[name].as_str().filter(|text| !text.is_empty()).map(Into::into);
            client.onu.serial = known("serial_number").or(client.onu.serial.take());
            client.onu.user = known("pppoe_username").or(client.onu.user.take());
            client.onu.mac = known("mac_address").or(client.onu.mac.take());
        });
    }
}

#[tokio::test]
async fn a_sync_that_believes_everything_does_what_is_due_in_a_healthy_world() {
    for story in of(Health::Healthy) {
        let sandbox = begun(story).await;
        let mut world = story.begin(&sandbox);
        world.live(&sandbox);
        let judge = super::super::Judge::new(
            sandbox.ozmap().clone(),
            super::super::judge::Snapshot::of(&sandbox.ozmap().state()),
            world.truths(),
        );
        sync(&sandbox);
        let verdict = judge.verdict();
        let figures_only = story.name != "reservations-at-minus-40";
        assert_eq!(
            verdict.wrongly_touched.is_empty(),
            figures_only,
            "{}: {:?}",
            story.name,
            verdict.wrongly_touched
        );
        assert_eq!(verdict.missed, [], "{}", story.name);
        sandbox.stop().await;
    }
}

/// Worlds that stop a sync because nobody could say what they mean, not because they would do harm.
fn does_harm(name: &str) -> bool {
    let ends = find(name).map(|story| story.ends).unwrap_or_default();
    ends.iter().all(|end| matches!(end, WorldEnd::Held(_)))
}

#[tokio::test]
async fn a_sync_that_believes_everything_does_harm_where_a_broken_world_is_held() {
    for story in of(Health::Broken).filter(|story| does_harm(story.name) && story.settings.is_empty()) {
        let sandbox = begun(story).await;
        let judge = story.begin(&sandbox).turn(&sandbox);
        sync(&sandbox);
        let verdict = judge.verdict();
        assert!(!verdict.is_harmless(), "{}: {}", story.name, verdict.touched);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn joins_and_units_would_touch_most_of_the_town() {
    for name in [
        "codes-shifted-by-one",
        "another-isp",
        "tenths",
        "sign-lost",
        "one-figure-for-all",
        "map-codes-shifted",
    ] {
        let story = find(name).expect("a world of this name");
        let sandbox = begun(story).await;
        let judge = story.begin(&sandbox).turn(&sandbox);
        sync(&sandbox);
        let verdict = judge.verdict();
        assert!(
            verdict.wrongly_touched.len() * 2 > verdict.clients,
            "{name}: {}",
            verdict.wrongly_touched.len()
        );
        sandbox.stop().await;
    }
}
