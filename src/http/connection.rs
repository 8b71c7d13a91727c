//! A connection: a socket whose client is not waited for without an end.
//!
//! `actix-http` times the head of the first request and the pause between two. Nothing there ends a
//! connection on which the second head trickles in, on which a body that nobody wants trickles in,
//! or whose client reads none of its replies. So [`Patient`] stands on the socket and ends it, when
//!
//! - no request is under way, bytes have come since the last reply, and for
//!   [`Bounds::head`] they have made no request; or they have made none for longer than a connection
//!   may idle ([`Bounds::idle`]);
//! - nothing of what is to be written has been taken for [`Bounds::unread`].
//!
//! How many requests are under way the pipeline says, through [`Traffic`].

use std::cell::{Cell, RefCell};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::{Duration, Instant};

use actix_web::rt::net::{ActixStream, Ready, TcpStream};
use actix_web::rt::time::{Sleep, sleep_until};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::bounds::{Bounds, Place};

/// The requests under way on one connection.
#[derive(Clone, Default)]
pub(super) struct Traffic(Rc<State>);

#[derive(Default)]
struct State {
    under_way: Cell<usize>,
    /// Whether one of them reads its body.
    reading: Cell<bool>,
    answered: Cell<usize>,
    /// Who wants to know when that changes.
    waiting: RefCell<Option<Waker>>,
}

/// A request under way, until this is dropped.
pub(super) struct Underway(Traffic);

/// A request's body that is being read, until this is dropped.
pub(super) struct Reading(Traffic);

impl Traffic {
    /// One more.
    pub(super) fn enter(&self) -> Underway {
        self.0.under_way.set(self.0.under_way.get() + 1);
        Underway(self.clone())
    }

    /// The body of the request under way is wanted.
    pub(super) fn read(&self) -> Reading {
        self.0.reading.set(true);
        self.0.wake();
        Reading(self.clone())
    }

    /// How many requests have been answered.
    pub(super) fn answered(&self) -> usize {
        self.0.answered.get()
    }

    /// Whether a request is under way that wants nothing more of the client. If so, wakes the task when
    /// that changes.
    pub(super) fn is_occupied(&self, cx: &Context<'_>) -> bool {
        let occupied = !self.is_quiet() && !self.0.reading.get();
        if occupied {
            let mut waiting = self.0.waiting.borrow_mut();
            match &mut *waiting {
                Some(waker) => waker.clone_from(cx.waker()),
                None => *waiting = Some(cx.waker().clone()),
            }
        }
        occupied
    }

    fn is_quiet(&self) -> bool {
        self.0.under_way.get() == 0
    }
}

impl State {
    fn wake(&self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        let state = &*self.0.0;
        state.under_way.set(state.under_way.get().saturating_sub(1));
        state.answered.set(state.answered.get().wrapping_add(1));
        state.wake();
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.0.reading.set(false);
    }
}

/// A socket that is closed on whoever lets it wait.
pub(super) struct Patient {
    stream: TcpStream,
    bounds: Bounds,
    pub(super) traffic: Traffic,
    /// When the last reply was written, or, if bytes have come since, the first of them.
    since: Instant,
    /// Whether bytes have come since the last reply.
    asking: bool,
    /// Since when nothing could be written.
    unread: Option<Instant>,
    reading: Alarm,
    writing: Alarm,
    _place: Place,
}

impl Patient {
    pub(super) fn new(stream: TcpStream, bounds: Bounds, place: Place) -> Self {
        Self {
            stream,
            bounds,
            traffic: Traffic::default(),
            since: Instant::now(),
            asking: false,
            unread: None,
            reading: Alarm::default(),
            writing: Alarm::default(),
            _place: place,
        }
    }

    /// How long the client may let the service wait for its next bytes.
    fn patience(&self) -> Duration {
        // The pause itself is timed above; this is for when bytes that came early hide it.
        if self.asking { self.bounds.head } else { self.bounds.idle + self.bounds.head }
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Pending if this.traffic.is_quiet() => {
                let deadline = this.since + this.patience();
                ready!(this.reading.poll(cx, deadline));
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            outcome => {
                if !this.asking && buf.filled().len() > before {
                    (this.asking, this.since) = (true, Instant::now());
                }
                outcome
            }
        }
    }
}

impl AsyncWrite for Patient {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Poll::Ready(outcome) = Pin::new(&mut this.stream).poll_write(cx, bytes) {
            (this.asking, this.since) = (false, Instant::now());
            this.unread = None;
            return Poll::Ready(outcome);
        }
        let deadline = *this.unread.get_or_insert_with(Instant::now) + this.bounds.unread;
        ready!(this.writing.poll(cx, deadline));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl ActixStream for Patient {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, cx)
    }
}

/// A timer that is set when it is first needed, and set anew only when it would ring too late:
/// deadlines move with each request, timers need not.
#[derive(Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when the deadline is over.
    fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline.into())));
        if sleep.deadline() > deadline.into() {
            sleep.as_mut().reset(deadline.into());
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= deadline.into() {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline.into());
        }
    }
}
