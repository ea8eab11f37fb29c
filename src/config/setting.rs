//! What a setting is: its names, how its text is read, and what counts where it is not given.

/// A setting's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    /// Environment variable; `None` if it stands in the file only.
    pub(super) env: Option<&'static str>,
    /// Place in the TOML file; those of a tenant are below `[[tenant]]`, and `key.` is below `[[tenant.key]]`.
    pub(super) toml: &'static str,
    /// Whose it is.
    pub(super) scope: Scope,
    /// A secret may also stand in a file: `…_FILE`, `…_file`. No message shows its text.
    pub(super) secret: bool,
    /// May be written as a table of texts in the file.
    pub(super) table: bool,
}

/// Whose a setting is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// The whole gateway's.
    Gateway,
    /// One tenant's.
    Tenant,
    /// One of a tenant's keys'.
    Key,
}

/// A row of the table. `T` is what the gateway works with: parsed, in its unit, and within its range.
pub(super) struct Setting<T> {
    pub(super) name: Name,
    parse: fn(&str) -> Result<T, Unfit>,
    absent: Absent<T>,
}

/// What counts where a setting is not given.
enum Absent<T> {
    /// Nothing: it has to be given.
    Required,
    /// This text, as a person would write it.
    Default(&'static str),
    /// None, or an empty list.
    Nothing(fn() -> T),
}

/// The whole gateway's setting; required, unless the row goes on.
pub(super) const fn gateway<T>(
    env: &'static str,
    toml: &'static str,
    parse: fn(&str) -> Result<T, Unfit>,
) -> Setting<T> {
    let name = Name { env: Some(env), toml, scope: Scope::Gateway, secret: false, table: false };
    Setting { name, parse, absent: Absent::Required }
}

/// A tenant's setting; required, unless the row goes on.
pub(super) const fn tenant<T>(
    env: &'static str,
    toml: &'static str,
    parse: fn(&str) -> Result<T, Unfit>,
) -> Setting<T> {
    let name = Name { env: Some(env), toml, scope: Scope::Tenant, secret: false, table: false };
    Setting { name, parse, absent: Absent::Required }
}

/// A tenant's setting that no environment variable gives; required, unless the row goes on.
pub(super) const fn in_file<T>(toml: &'static str, parse: fn(&str) -> Result<T, Unfit>) -> Setting<T> {
    let name = Name { env: None, toml, scope: Scope::Tenant, secret: false, table: false };
    Setting { name, parse, absent: Absent::Required }
}

/// A setting of one of a tenant's keys; required, unless the row goes on.
pub(super) const fn of_key<T>(toml: &'static str, parse: fn(&str) -> Result<T, Unfit>) -> Setting<T> {
    let name = Name { env: None, toml, scope: Scope::Key, secret: false, table: false };
    Setting { name, parse, absent: Absent::Required }
}

impl<T> Setting<T> {
    /// A secret.
    pub(super) const fn secret(self) -> Setting<T> {
        Setting { name: Name { secret: true, ..self.name }, ..self }
    }

    /// A table of texts.
    pub(super) const fn table(self) -> Setting<T> {
        Setting { name: Name { table: true, ..self.name }, ..self }
    }

    /// With this default, as a person would write it.
    pub(super) const fn or(self, default: &'static str) -> Setting<T> {
        Setting { absent: Absent::Default(default), ..self }
    }

    /// Neither required nor with a default.
    pub(super) const fn or_none(self) -> Setting<T>
    where
        T: Default,
    {
        Setting { absent: Absent::Nothing(T::default), ..self }
    }

    /// What this text says, or what counts without one.
    ///
    /// # Errors
    /// [`Fault`] if the text does not fit, or is missing and required.
    pub(super) fn value(&self, text: Option<&str>) -> Result<T, Fault> {
        let text = match (text, &self.absent) {
            (Some(text), _) => text,
            (None, Absent::Default(default)) => default,
            (None, Absent::Nothing(nothing)) => return Ok(nothing()),
            (None, Absent::Required) => return Err(Fault::Missing),
        };
        (self.parse)(text).map_err(|unfit| match unfit {
            Unfit::Expected(expected) if self.name.secret => Fault::Unfit(format!("is not {expected}")),
            Unfit::Expected(expected) => Fault::Unexpected { text: text.to_owned(), expected },
            Unfit::Because(why) => Fault::Unfit(why),
        })
    }
}

/// A setting, whatever its type.
pub(super) trait AnySetting {
    fn name(&self) -> &Name;

    /// As [`Setting::value`], which is left aside.
    ///
    /// # Errors
    /// [`Fault`].
    fn check(&self, text: Option<&str>) -> Result<(), Fault>;

    /// What counts without it, as a person would write it.
    fn default(&self) -> Option<&'static str>;
}

impl<T> AnySetting for Setting<T> {
    fn name(&self) -> &Name {
        &self.name
    }

    fn check(&self, text: Option<&str>) -> Result<(), Fault> {
        self.value(text).map(drop)
    }

    fn default(&self) -> Option<&'static str> {
        match self.absent {
            Absent::Default(text) => Some(text),
            Absent::Required | Absent::Nothing(_) => None,
        }
    }
}

/// Why a text is no value of a setting. A parser does not show the text, which may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unfit {
    /// What would fit: "a whole number from 1 to 5000".
    Expected(String),
    /// The end of a sentence that begins with the setting's name: "is no URL".
    Because(String),
}

/// What is wrong with a setting: the end of a sentence that begins with its name.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("is missing")]
    Missing,
    #[error("is not written as a text")]
    NotText,
    #[error("stands both as itself and as a file; give one of them")]
    GivenTwice,
    #[error("is to be read from {file}, which is empty")]
    EmptyFile { file: String },
    #[error("is to be read from {file}, which fails: {error}")]
    UnreadableFile { file: String, error: std::io::Error },
    #[error("is \"{text}\", but {expected} is expected")]
    Unexpected { text: String, expected: String },
    #[error("{0}")]
    Unfit(String),
}
