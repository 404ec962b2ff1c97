//! What can be asked, a file for each view of the page.

mod classes;
mod clips;
mod data;
mod device;
mod events;
mod judge;
mod recipes;
mod runs;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{DefaultBodyLimit, Query, Request, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post, put};
use serde::de::DeserializeOwned;

use crate::error::{Answer, Fault, json};
use crate::project::Kind;
use crate::{Studio, access, pages};

/// The studio as handlers get it.
pub(crate) type Shared = State<Arc<Studio>>;
/// Parameters of an address.
pub(crate) type Params = Query<HashMap<String, String>>;

/// Largest body that is no file, in bytes.
const SMALL: usize = 1 << 20;
/// Largest file, in bytes.
const LARGE: usize = 64 << 20;
/// How long a body may take.
const BODY_TIME: Duration = Duration::from_secs(60);

/// All routes, with the guard before them.
pub(crate) fn router(studio: Arc<Studio>) -> Router {
    let api = Router::new()
        .route("/api/project", get(classes::project))
        .route("/api/events", get(events::stream))
        .route("/api/changes", get(events::changes))
        .route("/api/classes", get(classes::classes).post(classes::add_class).delete(classes::remove_class))
        .route("/api/classes/rename", post(classes::rename_class))
        .route("/api/clips", get(data::list).put(data::upload))
        .route("/api/clips/check", post(data::check))
        .route("/api/clips/move", post(data::shift))
        .route("/api/clips/exclude", post(data::exclude))
        .route("/api/clips/include", post(data::include))
        .route("/api/clips/delete", post(data::remove))
        .route("/api/undo", post(data::undo))
        .route("/api/journal", get(data::journal))
        .route("/api/clip", get(clips::file))
        .route("/api/clip/features", get(clips::features))
        .route("/api/clip/track", get(clips::track))
        .route("/api/table", get(clips::table))
        .route("/api/synth", post(runs::synth))
        .route("/api/presets", get(recipes::presets))
        .route("/api/recipe", get(recipes::recipe))
        .route("/api/recipe/check", post(recipes::check))
        .route("/api/recipes", put(recipes::store))
        .route("/api/jobs", get(runs::jobs))
        .route("/api/jobs/{id}", get(runs::job))
        .route("/api/jobs/{id}/cancel", post(runs::cancel));
    let runs = Router::new()
        .route("/api/runs", get(runs::list).post(runs::start))
        .route("/api/runs/{name}", get(runs::one).merge(delete(runs::remove)))
        .route("/api/runs/{name}/pause", post(runs::pause))
        .route("/api/runs/{name}/resume", post(runs::resume))
        .route("/api/runs/{name}/stop", post(runs::stop))
        .route("/api/runs/{name}/do", post(runs::further))
        .route("/api/runs/{name}/report", get(judge::report))
        .route("/api/runs/{name}/judge", get(judge::judge))
        .route("/api/runs/{name}/tradeoff", get(judge::tradeoff).post(judge::play))
        .route("/api/runs/{name}/point", get(judge::point).post(judge::apply))
        .route("/api/runs/{name}/moment", get(judge::moment))
        .route("/api/runs/{name}/moment/track", get(judge::moment_track))
        .route("/api/runs/{name}/hard", post(judge::hard))
        .route("/api/runs/{name}/model", get(device::model))
        .route("/api/runs/{name}/device", get(device::device))
        .route("/api/runs/{name}/download", get(device::download))
        .route("/core.wasm", get(|| async { pages::typed("application/wasm", pages::CORE) }));
    api.merge(runs)
        .fallback(page)
        .method_not_allowed_fallback(|| async {
            Fault::new(StatusCode::METHOD_NOT_ALLOWED, "method", "this address takes another method")
        })
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(&studio), guard))
        .with_state(studio)
}

/// Checks who asks, and says what a browser may do with the answer.
async fn guard(State(studio): Shared, Query(params): Params, request: Request, next: Next) -> Response {
    let token = params.get("token").map(String::as_str);
    let checked = studio.access.check(request.method(), request.headers(), token);
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(fault) => fault.into_response(),
    };
    let headers = response.headers_mut();
    let fixed = |text: &'static str| HeaderValue::from_static(text);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(fixed(access::POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(fixed("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff"));
    headers.insert(header::REFERRER_POLICY, fixed("no-referrer"));
    headers.insert("cross-origin-opener-policy", fixed("same-origin"));
    headers.insert("cross-origin-resource-policy", fixed("same-origin"));
    response
}

