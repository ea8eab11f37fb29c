//! Every shape in which figures, codes and notations are met, and right in all of them.

use serde_json::{Value, json};

use crate::worlds::life::Light;
use crate::worlds::people::People;
use crate::worlds::story::WorldStory;
use crate::worlds::telling::{CODE, MAC, POWER, SERIAL, Telling, USER, dbm, is_lit, text};

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("figures-as-numbers", "Powers are JSON numbers.")
        .told(|told| shape(told, |text| json!(text.parse::<f64>().unwrap_or_default()))),
    WorldStory::healthy("figures-with-a-comma", "Powers have a decimal comma.")
        .told(|told| shape(told, |text| json!(text.replace('.', ",")))),
    WorldStory::healthy("figures-with-a-unit", "Powers say dBm.")
        .told(|told| shape(told, |text| json!(format!("{text} dBm")))),
    WorldStory::healthy("figures-of-zte", "Powers are as ZTE prints them: -21.530(dbm).")
        .told(|told| shape(told, |text| json!(format!("{text}0(dbm)")))),
    WorldStory::healthy("figures-with-a-label", "Powers have a label: Rx:-21.53(dbm).")
        .told(|told| shape(told, |text| json!(format!("Rx:{text}(dbm)")))),
    WorldStory::healthy("figures-in-brackets", "Powers are in milliwatts with the dBm in brackets.").told(
        |told| {
            shape(told, |text| {
                let milliwatts = 10_f64.powf(text.parse::<f64>().unwrap_or_default() / 10.0);
                json!(format!("{milliwatts:.4} mW ({text} dBm)"))
            });
        },
    ),
    WorldStory::healthy("figures-in-objects", "Powers are objects with a text.")
        .told(|told| shape(told, |text| json!({"text": text}))),
    WorldStory::healthy("figures-in-quotes", "Powers are in quotes within the quotes.")
        .told(|told| shape(told, |text| json!(format!("\"{text}\"")))),
    WorldStory::healthy("figures-with-blanks", "Powers have blanks around them, and a NUL behind.")
        .told(|told| shape(told, |text| json!(format!("  {text}\u{0}")))),
    WorldStory::healthy("figures-with-every-dash", "Every dash that people use for minus stands for minus.")
        .told(|told| {
            const DASHES: [&str; 11] = [
                "-", "\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2014}", "\u{2015}", "\u{2212}",
                "\u{FE58}", "\u{FE63}", "\u{FF0D}",
            ];
            let mut dashes = DASHES.into_iter().cycle();
            shape(told, |text| json!(text.replace('-', dashes.next().unwrap_or("-"))));
        }),
    WorldStory::healthy("figures-in-all-shapes", "Every ONU's driver writes its power in another way.").told(
        |told| {
            let mut ordinal = 0;
            shape(told, |text| {
                ordinal += 1;
                match ordinal % 8 {
                    0 => json!(text.parse::<f64>().unwrap_or_default()),
                    1 => json!(text.replace('.', ",")),
                    2 => json!(format!("{text} dBm")),
                    3 => json!(format!("{text}(dbm)")),
                    4 => json!({"text": text}),
                    5 => json!(text.replace('-', "\u{2212}")),
                    6 => json!(format!("{text}dBm")),
                    _ => json!(text),
                }
            });
        },
    ),
    WorldStory::healthy("figures-to-a-tenth", "INT6 has always rounded to tenths of a dB.")
        .past(|people| round(people, 10))
        .life(|people| {
            people.live_on();
            round(people, 10);
        }),
    WorldStory::healthy("figures-to-half-a-decibel", "INT6 has always rounded to half a dB.")
        .past(|people| round(people, 50))
        .life(|people| {
            let tenth = people.percent(10);
            people.change(tenth, |life| life.is_lit(), |life, _| life.step(50));
        }),
    WorldStory::healthy("figures-to-a-decibel", "INT6 has always rounded to whole dB.")
        .past(|people| round(people, 100))
        .life(|people| {
            let tenth = people.percent(10);
            people.change(tenth, |life| life.is_lit(), |life, _| life.step(-100));
        }),
    WorldStory::healthy("codes-as-text", "Codes are texts, some with a blank.").told(|told| {
        let mut ordinal = 0;
        told.each(|row| {
            ordinal += 1;
            let code = text(row, CODE);
            row[CODE] = if ordinal % 10 == 0 { json!(format!(" {code} ")) } else { json!(code) };
        });
    }),
    WorldStory::healthy("serials-in-hexadecimal", "Huawei's serials are in hexadecimal, some with a dash.")
        .told(|told| {
            let mut ordinal = 0;
            told.each(|row| {
                ordinal += 1;
                let serial = text(row, SERIAL);
                if let Some(rest) = serial.strip_prefix("HWTC") {
                    row[SERIAL] = json!(if ordinal % 3 == 0 {
                        format!("HWTC-{rest}")
                    } else {
                        format!("48575443{rest}")
                    });
                }
            });
        }),
    WorldStory::healthy("serials-in-small-letters", "Serials are in small letters, with blanks around them.")
        .told(|told| {
            told.each(|row| {
                let serial = text(row, SERIAL).to_lowercase();
                row[SERIAL] = if serial.is_empty() { json!("") } else { json!(format!(" {serial} ")) };
            });
        }),
    WorldStory::healthy(
        "macs-in-every-notation",
        "MAC addresses have dashes, dots, or nothing between their digits.",
    )
    .told(|told| {
        let mut ordinal = 0;
        told.each(|row| {
            ordinal += 1;
            let mac = text(row, MAC);
            let digits: Vec<&str> = mac.split(':').collect();
            if let [a, b, c, d, e, f] = digits[..] {
                row[MAC] = match ordinal % 4 {
                    0 => json!([a, b, c, d, e, f].join("-")),
                    1 => json!(format!("{a}{b}.{c}{d}.{e}{f}").to_lowercase()),
                    2 => json!(digits.concat()),
                    _ => json!(mac.to_lowercase()),
                };
            }
        });
    }),
    WorldStory::healthy(
        "onus-unknown-in-some-rows",
        "A tenth of the rows have words for an ONU that INT6 has forgotten.",
    )
    .told(|told| {
        const WORDS: [&str; 6] = ["N/A", "Não Disponível", "None", "undefined", "--", "sem sinal"];
        let mut words = WORDS.into_iter().cycle();
        told.share(10, |row| [SERIAL, USER, MAC].iter().for_each(|name| row[*name] = json!(words.next())));
    }),
];

/// Writes each measured power in another shape, made of its text, e.g. `-21.53`.
fn shape(told: &mut Telling<'_>, mut shape: impl FnMut(&str) -> Value) {
    told.share_of(100, is_lit, |row| {
        let power = format!("{:.2}", dbm(row).unwrap_or_default());
        row[POWER] = shape(&power);
    });
}

/// Rounds every power to a multiple of so many hundredths.
fn round(people: &mut People, to: i32) {
    for life in &mut people.lives {
        life.last = (life.last + to / 2).div_euclid(to) * to;
        if matches!(life.light, Light::Measured(_)) {
            life.light = Light::Measured(life.last);
        }
    }
}
