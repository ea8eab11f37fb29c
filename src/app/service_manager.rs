//! What systemd is told of a gateway that it started with `Type=notify`; without it, nothing.

use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

use super::probe::{NoSign, ProbeAnswer, Sign, sign_of_life};

/// How often the gateway looks at itself where nobody watches.
const UNWATCHED: Duration = Duration::from_secs(20);

/// Says `READY=1`, then `WATCHDOG=1` for as long as the gateway answers its own port, then `STOPPING=1`.
///
/// The question goes over the network, so that everything between socket and store takes part in the answer: a runtime
/// that is stuck, or a door that lets nobody in, is killed and begun anew. An answer that the database is away is an
/// answer: a new start would not bring it back. It stands in `STATUS=`.
pub(super) async fn inform(address: SocketAddr, stop: CancellationToken) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("listens on {address}"))]);
    stop.run_until_cancelled(watch(address)).await;
    tell(&[NotifyState::Stopping, NotifyState::Status("stops: calls under way are finished")]);
}

async fn watch(address: SocketAddr) {
    // One that is lost, or late, does not kill.
    let every = sd_notify::watchdog_enabled().map_or(UNWATCHED, |patience| patience / 3);
    loop {
        let sign = sign_of_life(address, Sign::Ready).await;
        let status = status(address, &sign);
        match sign {
            Ok(_) => tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]),
            Err(error) => {
                tracing::error!(%error, "the gateway does not answer itself: the watchdog is not told that it works");
                tell(&[NotifyState::Status(&status)]);
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// One line for `systemctl status`.
fn status(address: SocketAddr, sign: &Result<ProbeAnswer, NoSign>) -> String {
    match sign {
        Ok(sign) if sign.status == StatusCode::OK => format!("listens on {address}, and can work"),
        Ok(sign) => {
            format!("listens on {address}, and is NOT ready ({}): {}", sign.status.as_u16(), line(&sign.body))
        }
        Err(error) => format!("does not answer itself: {error}"),
    }
}

/// A status is one line.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd cannot be told how the gateway does");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_tells_work_from_no_work_in_one_line() {
        let address = SocketAddr::from(([127, 0, 0, 1], 8080));
        let sign = |status, body: &str| Ok(ProbeAnswer { status, body: body.to_owned() });
        assert_eq!(status(address, &sign(StatusCode::OK, "{}")), "listens on 127.0.0.1:8080, and can work");
        let told = status(address, &sign(StatusCode::SERVICE_UNAVAILABLE, "{\n\"database\":\"failing\"}"));
        assert_eq!(told, "listens on 127.0.0.1:8080, and is NOT ready (503): { \"database\":\"failing\"}");
        let told = status(address, &Err(NoSign::Late { address }));
        assert_eq!(told, "does not answer itself: 127.0.0.1:8080 did not answer within 5 s");
    }
}
