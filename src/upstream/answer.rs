//! One answer, and what it says: a body to read, or why there is none.

use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use reqwest::header::{
    AGE, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER,
};
use serde::de::IgnoredAny;
use url::Url;

use super::content_encoding::unwrapped;
use super::error::{Kind, SaidIn};
use super::html::HtmlPage;
use super::redact::Redactor;
use super::request::Request;
use super::{charset, excerpt, sign_in};

/// An answer as it came.
pub(super) struct RawAnswer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// When it came.
    pub(super) at: Timestamp,
}

impl RawAnswer {
    fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// How far the host's clock is ahead of this machine's, to about a second; not from an answer that was kept on its way.
    pub(super) fn clock_skew(&self) -> Option<SignedDuration> {
        let was_kept = self.header(AGE).is_some_and(|age| age.trim() != "0");
        let date = self.date().filter(|_| !was_kept)?;
        Some(date.duration_since(self.at))
    }

    fn date(&self) -> Option<Timestamp> {
        Some(rfc2822::parse(self.header(DATE)?.trim()).ok()?.timestamp())
    }

    /// The pause that the host asks for: seconds, or a date by its own clock. Source: RFC 9110, section 10.2.3.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let value = self.header(RETRY_AFTER)?.trim();
        if let Ok(seconds) = value.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
        }
        let until = rfc2822::parse(value).ok()?.timestamp();
        let now = self.date().unwrap_or(self.at);
        Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
    }

    /// The body as UTF-8, or why there is none to be read.
    ///
    /// # Errors
    /// [`Kind`], which quotes the host where that may be done.
    pub(super) fn judged(self, from: &Url, request: &Request, redactor: &Redactor) -> Result<Vec<u8>, Kind> {
        let judge = Judge { request, redactor };
        let (status, retry_after) = (self.status, self.retry_after());
        let target = self.header(LOCATION).and_then(|location| from.join(location).ok());
        let content_type = self.header(CONTENT_TYPE).map(str::to_owned);
        let encodings: Vec<&str> =
            self.headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok()).collect();
        let body = unwrapped(&encodings.join(","), self.body);
        let body = body.map(|body| charset::utf8(content_type.as_deref(), body));
        if status.is_success() {
            let body = body.map_err(|why| judge.malformed(why))?;
            return match HtmlPage::of(&body) {
                None => Ok(body),
                Some(page) => Err(judge.page(status, &page)),
            };
        }
        if let Some(target) = target.filter(|_| matches!(status.as_u16(), 301..=303 | 307 | 308)) {
            return Err(judge.redirect(status, from, &target));
        }
        let body = body.unwrap_or_default();
        let said = judge.quoted(&excerpt::of_refusal(&body));
        Err(Kind::of_status(status, retry_after, said, said_in(&body)))
    }
}

fn said_in(body: &[u8]) -> SaidIn {
    match serde_json::from_slice::<HashMap<String, IgnoredAny>>(body) {
        Ok(_) => SaidIn::Json,
        Err(_) if HtmlPage::of(body).is_some() => SaidIn::Page,
        Err(_) => SaidIn::Other,
    }
}

/// What makes errors of answers to one request.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) request: &'a Request,
    pub(super) redactor: &'a Redactor,
}

