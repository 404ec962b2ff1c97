//! `elman synth` and `elman word` as a user meets them, with a stub for espeak-ng: what they write, what is an error, where they go on.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A folder with a program espeak-ng and caches of its own.
struct Desk(tempfile::TempDir);

/// Writes a wav for the speed and pitch that it is asked for, and appends the word as samples, so that no two words are the same.
const ESPEAK: &str = r#"#!/bin/sh
case "$1" in --version) echo stub; exit 0;; esac
while [ $# -gt 1 ]; do
  case "$1" in
    -v) case "$2" in en*) ;; *) echo "Error: The specified espeak-ng voice does not exist." >&2; exit 1;; esac;;
    -s) speed=$2;;
    -p) pitch=$2;;
  esac
  shift
done
cat "$(dirname "$0")/wav/$speed-$pitch.wav"
printf '%s' "$1$1"
"#;

/// A tone whose pitch and length follow from the numbers, swelling and falling, between pauses: 16 kHz.
fn wav(speed: u32, pitch: u32) -> Vec<u8> {
    let n = 16_000 * 80 / speed as usize;
    let tone = |i: usize| {
        let (along, phase) = (i as f64 / n as f64, i as f64 * (0.03 + 0.001 * f64::from(pitch)));
        (9000.0 * (std::f64::consts::PI * along).sin() * (phase.sin() + (2.3 * phase).sin())) as i16
    };
    let pause = || std::iter::repeat_n(0i16, 3000);
    let samples: Vec<i16> = pause().chain((0..n).map(tone)).chain(pause()).collect();
    elman_data::wav_bytes(&samples, 16_000)
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("bin/wav")).unwrap();
        for speed in [130, 160, 190, 115, 220, 145, 175] {
            for pitch in [50, 30, 70, 40, 60, 20, 80, 45, 65, 35, 75] {
                std::fs::write(dir.path().join(format!("bin/wav/{speed}-{pitch}.wav")), wav(speed, pitch)).unwrap();
            }
        }
        let program = dir.path().join("bin/espeak-ng");
        std::fs::write(&program, ESPEAK).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Desk(dir)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_elman"));
        command.args(args).current_dir(self.0.path()).env("XDG_CACHE_HOME", self.at("cache"));
        command.env("ELMAN_CACHE", self.at("vectors"));
        command.env("PATH", format!("{}:/usr/bin:/bin", self.at("bin").display()));
        command
    }

    fn ok(&self, args: &[&str]) -> (String, String) {
        let Output { status, stdout, stderr } = self.command(args).output().unwrap();
        let [stdout, stderr] = [stdout, stderr].map(|b| String::from_utf8(b).unwrap());
        assert!(status.success(), "{args:?}: {stderr}");
        (stdout, stderr)
    }

    /// The code and message of a command that fails.
    fn fails(&self, args: &[&str]) -> (i32, String) {
        let out = self.command(args).output().unwrap();
        assert!(!out.status.success(), "{args:?}");
        (out.status.code().unwrap(), String::from_utf8(out.stderr).unwrap())
    }
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn words_are_spoken_into_a_corpus_and_again_from_the_cache() {
    let desk = Desk::new();
    let args = ["synth", "lamp", "hey lamp", "--to", "c", "--count", "6", "--rooms", "0.5", "--held", "0.34"];
    let (out, _) = desk.ok(&args);
    assert_eq!(out, "12 clips of lamp, hey lamp in c\n");
    let names = files(&desk.at("c/hey_lamp"));
    assert_eq!(names.len(), 6);
    assert!(
        names.iter().any(|n| n.contains("-room_nohash_")) && names.iter().any(|n| !n.contains("-room")),
        "{names:?}"
    );
    let list = std::fs::read_to_string(desk.at("c/validation_list.txt")).unwrap();
    assert_eq!(list.lines().count(), 4, "{list}");
    assert!(list.lines().all(|name| desk.at("c").join(name).is_file()));
    // Without the program everything comes from the cache, with the same bits.
    let before = std::fs::read(desk.at("c/hey_lamp").join(&names[0])).unwrap();
    std::fs::remove_dir_all(desk.at("c")).unwrap();
    std::fs::remove_dir_all(desk.at("bin/wav")).unwrap();
    desk.ok(&args);
    assert_eq!(files(&desk.at("c/hey_lamp")), names);
    assert_eq!(std::fs::read(desk.at("c/hey_lamp").join(&names[0])).unwrap(), before);
}

