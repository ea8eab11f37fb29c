//! A throw-away PostgreSQL server for one test, in a temporary folder and on a Unix socket.
//!
//! Used by the store's unit tests and by the stories. Where the server's programs are missing, the test fails and says
//! what to install: a test that passes without its database would prove nothing.

use std::fs::File;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

/// The server refuses to run as root; Debian's package makes the first of these, every Unix has the second.
const UNPRIVILEGED: [&str; 2] = ["postgres", "nobody"];
const PASSWORD: &str = "throw-away";

/// A running server; it ends, and its folder goes, when this value is dropped.
pub struct Postgres {
    programs: PathBuf,
    folder: tempfile::TempDir,
    user: Option<User>,
}

impl Postgres {
    /// Starts an empty server.
    ///
    /// # Panics
    /// With a human-readable message if PostgreSQL is not on this machine or does not start.
    pub fn start() -> Postgres {
        let folder = tempfile::Builder::new().prefix("pg-").tempdir().expect("a temporary folder");
        let user = unprivileged_user();
        if let Some(user) = &user {
            let (uid, gid) = (user.uid.as_raw(), user.gid.as_raw());
            chown(folder.path(), Some(uid), Some(gid)).expect("the folder can be given away");
        }
        let server = Postgres { programs: programs(), folder, user };
        std::fs::write(server.path("password"), PASSWORD).expect("the folder can be written");
        // Encoding and collation are given, because the machine's may be ASCII.
        server.carry_out(
            "initdb",
            &[
                "--no-sync",
                "--username=gateway",
                "--pwfile=password",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
            ],
            &["--locale=C"],
        );
        server.resume();
        server
    }

    /// Starts the server again.
    pub fn resume(&self) {
        // What a crash of the machine would lose is of no interest here.
        let options = "-c listen_addresses= -c unix_socket_directories=. -c fsync=off -c max_connections=50";
        self.carry_out("pg_ctl", &["start", "--wait", "--log=server.log", "--options"], &[options]);
    }

    /// Stops the server in the middle of whatever it does; its data stay.
    pub fn halt(&self) {
        self.carry_out("pg_ctl", &["stop", "--wait", "--mode=immediate"], &[]);
    }

    /// `postgres://…` of its one database.
    pub fn url(&self) -> String {
        // The server's working directory is its data folder, and so is its socket's.
        format!("postgres://gateway:{PASSWORD}@localhost/postgres?host={}", self.path("data").display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn carry_out(&self, program: &str, arguments: &[&str], more: &[&str]) {
        let (status, told) = self.run(program, &[arguments, more].concat());
        assert!(status, "PostgreSQL's {program} failed:\n{told}");
    }

    /// Whether a program succeeded, and what it and the server said.
    fn run(&self, program: &str, arguments: &[&str]) -> (bool, String) {
        let said = File::create(self.path("said")).expect("the folder can be written");
        let mut command = Command::new(self.programs.join(program));
        command
            .args(arguments)
            .env("PGDATA", self.path("data"))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            // A pipe would stay open as long as the server runs.
            .stdout(said.try_clone().expect("a second handle"))
            .stderr(said);
        if let Some(user) = &self.user {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let status = command.status().map(|status| status.success());
        let read = |name: &str| std::fs::read_to_string(self.path(name)).unwrap_or_default();
        match status {
            Ok(succeeded) => (succeeded, read("said") + &read("server.log")),
            Err(error) => (false, error.to_string()),
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let (stopped, told) = self.run("pg_ctl", &["stop", "--wait", "--mode=immediate"]);
        if !stopped {
            eprintln!("the throw-away PostgreSQL could not be stopped:\n{told}");
        }
    }
}

/// The user as which the server runs; `None` is the present one.
fn unprivileged_user() -> Option<User> {
    if !Uid::effective().is_root() {
        return None;
    }
    let found = UNPRIVILEGED.iter().find_map(|name| User::from_name(name).ok().flatten());
    Some(found.expect("PostgreSQL does not run as root: make a user called postgres"))
}

/// The folder with the newest `initdb`: Debian keeps one per version, other systems put it in `PATH`.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders =
        versions.into_iter().rev().map(|(_, folder)| folder).chain(std::env::split_paths(&path));
    let has_server = |folder: &PathBuf| Path::new(folder).join("initdb").is_file();
    folders.find(has_server).expect(
        "this test needs PostgreSQL's server programs, and neither /usr/lib/postgresql/*/bin nor PATH has initdb: \
         install PostgreSQL (Debian: apt-get install postgresql)",
    )
}
