//! A TCP listener that a crowd cannot block: connections are few, each for a short while, and the
//! newest one is always let in.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Sleep;

use super::spare_file::SpareFile;

/// Bounds of a listener.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at once; one more ends the oldest.
    pub(super) connections_max: usize,
    /// How long a connection has from its beginning to its end, whatever is said on it.
    pub(super) lifetime: Duration,
}

/// The listener.
#[derive(Debug)]
pub(super) struct BoundedListener {
    listener: TcpListener,
    bounds: Bounds,
    /// What ends each connection, oldest first.
    open: VecDeque<oneshot::Sender<()>>,
    spare: SpareFile,
}

impl BoundedListener {
    pub(super) fn new(listener: TcpListener, bounds: Bounds) -> Self {
        Self { listener, bounds, open: VecDeque::new(), spare: SpareFile::default() }
    }

    fn bound(&mut self, stream: TcpStream) -> BoundedStream {
        self.open.retain(|connection| !connection.is_closed());
        if self.open.len() >= self.bounds.connections_max {
            // Dropped: the connection ends when its task looks, which this wakes.
            self.open.pop_front();
        }
        let (end, ended) = oneshot::channel();
        self.open.push_back(end);
        BoundedStream { stream, ended, until: Box::pin(tokio::time::sleep(self.bounds.lifetime)) }
    }
}

impl Listener for BoundedListener {
    type Io = BoundedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (BoundedStream, SocketAddr) {
        loop {
            self.spare.keep();
            match self.listener.accept().await {
                Ok((stream, address)) => return (self.bound(stream), address),
                Err(error) => {
                    if let Some(rest) = self.spare.after(&error) {
                        tokio::time::sleep(rest).await;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that ends at its time, or when a newer one takes its place.
#[derive(Debug)]
pub(super) struct BoundedStream {
    stream: TcpStream,
    ended: oneshot::Receiver<()>,
    until: Pin<Box<Sleep>>,
}

impl BoundedStream {
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        let is_over = self.until.as_mut().poll(context).is_ready()
            || Pin::new(&mut self.ended).poll(context).is_ready();
        if is_over { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
    }
}

impl AsyncRead for BoundedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for BoundedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(context)?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
