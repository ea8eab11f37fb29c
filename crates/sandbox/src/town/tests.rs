//! What the town promises.

use std::collections::HashMap;

use serde_json::Value;

use super::{Town, build};
use crate::int6::reading::Row;
use crate::ozmap::id::Kind;
use crate::ozmap::record::splitter::Port;

fn rows(town: &Town) -> Vec<Value> {
    town.rows.iter().map(Row::json).collect()
}

fn code(row: &Value) -> String {
    row["gpon_client_id"].as_str().map_or_else(|| row["gpon_client_id"].to_string(), str::to_owned)
}

#[test]
fn in_a_clean_town_both_systems_agree() {
    let town = build(700, 3, false);
    let rows = rows(&town);
    assert_eq!((rows.len(), town.state.count(Kind::Client)), (700, 700));
    for row in rows {
        let client = town.state.client_by_code(&code(&row)).expect("client");
        assert!(client.implanted && client.status == Some(0));
        let field = |name: &str| town.state.field(client.id, "onu").expect("onu")[name].clone();
        assert_eq!(field("serial_number"), row["serial_number"]);
        assert_eq!(field("user_PPPoE"), row["pppoe_username"]);
        assert_eq!(field("mac_address"), row["mac_address"]);
        let read =
            town.state.property_of(client.id).and_then(|property| property.potency_read).expect("read power");
        assert_eq!(row["rx_power"], format!("{read:.2}"));
    }
}

#[test]
fn a_messy_town_has_a_bit_of_everything() {
    let town = build(4000, 3, true);
    let rows = rows(&town);
    let mut by_code: HashMap<String, usize> = HashMap::new();
    rows.iter().for_each(|row| *by_code.entry(code(row)).or_default() += 1);
    let share =
        |test: &dyn Fn(&Value) -> bool| rows.iter().filter(|row| test(row)).count() * 1000 / rows.len();
    let text_has = |row: &Value, part: &str| row["rx_power"].as_str().is_some_and(|text| text.contains(part));
    assert!((3..20).contains(&share(&|row| {
        row["rx_power"].as_str().is_some_and(|t| t.chars().any(char::is_alphabetic) && !t.contains("dBm"))
    })));
    assert!((70..130).contains(&share(&|row| text_has(row, ","))));
    assert!(share(&|row| text_has(row, "\u{2212}")) > 5);
    assert!(share(&|row| row["rx_power"].is_object()) > 2);
    assert!(rows.iter().any(|row| row["rx_power"].is_null()));
    assert!(by_code.values().any(|count| *count == 2));
    assert!(by_code.keys().any(|code| town.state.client_by_code(code).is_none()));
    assert!(town.state.codes().any(|code| !by_code.contains_key(code)));
    assert!(town.state.codes().any(|code| code.parse::<u64>().is_err()));
    let differs = |row: &Value| {
        let property =
            town.state.client_by_code(&code(row)).and_then(|client| town.state.property_of(client.id));
        property.is_some_and(|property| {
            row["rx_power"].as_f64().is_some_and(|rx| property.potency_read != Some(rx))
        })
    };
    assert!(share(&differs) > 200);
}

#[test]
fn the_same_seed_gives_the_same_town() {
    let known = |seed| {
        let town = build(300, seed, true);
        let state = &town.state;
        let clients: Vec<Value> = state.ids(Kind::Client, None).filter_map(|id| state.render(id)).collect();
        let properties: Vec<Value> =
            state.ids(Kind::Property, None).filter_map(|id| state.render(id)).collect();
        let powers: Vec<Value> = rows(&town).iter().map(|row| row["rx_power"].clone()).collect();
        (clients, properties, powers)
    };
    assert_eq!(known(3), known(3));
    assert_ne!(known(3), known(4));
}

#[test]
fn even_an_empty_town_has_buildings_drafts_and_free_ports() {
    let mut town = build(0, 1, true);
    assert!(town.state.count(Kind::Building) > 0);
    assert!(town.state.ids(Kind::Box, None).any(|id| town.state.field(id, "draft") == Some(true.into())));
    assert!(town.state.free_port().is_some());
}

#[test]
fn every_port_and_its_property_agree() {
    let town = build(2000, 5, true);
    let state = &town.state;
    let mut held = 0;
    for splitter in state.ids(Kind::Splitter, None).filter_map(|id| state.splitter(id)).filter(|s| s.is_drop)
    {
        for number in 1..=splitter.outputs.len() as u16 {
            let port = Port { splitter: splitter.id, number };
            if let Some(property) = state.holder(port).and_then(|id| state.property(id)) {
                assert_eq!(property.connection, Some(port));
                assert_eq!(property.place, Some(splitter.parent));
                held += 1;
            }
        }
    }
    assert_eq!(held, state.ids(Kind::Property, None).filter_map(|id| state.property(id)?.connection).count());
    assert!(
        state
            .ids(Kind::Property, None)
            .filter_map(|id| state.property(id))
            .any(|property| property.client.is_none())
    );
}
