//! Undoing `Content-Encoding`: a host, or a proxy before it, may wrap an answer in what nobody asked for.

use std::io::{self, Read};

use brotli_decompressor::Decompressor;
use encoding_rs::Encoding;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use ruzstd::decoding::StreamingDecoder;

/// Largest answer that is read, in bytes, wrapped and unwrapped; a page of 1,000 rows is far below.
pub(super) const LARGEST_ANSWER: usize = 64 << 20;

/// Why an answer cannot be unwrapped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Undecodable {
    /// A word of `Content-Encoding` that nobody knows.
    #[error("it has an encoding that is not understood: {0}")]
    Unknown(String),
    /// The bytes are not what the word says.
    #[error("it is no sound {0}, which its encoding is said to be")]
    Broken(&'static str),
    /// A small answer can unwrap to a huge one.
    #[error("it is larger than 64 MiB")]
    TooLarge,
}

/// One wrapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    /// `Ok(None)` says that nothing is wrapped: some hosts put the charset here.
    fn named(word: &str) -> Result<Option<Coding>, Undecodable> {
        match word {
            "gzip" | "x-gzip" => Ok(Some(Coding::Gzip)),
            "deflate" | "x-deflate" | "zlib" => Ok(Some(Coding::Deflate)),
            "br" | "brotli" => Ok(Some(Coding::Brotli)),
            "zstd" => Ok(Some(Coding::Zstd)),
            "" | "identity" | "none" => Ok(None),
            charset if Encoding::for_label(charset.as_bytes()).is_some() => Ok(None),
            unknown => Err(Undecodable::Unknown(unknown.to_owned())),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
            Coding::Brotli => "br",
            Coding::Zstd => "zstd",
        }
    }

    fn undo(self, wrapped: &[u8]) -> Result<Vec<u8>, Undecodable> {
        let broken = |_| Undecodable::Broken(self.name());
        match self {
            Coding::Gzip => bounded(MultiGzDecoder::new(wrapped)).map_err(broken)?,
            // The standard means zlib; servers that took the name at its word send the bare stream.
            Coding::Deflate => bounded(ZlibDecoder::new(wrapped))
                .or_else(|_| bounded(DeflateDecoder::new(wrapped)))
                .map_err(broken)?,
            Coding::Brotli => bounded(Decompressor::new(wrapped, 4096)).map_err(broken)?,
            Coding::Zstd => {
                let decoder = StreamingDecoder::new(wrapped).map_err(|_| Undecodable::Broken(self.name()))?;
                bounded(decoder).map_err(broken)?
            }
        }
        .ok_or(Undecodable::TooLarge)
    }
}

/// `None` if there is more than an answer may have.
fn bounded(reader: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    reader.take(LARGEST_ANSWER as u64 + 1).read_to_end(&mut out)?;
    Ok((out.len() <= LARGEST_ANSWER).then_some(out))
}

/// A body without its wrappings, the last of which was put on last. An answer that says it is wrapped and is plain JSON is
/// taken as it is, and so is unwrapped one that is gzip without saying so.
///
/// # Errors
/// [`Undecodable`].
pub(super) fn unwrapped(header: &str, body: Vec<u8>) -> Result<Vec<u8>, Undecodable> {
    let words = header.split(',').map(|word| Coding::named(&word.trim().to_ascii_lowercase()));
    let mut codings: Vec<Coding> = words.filter_map(Result::transpose).collect::<Result<_, _>>()?;
    if body.is_empty() {
        return Ok(body);
    }
    if codings.is_empty() && body.starts_with(&[0x1f, 0x8b]) {
        codings.push(Coding::Gzip);
    }
    let mut body = body;
    while let Some(coding) = codings.pop() {
        body = match coding.undo(&body) {
            Err(Undecodable::Broken(_)) if is_plain(&body) => return Ok(body),
            undone => undone?,
        };
    }
    Ok(body)
}

fn is_plain(body: &[u8]) -> bool {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    matches!(first, Some(b'{' | b'[')) && std::str::from_utf8(body).is_ok()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use rstest::rstest;

    use super::*;

    const ROWS: &[u8] = br#"[{"rx_power":-21.53}]"#;
    /// Made with the reference tools: `brotli -c`, `zstd -c`.
    const BR: &[u8] = b"\x0b\x0a\x80[{\"rx_power\":-21.53}]\x03";
    const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd\x20\x15\xa9\x00\x00[{\"rx_power\":-21.53}]";

    fn gzip(body: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zlib(body: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    fn raw_deflate(body: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body).expect("memory");
        encoder.finish().expect("memory")
    }

    #[rstest]
    #[case::plain("", ROWS.to_vec())]
    #[case::identity("identity", ROWS.to_vec())]
    #[case::a_charset_in_the_wrong_place("UTF-8", ROWS.to_vec())]
    #[case::gzip("gzip", gzip(ROWS))]
    #[case::gzip_by_its_old_name("X-GZip", gzip(ROWS))]
    #[case::two_members("gzip", [gzip(&ROWS[..5]), gzip(&ROWS[5..])].concat())]
    #[case::gzip_that_is_not_said("", gzip(ROWS))]
    #[case::gzip_that_is_said_and_is_not("gzip", ROWS.to_vec())]
    #[case::deflate("deflate", zlib(ROWS))]
    #[case::raw_deflate("deflate", raw_deflate(ROWS))]
    #[case::br("br", BR.to_vec())]
    #[case::br_that_is_said_and_is_not("br", ROWS.to_vec())]
    #[case::zstd("zstd", ZSTD.to_vec())]
    #[case::one_in_another("deflate, gzip", gzip(&zlib(ROWS)))]
    fn an_answer_is_unwrapped(#[case] header: &str, #[case] body: Vec<u8>) {
        assert_eq!(unwrapped(header, body).as_deref(), Ok(ROWS));
    }

    #[test]
    fn an_encoding_that_nobody_knows_is_named() {
        let error = unwrapped("Rot13", ROWS.to_vec()).expect_err("unknown");
        assert_eq!(error.to_string(), "it has an encoding that is not understood: rot13");
    }

    #[rstest]
    #[case::gzip("gzip", gzip(ROWS))]
    #[case::deflate("deflate", zlib(ROWS))]
    #[case::zstd("zstd", ZSTD.to_vec())]
    #[case::br("br", BR.to_vec())]
    fn a_wrapped_answer_that_was_cut_off_is_told(#[case] header: &'static str, #[case] body: Vec<u8>) {
        let cut = body[..body.len() / 2].to_vec();
        assert_eq!(unwrapped(header, cut), Err(Undecodable::Broken(header)));
    }

    #[test]
    fn a_small_answer_that_unwraps_to_a_huge_one_is_refused() {
        let bomb = gzip(&vec![b' '; LARGEST_ANSWER + 1]);
        assert!(bomb.len() < 1 << 20);
        assert_eq!(unwrapped("gzip", bomb), Err(Undecodable::TooLarge));
    }

    #[test]
    fn nothing_is_nothing_in_every_encoding() {
        assert_eq!(unwrapped("gzip", Vec::new()), Ok(Vec::new()));
    }
}
