//! JSON with words that JSON does not have, such as `NaN`: made readable, so that one row's nonsense costs that row only.

use serde::de::IgnoredAny;

use super::spoilt::NO_JSON;

/// The same body with a text in place of each value that is none: [`NO_JSON`], then what stood there. `None` if there is
/// none, or if the rest is not JSON either.
///
/// `NaN`, `-Infinity`, `+5`, `.5`, `None` and nothing at all after a colon are such values; an escape or half of a pair that
/// stands for no character becomes U+FFFD. Keys, commas and brackets are left as they are: what is cut stays cut.
pub(super) fn mended(body: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?;
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut mender = Mender { rest: text, out: String::with_capacity(text.len() + 64), owes_value: false };
    while mender.step() {}
    let changed = mender.out != text;
    (changed && serde_json::from_str::<IgnoredAny>(&mender.out).is_ok()).then(|| mender.out.into_bytes())
}

struct Mender<'a> {
    rest: &'a str,
    out: String,
    /// A colon was the last thing that was not blank.
    owes_value: bool,
}

impl<'a> Mender<'a> {
    /// `false` at the end.
    fn step(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        match first {
            '"' => {
                self.owes_value = false;
                self.take(1);
                self.string();
            }
            ',' | '}' | ']' if self.owes_value => {
                self.owes_value = false;
                self.put_no_value("");
            }
            '{' | '}' | '[' | ']' | ',' | ':' => {
                self.owes_value = first == ':';
                self.take(1);
            }
            blank if blank.is_whitespace() => self.take(blank.len_utf8()),
            _ => self.word(),
        }
        true
    }

    fn take(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at(bytes);
        self.out.push_str(taken);
        self.rest = rest;
    }

    fn put_no_value(&mut self, literal: &str) {
        let text = serde_json::Value::String(format!("{NO_JSON}{literal}"));
        self.out.push_str(&text.to_string());
    }

    /// What stands outside of quotes, up to what ends a value.
    fn word(&mut self) {
        self.owes_value = false;
        let end = self.rest.find([',', ':', '{', '}', '[', ']', '"']).unwrap_or(self.rest.len());
        let word = self.rest[..end].trim_end();
        let is_key = self.rest[end..].starts_with(':');
        if is_key || serde_json::from_str::<IgnoredAny>(word).is_ok() {
            self.take(word.len());
        } else {
            self.put_no_value(word);
            self.rest = &self.rest[word.len()..];
        }
    }

    /// After the opening quote.
    fn string(&mut self) {
        while let Some(at) = self.rest.find(|c: char| c == '"' || c == '\\' || c < ' ') {
            self.take(at);
            match self.rest.as_bytes()[0] {
                b'"' => return self.take(1),
                b'\\' => self.escape(),
                control => {
                    self.out.push_str(&format!("\\u{control:04x}"));
                    self.rest = &self.rest[1..];
                }
            }
        }
        self.take(self.rest.len());
    }

    fn escape(&mut self) {
        match self.rest.as_bytes().get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.take(2),
            Some(b'u') if let Some(unit) = unit(self.rest) => match unit {
                0xd800..0xdc00 if matches!(unit_after(self.rest), Some(0xdc00..0xe000)) => self.take(12),
                0xd800..0xe000 => self.replace(6),
                _ => self.take(6),
            },
            Some(_) => self.replace(1),
            None => self.take(1),
        }
    }

    fn replace(&mut self, bytes: usize) {
        self.out.push(char::REPLACEMENT_CHARACTER);
        self.rest = &self.rest[bytes..];
    }
}

/// The number of `\uXXXX` at the beginning.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

fn unit_after(text: &str) -> Option<u16> {
    unit(text.get(6..)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn mend(body: &str) -> Option<String> {
        mended(body.as_bytes()).map(|bytes| String::from_utf8(bytes).expect("it was UTF-8"))
    }

    #[rstest]
    #[case::nan(
        r#"[{"rx_power":NaN},{"rx_power":-21.53}]"#,
        "[{\"rx_power\":\"\u{ffff}NaN\"},{\"rx_power\":-21.53}]"
    )]
    #[case::infinity("[Infinity, -Infinity ]", "[\"\u{ffff}Infinity\", \"\u{ffff}-Infinity\" ]")]
    #[case::a_plus(r#"{"a":+5}"#, "{\"a\":\"\u{ffff}+5\"}")]
    #[case::no_digit_before_the_point("[-.5]", "[\"\u{ffff}-.5\"]")]
    #[case::python("{\"a\": None, \"b\": true}", "{\"a\": \"\u{ffff}None\", \"b\": true}")]
    #[case::no_value(r#"{"a":,"b": }"#, "{\"a\":\"\u{ffff}\",\"b\": \"\u{ffff}\"}")]
    #[case::two_words("[LOS de sinal]", "[\"\u{ffff}LOS de sinal\"]")]
    #[case::control("[\"a\tb\"]", r#"["a\u0009b"]"#)]
    #[case::an_escape_that_is_none(r#"["a\x"]"#, "[\"a\u{fffd}x\"]")]
    #[case::half_of_a_pair(
        r#"["\ud83d", "\ud83d\ude00", "\ude00"]"#,
        "[\"\u{fffd}\", \"\\ud83d\\ude00\", \"\u{fffd}\"]"
    )]
    fn a_value_that_is_none_becomes_a_text_that_no_system_says(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(mend(body).as_deref(), Some(expected));
    }

    #[rstest]
    #[case::sound(r#"[{"a":"NaN, \" -Infinity"}]"#)]
    #[case::cut_off(r#"[{"a":NaN},{"a"#)]
    #[case::html("<html>NaN</html>")]
    #[case::a_word("NaN")]
    #[case::a_key_without_quotes("{a: 1}")]
    #[case::a_comma_that_promises_more("[1,]")]
    #[case::single_quotes("{'a': 'b, c'}")]
    fn what_is_sound_or_broken_otherwise_is_left_alone(#[case] body: &str) {
        assert_eq!(mend(body), None);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_mended_to_json_or_left(body in "[\\[{][\\PC\\n\"\\\\u,:\\]}NaN0-9+-]{0,60}") {
            if let Some(mended) = mended(body.as_bytes()) {
                prop_assert!(serde_json::from_slice::<IgnoredAny>(&mended).is_ok());
            }
        }

        #[test]
        fn json_is_never_changed(text in any::<String>(), number in any::<i64>()) {
            let body = serde_json::json!({ "text": text, "list": [number, null, true] }).to_string();
            prop_assert_eq!(mended(body.as_bytes()), None);
        }
    }
}
