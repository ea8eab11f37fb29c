//! One check, and all of them.

use serde::Serialize;

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It was seen to be in order.
    Ok,
    /// The gateway works, but not as well as it could; or nothing was seen that says that it does.
    Warn,
    /// The gateway cannot do its work, or would do it wrong.
    Fail,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Whose; `None` is the whole gateway's.
    pub tenant: Option<String>,
    /// A stable word with dots, such as `int6.fields`; several checks may share it.
    pub what: &'static str,
    /// How it went.
    pub status: CheckStatus,
    /// What was seen, for people.
    pub detail: String,
    /// What to do, where something is to be done.
    pub remedy: Option<String>,
}

/// Everything that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnosis {
    /// Whether no check failed; warnings may be among them.
    pub ok: bool,
    /// In the order in which they were made.
    pub checks: Vec<Check>,
}

impl Check {
    /// In order.
    pub fn ok(what: &'static str, detail: impl Into<String>) -> Check {
        Check { tenant: None, what, status: CheckStatus::Ok, detail: detail.into(), remedy: None }
    }

    /// To be looked at.
    pub fn warn(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check::bad(CheckStatus::Warn, what, detail, remedy)
    }

    /// To be mended.
    pub fn fail(what: &'static str, detail: impl Into<String>, remedy: impl Into<String>) -> Check {
        Check::bad(CheckStatus::Fail, what, detail, remedy)
    }

    /// One of the two.
    pub(super) fn bad(
        status: CheckStatus,
        what: &'static str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Check {
        Check { tenant: None, what, status, detail: detail.into(), remedy: Some(remedy.into()) }
    }

    /// The same check of one tenant.
    pub(super) fn of(self, tenant: &str) -> Check {
        Check { tenant: Some(tenant.to_owned()), ..self }
    }
}

impl From<Vec<Check>> for Diagnosis {
    fn from(checks: Vec<Check>) -> Diagnosis {
        Diagnosis { ok: checks.iter().all(|check| check.status != CheckStatus::Fail), checks }
    }
}
