//! SQLite's file: made for its owner alone, and noticed when it vanishes.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

/// It has what the ISP's clients are called and where they live.
const OWNERS_ALONE: u32 = 0o600;

/// The file that was opened, told apart from another of its name.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    device: u64,
    number: u64,
}

impl DatabaseFile {
    /// Makes the file if it is not there, and remembers which it is; `None` if the database is in memory, or is to be read only.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn prepared(url_path: &str) -> io::Result<Option<DatabaseFile>> {
        let (path, parameters) = url_path.split_once('?').unwrap_or((url_path, ""));
        let path = percent_decode_str(path).decode_utf8_lossy().into_owned();
        let has = |word: &str| parameters.split('&').any(|parameter| parameter == word);
        if path.starts_with(":memory:") || has("mode=memory") || has("mode=ro") || has("immutable=1") {
            return Ok(None);
        }
        let path = PathBuf::from(path);
        if !path.exists() {
            OpenOptions::new().write(true).create_new(true).mode(OWNERS_ALONE).open(&path).or_else(
                |error| {
                    // Another process was quicker.
                    if error.kind() == io::ErrorKind::AlreadyExists {
                        OpenOptions::new().read(true).open(&path)
                    } else {
                        Err(error)
                    }
                },
            )?;
        }
        let (device, number) = identity(&path)?;
        Ok(Some(DatabaseFile { path, device, number }))
    }

    /// Whether it still stands at its place: what is written elsewhere is found by nobody after a restart.
    pub(super) fn is_there(&self) -> bool {
        identity(&self.path).is_ok_and(|identity| identity == (self.device, self.number))
    }

    /// Where it stands.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// The URL of a file that is there: one that vanished must not be made anew, empty, by the next connection.
pub(super) fn url(url_path: &str) -> String {
    match url_path.split_once('?') {
        None => format!("sqlite://{url_path}?mode=rw"),
        Some((path, parameters)) => format!("sqlite://{path}?{}", parameters.replace("mode=rwc", "mode=rw")),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_new_file_is_its_owners_alone_and_one_that_is_there_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a b.db");
        let rights = || fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
        let url_path = format!("{}/a%20b.db?mode=rwc", folder.path().display());
        DatabaseFile::prepared(&url_path).expect("it is made");
        assert_eq!(rights(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("ours");
        fs::write(&path, "kept").expect("ours");
        DatabaseFile::prepared(&url_path).expect("it is there");
        assert_eq!((rights(), fs::read_to_string(&path).expect("ours").as_str()), (0o640, "kept"));
    }

    #[test]
    fn a_file_that_was_deleted_or_replaced_is_not_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gateway.db");
        let file = DatabaseFile::prepared(&path.display().to_string()).expect("made").expect("a file");
        assert!(file.is_there());
        fs::rename(&path, folder.path().join("elsewhere.db")).expect("ours");
        assert!(!file.is_there());
        fs::write(&path, "").expect("ours");
        assert!(!file.is_there(), "another file of the same name");
    }

    #[test]
    fn a_database_in_memory_has_no_file_and_no_url_makes_one() {
        for path in [":memory:", "x?mode=memory&cache=shared", "x?mode=ro"] {
            assert!(DatabaseFile::prepared(path).expect("nothing is done").is_none(), "{path}");
        }
        assert_eq!(url("gateway.db"), "sqlite://gateway.db?mode=rw");
        assert_eq!(url("g.db?mode=rwc&cache=shared"), "sqlite://g.db?mode=rw&cache=shared");
    }
}
