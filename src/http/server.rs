//! Sockets: binding, serving, stopping.
//!
//! HTTP/1.0, HTTP/1.1 and, for clients that begin with its preface, HTTP/2 in clear text (RFC 9113
//! section 3.3; the upgrade from HTTP/1.1 is obsolete and not offered). TLS is a proxy's work. What
//! `actix_web::HttpServer` would do is spelled out here for the sake of the stream under it
//! ([`TitleCase`]).

use std::net::SocketAddr;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::Server as Sockets;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::{AppConfig, ServerHandle};
use actix_web::rt::net::TcpStream;
use actix_web::rt::time::timeout;
use actix_web::web;

use super::pipeline::dispatch;
use super::title_case::TitleCase;
use crate::app::App;

/// How long a client may take for the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(75);
/// How long requests under way may take once the service is to stop, in seconds.
const STOP_WITHIN: u64 = 30;

/// A bound server that does not serve yet.
pub struct Server {
    address: SocketAddr,
    running: Sockets,
}

/// Binds the service's address. Port 0 picks a free one.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(app: web::Data<App>) -> std::io::Result<Server> {
    let listener = std::net::TcpListener::bind(app.config.listen)?;
    let address = listener.local_addr()?;
    let workers = app.config.workers;
    let builder = Sockets::build().workers(workers).shutdown_timeout(STOP_WITHIN);
    let stopping = builder.graceful_shutdown_signal();
    let running = builder
        .listen("service", listener, move || {
            let stopping = stopping.clone();
            let service = actix_web::App::new()
                .app_data(app.clone())
                .default_service(web::to(dispatch))
                .into_factory()
                .map_err(|error: actix_web::Error| error.error_response());
            let http = HttpService::build()
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .client_request_timeout(HEAD_WITHIN)
                .keep_alive(KEEP_ALIVE)
                .finish(map_config(service, |()| AppConfig::default()));
            fn_service(accepted).and_then(http)
        })?
        .run();
    Ok(Server::of(address, running))
}

/// What begins an HTTP/2 connection, as far as needed to tell (RFC 9113 section 3.4).
const PREFACE: &[u8; 12] = b"PRI * HTTP/2";

/// Tells the protocol of a new connection from its first bytes. One that says nothing for as long
/// as a request's head may take is closed.
async fn accepted(
    stream: TcpStream,
) -> Result<(TitleCase, Protocol, Option<SocketAddr>), DispatchError> {
    let mut first = [0; PREFACE.len()];
    let late = |_| std::io::Error::from(std::io::ErrorKind::TimedOut);
    timeout(HEAD_WITHIN, stream.peek(&mut first)).await.map_err(late)??;
    let http1 = first != *PREFACE;
    let protocol = if http1 { Protocol::Http1 } else { Protocol::Http2 };
    // Replies are written as a whole; waiting for more to send with them only costs time.
    stream.set_nodelay(true)?;
    let peer = stream.peer_addr().ok();
    Ok((TitleCase { stream, http1 }, protocol, peer))
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

    /// Serves until SIGTERM or SIGINT, and then until what was accepted is finished.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self) -> std::io::Result<()> {
        self.running.await
    }
}
