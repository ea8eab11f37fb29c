//! Bodies as UTF-8, whatever they came in.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// A body as UTF-8, without a byte order mark. A byte that fits no character becomes U+FFFD: it is never guessed.
///
/// A byte order mark counts first, then the shape of UTF-16, then the charset of `Content-Type`. Windows-1252 and its
/// synonyms (ISO-8859-1, ASCII) are what servers say who were told nothing: there a body that is valid UTF-8 is UTF-8, as
/// JSON has to be.
pub(super) fn utf8(content_type: Option<&str>, body: Vec<u8>) -> Vec<u8> {
    if let Some((encoding, mark)) = Encoding::for_bom(&body) {
        return match encoding == UTF_8 {
            true => valid(body[mark..].to_vec()),
            false => encoding.decode_without_bom_handling(&body[mark..]).0.into_owned().into_bytes(),
        };
    }
    match unmarked_utf16(&body).or_else(|| content_type.and_then(charset)) {
        Some(encoding) if encoding != UTF_8 => match encoding == WINDOWS_1252 && is_utf8(&body) {
            true => body,
            false => encoding.decode_without_bom_handling(&body).0.into_owned().into_bytes(),
        },
        _ => valid(body),
    }
}

fn is_utf8(body: &[u8]) -> bool {
    std::str::from_utf8(body).is_ok()
}

fn valid(body: Vec<u8>) -> Vec<u8> {
    match is_utf8(&body) {
        true => body,
        false => String::from_utf8_lossy(&body).into_owned().into_bytes(),
    }
}

/// JSON begins with two ASCII characters, so that zeros tell which way round UTF-16 is. Source: RFC 4627, section 3.
fn unmarked_utf16(body: &[u8]) -> Option<&'static Encoding> {
    match body {
        [0, 1..=0x7f, ..] => Some(UTF_16BE),
        [1..=0x7f, 0, ..] => Some(UTF_16LE),
        _ => None,
    }
}

fn charset(content_type: &str) -> Option<&'static Encoding> {
    let mut parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    let (_, label) = parameters.find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?;
    Encoding::for_label(label.trim().trim_matches(['"', '\'']).as_bytes())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn utf16(mark: bool, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let text = if mark { "\u{feff}[\"joão\"]" } else { "[\"joão\"]" };
        text.encode_utf16().flat_map(bytes).collect()
    }

    #[rstest]
    #[case::utf8(None, "[\"joão\"]".into())]
    #[case::marked(None, "\u{feff}[\"joão\"]".into())]
    #[case::marked_whatever_is_said(Some("application/json; charset=iso-8859-1"), "\u{feff}[\"joão\"]".into())]
    #[case::utf16_le(None, utf16(true, u16::to_le_bytes))]
    #[case::utf16_be(None, utf16(true, u16::to_be_bytes))]
    #[case::utf16_unmarked(None, utf16(false, u16::to_le_bytes))]
    #[case::utf16_the_other_way_round(
        Some("application/json; charset=utf-16"),
        utf16(false, u16::to_be_bytes)
    )]
    #[case::windows_1252(Some("application/json; charset=\"Windows-1252\""), b"[\"jo\xe3o\"]".into())]
    #[case::latin1(Some("application/json;Charset=ISO-8859-1"), b"[\"jo\xe3o\"]".into())]
    #[case::utf8_that_a_server_calls_latin1(Some("text/html; charset=ISO-8859-1"), "[\"joão\"]".into())]
    #[case::an_unknown_name(Some("application/json; charset=klingon"), "[\"joão\"]".into())]
    fn a_body_is_read_in_its_charset(#[case] content_type: Option<&str>, #[case] body: Vec<u8>) {
        assert_eq!(String::from_utf8(utf8(content_type, body)).as_deref(), Ok("[\"joão\"]"));
    }

    #[test]
    fn a_byte_that_fits_nowhere_is_no_character_and_costs_no_other() {
        assert_eq!(
            utf8(None, b"[\"jo\xe3o\",\"jo\xe3\",1]".to_vec()),
            "[\"jo\u{fffd}o\",\"jo\u{fffd}\",1]".as_bytes()
        );
    }
}
