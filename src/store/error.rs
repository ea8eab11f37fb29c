//! Why the database did not do what it was asked.

/// A failed operation of the store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// `DATABASE_URL` is neither SQLite nor PostgreSQL.
    #[error("DATABASE_URL is neither sqlite://path nor postgres://…")]
    UnknownScheme,
    /// The database cannot be opened.
    #[error("the database {place} cannot be opened: {cause}; {remedy}")]
    Open {
        /// The path, or `postgres://…`: a URL may carry a password.
        place: String,
        /// What the driver says.
        cause: sqlx::Error,
        /// What to look at.
        remedy: &'static str,
    },
    /// An operation failed.
    #[error("the database could not {operation}: {cause}")]
    Operation {
        /// What was done.
        operation: &'static str,
        /// What the driver says.
        cause: sqlx::Error,
    },
    /// The run's lease is another's by now, or the run was recorded as cut off.
    #[error(
        "the run's lease is lost, and with it the right to record anything: another replica has taken over"
    )]
    LeaseLost,
}

impl StoreError {
    pub(super) fn new(operation: &'static str, cause: sqlx::Error) -> StoreError {
        StoreError::Operation { operation, cause }
    }

    /// Whether a row of this key is there already.
    pub fn is_taken(&self) -> bool {
        match self {
            StoreError::Operation { cause: sqlx::Error::Database(error), .. } => error.is_unique_violation(),
            _ => false,
        }
    }

    pub(super) fn sqlite(path: &str, cause: sqlx::Error) -> StoreError {
        let told = cause.to_string().to_lowercase();
        let remedy = match told {
            told if told.contains("not a database") || told.contains("malformed") => {
                "the file is damaged, or no database: put it aside, and restore a copy"
            }
            told if told.contains("locked") => "another process writes to it for a long time: which one?",
            told if told.contains("readonly") => "may this user write the file and its folder?",
            _ => "does its folder exist, and may this user write there?",
        };
        StoreError::Open { place: path.to_owned(), cause, remedy }
    }

    pub(super) fn postgres(cause: sqlx::Error) -> StoreError {
        let remedy = "is the server up, and do host, user, password and database in DATABASE_URL fit?";
        StoreError::Open { place: "postgres://…".to_owned(), cause, remedy }
    }
}

/// Names the operation that a driver's error happened in.
pub(super) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T, StoreError>;
}

impl<T> During<T> for Result<T, sqlx::Error> {
    fn during(self, operation: &'static str) -> Result<T, StoreError> {
        self.map_err(|cause| StoreError::new(operation, cause))
    }
}
