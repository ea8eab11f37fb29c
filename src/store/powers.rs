//! The last calculated power that OZmap told of each client, for when it cannot be reached.

use gateway_core::KnownPower;

use super::error::During;
use super::payload::{power_text, read_power};
use super::{Store, StoreError, time_text, without_nul};

impl Store {
    /// Remembers what OZmap said, in place of what it said before.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remember_power(&self, tenant: &str, power: &KnownPower) -> Result<(), StoreError> {
        // OZmap tells it again: no disk is waited for.
        let mut connection = self.forgetful().await.during("remember a calculated power")?;
        sqlx::query(
            "INSERT INTO known_powers (tenant, code, as_of, power) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, code) DO UPDATE SET as_of = excluded.as_of, power = excluded.power \
             WHERE known_powers.as_of < excluded.as_of",
        )
        .bind(tenant)
        .bind(power.code.as_str())
        .bind(time_text(power.as_of))
        .bind(power_text(power))
        .execute(&mut *connection)
        .await
        .map(drop)
        .during("remember a calculated power")
    }

    /// Forgets what OZmap said of a client.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn forget_power(&self, tenant: &str, code: &str) -> Result<(), StoreError> {
        let mut connection = self.forgetful().await.during("forget a calculated power")?;
        sqlx::query("DELETE FROM known_powers WHERE tenant = $1 AND code = $2")
            .bind(tenant)
            .bind(without_nul(code))
            .execute(&mut *connection)
            .await
            .map(drop)
            .during("forget a calculated power")
    }

    /// What OZmap said last; `None` if it never was asked.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn known_power(&self, tenant: &str, code: &str) -> Result<Option<KnownPower>, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT power FROM known_powers WHERE tenant = $1 AND code = $2")
                .bind(tenant)
                .bind(code)
                .fetch_optional(&self.reader)
                .await
                .during("look up a calculated power")?;
        // What another release wrote in another form is as good as none.
        Ok(row.and_then(|(power,)| read_power(&power).ok()))
    }
}
