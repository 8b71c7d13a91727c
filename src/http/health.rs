//! Whether the service is alive, and whether it can do its work.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};

use crate::app::App;
use crate::error::Error;
use crate::random;

/// The process answers.
#[must_use]
pub fn live() -> HttpResponse {
    reply(StatusCode::OK, "{\"status\":\"live\"}")
}

/// The database answers too, with the schema that this program knows, and every configured sealing
/// key is the one that it was when it was first used.
pub async fn ready(app: &App) -> HttpResponse {
    match app.store.ready().await {
        Ok(true) => {}
        Ok(false) => return unready("schema"),
        Err(_) => return unready("database"),
    }
    match sealing(app).await {
        Ok(true) => reply(StatusCode::OK, "{\"status\":\"ready\"}"),
        Ok(false) => unready("sealing"),
        Err(_) => unready("database"),
    }
}

/// Opens the canary of each configured sealing key; keeps one where there is none yet. Somebody who
/// configures other bytes under an id that is in use hears of it before a secret is lost.
async fn sealing(app: &App) -> Result<bool, Error> {
    let canaries = app.store.canaries().await?;
    for id in app.sealer.ids() {
        match canaries.iter().find(|canary| canary.sealing_key == id) {
            Some(canary) => {
                if app.sealer.open_canary(canary).is_err() {
                    tracing::error!(sealing_key = id, "a sealing key is not the one of that id");
                    return Ok(false);
                }
            }
            None => {
                if let Some(canary) = app.sealer.canary(id, random::bytes(&*app.random)?) {
                    app.store.add_canary(&canary).await?;
                }
            }
        }
    }
    Ok(true)
}

fn unready(what: &'static str) -> HttpResponse {
    tracing::warn!(what, "not ready");
    let body = format!("{{\"status\":\"not ready\",\"check\":\"{what}\"}}");
    reply(StatusCode::SERVICE_UNAVAILABLE, body)
}

fn reply(status: StatusCode, body: impl Into<String>) -> HttpResponse {
    let mut response = HttpResponse::new(status).set_body(body.into()).map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