/// The page, and with a token in the address the cookie for all that follows.
async fn page(State(studio): Shared, Query(params): Params, uri: Uri) -> Answer {
    let given = params.get("token").filter(|token| studio.access.is_token(token));
    if uri.path() == "/" && given.is_some() {
        let cookie = HeaderValue::from_str(&studio.access.cookie()).map_err(anyhow::Error::from)?;
        let headers = [(header::SET_COOKIE, cookie), (header::LOCATION, HeaderValue::from_static("/"))];
        return Ok((StatusCode::SEE_OTHER, headers).into_response());
    }
    pages::file(uri.path())
}

/// Runs what waits for a disk, or computes for a moment, off the threads that serve connections.
pub(crate) async fn blocking(studio: Arc<Studio>, work: impl FnOnce(&Studio) -> Answer + Send + 'static) -> Answer {
    let done = tokio::task::spawn_blocking(move || work(&studio)).await;
    done.unwrap_or_else(|_| {
        Err(Fault::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "failed",
            "the server made a mistake here; its log says where",
        ))
    })
}

/// As [`blocking`], a few at a time: what takes seconds does not keep lists waiting.
pub(crate) async fn computing(studio: Arc<Studio>, work: impl FnOnce(&Studio) -> Answer + Send + 'static) -> Answer {
    let shared = Arc::clone(&studio);
    let _place = shared.computing.acquire().await;
    blocking(studio, work).await
}

/// The bytes of a body.
async fn bytes(body: Body, most: usize) -> Result<Vec<u8>, Fault> {
    let too_large = || {
        let text = format!("it is larger than {} MiB, the most that is taken at once; cut it into pieces", most >> 20);
        Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", text)
    };
    match tokio::time::timeout(BODY_TIME, to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes.into()),
        Ok(Err(_)) => Err(too_large()),
        Err(_) => {
            let text = format!("it did not arrive within {} s; send it again", BODY_TIME.as_secs());
            Err(Fault::new(StatusCode::REQUEST_TIMEOUT, "slow", text))
        }
    }
}

/// A file in a body; few are in memory at a time.
pub(crate) async fn file(studio: &Studio, request: Request) -> Result<Vec<u8>, Fault> {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|n| n.to_str().ok()?.parse::<usize>().ok());
    if length.is_some_and(|n| n > LARGE) {
        let text = format!("it is larger than {} MiB, the most that is taken at once; cut it into pieces", LARGE >> 20);
        return Err(Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", text));
    }
    let _place = studio.bodies.acquire().await;
    bytes(request.into_body(), LARGE).await
}

/// JSON in a body; an empty one is an empty object.
pub(crate) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, Fault> {
    let bytes = bytes(request.into_body(), SMALL).await?;
    let text = if bytes.is_empty() { b"{}" } else { &bytes[..] };
    serde_json::from_slice(text).map_err(|e| Fault::bad(format!("the request is not as it should be: {e}")))
}

/// A parameter that must be there.
pub(crate) fn needed<'a>(params: &'a HashMap<String, String>, name: &str) -> Result<&'a str, Fault> {
    params.get(name).map(String::as_str).ok_or_else(|| Fault::bad(format!("the parameter {name} is missing")))
}

/// A parameter as a number or truth value.
pub(crate) fn parsed<T: std::str::FromStr>(
    params: &HashMap<String, String>,
    name: &str,
    default: T,
) -> Result<T, Fault> {
    match params.get(name) {
        None => Ok(default),
        Some(text) => text.parse().map_err(|_| Fault::bad(format!("the parameter {name} cannot be {text:?}"))),
    }
}

/// The kind that a request is about.
pub(crate) fn kind(params: &HashMap<String, String>) -> Result<Kind, Fault> {
    Kind::named(params.get("kind").map_or("", String::as_str))
}

/// An object of one number.
pub(crate) fn op(op: u64) -> Answer {
    Ok(json(&serde_json::json!({ "op": op })))
}
