//! Writing down what became of each change, while others are still under way.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gateway_core::sync::{Change, ChangeOutcome};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::tally::{Fate, RunTally};
use crate::store::{self, Store};

/// Outcomes are written together after this pause, so that a crash loses a second of them and not the disk's patience.
const PAUSE: Duration = Duration::from_millis(500);

type Noted = (u32, ChangeOutcome);

/// Takes outcomes and writes them in the background.
pub(super) struct Recorder {
    sender: mpsc::UnboundedSender<Vec<Noted>>,
    writer: JoinHandle<Result<(), store::StoreError>>,
    /// Ends the writer's pause: the last outcomes are in.
    last: CancellationToken,
    done: AtomicUsize,
    fates: Mutex<Vec<Fate>>,
}

impl Recorder {
    pub(super) fn start(store: Store, run: Uuid, changes: &[Change]) -> Recorder {
        let fate = |change: &Change| if change.held { Fate::Held } else { Fate::Untried };
        let (sender, receiver) = mpsc::unbounded_channel();
        let last = CancellationToken::new();
        Recorder {
            sender,
            writer: tokio::spawn(write(store, run, receiver, last.clone()).in_current_span()),
            last,
            done: AtomicUsize::new(0),
            fates: Mutex::new(changes.iter().map(fate).collect()),
        }
    }

    /// Notes one outcome for some changes; returns how many changes have one.
    pub(super) fn note(&self, changes: &[u32], outcome: ChangeOutcome) -> usize {
        let fate = Fate::of(&outcome);
        let mut fates = self.fates.lock().unwrap_or_else(PoisonError::into_inner);
        for &change in changes {
            fates[change as usize].clone_from(&fate);
        }
        drop(fates);
        // The writer ends before its sender only if the store failed, which `finish` tells.
        let _ = self.sender.send(changes.iter().map(|&change| (change, outcome.clone())).collect());
        self.done.fetch_add(changes.len(), Ordering::Relaxed) + changes.len()
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self, changes: &[Change]) -> RunTally {
        drop(self.sender);
        self.last.cancel();
        let written = self.writer.await;
        let fates = self.fates.into_inner().unwrap_or_else(PoisonError::into_inner);
        let unrecorded = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("the changes were written to OZmap, but not recorded: {error}")),
            Err(_) => Some("the changes were written to OZmap, but not recorded".to_owned()),
        };
        RunTally { unrecorded, ..RunTally::of(changes, &fates) }
    }
}

async fn write(
    store: Store,
    run: Uuid,
    mut receiver: mpsc::UnboundedReceiver<Vec<Noted>>,
    last: CancellationToken,
) -> Result<(), store::StoreError> {
    let mut batches = Vec::new();
    while receiver.recv_many(&mut batches, 10_000).await > 0 {
        let noted: Vec<Noted> = batches.drain(..).flatten().collect();
        store.record_outcomes(run, &noted).await?;
        last.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
    Ok(())
}
