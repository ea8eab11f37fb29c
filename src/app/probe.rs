//! A look from outside: what a gateway answers over its own port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode, header};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// How long an answer may take.
const WITHIN: Duration = Duration::from_secs(5);
/// More than any sign of life has to say.
const LARGEST: usize = 64 * 1024;

/// Which sign of life is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// Whether the process is alive: `/health/live`.
    Live,
    /// Whether it can work: `/health/ready`.
    Ready,
}

impl Sign {
    fn path(self) -> &'static str {
        match self {
            Sign::Live => "/health/live",
            Sign::Ready => "/health/ready",
        }
    }
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// 200 if all is well.
    pub status: StatusCode,
    /// In words of the API.
    pub body: String,
}

/// Why nothing was answered.
#[derive(Debug, thiserror::Error)]
pub enum NoSign {
    /// The port is the system's choice, so that nobody knows it.
    #[error("the gateway listens on a port of the system's choice (port 0): say where with --address")]
    UnknownPort,
    /// Nobody listens there, or the connection broke.
    #[error("{address} does not answer: {error}")]
    Connection {
        /// What was called.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// Somebody listens, and what came is no HTTP.
    #[error("{address} does not answer as a gateway: {error}")]
    Http {
        /// What was called.
        address: SocketAddr,
        /// What is wrong with it.
        error: hyper::Error,
    },
    /// The answer was cut off or far too long.
    #[error("the answer of {address} cannot be read: {error}")]
    Body {
        /// What was called.
        address: SocketAddr,
        /// What is wrong with it.
        error: axum::Error,
    },
    /// Somebody listens and says nothing.
    #[error("{address} did not answer within {} s", WITHIN.as_secs())]
    Late {
        /// What was called.
        address: SocketAddr,
    },
}

/// Asks the gateway that listens on `listen` for a sign of life, over the network as anybody would; 5 s at most.
///
/// # Errors
/// [`NoSign`].
pub async fn sign_of_life(listen: SocketAddr, sign: Sign) -> Result<ProbeAnswer, NoSign> {
    let address = reachable(listen).ok_or(NoSign::UnknownPort)?;
    tokio::time::timeout(WITHIN, ask(address, sign)).await.unwrap_or(Err(NoSign::Late { address }))
}

async fn ask(address: SocketAddr, sign: Sign) -> Result<ProbeAnswer, NoSign> {
    let of_connection = |error| NoSign::Connection { address, error };
    let of_http = |error| NoSign::Http { address, error };
    let stream = TcpStream::connect(address).await.map_err(of_connection)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Body>(TokioIo::new(stream)).await.map_err(of_http)?;
    // It ends with the answer; what goes wrong in it is told by the answer.
    let connection = tokio::spawn(connection);
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = http::Uri::from_static(sign.path());
    if let Ok(host) = header::HeaderValue::from_str(&address.to_string()) {
        request.headers_mut().insert(header::HOST, host);
    }
    request.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
    let (head, body) = sender.send_request(request).await.map_err(of_http)?.into_parts();
    let body = axum::body::to_bytes(Body::new(body), LARGEST).await;
    connection.abort();
    let body = body.map_err(|error| NoSign::Body { address, error })?;
    Ok(ProbeAnswer { status: head.status, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Where one who listens on every address is reached from this machine; `None` without a port.
fn reachable(listen: SocketAddr) -> Option<SocketAddr> {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    (listen.port() != 0).then(|| SocketAddr::new(ip, listen.port()))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    #[rstest]
    #[case::everywhere("0.0.0.0:8080", Some("127.0.0.1:8080"))]
    #[case::everywhere_6("[::]:8080", Some("[::1]:8080"))]
    #[case::one("192.0.2.7:80", Some("192.0.2.7:80"))]
    #[case::no_port("0.0.0.0:0", None)]
    fn one_that_listens_everywhere_is_reached_on_loopback(
        #[case] listen: SocketAddr,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(reachable(listen).map(|address| address.to_string()).as_deref(), expected);
    }

    #[tokio::test]
    async fn what_is_no_gateway_is_told_from_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        let mail = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a caller");
            stream.write_all(b"220 mail.isp.example ESMTP\r\n").await.expect("it listens");
        });
        let error = sign_of_life(address, Sign::Live).await.expect_err("it is a mail server");
        assert!(matches!(error, NoSign::Http { .. }), "{error}");
        mail.await.expect("it is done");
        let error = sign_of_life(address, Sign::Live).await.expect_err("it is gone");
        assert!(matches!(error, NoSign::Connection { .. }), "{error}");
    }
}
