//! Lines of the log, which no character of somebody else's text may break or turn round.

use std::io::{self, Write};

/// Writes lines to another writer, with those characters as `\u2028`: the same in a text and in JSON.
pub(super) struct LogLines<W>(pub(super) W);

impl<W: Write> Write for LogLines<W> {
    /// The log writes a whole line at a time.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) if text.contains(misleads) => self.0.write_all(plain(text).as_bytes())?,
            _ => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Separators of lines and paragraphs, and what changes the direction of the text that follows. Controls are escaped by the log
/// itself.
fn misleads(c: char) -> bool {
    matches!(c, '\u{85}' | '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if misleads(c) => plain.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_breaks_or_turns_a_line_is_shown_by_its_number() {
        let mut written = Vec::new();
        let line = "code=\"14\u{2028}7\u{202e}\u{2066}\" Potência\n";
        LogLines(&mut written).write_all(line.as_bytes()).expect("memory");
        assert_eq!(
            String::from_utf8(written).expect("a text"),
            "code=\"14\\u20287\\u202e\\u2066\" Potência\n"
        );
    }
}
