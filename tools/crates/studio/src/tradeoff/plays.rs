//! The runs that were played last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::Played;
use crate::error::Fault;

/// Runs whose probabilities are kept.
const KEPT: usize = 2;

/// The runs that were played last.
#[derive(Debug, Default)]
pub struct Plays {
    kept: Mutex<HashMap<String, (u64, Arc<Played>)>>,
}

impl Plays {
    /// Keeps a run's, and forgets the oldest of too many.
    pub fn keep(&self, run: &str, played: Played) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let last = kept.values().map(|(n, _)| *n).max().unwrap_or(0);
        kept.insert(run.to_owned(), (last + 1, Arc::new(played)));
        while kept.len() > KEPT {
            let Some(old) = kept.iter().min_by_key(|(_, (n, _))| *n).map(|(name, _)| name.clone()) else { return };
            kept.remove(&old);
        }
    }

    /// That of a run.
    ///
    /// # Errors
    /// Where it was not played.
    pub fn get(&self, run: &str) -> Result<Arc<Played>, Fault> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.get(run).map(|(_, played)| Arc::clone(played));
        found.ok_or_else(|| {
            let text = "no streams were played through this run's model yet; play them, and the curve follows";
            Fault::new(axum::http::StatusCode::NOT_FOUND, "not-played", text)
        })
    }
}
