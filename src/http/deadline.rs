//! How long a caller waits.

use std::time::Duration;

use gateway_core::System;

use crate::provisioning::Failure;

/// Waits for an answer as long as the caller does, by default 20 s.
pub(super) async fn within<T>(
    limit: Duration,
    system: System,
    answer: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::time::timeout(limit, answer).await.unwrap_or(Err(Failure::Late(system)))
}
