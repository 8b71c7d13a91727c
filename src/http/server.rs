//! Sockets: binding, serving, stopping.
//!
//! HTTP/1.0 and HTTP/1.1. TLS is a proxy's work, and so is HTTP/2: proxies speak HTTP/1.1 to what is
//! behind them, and there is no bound to be set here on what the heads of HTTP/2 become once they are
//! unpacked. What `actix_web::HttpServer` would do is spelled out for the sake of the stream under it
//! ([`TitleCase`]).

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::{GracefulShutdownSignal, Server as Sockets};
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, ServerHandle};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::timeout;
use actix_web::web;
use pin_project_lite::pin_project;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};

use super::bounds::{Bounds, Places};
use super::connection::Patient;
use super::pipeline::dispatch;
use super::title_case::TitleCase;
use super::turns::Turns;
use crate::app::App;

/// How long requests under way may take once the service is to stop, in seconds.
const STOP_WITHIN: u64 = 30;

/// A bound server that does not serve yet.
pub struct Server {
    address: SocketAddr,
    running: Sockets,
}

/// How many connections beyond the most may be on a thread at once while they are told so. Further
/// ones wait in the kernel.
const REFUSALS: usize = 256;

/// Binds the service's address. Port 0 picks a free one.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(app: web::Data<App>) -> io::Result<Server> {
    let listener = std::net::TcpListener::bind(app.config.listen)?;
    let address = listener.local_addr()?;
    let workers = app.config.workers;
    let bounds = app.bounds;
    let connections = Places::new(bounds.connections);
    let requests = Places::new(bounds.requests);
    let builder = Sockets::build()
        .workers(workers)
        // Of its own accord it would drop what is under way at a SIGINT.
        .disable_signals()
        .max_concurrent_connections(bounds.connections + REFUSALS)
        .shutdown_timeout(STOP_WITHIN);
    let stopping = builder.graceful_shutdown_signal();
    let runtime = Handle::current();
    let running = builder
        .listen("service", listener, move || {
            let (stopping, end, runtime) = (stopping.clone(), stopping.clone(), runtime.clone());
            let connections = connections.clone();
            let (app, requests) = (app.clone(), requests.clone());
            let answer = move |request, payload| Within {
                runtime: runtime.clone(),
                work: dispatch(app.clone(), requests.clone(), request, payload),
            };
            let service = actix_web::App::new()
                .default_service(web::to(answer))
                .into_factory()
                .map_err(|error: actix_web::Error| error.error_response());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .client_request_timeout(bounds.head)
                .client_disconnect_timeout(bounds.farewell)
                .keep_alive(bounds.idle)
                .on_connect_ext(|connection: &TitleCase, data| {
                    data.insert(connection.stream.stream.traffic.clone());
                })
                .finish(map_config(service, |()| AppConfig::default()));
            fn_service(move |stream| accepted(stream, bounds, connections.clone(), end.clone()))
                .and_then(http)
        })?
        .run();
    Ok(Server::of(address, running))
}

pin_project! {
    /// Work that opens its connections in another runtime than that of the thread which does it. Each
    /// worker has a runtime of its own, which ends with it, and the workers do not end together: in
    /// the pool a connection of the first would break under the last requests of the others.
    struct Within<F> {
        runtime: Handle,
        #[pin]
        work: F,
    }
}

impl<F: Future> Future for Within<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = this.runtime.enter();
        this.work.poll(context)
    }
}

/// Takes a connection once its client says something. One that says nothing for as long as a request's
/// head may take is closed, and at the end of the service at once.
async fn accepted(
    stream: TcpStream,
    bounds: Bounds,
    connections: Arc<Places>,
    end: GracefulShutdownSignal,
) -> Result<(TitleCase, Protocol, Option<SocketAddr>), DispatchError> {
    let place = connections.take("connections");
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    tokio::select! {
        biased;
        said = timeout(bounds.head, stream.readable()) => said.map_err(late)??,
        () = end.notified() => return Err(io::Error::from(io::ErrorKind::NotConnected).into()),
    }
    let Some(place) = place else {
        // Whoever does not listen, or goes on talking, is none the wiser.
        let _told = timeout(bounds.farewell, turn_away(stream)).await;
        return Err(io::Error::from(io::ErrorKind::ResourceBusy).into());
    };
    // Replies are written as a whole; waiting for more to send with them only costs time.
    stream.set_nodelay(true)?;
    let peer = stream.peer_addr().ok();
    let stream = Turns::new(Patient::new(stream, bounds, place));
    Ok((TitleCase { stream }, Protocol::Http1, peer))
}

/// The reply to the first request of a connection too many. What it asks for is not looked at.
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n\
                      Connection: close\r\n\r\n";

/// Says that there is no room, and reads on until the client has gone: a reply is lost if the
/// connection is closed over bytes that were not read.
async fn turn_away(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(FULL).await?;
    stream.shutdown().await?;
    let mut unread = [0; 1024];
    while stream.read(&mut unread).await? > 0 {}
    Ok(())
}

impl Server {
    /// A server that is bound to that address.
    pub(super) fn of(address: SocketAddr, running: actix_web::dev::Server) -> Self {
        Self { address, running }
    }

    /// The address it is bound to.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it from elsewhere.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.running.handle()
    }

    /// Serves until [`Server::handle`] stops it, and then until what was accepted is finished.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self) -> io::Result<()> {
        self.running.await
    }

    /// Serves until SIGTERM or SIGINT, and then until what was accepted is finished, or one of them comes
    /// once more.
    ///
    /// # Errors
    /// When the listener fails, or there is no hearing signals.
    pub async fn run_until_told(self) -> io::Result<()> {
        let (mut terminate, mut interrupt) =
            (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let mut told = async || {
            tokio::select! {
                _ = terminate.recv() => "SIGTERM",
                _ = interrupt.recv() => "SIGINT",
            }
        };
        let handle = self.running.handle();
        let mut running = pin!(self.running);
        tokio::select! {
            over = &mut running => return over,
            signal = told() => tracing::info!(signal, "stopping"),
        }
        // It is heard whether or not its end is waited for.
        let _end = handle.stop(true);
        tokio::select! {
            over = &mut running => over,
            signal = told() => {
                tracing::warn!(signal, "stopping at once: what is under way is not finished");
                Ok(())
            }
        }
    }
}
