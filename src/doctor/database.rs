//! The database: opened, written, and the one that `serve` uses.

use secrecy::ExposeSecret;

use super::check::Check;
use super::place::{self, Surroundings};
use crate::config::Config;
use crate::store::{Store, StoreError};

/// Opens the database, writes a row and deletes it again. Without the store nothing of earlier runs can be said.
pub async fn of_database(config: &Config) -> (Vec<Check>, Option<Store>) {
    let url = config.database_url.expose_secret();
    let place = place::place(url, &Surroundings::here());
    let store = match Store::open(url).await {
        Ok(store) => store,
        Err(error) => return (vec![failed("database.open", &error), place], None),
    };
    let written = match store.try_write().await {
        Ok(()) => Check::ok("database.write", "the database was opened; a row was written and deleted again"),
        Err(error) => failed("database.write", &error),
    };
    (vec![written, place], Some(store))
}

fn failed(what: &'static str, error: &StoreError) -> Check {
    let told = error.to_string();
    Check::fail(what, told.as_str(), remedy(&told))
}

/// By what the drivers say.
fn remedy(told: &str) -> &'static str {
    let said = told.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if says(&["readonly", "read-only", "read only"]) {
        "DATABASE_URL names a database that may only be read: may this user write the file, its folder and the disk?"
    } else if says(&["full", "no space"]) {
        "make room on the disk of DATABASE_URL"
    } else if says(&["locked", "busy"]) {
        "another process writes to DATABASE_URL for a long time: which one?"
    } else if says(&["malformed", "not a database", "corrupt"]) {
        "the file of DATABASE_URL is damaged, or no database: put it aside and restore a copy"
    } else if says(&["migration"]) {
        "a newer gateway has used this database: run that release, or restore the database"
    } else {
        "look at DATABASE_URL: does the place exist, is the server up, and may this user write there?"
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("attempt to write a readonly database", "may only be read")]
    #[case("database or disk is full", "make room")]
    #[case("database is locked", "another process")]
    #[case("file is not a database", "damaged")]
    #[case("cannot execute INSERT in a read-only transaction", "may only be read")]
    #[case("connection refused", "is the server up")]
    fn what_the_driver_says_leads_to_what_helps(#[case] told: &str, #[case] helps: &str) {
        assert!(remedy(told).contains(helps) && remedy(told).contains("DATABASE_URL"));
    }
}
