//! The second listener, for operators: `/metrics`, and `/health/*` again. It is meant for an
//! address that only they reach.

use std::net::SocketAddr;

use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use actix_web::{HttpResponse, HttpServer, web};

use super::health;
use super::server::Server;
use crate::app::App;

/// Binds the operators' address. Port 0 picks a free one.
///
/// # Errors
/// When the address cannot be bound.
pub fn bind(app: web::Data<App>, address: SocketAddr) -> std::io::Result<Server> {
    let listener = std::net::TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let running = HttpServer::new(move || {
        actix_web::App::new()
            .app_data(app.clone())
            .route("/metrics", web::get().to(metrics))
            .route("/health/live", web::get().to(async || health::live()))
            .route("/health/ready", web::get().to(ready))
    })
    .workers(1)
    // The service's own listener is what waits for the end; this one goes with it.
    .disable_signals()
    .listen(listener)?
    .run();
    Ok(Server::of(address, running))
}

async fn metrics(app: web::Data<App>) -> HttpResponse {
    let mut response = HttpResponse::Ok().body(app.metrics.scraped(&app).await);
    let label =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, label);
    response
}

async fn ready(app: web::Data<App>) -> HttpResponse {
    health::ready(&app).await
}
