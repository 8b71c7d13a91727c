//! The second listener, for operators: `/metrics`, and `/health/*` again. It is meant for an
//! address that only they reach.

use std::net::SocketAddr;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol};
use actix_server::Server as Sockets;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::rt::net::TcpStream;
use actix_web::{HttpRequest, HttpResponse, web};

use super::server::Server;
use super::title_case::TitleCase;
use super::{Exchange, health, reply};
use crate::app::App;

/// Binds the operators' address. Port 0 picks a free one.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(app: web::Data<App>, address: SocketAddr) -> std::io::Result<Server> {
    let listener = std::net::TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let bounds = app.bounds;
    let running = Sockets::build()
        .workers(1)
        // The service's own listener is what waits for the end; this one goes with it.
        .disable_signals()
        .listen("operators", listener, move || {
            let service = actix_web::App::new()
                .app_data(app.clone())
                .default_service(web::to(answer))
                .into_factory()
                .map_err(|error: actix_web::Error| error.error_response());
            let http = HttpService::build()
                .client_request_timeout(bounds.head)
                .client_disconnect_timeout(bounds.farewell)
                .keep_alive(bounds.idle)
                .finish(map_config(service, |()| AppConfig::default()));
            fn_service(accepted).and_then(http)
        })?
        .run();
    Ok(Server::of(address, running))
}

/// Operators speak HTTP/1, and are trusted not to let it wait.
async fn accepted(
    stream: TcpStream,
) -> Result<(TitleCase<TcpStream>, Protocol, Option<SocketAddr>), DispatchError> {
    let peer = stream.peer_addr().ok();
    Ok((TitleCase { stream }, Protocol::Http1, peer))
}

async fn answer(app: web::Data<App>, request: HttpRequest) -> HttpResponse {
    let exchange = match Exchange::begin(&app, &request) {
        Ok(exchange) => exchange,
        Err(error) => return reply::bare(&error),
    };
    let response = match (request.method().as_str(), request.path()) {
        ("GET" | "HEAD", "/metrics") => metrics(&app).await,
        ("GET" | "HEAD", "/health/live") => health::live(),
        ("GET" | "HEAD", "/health/ready") => health::ready(&app).await,
        _ => reply::nothing_here(),
    };
    // What operators ask is not counted among what clients do.
    reply::labelled(&exchange, response)
}

async fn metrics(app: &App) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(app.metrics.scraped(app).await);
    let label =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, label);
    response
}
