//! Settings taken over while the gateway runs: asked for by SIGHUP, or noticed in their files.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::registry::{Registry, TakenOver};
use crate::config::{Config, Mistakes, Purpose, SettingsFiles, SettingsPlace};

/// Files are written in several steps: this long they have to be left alone before they are read.
const QUIET: Duration = Duration::from_millis(300);
/// Files that are never left alone are read all the same.
const LONGEST_UNREST: Duration = Duration::from_secs(2);

/// Whoever asks for the settings to be read anew.
pub(super) struct Requests {
    hangups: Option<Signal>,
}

impl Requests {
    /// Catches SIGHUP from now on.
    pub(super) fn new() -> Requests {
        let hangups = signal(SignalKind::hangup());
        Requests {
            hangups: hangups.inspect_err(|error| tracing::warn!(%error, "SIGHUP cannot be caught")).ok(),
        }
    }

    async fn hangup(&mut self) {
        let asked = match &mut self.hangups {
            Some(hangups) => hangups.recv().await,
            None => None,
        };
        if asked.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

/// Takes settings over as often as somebody asks for it; never ends by itself.
pub(super) async fn keep(
    registry: &Registry,
    config: &Config,
    place: &SettingsPlace,
    mut requests: Requests,
) -> Infallible {
    let mut watch = config.watch_config.then(|| Watch::over(&config.files));
    // What was written between the first reading and the watch would be noticed by nobody.
    let mut is_overdue = watch.is_some();
    loop {
        let is_asked = !is_overdue
            && tokio::select! {
                () = requests.hangup() => true,
                () = changed(&mut watch) => false,
            };
        is_overdue = false;
        if let Some(config) = reloaded(registry, place, is_asked).await
            && let Some(watch) = &mut watch
        {
            watch.turn_to(&config.files);
        }
    }
}

async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

/// The settings that were taken over; `None` if they have mistakes, which are logged.
async fn reloaded(registry: &Registry, place: &SettingsPlace, is_asked: bool) -> Option<Config> {
    let place = place.clone();
    // A disk may be slow.
    let loaded = tokio::task::spawn_blocking(move || place.load(Purpose::Serve)).await;
    let loaded = loaded.unwrap_or_else(|error| Err(Mistakes(vec![error.to_string()])));
    let taken = match loaded {
        Ok(config) => registry.take_over(&config).await.map(|told| (config, told)),
        Err(mistakes) => Err(mistakes),
    };
    match taken {
        Ok((config, told)) => {
            tell(&told, is_asked);
            Some(config)
        }
        Err(Mistakes(mistakes)) => {
            let count = mistakes.len();
            for mistake in mistakes {
                tracing::error!(mistake, "a mistake in the new settings");
            }
            tracing::error!(mistakes = count, "the new settings are not taken over: the old ones hold");
            None
        }
    }
}

fn tell(told: &TakenOver, is_asked: bool) {
    let TakenOver { added, changed, removed, gateway, need_restart } = told;
    for setting in need_restart {
        tracing::warn!(setting, "this setting is taken over by a restart only; the old one holds until then");
    }
    let is_new = *gateway || [added, changed, removed].iter().any(|names| !names.is_empty());
    match (is_new, is_asked) {
        (true, _) => tracing::info!(?added, ?changed, ?removed, gateway, "the new settings are taken over"),
        (false, true) => tracing::info!("the settings were read anew: nothing to take over"),
        (false, false) => tracing::debug!("the files of the settings say what they said before"),
    }
}

/// Names of the files that count; others of their folders, such as a database, may change all the time.
type Names = Arc<ArcSwap<BTreeSet<OsString>>>;

/// Watches the folders of files: a file that is replaced is another file of the same name.
struct Watch {
    watcher: Option<RecommendedWatcher>,
    folders: BTreeSet<PathBuf>,
    names: Names,
    touched: Receiver<()>,
}

impl Watch {
    fn over(files: &SettingsFiles) -> Watch {
        let (sender, touched) = mpsc::channel(1);
        let names = Names::default();
        let counted = Arc::clone(&names);
        let watcher = notify::recommended_watcher(move |event| report(event, &counted, &sender));
        let watcher = watcher
            .inspect_err(|error| tracing::error!(%error, "the files of the settings cannot be watched"))
            .ok();
        let mut watch = Watch { watcher, folders: BTreeSet::new(), names, touched };
        watch.turn_to(files);
        if watch.folders.is_empty() {
            tracing::warn!("the settings have no file that could be watched");
        }
        watch
    }

    /// Watches these files from now on.
    fn turn_to(&mut self, files: &SettingsFiles) {
        let names = files.paths().filter_map(Path::file_name).map(OsString::from).collect();
        self.names.store(Arc::new(names));
        let folders: BTreeSet<PathBuf> = files.paths().map(folder_of).collect();
        let Some(watcher) = &mut self.watcher else { return };
        for gone in self.folders.difference(&folders) {
            // A folder that was removed is watched no longer anyway.
            let _ = watcher.unwatch(gone);
        }
        for new in folders.difference(&self.folders) {
            if let Err(error) = watcher.watch(new, RecursiveMode::NonRecursive) {
                tracing::error!(folder = %new.display(), %error, "a folder of the settings cannot be watched");
            }
        }
        self.folders = folders;
    }

    /// Completes once a file has changed and is left alone.
    async fn changed(&mut self) {
        if self.touched.recv().await.is_none() {
            // Nothing is watched.
            std::future::pending::<()>().await;
        }
        let quiet =
            async { while let Ok(Some(())) = tokio::time::timeout(QUIET, self.touched.recv()).await {} };
        // Either way they are read now.
        let _ = tokio::time::timeout(LONGEST_UNREST, quiet).await;
    }
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Says that a file was changed. Reading one is no change, or each look would ask for another.
fn report(event: notify::Result<Event>, names: &Names, sender: &Sender<()>) {
    let event = match event {
        Ok(event) if !event.kind.is_access() => event,
        Ok(_) => return,
        Err(error) => return tracing::warn!(%error, "the files of the settings are watched badly"),
    };
    let names = names.load();
    // A mounted volume swaps all its files at once by a link whose name begins with two dots.
    let counts = |name: &OsStr| names.contains(name) || name.as_encoded_bytes().starts_with(b"..");
    if event.need_rescan() || event.paths.iter().filter_map(|path| path.file_name()).any(counts) {
        // Where one waits already, another tells nothing new.
        let _ = sender.try_send(());
    }
}
