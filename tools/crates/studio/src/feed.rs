//! What happens, in order: every tab reads the same list of events, and goes on where it was.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

/// Events that are kept for tabs that come late.
const KEPT: usize = 4096;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Happening {
    /// Its number, from 1.
    pub id: u64,
    /// Its type.
    pub kind: &'static str,
    /// JSON.
    pub data: Arc<str>,
}

/// What a reader missed.
#[derive(Debug)]
pub struct Since {
    /// Where to go on.
    pub next: u64,
    /// Whether some are not kept any more, or the number is of another server.
    pub lost: bool,
    /// The events after the number.
    pub events: Vec<Happening>,
}

/// The list of events.
#[derive(Debug)]
pub struct Feed {
    kept: Mutex<VecDeque<Happening>>,
    last: watch::Sender<u64>,
}

impl Default for Feed {
    fn default() -> Self {
        Feed { kept: Mutex::default(), last: watch::Sender::new(0) }
    }
}

impl Feed {
    /// Adds an event.
    pub fn add(&self, kind: &'static str, data: &impl Serialize) {
        let Ok(data) = serde_json::to_string(data) else { return };
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let id = *self.last.borrow() + 1;
        kept.push_back(Happening { id, kind, data: data.into() });
        if kept.len() > KEPT {
            kept.pop_front();
        }
        self.last.send_replace(id);
    }

    /// The number of the last event.
    pub fn last(&self) -> u64 {
        *self.last.borrow()
    }

    /// What came after an event.
    pub fn since(&self, id: u64) -> Since {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let next = *self.last.borrow();
        let first = kept.front().map_or(next + 1, |event| event.id);
        let lost = id > next || id + 1 < first;
        let events = if lost { Vec::new() } else { kept.iter().filter(|event| event.id > id).cloned().collect() };
        Since { next, lost, events }
    }

    /// Waits until there is an event after this one.
    pub async fn after(&self, id: u64) {
        let mut last = self.last.subscribe();
        // The sender is in self, which outlives this.
        let _ = last.wait_for(|last| *last != id).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_goes_on_where_it_was_or_learns_that_it_cannot() {
        let feed = Feed::default();
        assert_eq!((feed.since(0).next, feed.since(0).lost), (0, false));
        for k in 0..5000 {
            feed.add("data", &k);
        }
        let since = feed.since(4998);
        assert_eq!(since.events.iter().map(|e| e.data.to_string()).collect::<Vec<_>>(), ["4998", "4999"]);
        assert!((since.next, since.lost) == (5000, false) && feed.since(3).lost && feed.since(5001).lost);
        assert_eq!(feed.since((5000 - KEPT) as u64).events.len(), KEPT);
    }
}
