//! Connections of which no request head may take for ever.
//!
//! A client that sends half a head and then nothing, or one byte now and then, would keep its connection for as long as it likes. A new
//! connection has to send its first head within the limit, and one that is kept open every further head within the limit from the
//! head's first byte on. Waiting between two requests is not limited: the load balancer in front keeps its connections open longer.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// What the handlers' side reports of a connection to its stream.
#[derive(Debug, Default)]
struct Progress {
    /// Heads that arrived whole.
    heads: AtomicU64,
    /// A request is being answered, or the connection has become a WebSocket.
    answering: AtomicBool,
}

/// The other end of a connection.
#[derive(Debug, Clone)]
pub struct Peer {
    pub address: SocketAddr,
    progress: Arc<Progress>,
}

impl Peer {
    /// A request's head is here.
    pub fn begin_request(&self) {
        self.progress.answering.store(true, Ordering::Relaxed);
        self.progress.heads.fetch_add(1, Ordering::Relaxed);
    }

    /// The request is answered, and the next one may come. Not to be called for a connection that becomes a WebSocket.
    pub fn end_request(&self) {
        self.progress.answering.store(false, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, TimedListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TimedListener>) -> Peer {
        Peer {
            address: *stream.remote_addr(),
            progress: stream.io().progress.clone(),
        }
    }
}

/// A listener whose connections have to send their heads in time.
pub struct TimedListener {
    inner: TcpListener,
    limit: Duration,
}

impl TimedListener {
    #[must_use]
    pub fn new(inner: TcpListener, limit: Duration) -> TimedListener {
        TimedListener { inner, limit }
    }
}

impl Listener for TimedListener {
    type Io = TimedStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TimedStream, SocketAddr) {
        let (socket, address) = Listener::accept(&mut self.inner).await;
        // Small answers must not wait for more to send.
        let _ = socket.set_nodelay(true);
        (TimedStream::new(socket, self.limit), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }
}

/// A connection that fails its reader when a head is overdue.
pub struct TimedStream {
    socket: TcpStream,
    limit: Duration,
    progress: Arc<Progress>,
    /// Heads known to have arrived.
    heads: u64,
    /// Until when the head that is arriving has to be here.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    fn new(socket: TcpStream, limit: Duration) -> TimedStream {
        TimedStream {
            socket,
            limit,
            progress: Arc::default(),
            heads: 0,
            deadline: Some(Box::pin(sleep(limit))),
        }
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let heads = this.progress.heads.load(Ordering::Relaxed);
        if heads != this.heads {
            this.heads = heads;
            this.deadline = None;
        }
        let before = buffer.filled().len();
        let polled = Pin::new(&mut this.socket).poll_read(cx, buffer);
        if this.progress.answering.load(Ordering::Relaxed) {
            return polled;
        }
        let arrived = matches!(polled, Poll::Ready(Ok(()))) && buffer.filled().len() > before;
        if arrived && this.deadline.is_none() {
            this.deadline = Some(Box::pin(sleep(this.limit)));
        }
        if let Some(deadline) = &mut this.deadline
            && deadline.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        polled
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
