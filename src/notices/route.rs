//! One destination's turn: its notices, one after the other, until none is due or one cannot be delivered.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::addresses::{Address, Addresses, NoAddress};
use super::pauses::{self, GIVEN_UP_AFTER, STOPPED_FOR, TRIES_IN_ORDER};
use super::post::{Posted, Poster};
use crate::store::{Claim, NextNotice, Store, StoreError, WaitingNotice};

/// How long a post under way may take once the gateway is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// What a destination's turn needs.
pub(super) struct Route<'a> {
    pub(super) store: &'a Store,
    pub(super) addresses: &'a Addresses,
    pub(super) poster: &'a Poster,
    pub(super) stop: &'a CancellationToken,
}

/// Whether the turn goes on.
enum Onward {
    GoesOn,
    IsOver,
}

impl Route<'_> {
    /// Delivers what is due to a destination, if nobody else does.
    ///
    /// # Errors
    /// [`StoreError`]; the destination is free again after 25 s.
    pub(super) async fn serve(&self, destination: &str) -> Result<(), StoreError> {
        let Some(mut claim) = self.store.claim_destination(destination).await? else { return Ok(()) };
        while !self.stop.is_cancelled() {
            let address = self.addresses.of(&claim);
            match &address {
                Ok(_) => (),
                Err(NoAddress::Unknown) => break,
                Err(why @ NoAddress::NotAdmitted) => {
                    self.give_up(&claim, Duration::ZERO, &why.to_string()).await?
                }
            }
            match (self.store.next_notice(&claim).await?, address) {
                (NextNotice::Lost, _) => return Ok(()),
                (NextNotice::None { written }, _) => {
                    if self.store.leave_destination(&claim, written).await? {
                        return Ok(());
                    }
                }
                // Written since the others were given up.
                (NextNotice::Due(_), Err(_)) => (),
                (NextNotice::Due(notice), Ok(address)) => {
                    match self.deliver(&claim, &address, &notice).await? {
                        Onward::GoesOn => claim.failures = 0,
                        Onward::IsOver => return Ok(()),
                    }
                }
            }
        }
        self.store.drop_destination(&claim).await
    }

    async fn deliver(
        &self,
        claim: &Claim,
        address: &Address,
        notice: &WaitingNotice,
    ) -> Result<Onward, StoreError> {
        let posted = tokio::select! {
            posted = self.poster.post(address, &notice.id, &notice.body) => posted,
            () = self.grace() => {
                self.store.drop_destination(claim).await?;
                return Ok(Onward::IsOver);
            }
        };
        match posted {
            Posted::Accepted => {
                count(claim, "delivered", 1);
                self.store.notice_delivered(claim, notice.number).await?;
                Ok(Onward::GoesOn)
            }
            Posted::Gone => {
                let hours = STOPPED_FOR.as_secs() / 3600;
                tracing::warn!(
                    tenant = claim.tenant,
                    hours,
                    "a receiver of notices answered 410: it is told nothing for a while"
                );
                self.give_up(claim, Duration::ZERO, "it answered 410 Gone").await?;
                self.store.stop_destination(claim, STOPPED_FOR).await?;
                Ok(Onward::IsOver)
            }
            Posted::Disliked { why } if notice.attempts + 1 >= TRIES_IN_ORDER => {
                self.put_off(claim, notice, &why).await?;
                Ok(Onward::GoesOn)
            }
            Posted::Disliked { why } => self.rest(claim, notice, &why, None).await,
            Posted::Failed { why, retry_after } => self.rest(claim, notice, &why, retry_after).await,
        }
    }

    /// The destination is left alone for a while.
    async fn rest(
        &self,
        claim: &Claim,
        notice: &WaitingNotice,
        why: &str,
        asked: Option<Duration>,
    ) -> Result<Onward, StoreError> {
        let pause = pauses::after(claim.failures, asked);
        let pause_ms = pause.as_millis() as u64;
        tracing::info!(
            tenant = claim.tenant,
            notice = notice.id,
            why,
            pause_ms,
            "a notice was not delivered: it will be tried again"
        );
        count(claim, "failed", 1);
        if notice.age >= GIVEN_UP_AFTER {
            self.give_up(claim, GIVEN_UP_AFTER, why).await?;
        }
        self.store.destination_failed(claim, notice.number, pause, why).await?;
        Ok(Onward::IsOver)
    }

    /// Others go before a notice that the receiver dislikes.
    async fn put_off(&self, claim: &Claim, notice: &WaitingNotice, why: &str) -> Result<(), StoreError> {
        count(claim, "failed", 1);
        if notice.age < GIVEN_UP_AFTER {
            let pause = pauses::after(notice.attempts, None);
            return self.store.set_notice_aside(claim, notice.number, pause, why).await;
        }
        self.store.give_up_notice(claim, notice.number, why).await?;
        told_as_given_up(claim, 1, why);
        Ok(())
    }

    async fn give_up(&self, claim: &Claim, older_than: Duration, why: &str) -> Result<(), StoreError> {
        let notices = self.store.give_up_notices(claim, older_than, why).await?;
        if notices > 0 {
            told_as_given_up(claim, notices, why);
        }
        Ok(())
    }

    /// Completes a while after the gateway is to stop.
    async fn grace(&self) {
        self.stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    }
}

fn told_as_given_up(claim: &Claim, notices: u64, why: &str) {
    tracing::error!(tenant = claim.tenant, notices, why, "notices were given up: nobody is told of them");
    count(claim, "given_up", notices);
}

fn count(claim: &Claim, result: &'static str, notices: u64) {
    metrics::counter!("gateway_notices_total", "tenant" => claim.tenant.clone(), "result" => result)
        .increment(notices);
}
