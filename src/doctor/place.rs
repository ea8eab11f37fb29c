//! Where the database lies: whether `serve` under the shipped systemd unit would use the same.

use std::path::{Path, PathBuf};

use super::check::Check;

const WHAT: &str = "database.place";
/// Where `deploy/int6-ozmap-gateway.service` works, and keeps the embedded database.
const UNIT_FOLDER: &str = "/var/lib/int6-ozmap-gateway";
/// The default of `DATABASE_URL`, in that folder.
const UNIT_FILE: &str = "gateway.db";
/// Where units are installed.
const UNITS: [&str; 3] = ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];
const UNIT: &str = "int6-ozmap-gateway.service";

/// What decides where a path leads.
#[derive(Debug, Clone)]
pub(super) struct Surroundings {
    /// In which this command works.
    folder: PathBuf,
    /// Whether the shipped unit is installed.
    has_unit: bool,
    /// Whether its database is there.
    has_unit_file: bool,
}

impl Surroundings {
    /// Those of this command.
    pub(super) fn here() -> Surroundings {
        Surroundings {
            folder: std::env::current_dir().unwrap_or_default(),
            has_unit: UNITS.iter().any(|folder| Path::new(folder).join(UNIT).exists()),
            has_unit_file: Path::new(UNIT_FOLDER).join(UNIT_FILE).exists(),
        }
    }
}

/// Judges `DATABASE_URL`; never shows one that may carry a password.
pub(super) fn place(url: &str, here: &Surroundings) -> Check {
    let of_unit = Path::new(UNIT_FOLDER).join(UNIT_FILE);
    let Some(path) = url.strip_prefix("sqlite://") else {
        if here.has_unit_file {
            return other("the PostgreSQL of DATABASE_URL", &of_unit);
        }
        return Check::ok(WHAT, "the database is that of DATABASE_URL, wherever the gateway is started");
    };
    let path = Path::new(path.split('?').next().unwrap_or(path));
    if path.as_os_str().is_empty() || path.to_string_lossy().starts_with(":memory:") {
        let detail = "the database is in memory: it is gone with the process";
        return Check::fail(WHAT, detail, "set DATABASE_URL to sqlite:// and a path");
    }
    let whole = here.folder.join(path);
    if whole == of_unit {
        return Check::ok(WHAT, format!("the database is {}, that of the shipped unit", whole.display()));
    }
    if here.has_unit_file || here.has_unit && path.is_relative() {
        return other(&whole.display().to_string(), &of_unit);
    }
    if path.is_relative() {
        let detail = format!(
            "DATABASE_URL names {} without its folder: this command uses {}, and one that is started elsewhere another",
            path.display(),
            whole.display()
        );
        return Check::warn(WHAT, detail, format!("set DATABASE_URL to sqlite://{}", whole.display()));
    }
    Check::ok(WHAT, format!("the database is {}", whole.display()))
}

fn other(ours: &str, of_unit: &Path) -> Check {
    let detail = format!("serve under the shipped unit uses {}; this command uses {ours}", of_unit.display());
    let remedy = format!(
        "run this command by `int6-ozmap-gatewayctl`, which does as the unit does, or give both the same DATABASE_URL. If {} is left \
         over, put it aside",
        of_unit.display()
    );
    Check::warn(WHAT, detail, remedy)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::check::CheckStatus;
    use super::super::check::CheckStatus::{Fail, Ok, Warn};
    use super::*;

    fn at(folder: &str, has_unit: bool, has_unit_file: bool) -> Surroundings {
        Surroundings { folder: folder.into(), has_unit, has_unit_file }
    }

    #[rstest]
    #[case::whole("sqlite:///srv/gateway.db", at("/root", false, false), Ok, "is /srv/gateway.db")]
    #[case::relative(
        "sqlite://gateway.db",
        at("/root", false, false),
        Warn,
        "this command uses /root/gateway.db"
    )]
    #[case::relative_beside_the_unit(
        "sqlite://gateway.db?mode=rwc",
        at("/root", true, false),
        Warn,
        "shipped unit uses /var/lib/"
    )]
    #[case::in_the_units_folder(
        "sqlite://gateway.db",
        at(UNIT_FOLDER, true, true),
        Ok,
        "that of the shipped unit"
    )]
    #[case::another(
        "sqlite:///srv/gateway.db",
        at("/root", true, true),
        Warn,
        "this command uses /srv/gateway.db"
    )]
    #[case::postgres("postgres://u:secret@h/d", at("/root", false, false), Ok, "DATABASE_URL")]
    #[case::postgres_beside_a_file(
        "postgres://u:secret@h/d",
        at("/", true, true),
        Warn,
        "uses the PostgreSQL"
    )]
    #[case::in_memory("sqlite://:memory:", at("/root", false, false), Fail, "in memory")]
    fn a_database_that_serve_would_not_use_is_told(
        #[case] url: &str,
        #[case] here: Surroundings,
        #[case] expected: CheckStatus,
        #[case] told: &str,
    ) {
        let check = place(url, &here);
        assert_eq!(check.status, expected, "{check:?}");
        assert!(check.detail.contains(told) && !check.detail.contains("secret"), "{check:?}");
    }
}
