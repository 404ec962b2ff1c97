//! What happens, as a stream or by asking again.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Serialize;
use serde_json::value::RawValue;

use super::{Params, Shared, parsed};
use crate::Studio;
use crate::error::{Answer, json};
use crate::feed::Happening;

/// Longest that an answer may wait, in seconds.
const MOST_WAIT: u64 = 25;

struct Reader {
    studio: Arc<Studio>,
    next: u64,
    ready: VecDeque<Event>,
}

fn event(Happening { id, kind, data }: &Happening) -> Event {
    Event::default().id(id.to_string()).event(*kind).data(&**data)
}

impl Reader {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Reader)> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some((Ok(event), self));
            }
            let since = self.studio.feed.since(self.next);
            self.next = since.next;
            if since.lost {
                self.ready.push_back(Event::default().id(since.next.to_string()).event("lost").data("{}"));
            }
            self.ready.extend(since.events.iter().map(event));
            if self.ready.is_empty() {
                self.studio.feed.after(self.next).await;
            }
        }
    }
}

pub(crate) async fn stream(
    State(studio): Shared,
    Query(params): Params,
    headers: HeaderMap,
) -> Result<Response, crate::error::Fault> {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let next = last.map_or_else(|| parsed(&params, "since", studio.feed.last()), Ok)?;
    // A first event says that the stream stands.
    let ready = VecDeque::from([Event::default().comment("elman")]);
    let reader = Reader { studio, next, ready };
    let keep = KeepAlive::new().interval(Duration::from_secs(15));
    Ok(Sse::new(stream::unfold(reader, Reader::next)).keep_alive(keep).into_response())
}

#[derive(Serialize)]
struct Shown<'a> {
    id: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    data: &'a RawValue,
}

#[derive(Serialize)]
struct Changes<'a> {
    next: u64,
    lost: bool,
    events: Vec<Shown<'a>>,
}

pub(crate) async fn changes(State(studio): Shared, Query(params): Params) -> Answer {
    let from = parsed(&params, "since", studio.feed.last())?;
    let wait = parsed(&params, "wait", 0u64)?.min(MOST_WAIT);
    if from == studio.feed.last() && wait > 0 {
        // Where nothing happens, the answer has no events.
        let _ = tokio::time::timeout(Duration::from_secs(wait), studio.feed.after(from)).await;
    }
    let since = studio.feed.since(from);
    let shown = |h: &'_ Happening| -> Option<(u64, &'static str, Box<RawValue>)> {
        Some((h.id, h.kind, RawValue::from_string(h.data.to_string()).ok()?))
    };
    let events: Vec<_> = since.events.iter().filter_map(shown).collect();
    let events = events.iter().map(|(id, kind, data)| Shown { id: *id, kind, data }).collect();
    Ok(json(&Changes { next: since.next, lost: since.lost, events }))
}