#[test]
fn texts_of_one_label_come_from_a_file() {
    let desk = Desk::new();
    std::fs::write(desk.at("texts.txt"), "one\n\n  two \nthree\n").unwrap();
    desk.ok(&["synth", "--texts", "texts.txt", "--label", "unknown", "--to", "c", "--count", "2"]);
    assert_eq!(files(&desk.at("c/unknown")).len(), 6);
    std::fs::write(desk.at("phonemes.txt"), "/blˈip/\n").unwrap();
    let (_, text) = desk.fails(&["synth", "--texts", "phonemes.txt", "--label", "unknown", "--to", "d"]);
    assert!(text.contains("neural voice"), "{text}");
}

#[test]
fn clips_that_do_not_count_are_dropped_and_said() {
    let desk = Desk::new();
    let hum: Vec<i16> = (0..16_000).map(|i| ((f64::from(i) * 0.05).sin() * 8000.0) as i16).collect();
    std::fs::write(desk.at("bin/wav/130-50.wav"), elman_data::wav_bytes(&hum, 16_000)).unwrap();
    let (out, notes) = desk.ok(&["synth", "lamp", "--to", "c", "--count", "5"]);
    assert!(notes.contains("note: 1 dropped: 1 without a voice"), "{notes}");
    // Another manner took its place.
    assert_eq!(out, "5 clips of lamp in c\n");
    for entry in std::fs::read_dir(desk.at("bin/wav")).unwrap() {
        std::fs::write(entry.unwrap().path(), elman_data::wav_bytes(&[0; 8000], 16_000)).unwrap();
    }
    let (code, text) = desk.fails(&["synth", "window", "--to", "d", "--count", "2"]);
    assert!(code == 1 && text.contains("no clip of \"window\" counts: 8 dropped: 8 without a voice"), "{text}");
}

#[test]
fn what_cannot_be_spoken_is_an_error_with_the_way_out() {
    let desk = Desk::new();
    let long = "a".repeat(500);
    for (word, part) in [
        ("", "no letter"),
        ("  ", "no letter"),
        ("42", "numbers are written out"),
        (&long[..], "500 characters; a word or phrase to detect has at most 100"),
        ("../../etc", "cannot name a folder"),
    ] {
        for command in ["synth", "word"] {
            let (code, text) = desk.fails(&[command, word, "--to", "c"]);
            assert!(code == 2 && text.contains(part), "{command} {word:?}: {text}");
        }
    }
    assert!(!desk.at("c").exists());
    let (code, text) = desk.fails(&["synth", "lamp", "--to", "c", "--language", "tlh"]);
    assert!(code == 1 && text.contains("does not exist") && text.contains("tlh"), "{text}");
    let (code, text) = desk.fails(&["word", "silence", "--to", "c"]);
    assert!(code == 2 && text.contains("`silence` is the name of what is no word"), "{text}");
    let (code, text) = desk.fails(&["word", "lamp", "--to", "c", "--board", "pika"]);
    assert!(code == 2 && text.contains("pico"), "{text}");
    let (code, text) = desk.fails(&["synth", "lamp", "door", "--to", "c", "--phonemes", "blˈip"]);
    assert!(code == 2 && text.contains("one word"), "{text}");
    assert_eq!(desk.fails(&["synth", "lamp", "--to", "c", "--rooms", "2"]).0, 2);
    assert_eq!(desk.fails(&["synth", "lamp", "--to", "c", "--count", "0"]).0, 2);
}

#[test]
fn a_voice_that_is_missing_or_damaged_is_named() {
    let desk = Desk::new();
    let (_, text) = desk.fails(&["synth", "lamp", "--to", "c", "--voice", "kokoro"]);
    assert!(text.contains("kokoro-js-1.2.1.tgz is missing; `elman synth --setup` fetches it"), "{text}");
    let store = desk.at("cache/elman/voices");
    std::fs::create_dir_all(store.join("python/bin")).unwrap();
    for name in ["kokoro-v1.0.int8.onnx", "kokoro-js-1.2.1.tgz", "python/bin/python"] {
        std::fs::write(store.join(name), b"half of it").unwrap();
    }
    // The neural voice is the usual one now, as its files are there.
    let (_, text) = desk.fails(&["synth", "lamp", "--to", "c"]);
    assert!(text.contains("is damaged") || text.contains("nothing to speak"), "{text}");
    std::fs::remove_file(desk.at("bin/espeak-ng")).unwrap();
    let mut command = desk.command(&["synth", "lamp", "--to", "c", "--voice", "espeak-ng"]);
    let out = command.env("PATH", desk.at("bin")).output().unwrap();
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(!out.status.success() && text.contains("apt-get install espeak-ng"), "{text}");
}

