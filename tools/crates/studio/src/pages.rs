//! Files of the page, which are part of the program.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::error::{Answer, Fault};

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// The device's code for the browser: bindings/wasm, as `cargo xtask studio` builds it.
pub(crate) const CORE: &[u8] = include_bytes!("../core.wasm");

fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" | "map" | "webmanifest" => "application/json",
        "wasm" => "application/wasm",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}

/// A file by its path.
pub(crate) fn file(path: &str) -> Answer {
    let wanted = if path == "/" { "/index.html" } else { path };
    let found = FILES.iter().find(|(name, _)| *name == wanted);
    let (name, bytes) = found.ok_or_else(|| Fault::not_found(format!("there is no {path} here; the page is at /")))?;
    Ok(typed(mime(name), *bytes))
}

/// Bytes of a type, which the browser takes as what they are said to be.
pub(crate) fn typed(mime: &'static str, bytes: impl Into<axum::body::Body>) -> Response {
    ([(header::CONTENT_TYPE, mime)], bytes.into()).into_response()
}
