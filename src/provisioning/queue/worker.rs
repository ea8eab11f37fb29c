//! Claims operations and carries several out at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use gateway_core::RecordId;
use gateway_core::provisioning::Command;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span};

use super::attempt::{QueueDeps, TryOutcome};
use super::foreign::Foreign;
use super::hand::Hand;
use super::outage::Outage;
use crate::store::{Operation, StoreError};

/// How often the store is looked at while operations wait.
const LOOK: Duration = Duration::from_secs(1);
/// How often it is looked at while none does: for those that another replica accepted.
const LOOK_IDLE: Duration = Duration::from_secs(4);
/// Operations under way at once.
const PARALLEL: usize = 16;
/// Operations that are claimed at a time: enough for many splitters, few enough for other replicas.
const STOCK: usize = 128;

/// What a task under way leaves behind when it ends, even by a panic.
struct WorkPlace {
    task: Id,
    key: String,
    splitter: Option<RecordId>,
}

/// What is claimed and under way.
pub(super) struct Worker {
    deps: Arc<QueueDeps>,
    hand: Arc<Hand>,
    /// Claimed, oldest first, and not begun.
    stock: VecDeque<(Operation, Command)>,
    under_way: JoinSet<TryOutcome>,
    places: Vec<WorkPlace>,
    outage: Outage,
    foreign: Foreign,
}

impl Worker {
    /// Nothing is claimed yet.
    pub(super) fn new(deps: Arc<QueueDeps>, hand: Arc<Hand>) -> Worker {
        Worker {
            foreign: Foreign::new(deps.tenant.clone()),
            deps,
            hand,
            stock: VecDeque::new(),
            under_way: JoinSet::new(),
            places: Vec::new(),
            outage: Outage::default(),
        }
    }

    /// Carries operations out until `stop`, and then to their end what is under way.
    pub(super) async fn work(&mut self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let pause = self.stock_up().await;
            self.begin();
            tokio::select! {
                () = stop.cancelled() => (),
                () = self.deps.wake.notified() => (),
                () = tokio::time::sleep(pause) => (),
                Some(ended) = self.under_way.join_next_with_id() => self.take_end(ended),
            }
        }
        let left = self.stock.drain(..).map(|(operation, _)| operation.key).collect();
        self.hand.give_back(left).await;
        while let Some(ended) = self.under_way.join_next_with_id().await {
            self.take_end(ended);
        }
    }

    /// Claims more, if there is too little to choose from; how long until it is worth while to look again.
    async fn stock_up(&mut self) -> Duration {
        if let Some(left) = self.outage.left() {
            return left.min(LOOK);
        }
        if self.stock.len() >= PARALLEL {
            return LOOK;
        }
        let left = match self.deps.store.next_operation_in(&self.deps.tenant).await {
            Ok(None) => return LOOK_IDLE,
            Ok(Some(left)) => Duration::try_from(left).unwrap_or_default(),
            Err(error) => {
                tracing::warn!(%error, "accepted requests cannot be looked up");
                return LOOK;
            }
        };
        if !left.is_zero() {
            return left.min(LOOK);
        }
        if let Err(error) = self.claim().await {
            tracing::warn!(%error, "accepted requests cannot be claimed");
        }
        LOOK
    }

    /// Claims operations whose time has come, and that this release understands.
    async fn claim(&mut self) -> Result<(), StoreError> {
        self.foreign.review();
        loop {
            let free = if self.outage.is_on() { 1 } else { STOCK - self.stock.len() };
            let claimed = self.hand.claim(&self.foreign.keys, free).await?;
            let known = self.foreign.keys.clone();
            self.stock.extend(claimed.into_iter().filter_map(|operation| self.foreign.sort(operation)));
            let strange: Vec<String> = self.foreign.keys.difference(&known).cloned().collect();
            // Those that are not understood may have hidden others.
            if strange.is_empty() {
                self.foreign.count();
                self.foresee(free);
                return Ok(());
            }
            self.hand.give_back(strange).await;
        }
    }

    /// Looks up together what a full stock will need; of a few each looks by itself.
    fn foresee(&self, claimed: usize) {
        if claimed >= PARALLEL && self.stock.len() > PARALLEL {
            let codes = self.stock.iter().skip(PARALLEL).map(|(_, command)| command.code().clone());
            self.deps.commands.foresee(codes.collect());
        }
    }

    /// Begins what may be begun: one for each splitter, so that no place is taken by one that stands in line; one alone while
    /// OZmap is away.
    fn begin(&mut self) {
        let most = match (self.outage.left(), self.outage.is_on()) {
            (Some(_), _) => 0,
            (None, true) => 1,
            (None, false) => PARALLEL,
        };
        while self.under_way.len() < most {
            let is_free = |splitter: Option<&RecordId>| {
                splitter.is_none() || self.places.iter().all(|place| place.splitter.as_ref() != splitter)
            };
            let next = self.stock.iter().position(|(_, command)| is_free(command.splitter()));
            let Some((operation, command)) = next.and_then(|next| self.stock.remove(next)) else { return };
            let (key, splitter) = (operation.key.clone(), command.splitter().cloned());
            let (deps, hand) = (Arc::clone(&self.deps), Arc::clone(&self.hand));
            let span = error_span!("operation", tenant = deps.tenant, operation = %operation.id);
            let work = async move { deps.carry_out(&hand, &operation, command).await };
            let task = self.under_way.spawn(work.instrument(span)).id();
            self.places.push(WorkPlace { task, key, splitter });
        }
    }

    fn take_end(&mut self, ended: Result<(Id, TryOutcome), JoinError>) {
        let task = match &ended {
            Ok((task, _)) => *task,
            Err(error) => error.id(),
        };
        if let Some(place) = self.places.iter().position(|place| place.task == task) {
            let place = self.places.swap_remove(place);
            self.hand.let_go(&place.key);
        }
        match ended {
            Ok((_, TryOutcome { begun, concerns_all: true })) => self.outage.failed(begun),
            Ok((_, TryOutcome { .. })) => self.outage.ended(),
            Err(error) => tracing::error!(%error, "the carrying out of an accepted request ended badly"),
        }
    }
}
