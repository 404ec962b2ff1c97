//! Output of the commands: figures to stdout, progress to stderr; with `--json` one object on stdout and everything
//! else on stderr.

use std::io::{IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

/// How a command prints.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ui {
    /// JSON on stdout instead of text: one object, or one a line for each event of `listen`.
    pub json: bool,
    /// Nothing at all: of a run among many.
    pub silent: bool,
}

impl Ui {
    /// A command that prints nothing.
    pub const SILENT: Ui = Ui { json: true, silent: true };

    /// A line for people: stdout, or stderr where stdout is for JSON.
    pub fn line(&self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if self.json {
            self.note(text);
        } else {
            print(text);
        }
    }

    /// A remark, on stderr.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.silent {
            let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
        }
    }

    /// The result as JSON, where it is asked for: one object. A list is its member `results`.
    ///
    /// # Errors
    /// Where it cannot be written as JSON.
    pub fn result(&self, value: &impl Serialize) -> anyhow::Result<()> {
        if self.json && !self.silent {
            let text = serde_json::to_string(value)?;
            print(&if text.starts_with('[') { format!("{{\"results\":{text}}}") } else { text });
        }
        Ok(())
    }

    /// One of many events, as it happens: a line of text, or of JSON where that is asked for.
    pub fn event(&self, value: &impl Serialize, text: impl AsRef<str>) {
        match serde_json::to_string(value) {
            Ok(json) if self.json && !self.silent => print(&json),
            _ => self.line(text),
        }
    }

    /// Progress through `total` steps: a bar on a terminal, a line now and then in a pipe.
    pub fn progress(&self, what: &str, total: u64) -> Progress {
        let bar = if !self.silent && std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(total);
            let style = ProgressStyle::with_template("{prefix} {wide_bar} {pos}/{len} {msg} {eta}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(what.to_owned());
            Some(bar)
        } else {
            None
        };
        Progress { bar, what: what.to_owned(), total, done: 0, silent: self.silent, last: Instant::now() }
    }
}

/// Why stdout could not be written, if that was so: a full disk for instance.
static FAILED: Mutex<Option<std::io::Error>> = Mutex::new(None);

/// A line on stdout.
fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    match writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        // A reader that has gone away (`| head`) is no error.
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            FAILED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
        }
        _ => {}
    }
}

/// Whether all that was printed got out.
///
/// # Errors
/// The first error of stdout.
pub fn printed() -> anyhow::Result<()> {
    match FAILED.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(e) => Err(anyhow::Error::new(e).context("the result could not be printed")),
        None => Ok(()),
    }
}

impl elman_pipeline::Reporter for Ui {
    fn note(&self, remark: &str) {
        Ui::note(self, remark);
    }
}

/// Progress of a long piece of work.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    what: String,
    total: u64,
    done: u64,
    silent: bool,
    last: Instant,
}

impl Progress {
    /// One more step is done; `message` is its result.
    pub fn step(&mut self, message: impl Into<String>) {
        self.done += 1;
        let message = message.into();
        match &self.bar {
            Some(bar) => {
                bar.set_message(message);
                bar.set_position(self.done);
            }
            None if self.silent => {}
            None if self.last.elapsed() > Duration::from_secs(2) || self.done == self.total => {
                self.last = Instant::now();
                let _ = writeln!(std::io::stderr().lock(), "{} {}/{} {message}", self.what, self.done, self.total);
            }
            None => {}
        }
    }

    /// So many steps are done; `message` is the result of the last.
    pub fn set(&mut self, done: u64, message: impl Into<String>) {
        if done > self.done {
            self.done = done - 1;
            self.step(message);
        }
    }

    /// Ends it.
    pub fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// A number of bytes with its unit.
pub fn bytes(n: usize) -> String {
    match n {
        0..10_000 => format!("{n} B"),
        10_000..10_000_000 => format!("{:.1} KB", n as f64 / 1024.0),
        _ => format!("{:.1} MB", n as f64 / 1024.0 / 1024.0),
    }
}

/// A whole number with separators between thousands.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (k, d) in digits.chars().enumerate() {
        if k > 0 && (digits.len() - k).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

/// A share as a percentage.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(bytes(9_999), "9999 B");
        assert_eq!(bytes(20_480), "20.0 KB");
        assert_eq!(percent(0.985), "98.5 %");
    }
}
