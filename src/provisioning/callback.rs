//! Who may be called back once a stored request is done.

use url::Url;

/// Why an address is not called back.
#[derive(Debug, thiserror::Error)]
pub enum CallbackRefused {
    /// It cannot be read.
    #[error("is no URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// Another scheme.
    #[error("is neither http nor https")]
    Scheme,
    /// An operator has not named the host.
    #[error("has a host that PROVISIONING_CALLBACK_HOSTS does not name")]
    Host,
}

/// The hosts that may be called back; none by default.
#[derive(Debug, Clone, Default)]
pub struct CallbackHosts(pub Vec<String>);

impl CallbackHosts {
    /// A callback address, if its host is admitted.
    ///
    /// # Errors
    /// [`CallbackRefused`].
    pub fn admitted(&self, url: &str) -> Result<Url, CallbackRefused> {
        let url: Url = url.parse()?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(CallbackRefused::Scheme);
        }
        match url.host_str() {
            Some(host) if self.0.iter().any(|admitted| admitted.eq_ignore_ascii_case(host)) => Ok(url),
            _ => Err(CallbackRefused::Host),
        }
    }
}
