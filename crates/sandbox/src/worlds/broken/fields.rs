//! Fields under other names, in other places, of other kinds.

use serde_json::{Value, json};

use crate::worlds::end::{READING_FIELDS, WorldEnd};
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{CODE, MAC, POWER, SERIAL, TIME, Telling, USER, rename};

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::broken("power-renamed", "An update of INT6 calls the power rx_signal.")
        .told(|told| told.each(|row| rename(row, POWER, "rx_signal")))
        .halts(&["rx_signal"]),
    WorldStory::broken("code-renamed", "An update of INT6 calls the code client_number.")
        .told(|told| told.each(|row| rename(row, CODE, "client_number")))
        .halts(&["client_number"]),
    WorldStory::broken("camel-case", "An update of INT6 writes all names in camel case.")
        .told(|told| {
            let names = [
                (CODE, "gponClientId"),
                (POWER, "rxPower"),
                (SERIAL, "serialNumber"),
                (USER, "pppoeUsername"),
                (MAC, "macAddress"),
                (TIME, "updatedAt"),
            ];
            told.each(|row| names.iter().for_each(|(from, to)| rename(row, from, to)));
        })
        .halts(&["gponClientId", "rxPower"]),
    WorldStory::broken("capitals", "An Oracle driver writes all names in capitals.")
        .told(|told| {
            told.each(|row| {
                for name in [CODE, POWER, SERIAL, USER, MAC, TIME] {
                    rename(row, name, &name.to_uppercase());
                }
            });
        })
        .halts(&["GPON_CLIENT_ID", "RX_POWER"]),
    WorldStory::broken(
        "power-renamed-on-six-of-ten",
        "Half-way through an update: six of ten rows call the power rx_signal.",
    )
    .told(|told| told.share(60, |row| rename(row, POWER, "rx_signal")))
    .halts(&["rx_signal"]),
    WorldStory::broken(
        "power-renamed-on-four-of-ten",
        "At the start of an update: four of ten rows call the power rx_signal.",
    )
    .told(|told| told.share(40, |row| rename(row, POWER, "rx_signal")))
    .ends(&[WorldEnd::Finished]),
    WorldStory::broken(
        "power-with-a-blank",
        "The name of the power has a blank behind it, as a spreadsheet left it.",
    )
    .told(|told| told.each(|row| rename(row, POWER, "rx_power ")))
    .words(&["rx_power"])
    .ends(&[WorldEnd::Halted, WorldEnd::Finished]),
    WorldStory::broken(
        "power-one-level-down",
        "The power moved into an object of its own: {\"optical\": {\"rx_power\": …}}.",
    )
    .told(|told| {
        told.each(|row| {
            let power = row[POWER].take();
            row["optical"] = json!({ POWER: power });
            rename(row, POWER, "rx_power_deprecated");
        });
    })
    .halts(&["optical", "rx_power"]),
    WorldStory::broken(
        "attributes-one-level-down",
        "The rows became JSON:API: id, type, and everything else in attributes.",
    )
    .told(|told| {
        told.each(|row| {
            let id = row["id"].clone();
            *row = json!({"id": id, "type": "onu_status", "attributes": row.take()});
        });
    })
    .ends(&[WorldEnd::Halted, WorldEnd::Failed])
    .words(&["attributes", "gpon_client_id"]),
    WorldStory::broken("power-as-value-and-unit", "The power became {\"value\": −21.53, \"unit\": \"dBm\"}.")
        .told(|told| told.each(|row| row[POWER] = json!({"value": row[POWER].take(), "unit": "dBm"})))
        .words(&["rx_power", "power"])
        .ends(&[WorldEnd::Halted, WorldEnd::Finished]),
    WorldStory::broken("codes-null", "The join to the customers failed: every code is null.")
        .told(|told| told.each(|row| row[CODE] = Value::Null))
        .halts(&["gpon_client_id", "code"]),
    WorldStory::broken(
        "codes-null-for-half",
        "The join to the customers failed for half of the rows: their codes are null.",
    )
    .told(|told| told.share(50, |row| row[CODE] = Value::Null))
    .halts(&["gpon_client_id", "code", "fewer", "matched"]),
    WorldStory::broken("codes-are-objects", "The code became an object: {\"id\": 10001}.")
        .told(|told| told.each(|row| row[CODE] = json!({"id": row[CODE].take()})))
        .halts(&["gpon_client_id", "code"]),
    WorldStory::broken(
        "columns-slipped-by-one",
        "A column was added to a table that is read by position: every value stands one field too far.",
    )
    .told(slip)
    .ends(&[WorldEnd::Halted]),
    WorldStory::broken(
        "power-of-another-name-set",
        "The setting of the power's name was misspelt before the first run.",
    )
    .first_run()
    .settings(&[("INT6_POWER_FIELD", "potencia")])
    .halts(&["rx_power"]),
    WorldStory::broken(
        "code-of-another-name-set",
        "The setting of the code's name was misspelt before the first run.",
    )
    .first_run()
    .settings(&[("INT6_CODE_FIELD", "nope")])
    .halts(&["gpon_client_id"]),
    WorldStory::broken("contract-set-as-power", "The setting of the power's name points to the contract.")
        .first_run()
        .settings(&[("INT6_POWER_FIELD", "contract_id")])
        .halts(&["median", "unit", "typical", "outside", "dBm"]),
    WorldStory::broken("contract-set-as-code", "The setting of the code's name points to the contract.")
        .first_run()
        .settings(&[("INT6_CODE_FIELD", "contract_id")])
        .ends(&[WorldEnd::Halted, WorldEnd::Finished]),
    WorldStory::broken("serial-set-as-power", "The setting of the power's name points to the serial number.")
        .first_run()
        .settings(&[("INT6_POWER_FIELD", "serial_number")])
        .ends(&[WorldEnd::Held(READING_FIELDS), WorldEnd::Halted]),
];

/// Each value moves to the next field, by the names' order in the table.
fn slip(told: &mut Telling<'_>) {
    const COLUMNS: [&str; 8] = ["id", CODE, POWER, "olt_rx_power", "contract_id", SERIAL, USER, MAC];
    told.each(|row| {
        let mut values: Vec<Value> = COLUMNS.iter().map(|name| row[*name].take()).collect();
        values.rotate_right(1);
        for (name, value) in COLUMNS.iter().zip(values) {
            row[*name] = value;
        }
    });
}
