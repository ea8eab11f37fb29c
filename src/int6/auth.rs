//! The three ways in which INT6 may take an e-mail and a token.

use std::time::{Duration, Instant};

use http::Method;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;

use super::wire;
use crate::upstream::{CallError, Idempotency, Request, Upstream};

/// How long a token is used if INT6 does not say. Source: `docs/contracts/int6-api.md`, "Lifetime of a token".
const UNSAID_LIFETIME: Duration = Duration::from_secs(1_800);
/// A token is given up this long before it expires, so that it does not expire on its way.
const MARGIN: Duration = Duration::from_secs(60);

/// How INT6 takes the credentials. Source: `docs/contracts/int6-api.md`, "Authentication".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthStyle {
    /// E-mail and token buy a short-lived token.
    RequestToken,
    /// Both go with every call, as `X-User-Email` and `X-User-Token`.
    UserTokenHeaders,
    /// The token goes with every call, as `Authorization: Bearer`.
    Bearer,
}

/// The word before a short-lived token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenScheme {
    /// Newer hosts.
    Bearer,
    /// Older hosts.
    Jwt,
}

/// What the ISP hands over.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// How INT6 takes them.
    pub style: AuthStyle,
    /// With [`AuthStyle::RequestToken`] only.
    pub scheme: TokenScheme,
    /// The user.
    pub email: String,
    /// The user's token.
    pub token: SecretString,
}

type Headers = Vec<(&'static str, String)>;

#[derive(Clone)]
struct Token {
    text: SecretString,
    until: Instant,
    serial: u64,
}

/// The short-lived token of one INT6, shared by all its callers.
#[derive(Default)]
pub(super) struct Tokens {
    current: Mutex<Option<Token>>,
}

impl Tokens {
    /// Headers for a call, and the number of the short-lived token in them, if one is.
    ///
    /// Callers wait for one another here, so that a token is asked for once.
    pub(super) async fn headers(
        &self,
        upstream: &Upstream,
        credentials: &Credentials,
    ) -> Result<(Headers, Option<u64>), CallError> {
        let secret = credentials.token.expose_secret();
        match credentials.style {
            AuthStyle::Bearer => Ok((vec![("authorization", format!("Bearer {secret}"))], None)),
            AuthStyle::UserTokenHeaders => Ok((
                vec![("x-user-email", credentials.email.clone()), ("x-user-token", secret.to_owned())],
                None,
            )),
            AuthStyle::RequestToken => {
                let mut current = self.current.lock().await;
                let token = match current.take().filter(|token| token.until > Instant::now()) {
                    Some(token) => token,
                    None => request_token(upstream, credentials).await?,
                };
                let scheme = match credentials.scheme {
                    TokenScheme::Bearer => "Bearer",
                    TokenScheme::Jwt => "JWT",
                };
                let header = format!("{scheme} {}", token.text.expose_secret());
                let serial = token.serial;
                *current = Some(token);
                Ok((vec![("authorization", header)], Some(serial)))
            }
        }
    }

    /// Gives up the token that was refused, unless another caller has renewed it already.
    pub(super) async fn drop_if_still(&self, serial: Option<u64>) {
        let mut current = self.current.lock().await;
        if current.as_ref().map(|token| token.serial) == serial {
            *current = None;
        }
    }
}

async fn request_token(upstream: &Upstream, credentials: &Credentials) -> Result<Token, CallError> {
    let body = wire::token_request(&credentials.email, credentials.token.expose_secret());
    let path = wire::path(wire::TOKEN_PATH);
    let request = Request::with_body("request a token", Method::POST, path, body, Idempotency::Idempotent);
    let (text, expires_in) = upstream.call(request, wire::token).await?;
    let lifetime = expires_in.map_or(UNSAID_LIFETIME, |said| said.saturating_sub(MARGIN));
    Ok(Token {
        text,
        until: Instant::now() + lifetime.min(Duration::from_secs(86_400)),
        serial: rand::random(),
    })
}
