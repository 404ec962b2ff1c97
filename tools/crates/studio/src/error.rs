//! Errors as the page gets them: a status, a short code, and a sentence with the way out.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use elman_recipe::Usage;
use serde::Serialize;

/// What is wrong with a request.
#[derive(Debug)]
pub struct Fault {
    status: StatusCode,
    reason: &'static str,
    text: String,
}

/// What a handler gives.
pub type Answer = Result<Response, Fault>;

impl Fault {
    /// With this status, code and sentence.
    pub fn new(status: StatusCode, reason: &'static str, text: impl Into<String>) -> Self {
        Fault { status, reason, text: text.into() }
    }

    /// The request says something that cannot be.
    pub fn bad(text: impl Into<String>) -> Self {
        Fault::new(StatusCode::BAD_REQUEST, "bad-request", text)
    }

    /// The request is not allowed.
    pub fn forbidden(text: impl Into<String>) -> Self {
        Fault::new(StatusCode::FORBIDDEN, "forbidden", text)
    }

    /// What it names is not there.
    pub fn not_found(text: impl Into<String>) -> Self {
        Fault::new(StatusCode::NOT_FOUND, "not-found", text)
    }

    /// Something stands in its way.
    pub fn conflict(reason: &'static str, text: impl Into<String>) -> Self {
        Fault::new(StatusCode::CONFLICT, reason, text)
    }

    /// What it brings does not pass a gate.
    pub fn gate(reason: &'static str, text: impl Into<String>) -> Self {
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, reason, text)
    }

    /// The sentence.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The code.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl From<anyhow::Error> for Fault {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast_ref::<Usage>() {
            Some(_) => Fault::bad(format!("{error:#}")),
            None => Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "failed", format!("{error:#}")),
        }
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        anyhow::Error::from(error).into()
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    error: &'a str,
    reason: &'a str,
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = json(&Shown { error: &self.text, reason: self.reason });
        *response.status_mut() = self.status;
        response
    }
}

/// A value as JSON.
pub fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => ([(header::CONTENT_TYPE, "application/json")], bytes).into_response(),
        Err(e) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{{\"error\":\"{e}\"}}")).into_response(),
    }
}
