//! The noise in an ISP's data: shapes of readings, notations, ages, rows that are there twice.
//!
//! Source: `docs/contracts/int6-api.md`, "Shapes of a reading", "Serial numbers and MACs" and "Ages and times".

use compact_str::CompactString;
use rand::RngExt;
use rand::rngs::StdRng;

use super::names;
use crate::int6::reading::{Reading, Rx, Shape};

/// Shapes of a reading and how many in a thousand have each; the rest are numbers.
const SHAPES: [(u32, Shape); 15] = [
    (6, Shape::Word("LOS")),
    (1, Shape::Word("Não Disponível")),
    (1, Shape::Word("N/D")),
    (1, Shape::Word("N/A")),
    (1, Shape::Word("sem sinal")),
    (2, Shape::Zero),
    (1, Shape::ZeroText),
    (2, Shape::Word("")),
    (1, Shape::Word("null")),
    (2, Shape::Null),
    (100, Shape::Comma),
    (20, Shape::MathMinus),
    (5, Shape::EnDash),
    (20, Shape::Unit),
    (10, Shape::Object),
];

/// How the reading of one client is written.
fn shape(rng: &mut StdRng) -> Shape {
    let mut roll = rng.random_range(0..1000_u32);
    for (share, shape) in SHAPES {
        if roll < share {
            return shape;
        }
        roll -= share;
    }
    if roll.is_multiple_of(2) { Shape::Text } else { Shape::Number }
}

/// Writes a clean row as it is met in the wild: notations of serial, MAC, code and time, and its age.
pub(crate) fn add_noise(rng: &mut StdRng, reading: &mut Reading, mac: [u8; 6]) {
    reading.rx.shape = shape(rng);
    reading.mac = notation(rng, mac);
    reading.serial = match rng.random_range(0..1000) {
        0..10 => format!("{} -> {}", names::serial(rng), reading.serial).into(),
        10..20 => "N/A".into(),
        20..25 => CompactString::default(),
        _ => std::mem::take(&mut reading.serial),
    };
    if rng.random_ratio(2, 100) {
        reading.user = CompactString::default();
    }
    reading.code_as_text = rng.random_ratio(5, 100);
    reading.naive_time = rng.random_ratio(2, 100);
    // Metrics refresh in slow waves: mostly minutes old, some hours.
    reading.updated -=
        if rng.random_ratio(1, 10) { rng.random_range(3600..36_000) } else { rng.random_range(0..900) };
}

fn notation(rng: &mut StdRng, mac: [u8; 6]) -> CompactString {
    let digits = mac.map(|byte| format!("{byte:02x}"));
    let text = match rng.random_range(0..10) {
        0 => digits.concat(),
        1 => digits.join("-").to_uppercase(),
        2 => digits.chunks(2).map(<[String]>::concat).collect::<Vec<_>>().join("."),
        3 => digits.join(":"),
        4 => digits.concat().to_uppercase(),
        _ => digits.join(":").to_uppercase(),
    };
    text.into()
}

/// An older row of the same ONU, seen on another PON link with another power.
pub(crate) fn older_twin(rng: &mut StdRng, reading: &Reading, id: u32) -> Reading {
    let mut twin = reading.clone();
    twin.id = id;
    twin.rx = Rx { power: reading.rx.power - rng.random_range(50..300), shape: Shape::Text };
    twin.updated -= rng.random_range(3600..86_400);
    twin
}
