//! Ctrl-C and SIGTERM in a command that would rather end between two steps than in one.
//!
//! Commands that do not call [`watch`] end at once, as files are written whole or not at all. One that does sees
//! [`interrupted`] and ends by itself; where it does not within 600 ms, the process is ended for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a command may take to end by itself.
const GRACE: Duration = Duration::from_millis(600);

/// What is done and printed when a command is ended.
type Last = Box<dyn FnOnce() -> String + Send>;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static LAST: Mutex<Option<Last>> = Mutex::new(None);
static WHOLE: Mutex<Option<Last>> = Mutex::new(None);

/// Whether the user wants the command to end.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// From here on, an interruption sets [`interrupted`]; where the command is still there 600 ms later, `last` cleans up, its
/// result is printed as the error, and the process ends. A second interruption ends it at once. A later call replaces `last`.
pub fn watch(last: impl FnOnce() -> String + Send + 'static) {
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(last));
    handle();
}

/// As [`watch`], of a command that runs others: `last` is done after theirs, and what it says is printed instead.
pub fn watch_whole(last: impl FnOnce() -> String + Send + 'static) {
    *WHOLE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(last));
    handle();
}

fn handle() {
    // The handler can be set once a process.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        std::thread::spawn(|| {
            std::thread::sleep(GRACE);
            let said = [&LAST, &WHOLE]
                .into_iter()
                .filter_map(|last| last.lock().unwrap_or_else(PoisonError::into_inner).take())
                .map(|last| last())
                .last();
            eprintln!("error: {}", said.unwrap_or_else(|| "interrupted".to_owned()));
            std::process::exit(1);
        });
    });
}
