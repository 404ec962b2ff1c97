//! The neural voice: Kokoro-82M, run by onnxruntime in a Python process of its own.
//!
//! One process speaks on one core; there are as many as threads ask at the same time. Python fetches the network's packages, so it
//! is there; a runtime in this program would be another library of 35 MB.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, ensure};

use crate::manner::style;
use crate::phonemes;
use crate::store::{MODEL, Store};

/// Samples a second of the voice.
pub const RATE: u32 = 24_000;
/// Most samples of an answer: a minute.
const MOST: u32 = 60 * RATE;

/// The program that speaks.
const WORKER: &str = include_str!("worker.py");

/// The neural voice.
#[derive(Debug)]
pub struct Kokoro {
    python: PathBuf,
    model: PathBuf,
    speakers: BTreeMap<String, Vec<f32>>,
    idle: Mutex<Vec<Worker>>,
}

/// A process that speaks.
#[derive(Debug)]
struct Worker {
    child: Child,
    requests: Option<ChildStdin>,
    answers: ChildStdout,
}

impl Kokoro {
    /// With the files of a store, which are checked in full.
    ///
    /// # Errors
    /// Where a file is missing or damaged.
    pub fn open(store: &Store) -> Result<Self> {
        let speakers = store.speakers()?;
        store.read(MODEL)?;
        let (python, model) = (store.python(), store.path(MODEL));
        ensure!(python.is_file(), "{} is missing; `elman synth --setup` makes it", python.display());
        Ok(Kokoro { python, model, speakers, idle: Mutex::default() })
    }

    /// Names of the speakers.
    pub fn speakers(&self) -> impl Iterator<Item = &String> {
        self.speakers.keys()
    }

    /// Speaks phonemes: samples at [`RATE`].
    ///
    /// # Errors
    /// Where a phoneme or speaker is unknown, or the process fails.
    pub fn speak(&self, phonemes: &str, speakers: &[(String, f32)], speed: f32) -> Result<Vec<i16>> {
        let tokens = phonemes::tokens(phonemes)?;
        let style = style(&self.speakers, speakers, tokens.len()).with_context(|| {
            format!("there is no speaker {}", speakers.iter().map(|s| s.0.as_str()).collect::<Vec<_>>().join(" or "))
        })?;
        let waiting = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = waiting.map_or_else(|| Worker::start(&self.python, &self.model), Ok)?;
        let spoken = worker.speak(&tokens, &style, speed);
        match spoken {
            Ok(samples) => {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
                Ok(samples)
            }
            Err(e) => Err(e.context(format!("the neural voice failed for `{phonemes}`{}", worker.last_words()))),
        }
    }
}

impl Worker {
    fn start(python: &PathBuf, model: &PathBuf) -> Result<Self> {
        let mut child = Command::new(python)
            .args(["-c", WORKER])
            .arg(model)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("{} does not start; `elman synth --setup` makes it again", python.display()))?;
        let requests = child.stdin.take();
        let answers = child.stdout.take().context("the process has no output")?;
        Ok(Worker { child, requests, answers })
    }

    fn speak(&mut self, tokens: &[u16], style: &[f32], speed: f32) -> Result<Vec<i16>> {
        // The network reads a 0 on both sides.
        let tokens: Vec<u16> = [0].into_iter().chain(tokens.iter().copied()).chain([0]).collect();
        let mut request = (tokens.len() as u32).to_le_bytes().to_vec();
        request.extend(speed.to_le_bytes());
        request.extend(tokens.iter().flat_map(|t| t.to_le_bytes()));
        request.extend(style.iter().flat_map(|x| x.to_le_bytes()));
        let requests = self.requests.as_mut().context("the process has no input")?;
        requests.write_all(&request)?;
        requests.flush()?;
        let mut head = [0; 4];
        self.answers.read_exact(&mut head)?;
        let count = u32::from_le_bytes(head);
        ensure!(count <= MOST, "{count} samples are more than a minute");
        let mut bytes = vec![0; 4 * count as usize];
        self.answers.read_exact(&mut bytes)?;
        let sample = |b: &[u8]| b.try_into().map(f32::from_le_bytes).unwrap_or_default();
        let samples: Vec<f32> = bytes.chunks_exact(4).map(sample).collect();
        // Some voices go beyond full scale.
        let peak = samples.iter().fold(1.0f32, |peak, x| peak.max(x.abs()));
        Ok(samples.iter().map(|x| (x / peak * 32_767.0).round() as i16).collect())
    }

    /// What the process said when it ended.
    fn last_words(mut self) -> String {
        drop(self.requests.take());
        let mut text = String::new();
        if let Some(mut said) = self.child.stderr.take() {
            let _ = self.child.kill();
            let _ = said.read_to_string(&mut text);
        }
        text.lines().rev().find(|line| !line.trim().is_empty()).map_or_else(String::new, |line| format!(": {line}"))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when it has no more requests.
        drop(self.requests.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A voice whose process is this shell script.
    fn voice(folder: &std::path::Path, script: &str) -> Kokoro {
        let python = folder.join("python");
        std::fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&python, std::fs::Permissions::from_mode(0o755)).unwrap();
        let table = vec![0.0; crate::store::STYLE_ROWS * crate::store::STYLE];
        let speakers = BTreeMap::from([("af_test".to_owned(), table)]);
        Kokoro { python, model: folder.join("model"), speakers, idle: Mutex::default() }
    }

    fn said(voice: &Kokoro) -> Result<Vec<i16>> {
        voice.speak("hˈA", &[("af_test".to_owned(), 1.0)], 1.0)
    }

    #[test]
    fn samples_come_from_the_process_and_it_is_asked_again() {
        let dir = tempfile::tempdir().unwrap();
        // 0.5, -1, 2: louder than full scale. A request has 8 + 2 * 5 + 4 * 256 bytes.
        let once = "head -c 1042 >/dev/null; printf '\\003\\000\\000\\000\\000\\000\\000\\077\\000\\000\\200\\277\\000\\000\\000\\100'";
        let voice = voice(dir.path(), &format!("{once}; {once}"));
        assert_eq!(said(&voice).unwrap(), [8192, -16_384, 32_767]);
        assert_eq!(said(&voice).unwrap(), [8192, -16_384, 32_767]);
        assert_eq!(voice.idle.lock().unwrap().len(), 1);
    }

    #[test]
    fn a_process_that_fails_is_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let voice = voice(dir.path(), "echo 'no module named onnxruntime' >&2; exit 1");
        let error = format!("{:#}", said(&voice).unwrap_err());
        assert!(error.contains("failed for `hˈA`") && error.contains("no module named onnxruntime"), "{error}");
        assert!(
            voice
                .speak("hˈA", &[("nobody".to_owned(), 1.0)], 1.0)
                .unwrap_err()
                .to_string()
                .contains("no speaker nobody")
        );
        let missing = Kokoro { python: dir.path().join("none"), ..voice };
        assert!(format!("{:#}", said(&missing).unwrap_err()).contains("elman synth --setup"));
    }
}
