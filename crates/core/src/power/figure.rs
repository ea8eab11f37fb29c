//! A text that says one power, in every notation met in the wild.

use crate::notation::{bare, folded, is_blank, is_quote};

/// Units of a power as OZmap has it.
const DECIBELS: [&str; 2] = ["dbm", "db"];
/// Units of the same light that nobody asked for.
const WATTS: [&str; 5] = ["mw", "uw", "\u{3bc}w", "nw", "w"];
/// What a label may be made of, together (`RxPower`) or apart: the receiving side of an ONU, never its transmitter or the OLT.
const LABELS: [&str; 47] = [
    "rx",
    "recv",
    "receive",
    "received",
    "receiver",
    "reception",
    "input",
    "in",
    "power",
    "pwr",
    "pow",
    "optical",
    "optic",
    "onu",
    "ont",
    "signal",
    "sig",
    "level",
    "light",
    "value",
    "reading",
    "read",
    "measured",
    "current",
    "potencia",
    "pot",
    "otica",
    "optica",
    "otico",
    "optico",
    "sinal",
    "nivel",
    "luz",
    "valor",
    "leitura",
    "lida",
    "lido",
    "medida",
    "medido",
    "recebida",
    "recebido",
    "recepcao",
    "de",
    "da",
    "do",
    "dbm",
    "db",
];
/// Longer than any label.
const LONGEST_LABEL: usize = 60;

/// One piece of a text.
enum Part {
    /// A figure, and whether its unit stands with it.
    Power(f64, bool),
    /// The same light in another unit.
    Watts,
    /// The unit of the figure before it.
    Unit,
}

/// The one figure in dBm that the text says and nothing else; `None` for words, for two figures, `inf` and `nan`.
///
/// Source: `docs/contracts/rules.md`, "Figures, more exactly".
pub(super) fn figure(text: &str) -> Option<f64> {
    bare_number(text).or_else(|| figure_among(text))
}

/// `-21.53` and `-21,53`, as nearly all are written: a run reads hundreds of thousands.
fn bare_number(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.find(['.', ',']) {
        None => is_number(digits).then(|| text.parse().ok())?,
        Some(mark) if !is_number(&digits[..mark]) || !is_number(&digits[mark + 1..]) => None,
        Some(mark) if digits.as_bytes()[mark] == b'.' => text.parse().ok(),
        Some(_) => text.replace(',', ".").parse().ok(),
    }
}

fn figure_among(text: &str) -> Option<f64> {
    let plain = folded(bare(text)).replace(',', ".");
    let mut power = None;
    for part in after_label(&plain)?.split(is_divider).map(stripped).filter(|part| !part.is_empty()) {
        match (read(part)?, power) {
            (Part::Power(figure, unit), None) => power = Some((figure, unit)),
            // The same once more is no second figure, as long as both say that they are powers.
            (Part::Power(figure, true), Some((known, true))) if figure == known => (),
            (Part::Power(..), Some(_)) => return None,
            (Part::Unit, Some((figure, false))) => power = Some((figure, true)),
            (Part::Unit, _) => return None,
            (Part::Watts, _) => (),
        }
    }
    power.map(|(figure, _)| figure)
}

fn is_divider(c: char) -> bool {
    matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '/' | '|' | ';')
}

fn stripped(part: &str) -> &str {
    part.trim_matches(|c| is_blank(c) || is_quote(c))
}

/// What stands behind `Rx:`, `RX Power =`, `Rx optical power(dBm) :`; `None` without a digit, or behind another label.
fn after_label(text: &str) -> Option<&str> {
    let before = &text[..text.find(|c: char| c.is_ascii_digit())?];
    let is_of_label = |c: char| c.is_alphabetic() || matches!(c, ' ' | '_' | '(' | ')' | '[' | ']');
    let end = match before.rfind([':', '=']) {
        Some(mark) => mark + 1,
        None => before.find(|c| !is_of_label(c)).unwrap_or(before.len()),
    };
    let (label, rest) = text.split_at(end);
    let mut words = label.split(|c: char| !c.is_alphabetic());
    (label.len() <= LONGEST_LABEL && words.all(is_label)).then_some(rest)
}

fn is_label(word: &str) -> bool {
    word.is_empty() || LABELS.iter().any(|label| word.strip_prefix(label).is_some_and(is_label))
}

fn read(part: &str) -> Option<Part> {
    let part = part.trim_end_matches('.');
    let without = |units: &[&str]| units.iter().find_map(|unit| part.strip_suffix(unit)).map(stripped);
    match (without(&DECIBELS), without(&WATTS)) {
        (Some(""), _) => Some(Part::Unit),
        (Some(figure), _) => Some(Part::Power(number(figure)?, true)),
        (None, Some(figure)) => number(figure).map(|_| Part::Watts),
        (None, None) => Some(Part::Power(number(part)?, false)),
    }
}

/// A plain decimal number with an optional sign.
fn number(text: &str) -> Option<f64> {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (&text[..1], rest.trim_start()),
        None => ("", text),
    };
    let looks_decimal = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | '-' | '+'));
    if looks_decimal { format!("{sign}{digits}").parse().ok() } else { None }
}

#[cfg(test)]
mod tests;
