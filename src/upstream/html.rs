//! HTML where JSON belongs: which page it is, and whether it asks to sign in.

use std::sync::LazyLock;

use regex::Regex;

use super::sign_in;

/// Beginning of a page that is looked at, in bytes.
const LOOKED_AT: usize = 256 << 10;

static TITLE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)<(?:title|h1)\b[^>]*>\s*(.*?)\s*</(?:title|h1)").expect("the pattern is a constant")
});
static PASSWORD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(?i)\btype\s*=\s*["']?password\b"#).expect("the pattern is a constant"));
/// Where a page sends its reader on by itself.
static SENT_ON: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)http-equiv\s*=\s*["']?refresh\b[^>]*url\s*=\s*([^"'>\s]+)|\blocation(?:\.href)?\s*=\s*["']([^"']+)|You are being <a href="([^"]+)"#)
        .expect("the pattern is a constant")
});
static TAG: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?s)<[^>]*>").expect("the pattern is a constant"));

/// A page that stands where JSON belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct HtmlPage {
    /// Its title, or its first heading; not yet cleaned.
    pub(super) title: Option<String>,
    /// It has a field for a password, a title that says so, or sends its reader to such a page.
    pub(super) asks_to_sign_in: bool,
}

impl HtmlPage {
    /// `body` is UTF-8; `None` if it does not begin as a page does.
    pub(super) fn of(body: &[u8]) -> Option<HtmlPage> {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace())?;
        if *first != b'<' {
            return None;
        }
        let text = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]);
        let title = TITLE.captures(&text).map(|found| TAG.replace_all(&found[1], " ").into_owned());
        let title = title.filter(|title| !title.trim().is_empty());
        let sent_on = SENT_ON.captures(&text).is_some_and(|found| {
            found.iter().skip(1).flatten().any(|target| sign_in::is_in_target(target.as_str()))
        });
        let asks_to_sign_in =
            PASSWORD.is_match(&text) || sent_on || title.as_deref().is_some_and(sign_in::is_in_title);
        Some(HtmlPage { title, asks_to_sign_in })
    }

    /// `an HTML page (title: It works)`.
    pub(super) fn in_words(&self) -> String {
        match &self.title {
            Some(title) => format!("an HTML page (title: {})", title.chars().take(80).collect::<String>()),
            None => "an HTML page".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_page("\n<!doctype html><title>\n It works </title>", "an HTML page (title: It works)", false)]
    #[case::no_title("<html><p>hello", "an HTML page", false)]
    #[case::a_heading("<h1>502 <b>Bad</b> Gateway</h1>", "an HTML page (title: 502  Bad  Gateway)", false)]
    #[case::a_password("<form><input name=p type='password'>", "an HTML page", true)]
    #[case::a_title("<title>AutoISP - Entrar</title>", "an HTML page (title: AutoISP - Entrar)", true)]
    #[case::sent_on("<meta http-equiv=\"refresh\" content=\"0; url=/users/sign_in\">", "an HTML page", true)]
    #[case::by_a_script("<script>window.location = '/login'</script>", "an HTML page", true)]
    #[case::by_rails(
        "<html><body>You are being <a href=\"https://isp/users/sign_in\">",
        "an HTML page",
        true
    )]
    #[case::to_elsewhere("<script>location.href='/processo'</script>", "an HTML page", false)]
    fn a_page_is_told_by_its_title(#[case] body: &str, #[case] words: &str, #[case] asks_to_sign_in: bool) {
        let page = HtmlPage::of(body.as_bytes()).expect("a page");
        assert_eq!((page.in_words().as_str(), page.asks_to_sign_in), (words, asks_to_sign_in));
    }

    #[test]
    fn json_and_nothing_are_no_page() {
        assert_eq!(HtmlPage::of(b" [\"<html>\"]"), None);
        assert_eq!(HtmlPage::of(b""), None);
    }
}
