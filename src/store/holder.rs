//! Who holds a lease: a process, told apart from its predecessors, and the run in it.

use std::path::Path;
use std::sync::LazyLock;

use uuid::Uuid;

/// Drawn once: two gateways in one process are one process, and neither is the other's dead predecessor.
static MARK: LazyLock<String> = LazyLock::new(|| Uuid::now_v7().simple().to_string());

/// This process, as leases name it: host, process number, and a mark that a restart changes.
#[derive(Debug, Clone)]
pub struct Process {
    host: String,
    number: u32,
    mark: String,
}

impl Process {
    /// This process.
    pub fn current() -> Process {
        Process {
            host: gethostname::gethostname().to_string_lossy().replace('/', "-"),
            number: std::process::id(),
            mark: MARK.clone(),
        }
    }

    /// The name under which one run of this process holds a lease.
    pub fn holder(&self, run: Uuid) -> String {
        format!("{}/{}/{}/{run}", self.host, self.number, self.mark)
    }

    /// Whether the holder was a process of this machine that is gone.
    ///
    /// A container's process has the number of its predecessor, 1, but not its mark. On another machine, or where
    /// processes cannot be seen, nothing is known: the lease has to expire.
    pub fn is_dead(&self, holder: &str) -> bool {
        let mut parts = holder.split('/');
        let (Some(host), Some(number), Some(mark)) = (parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let Ok(number) = number.parse::<u32>() else { return false };
        if host != self.host || mark == self.mark {
            return false;
        }
        // Where others' processes are hidden (`hidepid`, systemd's ProtectProc), so is process 1.
        number == self.number
            || (Path::new("/proc/1").exists() && !Path::new(&format!("/proc/{number}")).exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gone_process_of_this_machine_is_known_dead() {
        let this = Process::current();
        let run = Uuid::now_v7();
        assert!(!this.is_dead(&this.holder(run)), "it is alive");
        assert!(!this.is_dead(&Process::current().holder(run)), "another gateway in this process");
        let predecessor = Process { mark: "drawn before".to_owned(), ..Process::current() };
        assert!(this.is_dead(&predecessor.holder(run)), "it had the same number");
        let alive = Process { number: 1, ..predecessor.clone() };
        assert!(!this.is_dead(&alive.holder(run)), "process 1 is always there");
        let gone = Process { number: 4_194_999, ..predecessor };
        assert_eq!(this.is_dead(&gone.holder(run)), Path::new("/proc/1").exists());
        let elsewhere = Process { host: "elsewhere".to_owned(), ..gone };
        assert!(!this.is_dead(&elsewhere.holder(run)));
        assert!(!this.is_dead("nonsense"));
    }
}