const WORD: [&str; 8] = ["word", "hey lamp", "--to", "w", "--preset", "tiny", "--voice", "espeak-ng"];

/// `elman word` with these flags too; stdout as JSON, and stderr.
fn word(desk: &Desk, more: &[&str]) -> (Value, String) {
    let args: Vec<&str> = WORD.iter().chain(more).copied().chain(["--json"]).collect();
    let (out, notes) = desk.ok(&args);
    (serde_json::from_str(&out).unwrap(), notes)
}

/// Any number of false accepts: a network of three epochs detects nothing.
const ANY: [&str; 2] = ["--false-accepts-per-hour", "100000"];

#[test]
fn a_word_is_made_in_steps_that_are_commands_and_are_not_done_twice() {
    let desk = Desk::new();
    let (made, notes) = word(&desk, &ANY);
    let steps: Vec<&str> = notes.lines().filter_map(|l| l.strip_prefix("step: ")).collect();
    let verbs: Vec<&str> = steps.iter().filter_map(|s| s.split(' ').nth(1)).collect();
    assert_eq!(verbs, ["synth", "synth", "synth", "train", "quantize", "calibrate"], "{notes}");
    assert!(steps[0].contains("\"hey lamp\"") && steps[1].contains("--texts w/close.txt --label close"), "{steps:?}");
    let model = desk.at("w/hey_lamp.elman");
    let blob = std::fs::read(&model).unwrap();
    assert_eq!(made["blob_bytes"], blob.len());
    assert!(desk.at("w/run/report.html").is_file() && desk.at("w/recipe.toml").is_file());
    let close = std::fs::read_to_string(desk.at("w/close.txt")).unwrap();
    assert!(close.lines().any(|l| l == "lamp") && close.lines().any(|l| l == "hey"), "{close}");
    // Again: nothing is left to do.
    let (again, notes) = word(&desk, &ANY);
    assert!(!notes.contains("step: "), "{notes}");
    assert_eq!((&again["blob_bytes"], &again["missed"]), (&made["blob_bytes"], &made["missed"]));
    // A step that was not finished is done again, with the same bits.
    std::fs::remove_file(desk.at("w/spoken.json")).unwrap();
    std::fs::remove_dir_all(desk.at("w/run")).unwrap();
    word(&desk, &ANY);
    assert!(std::fs::read(&model).unwrap() == blob);
    // Another word goes into another folder.
    let (code, text) = desk.fails(&["word", "hello", "--to", "w", "--preset", "tiny", "--voice", "espeak-ng"]);
    assert!(code == 2 && text.contains("w was made with other flags (for \"hey lamp\")"), "{text}");
}

#[test]
fn a_word_whose_training_was_killed_goes_on_and_ends_with_the_same_bits() {
    let desk = Desk::new();
    let long = ["--set", "train.epochs=12"];
    let more: Vec<&str> = long.iter().chain(&ANY).copied().collect();
    let args: Vec<&str> = WORD.iter().chain(&more).copied().collect();
    let mut child = desk.command(&args).stderr(std::process::Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while !desk.at("w/run/checkpoint.safetensors").exists() && start.elapsed() < Duration::from_secs(120) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let (_, notes) = word(&desk, &more);
    assert!(notes.contains("is complete"), "{notes}");
    let resumed = std::fs::read(desk.at("w/hey_lamp.elman")).unwrap();
    std::fs::remove_dir_all(desk.at("w")).unwrap();
    word(&desk, &more);
    assert!(std::fs::read(desk.at("w/hey_lamp.elman")).unwrap() == resumed);
}

#[test]
fn recordings_of_people_join_the_clips() {
    let desk = Desk::new();
    for (folder, n) in [("hey_lamp", 6), ("door", 6)] {
        std::fs::create_dir_all(desk.at("people").join(folder)).unwrap();
        for k in 0..n {
            let name = format!("people/{folder}/p{}_nohash_{k}.wav", k % 3);
            std::fs::write(desk.at(&name), wav(100 + 10 * k, 20 + k)).unwrap();
        }
    }
    let more: Vec<&str> = ["--people", "people"].iter().chain(&ANY).copied().collect();
    let (_, notes) = word(&desk, &more);
    assert!(notes.contains("recordings of people: 6 of the word, 6 of other words"), "{notes}");
    assert_eq!(files(&desk.at("w/clips/people")).len(), 6);
    assert!(files(&desk.at("w/clips/hey_lamp")).iter().filter(|n| n.starts_with("0-p")).count() == 6);
}
