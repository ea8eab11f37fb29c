use proptest::prelude::*;
use proptest::sample::select;
use rstest::rstest;

use super::*;

#[rstest]
#[case("-21.53(dbm)")]
#[case("-21.53 (dBm)")]
#[case("-21.53 [dBm]")]
#[case("Rx:-21.53(dbm)")]
#[case("RX Power = -21,53 dBm")]
#[case("rx_power=-21.53")]
#[case("RxPower: -21.53")]
#[case("Rx -21.53 dBm")]
#[case("Rx optical power(dBm)                  : -21.53")]
#[case("Potência óptica: \u{2212}21,53 dBm")]
#[case("Pote\u{302}ncia lida: -21.53")]
#[case("\"-21.53\"")]
#[case("\u{201c}-21.53 dBm\u{201d}")]
#[case("'\u{2013}21,53'")]
#[case("(-21.53 dBm)")]
#[case("-21.53\0")]
#[case("\u{feff}-21.53\u{200b}")]
#[case("\u{2009}-21.53\u{202f}dBm")]
#[case("-21.53 dBm.")]
#[case("0.01 mW (-21.53 dBm)")]
#[case("0,01 mW (\u{2014}21,53 dBm)")]
#[case("0.01mW / -21.53dBm")]
#[case("-21.53 dBm (7.03 µW)")]
#[case("-21.53 dBm / -21.53 dBm")]
#[case("-21.53/dBm")]
#[case("\u{ff0d}２１．５３")]
fn one_figure_is_read_however_it_is_dressed(#[case] text: &str) {
    assert_eq!(figure(text), Some(-21.53));
}

#[rstest]
#[case("Tx: -21.53 dBm")]
#[case("Tx Power: 2.3 / Rx Power: -21.53")]
#[case("OLT Rx: -21.53")]
#[case("Temperature: 45")]
#[case("Erro 5")]
#[case("LOS -40")]
#[case("-21.53 dBm LOS")]
#[case("-21.53 (offline)")]
#[case("-21.53 -22.10")]
#[case("-21.53 / -22.10 dBm")]
#[case("5/5")]
#[case("20/11/2026")]
#[case("< -40 dBm")]
#[case("1.234,56")]
#[case("1,234.56 dBm")]
#[case("0.01 mW")]
#[case("dBm")]
#[case("21.53 km")]
#[case("\u{fffd}21.53")]
#[case("-21\0.53")]
#[case("½")]
#[case("dBm dBm 5 dBm dBm")]
fn what_does_not_say_one_figure_is_a_word(#[case] text: &str) {
    assert_eq!(figure(text), None);
}

const DASHES: [&str; 12] = [
    "-", "\u{2010}", "\u{2011}", "\u{2012}", "\u{2013}", "\u{2014}", "\u{2015}", "\u{2212}", "\u{fe58}",
    "\u{fe63}", "\u{ff0d}", "- ",
];
const LABELS_MET: [&str; 6] = ["", "Rx:", "RX Power = ", "rx_power: ", "ONU Rx (dBm): ", "Sinal: "];
const UNITS: [&str; 9] = ["", "dBm", " dBm", "(dbm)", " (dBm)", "DBM", " dB", "\u{a0}dBm", "\u{2009}[dBm]"];
const FRAMES: [(&str, &str); 7] = [
    ("", ""),
    ("\"", "\""),
    ("'", "'"),
    (" ", "\t"),
    ("", "\0"),
    ("\u{a0}", "\u{202f}"),
    ("\u{201c}", "\u{201d}"),
];

proptest! {
    #[test]
    fn a_bare_number_is_read_as_any_other_text_would_be(text in "[-.,0-9]{0,8}") {
        if let Some(bare) = bare_number(&text) {
            prop_assert_eq!(Some(bare), figure_among(&text));
        }
    }

    #[test]
    fn dash_label_unit_and_frame_never_change_the_figure(
        hundredths in 0u32..=999_999,
        dash in select(&DASHES[..]),
        label in select(&LABELS_MET[..]),
        unit in select(&UNITS[..]),
        (before, after) in select(&FRAMES[..]),
        mark in select(&['.', ','][..]),
    ) {
        let (whole, rest) = (hundredths / 100, hundredths % 100);
        let text = format!("{before}{label}{dash}{whole}{mark}{rest:02}{unit}{after}");
        let expected = format!("-{whole}.{rest:02}").parse::<f64>().expect("a number");
        prop_assert_eq!(figure(&text), Some(expected), "{:?}", text);
    }

    #[test]
    fn any_text_is_read_without_panic(text in any::<String>(), noise in "[-rxdbmw .,:=()/0-9µ–—]{0,24}") {
        for text in [&text, &noise] {
            prop_assert!(figure(text).is_none_or(|figure| !figure.is_nan()));
        }
    }
}
