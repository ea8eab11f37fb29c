//! Writing down what became of each change, while others are still under way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gateway_core::sync::{Change, ChangeOutcome};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

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
    outcomes: Mutex<Vec<Option<Result<(), String>>>>,
}

/// The sum of a run's outcomes.
#[derive(Debug, Default)]
pub(super) struct RunTally {
    /// Clients of whom every change was written.
    pub(super) changed: u64,
    /// Clients of whom a change failed.
    pub(super) failed: u64,
    /// Changes that were not tried.
    pub(super) left: usize,
    /// The first failures, with code and reason.
    pub(super) failures: Vec<(String, String)>,
    /// Why the outcomes are not in the store, if they are not.
    pub(super) unrecorded: Option<String>,
}

/// Failures that are kept for the summary; all of them are in the store.
const MOST_FAILURES: usize = 20;

impl Recorder {
    pub(super) fn start(store: Store, run: Uuid, changes: usize) -> Recorder {
        let (sender, receiver) = mpsc::unbounded_channel();
        let last = CancellationToken::new();
        Recorder {
            sender,
            writer: tokio::spawn(write(store, run, receiver, last.clone()).in_current_span()),
            last,
            done: AtomicUsize::new(0),
            outcomes: Mutex::new(vec![None; changes]),
        }
    }

    /// Notes one outcome for some changes; returns how many changes have one.
    pub(super) fn note(&self, changes: &[u32], outcome: ChangeOutcome) -> usize {
        let result = match &outcome {
            ChangeOutcome::Failed(reason) => Some(Err(reason.clone())),
            ChangeOutcome::Applied => Some(Ok(())),
            ChangeOutcome::Planned => None,
        };
        let mut outcomes = self.outcomes.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for &change in changes {
            outcomes[change as usize].clone_from(&result);
        }
        drop(outcomes);
        // The writer ends before its sender only if the store failed, which `finish` tells.
        let _ = self.sender.send(changes.iter().map(|&change| (change, outcome.clone())).collect());
        self.done.fetch_add(changes.len(), Ordering::Relaxed) + changes.len()
    }

    /// Waits until everything is written.
    pub(super) async fn finish(self, changes: &[Change]) -> RunTally {
        drop(self.sender);
        self.last.cancel();
        let written = self.writer.await;
        let outcomes = self.outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut tally = RunTally {
            unrecorded: match written {
                Ok(Ok(())) => None,
                Ok(Err(error)) => {
                    Some(format!("the changes were written to OZmap, but not recorded: {error}"))
                }
                Err(_) => Some("the changes were written to OZmap, but not recorded".to_owned()),
            },
            ..RunTally::default()
        };
        let of_one_client = changes.chunk_by(|a, b| a.code == b.code);
        let mut rest = outcomes.as_slice();
        for client in of_one_client {
            let (own, others) = rest.split_at(client.len());
            rest = others;
            tally.add(client, own);
        }
        tally
    }
}

impl RunTally {
    fn add(&mut self, client: &[Change], outcomes: &[Option<Result<(), String>>]) {
        self.left += outcomes.iter().filter(|outcome| outcome.is_none()).count();
        let mut failures = client.iter().zip(outcomes).filter_map(|(change, outcome)| match outcome {
            Some(Err(reason)) => Some((change.to_string(), reason.clone())),
            _ => None,
        });
        if let Some(first) = failures.next() {
            self.failed += 1;
            let room = MOST_FAILURES.saturating_sub(self.failures.len());
            self.failures.extend(std::iter::once(first).chain(failures).take(room));
        } else if outcomes.iter().all(Option::is_some) {
            self.changed += 1;
        }
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