impl Judge<'_> {
    fn clean(self, text: &str) -> String {
        self.redactor.clean_of(text, &self.request.headers)
    }

    fn quoted(self, said: &str) -> String {
        if !self.request.may_quote {
            return String::new();
        }
        let said = self.clean(said);
        if said.is_empty() { said } else { format!("it said: {said}") }
    }

    pub(super) fn malformed(self, why: impl Display) -> Kind {
        Kind::Malformed { what: self.clean(&why.to_string()) }
    }

    /// The same of an answer that may be an object with an error, which is then quoted.
    pub(super) fn unreadable(self, why: impl Display, body: &[u8]) -> Kind {
        let said = excerpt::of_answer(body).map(|said| self.quoted(&said)).filter(|said| !said.is_empty());
        match (self.malformed(why), said) {
            (Kind::Malformed { what }, Some(said)) => Kind::Malformed { what: format!("{what}; {said}") },
            (kind, _) => kind,
        }
    }

    fn page(self, status: StatusCode, page: &HtmlPage) -> Kind {
        let what = self.clean(&page.in_words());
        match page.asks_to_sign_in {
            true => Kind::Unauthorized {
                status,
                excerpt: format!("instead of JSON came its sign-in page, {what}"),
            },
            false => Kind::Page {
                what: format!(
                    "it is {what}, not JSON; is the URL right, or does something on the way ask to sign in?"
                ),
            },
        }
    }

    fn redirect(self, status: StatusCode, from: &Url, target: &Url) -> Kind {
        // Its query may carry anything.
        let mut place = target.clone();
        place.set_query(None);
        place.set_fragment(None);
        let _ = place.set_username("").and_then(|()| place.set_password(None));
        let place = self.clean(place.as_str());
        match sign_in::is_asked_for(from, target) {
            true => Kind::Unauthorized {
                status,
                excerpt: format!("the host redirects to its sign-in page {place}"),
            },
            false => Kind::Rejected {
                status,
                excerpt: format!("the host redirects to {place}: is the URL in the settings right?"),
                said_in: SaidIn::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> RawAnswer {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        RawAnswer {
            status: StatusCode::from_u16(status).expect("a status"),
            headers: headers.collect(),
            body: body.into(),
            at: "2026-11-20T10:03:11Z".parse().expect("a time"),
        }
    }

    fn judged(answer: RawAnswer) -> String {
        let from = "http://isp.example/api/rows".parse().expect("a URL");
        let redactor = Redactor::new(&["s3cret".to_owned().into()]);
        match answer.judged(&from, &Request::get("list", ["rows"]), &redactor) {
            Ok(body) => String::from_utf8(body).expect("UTF-8"),
            Err(kind) => kind.to_string(),
        }
    }

    const JSON: (&str, &str) = ("content-type", "application/json");
    const HTML: (&str, &str) = ("content-type", "text/html");

    #[rstest]
    #[case::rows(answer(200, &[JSON], "[1]"), "[1]")]
    #[case::rows_of_a_host_that_calls_all_html(answer(200, &[HTML], "[1]"), "[1]")]
    #[case::nothing(answer(204, &[], ""), "")]
    #[case::a_page(
        answer(200, &[HTML], "<title>It works</title>"),
        "the answer is not understood: it is an HTML page (title: It works), not JSON; is the URL right, or does something \
         on the way ask to sign in?"
    )]
    #[case::a_sign_in_page(
        answer(200, &[HTML], "<title>Entrar</title>"),
        "the credentials were not accepted (status 200 OK); check key, e-mail and token; instead of JSON came its sign-in \
         page, an HTML page (title: Entrar)"
    )]
    #[case::to_sign_in(
        answer(302, &[("location", "/users/sign_in?back=s3cret")], ""),
        "the credentials were not accepted (status 302 Found); check key, e-mail and token; the host redirects to its \
         sign-in page http://isp.example/users/sign_in"
    )]
    #[case::to_https(
        answer(301, &[("location", "https://ana:pw@isp.example/api/rows?key=s3cret#x")], ""),
        "refused with status 301 Moved Permanently; the host redirects to https://isp.example/api/rows: is the URL in the \
         settings right?"
    )]
    #[case::to_nowhere(answer(302, &[], "<h1>Moved</h1>"), "refused with status 302 Found; it said: an HTML page (title: Moved)")]
    #[case::an_error(answer(422, &[JSON], r#"{"error":"key s3cret"}"#), "refused with status 422 Unprocessable Entity; it said: key ***")]
    #[case::an_unknown_encoding(
        answer(200, &[JSON, ("content-encoding", "rot13")], "[1]"),
        "the answer is not understood: it has an encoding that is not understood: rot13"
    )]
    fn an_answer_is_a_body_or_says_why_there_is_none(#[case] answer: RawAnswer, #[case] expected: &str) {
        assert_eq!(judged(answer), expected);
    }

    #[rstest]
    #[case::seconds("7", Some(7))]
    #[case::a_fraction("1.0", Some(1))]
    #[case::past("Sun, 06 Nov 1994 08:49:37 GMT", Some(0))]
    #[case::by_the_hosts_clock("Fri, 20 Nov 2026 12:00:00 GMT", Some(60))]
    #[case::a_word("soon", None)]
    #[case::less_than_nothing("-5", Some(0))]
    #[case::no_number("NaN", Some(0))]
    fn retry_after_is_seconds_or_a_date(#[case] value: &'static str, #[case] seconds: Option<u64>) {
        let answer = answer(429, &[("retry-after", value), ("date", "Fri, 20 Nov 2026 11:59:00 GMT")], "");
        assert_eq!(answer.retry_after(), seconds.map(Duration::from_secs));
    }

    #[test]
    fn a_hosts_clock_is_known_by_its_answers() {
        let date = ("date", "Fri, 20 Nov 2026 10:13:11 GMT");
        assert_eq!(answer(200, &[date], "").clock_skew(), Some(SignedDuration::from_secs(600)));
        assert_eq!(answer(200, &[date, ("age", "300")], "").clock_skew(), None);
        assert_eq!(answer(200, &[], "").clock_skew(), None);
    }
}
