//! A connection that ends when it has to make room, and when it says or takes nothing for too long.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::connections::ConnectionPlace;

/// Longest time without a request under way.
const LONGEST_IDLE: Duration = Duration::from_secs(60);
/// Longest time for which the other side may take nothing of an answer.
const LONGEST_STALL: Duration = Duration::from_secs(30);

/// A stream with a place.
pub struct Guarded<S> {
    stream: S,
    place: Arc<ConnectionPlace>,
    close: Pin<Box<WaitForCancellationFutureOwned>>,
    idle: Pin<Box<Sleep>>,
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S, place: Arc<ConnectionPlace>) -> Guarded<S> {
        let close = Box::pin(place.close().cancelled_owned());
        let idle = Box::pin(tokio::time::sleep(LONGEST_IDLE));
        Guarded { stream, place, close, idle, stall: None }
    }

    /// Ready with the reason why the connection ends.
    fn poll_over(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        if self.close.as_mut().poll(context).is_ready() {
            return Poll::Ready(io::ErrorKind::ConnectionAborted.into());
        }
        loop {
            ready!(self.idle.as_mut().poll(context));
            let now = Instant::now();
            let since = self.place.idle_since();
            if since.is_some_and(|since| since + LONGEST_IDLE <= now) {
                self.place.note_time_out("idle");
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            self.idle.as_mut().reset(since.unwrap_or(now) + LONGEST_IDLE);
        }
    }

    /// What became of a write, or that the other side takes nothing.
    fn written<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stall = None;
            return outcome;
        }
        let stall = self.stall.get_or_insert_with(|| Box::pin(tokio::time::sleep(LONGEST_STALL)));
        ready!(stall.as_mut().poll(context));
        self.place.note_time_out("stalled");
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(why) = self.poll_over(context) {
            return Poll::Ready(Err(why));
        }
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.written(context, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.written(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
