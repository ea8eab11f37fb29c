//! `healthcheck`: whether the gateway of these settings works, for platforms that ask by starting a program.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use int6_ozmap_gateway::app::{self, Sign};

use super::config_file::ConfigFile;

/// Exit status of a gateway that does not work: a container's engine knows no other.
const UNHEALTHY: u8 = 1;

#[derive(clap::Args)]
pub(super) struct HealthcheckArguments {
    /// Only whether the process is alive, not whether it can work.
    #[arg(long)]
    live: bool,
    /// Where to ask, instead of where `serve` listens with these settings.
    #[arg(long, value_name = "ADDRESS:PORT")]
    address: Option<SocketAddr>,
    #[command(flatten)]
    file: ConfigFile,
}

pub(super) async fn run(HealthcheckArguments { live, address, file }: HealthcheckArguments) -> ExitCode {
    let listen = match address.map_or_else(|| file.listen_address(), Ok) {
        Ok(listen) => listen,
        Err(mistakes) => return unhealthy(&mistakes.to_string()),
    };
    let sign = if live { Sign::Live } else { Sign::Ready };
    match app::sign_of_life(listen, sign).await {
        Ok(answer) if answer.status.is_success() => {
            // Whoever does not listen knows the exit status.
            let _ = writeln!(std::io::stdout(), "{}", answer.body);
            ExitCode::SUCCESS
        }
        Ok(answer) => unhealthy(&format!("the gateway answers {}: {}", answer.status, answer.body)),
        Err(error) => unhealthy(&error.to_string()),
    }
}

fn unhealthy(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "error: {why}");
    ExitCode::from(UNHEALTHY)
}
