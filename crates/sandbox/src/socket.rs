//! Sockets that can be cut from inside: a simulator must be able to drop one connection, or all of them, without an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Cuts the connection that a request came by.
#[derive(Clone, Debug)]
pub(crate) struct Scissors(CancellationToken);

impl Scissors {
    /// Drops the connection: whatever is written afterwards never leaves.
    pub(crate) fn cut(&self) {
        self.0.cancel();
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Scissors {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        Scissors(stream.io().cut.clone())
    }
}

/// A TCP listener whose connections can be cut one by one, or all together through `all`.
pub(crate) struct CuttableListener {
    pub(crate) inner: TcpListener,
    pub(crate) all: CancellationToken,
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.inner).await;
        // Small answers must not wait for the peer's delayed acknowledgement; a failure only costs speed.
        let _ = stream.set_nodelay(true);
        let cut = self.all.child_token();
        (CuttableStream { stream, was_cut: Box::pin(cut.clone().cancelled_owned()), cut }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// One connection of a [`CuttableListener`].
pub(crate) struct CuttableStream {
    stream: TcpStream,
    cut: CancellationToken,
    /// Wakes a reader that waits on an idle connection.
    was_cut: Pin<Box<WaitForCancellationFutureOwned>>,
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.cut.is_cancelled() || self.was_cut.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(reset()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.cut.is_cancelled() {
            return Poll::Ready(Err(reset()));
        }
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
