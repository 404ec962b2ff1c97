//! Folders as people and services leave them: what is read, what is a label, what is said of the rest.

use super::*;

fn said(corpus: &Corpus) -> String {
    corpus.notes.iter().map(|n| n.to_string()).collect::<Vec<_>>().join("\n")
}

fn counts(corpus: &Corpus) -> (usize, usize, usize) {
    (corpus.train.len(), corpus.valid.len(), corpus.test.len())
}

/// Clips low and high, `n` of each, by these names.
fn clips(dir: &Path, n: usize, name: impl Fn(&str, usize) -> String) {
    for i in 0..n {
        put(dir, &name("low", i), tone(i));
        put(dir, &name("high", i), tone(300 + i));
    }
}

fn folder(n: usize, name: impl Fn(&str, usize) -> String) -> TempDir {
    let dir = TempDir::new().unwrap();
    clips(dir.path(), n, name);
    dir
}

fn plain(n: usize) -> TempDir {
    folder(n, |word, i| format!("{word}/{word}-{i:02}.wav"))
}

#[test]
fn lists_part_what_is_there_and_absent_names_are_counted() {
    let dir = words();
    put(
        dir.path(),
        "validation_list.txt",
        "yes/00000001_nohash_0.wav\r\nyes/gone_nohash_0.wav\r\n\r\nbird/a_nohash_0.wav\r\n",
    );
    put(dir.path(), "testing_list.txt", "\u{feff}no\\00000002_nohash_0.wav\n./no/00000003_nohash_0.wav\n");
    let corpus = open(&dir).unwrap();
    assert_eq!(counts(&corpus), (17, 1, 2));
    let wanted = "validation_list.txt names 2 clip(s) that are not here (first: yes/gone_nohash_0.wav); the 1 that are here are taken";
    assert!(said(&corpus).contains(wanted), "{}", said(&corpus));
    put(dir.path(), "testing_list.txt", "../no/00000002_nohash_0.wav\n");
    assert!(message(&dir).contains("testing_list.txt, line 1: `../no/00000002_nohash_0.wav` leads out of the folder"));
}

#[test]
fn folders_with_underscores_are_labels_or_are_told() {
    let dir = plain(5);
    for i in 0..4 {
        put(dir.path(), &format!("_unknown_/{i}.wav"), tone(600 + i));
        put(dir.path(), &format!("_silence_/{i}.wav"), tone(700 + i));
        put(dir.path(), &format!("_problem_noise_/{i}.wav"), tone(800 + i));
    }
    put(dir.path(), "_background_noise_/hum.wav", tone(5));
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.labels.join(" "), corpus.noise.len()), ("high low silence unknown".into(), 1));
    let notes = said(&corpus);
    assert!(notes.contains("the folder `_unknown_` is read as the label `unknown`"), "{notes}");
    assert!(notes.contains("4 file(s) not read: 4 in `_problem_noise_`, as its name begins with _"), "{notes}");
}

#[test]
fn other_endings_are_read_or_counted_in_one_line() {
    let dir = plain(6);
    put(dir.path(), "low/x.WAVE", tone(40));
    put(dir.path(), "high/x.ogg", include_bytes!("tone.ogg"));
    put(dir.path(), "low/y.m4a", include_bytes!("tone.m4a"));
    put(dir.path(), "low/z.ogg", include_bytes!("tone.opus"));
    put(dir.path(), "low/w.m4a", [7; 300]);
    for i in 0..3 {
        put(dir.path(), &format!("low/{i}.opus"), include_bytes!("tone.opus"));
    }
    put(dir.path(), "low/table.xlsx", "x");
    put(dir.path(), "stray.wav", tone(1));
    put(dir.path(), "high/a/b/deep.wav", tone(2));
    put(dir.path(), "README.md", "about");
    put(dir.path(), "script.py", "x");
    let corpus = open(&dir).unwrap();
    assert_eq!(corpus.train.len() + corpus.valid.len(), 15);
    let notes = said(&corpus);
    for wanted in [
        "6 file(s) not read: 3 .opus (convert them: ffmpeg -i INPUT OUTPUT.wav), 1 .wav in folders too deep or not named, \
         1 .wav next to the folders or not named, 1 .xlsx",
        "2 file(s) not read, of an encoding that is not known (first: low/w.m4a: not a recording that can be read (",
    ] {
        assert!(notes.contains(wanted), "{notes}");
    }
    // A word with nothing that can be read is never passed over.
    put(dir.path(), "stop/a.m4a", [7; 300]);
    put(dir.path(), "stop/b.m4a", [8; 300]);
    assert!(message(&dir).contains("stop/a.m4a: not a recording"), "{}", message(&dir));
    let other = plain(4);
    put(other.path(), "stop/a.opus", include_bytes!("tone.opus"));
    let text = message(&other);
    assert!(text.contains("stop: a folder without recordings that can be read (it holds 1 .opus (convert"), "{text}");
    let none = TempDir::new().unwrap();
    put(none.path(), "low/a.opus", include_bytes!("tone.opus"));
    assert!(message(&none).contains("no corpus found here (it holds 1 .opus"), "{}", message(&none));
    // A folder of something else is no word.
    let docs = plain(4);
    put(docs.path(), "tables/a.xlsx", "x");
    assert_eq!(open(&docs).unwrap().labels, ["high", "low"]);
}

#[test]
fn what_systems_leave_is_ignored_and_told() {
    let dir = plain(6);
    for name in [".DS_Store", "low/._low-00.wav", "__MACOSX/low/._low-00.wav", "__MACOSX/._low", "high/Thumbs.db"] {
        put(dir.path(), name, "\0\x05\x16\x07");
    }
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.train.len() + corpus.valid.len(), corpus.labels.len()), (12, 2));
    assert!(
        said(&corpus).contains("5 file(s) not read: 5 that a system left (._*, .DS_Store, __MACOSX)"),
        "{}",
        said(&corpus)
    );
}

#[test]
fn folders_of_splits_and_folds_are_no_labels() {
    let dir = folder(8, |word, i| format!("{}/{word}/{i}.wav", if i < 5 { "train" } else { "test" }));
    put(dir.path(), "test/low/anna/x.wav", tone(50));
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.layout, corpus.labels.join(" ")), (Layout::Splits, "high low".into()));
    assert_eq!((corpus.train.len() + corpus.valid.len(), corpus.test.len()), (10, 7));
    assert_eq!(corpus.test.iter().find(|c| c.name == "test/low/anna/x.wav").unwrap().speaker.as_deref(), Some("anna"));

    for names in [["train", "test"], ["Training", "validation"], ["fold1", "fold2"], ["test_set", "dev"]] {
        let dir = folder(6, |word, i| format!("{}/{word}{i}.wav", names[i % 2]));
        let text = message(&dir);
        assert!(
            text.contains("are parts of a corpus, no labels; put the recordings into a folder per label"),
            "{text}"
        );
        assert!(text.contains(&format!("`{}`", names[0])), "{text}");
    }
    let folds = folder(30, |word, i| format!("fold{}/{word}/{i}.wav", 1 + i % 10));
    let corpus = open(&folds).unwrap();
    assert_eq!((counts(&corpus), corpus.valid_is_carved), ((54, 6, 0), false));
    assert!(corpus.valid.iter().all(|c| c.name.starts_with("fold10/")));
    assert!(said(&corpus).contains("`fold10` validates"), "{}", said(&corpus));

    // What is next to several is none of them either.
    put(dir.path(), "unlabelled/x.wav", tone(70));
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.layout, corpus.labels.join(" ")), (Layout::Splits, "high low".into()));
    assert!(said(&corpus).contains("1 .wav in `unlabelled` that nothing names"), "{}", said(&corpus));

    // Next to other words `train` is one, with a note.
    let toys = folder(6, |word, i| format!("{}/{i}.wav", if word == "low" { "train" } else { "plane" }));
    let corpus = open(&toys).unwrap();
    assert_eq!((corpus.layout, corpus.labels.join(" ")), (Layout::Words, "plane train".into()));
    assert!(said(&corpus).contains("`train` are taken for labels, as `plane` are next to them"), "{}", said(&corpus));
}

#[test]
fn speakers_in_folders_below_the_words_are_read() {
    let dir = folder(24, |word, i| format!("{word}/speaker{}/{i}.wav", i % 12));
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.labels.join(" "), counts(&corpus)), ("high low".into(), (44, 4, 0)));
    assert!(corpus.valid.iter().all(|v| corpus.train.iter().all(|t| t.speaker != v.speaker)));
    let notes = said(&corpus);
    assert!(
        notes.contains("48 clip(s) stand in folders below those of the words; their names are taken for speakers"),
        "{notes}"
    );
    assert!(notes.contains("valid was carved out of train by speaker: 1 of 12 speakers"), "{notes}");
    // One folder above those of the words is no word.
    let above = folder(4, |word, i| format!("words/{word}/{i}.wav"));
    let text = message(&above);
    assert!(
        text.contains("all recordings are in `words`, in folders below it (`high`, `low`); name that folder"),
        "{text}"
    );
}

fn edge_impulse(extra: &str) -> TempDir {
    let part = |i: usize| if i < 6 { "training" } else { "testing" };
    let dir = folder(9, |word, i| format!("{}/{word}.{i:04}.wav", part(i)));
    let entry = |word: &str, i: usize| {
        format!(
            r#"{{"path": "{0}/{word}.{i:04}.wav", "category": "{0}", "label": {{"type": "label", "label": "{word}"}}}}"#,
            part(i)
        )
    };
    let files: Vec<String> = (0..9).flat_map(|i| [entry("low", i), entry("high", i)]).collect();
    put(dir.path(), "info.labels", format!(r#"{{"version": 1, "files": [{}{extra}]}}"#, files.join(", ")));
    dir
}

#[test]
fn edge_impulse_and_hugging_face_exports_are_understood() {
    let corpus = open(&edge_impulse("")).unwrap();
    assert_eq!((corpus.layout, corpus.labels.join(" ")), (Layout::EdgeImpulse, "high low".into()));
    assert_eq!((corpus.train.len() + corpus.valid.len(), corpus.test.len()), (12, 6));
    let dir = edge_impulse(
        r#", {"path": "training/low.0000.wav", "category": "training", "label": {"type": "unlabeled"}},
            {"path": "training/x.cbor", "category": "training", "label": {"type": "label", "label": "low"}}"#,
    );
    assert!(said(&open(&dir).unwrap()).contains("1 recording(s) of info.labels have no label"));
    let gone = edge_impulse(r#", {"path": "training/gone.wav", "label": {"type": "label", "label": "low"}}"#);
    assert!(message(&gone).contains("names `training/gone.wav`, which is not in"), "{}", message(&gone));
    let out = edge_impulse(r#", {"path": "../gone.wav", "label": {"type": "label", "label": "low"}}"#);
    assert!(message(&out).contains("`../gone.wav` leads out of the folder"), "{}", message(&out));
    put(out.path(), "info.labels", "{}");
    assert!(message(&out).contains("info.labels, line 1: missing field `files`"), "{}", message(&out));

    let part = |i: usize| if i < 6 { "train" } else { "test" };
    let table = |range: std::ops::Range<usize>, above: &str| {
        let line = |i: usize| format!("{above}low{i}.wav,low\n{above}high{i}.wav,high\n");
        "file_name,label\n".to_owned() + &range.map(line).collect::<String>()
    };
    let inside = folder(9, |word, i| format!("{}/{word}{i}.wav", part(i)));
    put(inside.path(), "train/metadata.csv", table(0..6, ""));
    put(inside.path(), "test/metadata.csv", table(6..9, ""));
    let above = folder(9, |word, i| format!("data/{}/{word}{i}.wav", part(i)));
    let both = table(0..6, "train/") + table(6..9, "test/").split_once('\n').unwrap().1;
    put(above.path(), "data/metadata.csv", both);
    let lines = folder(9, |word, i| format!("{}/{word}{i}.wav", part(i)));
    for name in ["train", "test"] {
        let rows = (0..9).filter(|&i| part(i) == name);
        let line = |i: usize| {
            format!(
                "{{\"file_name\": \"low{i}.wav\", \"label\": \"low\"}}\n{{\"file_name\": \"high{i}.wav\", \"label\": \"high\"}}\n"
            )
        };
        put(lines.path(), &format!("{name}/metadata.jsonl"), rows.map(line).collect::<String>());
    }
    for dir in [inside, above, lines] {
        let corpus = open(&dir).unwrap();
        assert_eq!((corpus.layout, corpus.labels.join(" ")), (Layout::Manifest, "high low".into()));
        assert_eq!((corpus.train.len() + corpus.valid.len(), corpus.test.len()), (12, 6));
    }
}

#[test]
fn labels_with_line_breaks_are_refused_when_they_are_read() {
    let dir = plain(4);
    put(dir.path(), "train.csv", "file,label\nlow/low-00.wav,\"turn left\"\nhigh/high-00.wav,\"two\nlines\"\n");
    let text = message(&dir);
    assert!(
        text.contains("train.csv, line 3: the label \"two\\nlines\" has a line break, which no model can carry"),
        "{text}"
    );
    let odd = ["turn left", "größe", "it's \"loud\"", "a\\b", "what??!", "-", "開ける", &"x".repeat(120)];
    let dir = TempDir::new().unwrap();
    for (k, label) in odd.iter().enumerate() {
        (0..3).for_each(|i| put(dir.path(), &format!("{label}/{i}.wav"), tone(10 * k + i)));
    }
    assert_eq!(open(&dir).unwrap().labels.len(), odd.len());
    if cfg!(unix) {
        (0..3).for_each(|i| put(dir.path(), &format!("two\nlines/{i}.wav"), tone(900 + i)));
        let text = message(&dir);
        assert!(text.contains("the label \"two\\nlines\" has a line break; rename it"), "{text}");
    }
}

/// clips/low0.wav and so on, and a manifest of them.
fn listed(name: &str, table: &str) -> TempDir {
    let dir = folder(4, |word, i| format!("clips/{word}{i}.wav"));
    put(dir.path(), name, table);
    dir
}

fn table() -> String {
    let line = |i: usize| format!("clips/low{i}.wav,low\nclips/high{i}.wav,high\n");
    "file,label\n".to_owned() + &(0..4).map(line).collect::<String>()
}

#[test]
fn manifests_of_every_system_are_read() {
    for (name, text) in [
        ("train.csv", table().replace('/', "\\")),
        ("train.csv", table().replace(',', ";")),
        ("train.csv", table().replace("file,", "path,")),
        ("train.csv", table().replace("label", "Class")),
        ("train.tsv", table().replace(',', "\t")),
        ("TRAIN.CSV", table()),
        ("training.csv", table()),
        (
            "train.csv",
            format!("\u{feff}\"file\",\"label\"\r\n{}", table().split_once('\n').unwrap().1.replace('\n', "\r\n")),
        ),
        ("train.csv", table().replace("low\n", "low\u{a0}\n")),
        ("train.csv", format!("# made by hand\n\n{}", table())),
        ("clips.csv", table().replace("clips/", "./clips/")),
    ] {
        let dir = listed(name, &text);
        let corpus = open(&dir).unwrap_or_else(|e| panic!("{name} {text}: {e}"));
        assert_eq!((corpus.labels.join(" "), counts(&corpus)), ("high low".into(), (6, 2, 0)), "{name} {text}");
    }
    let split =
        table().replace("label\n", "label,split\n").replace("low\n", "low,train\n").replace("high\n", "high,train\n");
    let split =
        split.replace("low3.wav,low,train", "low3.wav,low,test").replace("high3.wav,high,train", "high3.wav,high,dev");
    let corpus = open(&listed("all.csv", &split)).unwrap();
    assert_eq!(counts(&corpus), (6, 1, 1));
    assert!(message(&listed("all.csv", &split.replace(",dev", ",x"))).contains("`x` is no split"));
}

#[test]
fn manifests_stay_in_their_folder_and_doubles_are_noted() {
    for (name, why) in [
        ("../low0.wav", "leads out of the folder"),
        ("clips/../../low0.wav", "leads out of the folder"),
        ("/etc/passwd", "is an absolute name"),
        ("C:\\low0.wav", "is an absolute name"),
    ] {
        let text = message(&listed("train.csv", &(table() + &format!("{name},low\n"))));
        assert!(text.contains("train.csv, line 10: ") && text.contains(why), "{text}");
    }
    let two = said(&open(&listed("train.csv", &(table() + "clips/low0.wav,high\nclips/low1.wav,low\n"))).unwrap());
    assert!(two.contains("1 clip(s) have two labels (first: clips/low0.wav: low and high)"), "{two}");
    assert!(two.contains("1 clip(s) are named twice and taken once (first: clips/low1.wav)"), "{two}");
    let case = table().replace("low0.wav,low", "low0.wav,LOW").replace("low1.wav,low", "low1.wav,LOW");
    let case = said(&open(&listed("train.csv", &case)).unwrap());
    assert!(
        case.contains("labels that differ only in large and small letters or accents") && case.contains("`LOW`, `low`"),
        "{case}"
    );
    let gone = listed("train.csv", &(table() + "clips/x.wav,low\nclips/y.wav,high\n"));
    let text = message(&gone);
    assert!(
        text.starts_with("2 of 10 files cannot be used:\n") && text.contains("line 11: `clips/y.wav` is not in"),
        "{text}"
    );
    let corpus = Corpus::open(gone.path(), &Options { skip_bad: true, ..Options::default() }).unwrap();
    assert!(
        said(&corpus).contains("2 of 10 files left out: `clips/x.wav`, `clips/y.wav`; the first: "),
        "{}",
        said(&corpus)
    );
}

#[test]
fn tables_and_files_beside_folders_of_words_change_nothing_unsaid() {
    let dir = plain(4);
    put(dir.path(), "metadata.csv", "speaker,age\nann,33\n");
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.layout, corpus.train.len() + corpus.valid.len()), (Layout::Words, 8));
    assert!(said(&corpus).contains("1 file(s) not read: 1 .csv"), "{}", said(&corpus));
    put(dir.path(), "1_test_2.wav", tone(77));
    assert_eq!(open(&dir).unwrap().layout, Layout::Words);
    let results = "file,label\nlow/low-00.wav,low\nlow/low-01.wav,low\nhigh/high-00.wav,high\nhigh/high-01.wav,high\n";
    put(dir.path(), "results.csv", results);
    let corpus = open(&dir).unwrap();
    assert_eq!((corpus.layout, corpus.train.len() + corpus.valid.len()), (Layout::Manifest, 4));
    let notes = said(&corpus);
    assert!(notes.contains("2 .wav in `high` that nothing names") && notes.contains("1 .csv"), "{notes}");
}

#[test]
fn archives_that_are_none_are_named() {
    let dir = TempDir::new().unwrap();
    put(dir.path(), "train.csv", table());
    for (bytes, what) in [
        (&b"\x1f\x8b\x08\0\0\0\0\0"[..], "gzip data, no tar; unpack it first: gunzip"),
        (b"<!DOCTYPE html><html>404</html>", "a web page, not the file itself, no tar; download it again"),
        (b"PK\x03\x04\x14\0", "a zip archive, no tar; unpack it first"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"just a text that is no archive at all", "no tar, or one that is cut off or damaged"),
    ] {
        put(dir.path(), "train.tar", bytes);
        let text = message(&dir);
        assert!(text.contains("train.tar: ") && text.contains(what), "{text}");
    }
    fs::remove_file(dir.path().join("train.tar")).unwrap();
    put(dir.path(), "train.tar.gz", b"\x1f\x8b\x08\0\0\0\0\0");
    let text = message(&dir);
    assert!(
        text.contains("train.tar.gz: packed, and recordings are read from their places in a tar; unpack it"),
        "{text}"
    );
    // A member that nothing names, and one that stands twice.
    let dir = TempDir::new().unwrap();
    put(dir.path(), "train.csv", table());
    let mut members: Vec<(String, Vec<u8>)> = (0..4)
        .flat_map(|i| [("low", i), ("high", 300 + i)])
        .map(|(w, i)| (format!("clips/{w}{}.wav", i % 300), tone(i)))
        .collect();
    members.push(("clips/more.wav".into(), tone(9)));
    members.push(("clips/._low0.wav".into(), vec![0; 9]));
    members.push(("clips/low0.wav".into(), tone(0)));
    super::tar(dir.path(), "train.tar", &members);
    let notes = said(&open(&dir).unwrap());
    assert!(notes.contains("2 file(s) not read: 1 in train.tar that nothing names, 1 that a system left"), "{notes}");
    assert!(
        notes.contains("1 member(s) of a tar have the name of one before, which is lost (first: clips/low0.wav)"),
        "{notes}"
    );
}

#[test]
fn one_speaker_always_trains() {
    for speaker in ["me", "anna", "bob", "en-m3", "00000001"] {
        let dir = folder(5, |word, i| format!("{word}/{speaker}_nohash_{i}.wav"));
        let corpus = open(&dir).unwrap_or_else(|e| panic!("{speaker}: {e}"));
        assert_eq!((counts(&corpus), corpus.valid_is_carved), ((8, 2, 0), true), "{speaker}");
        let wanted = "valid was carved out of train by clip, as there are 1 speaker(s), fewer than 10";
        assert!(said(&corpus).contains(wanted), "{}", said(&corpus));
    }
    // What `synth` writes: a voice is a speaker.
    let voices = folder(30, |word, i| format!("{word}/en-v{}_nohash_{i}.wav", i % 15));
    let corpus = open(&voices).unwrap();
    assert_eq!(counts(&corpus), (52, 8, 0));
    assert!(said(&corpus).contains("by speaker: 2 of 15 speakers"), "{}", said(&corpus));
    let none = open(&plain(10)).unwrap();
    assert!(said(&none).contains("by clip, as nothing says who speaks"), "{}", said(&none));
}

#[test]
fn the_hash_rule_is_for_many_speakers_and_own_words_are_trained_on() {
    // Names as Speech Commands gives them, spread as its speakers are.
    let name = |i: usize| format!("{:08x}", (i as u32 + 1).wrapping_mul(2_654_435_761));
    let dir = folder(150, |word, i| format!("{word}/{}_nohash_0.wav", name(i)));
    let (train, valid, test) = counts(&open(&dir).unwrap());
    assert!(train + valid + test == 300 && valid > 10 && test > 10, "{train} {valid} {test}");
    // 0b40b4f0 stands for a speaker whom the rule puts into test.
    for i in 0..6 {
        put(dir.path(), &format!("lamp/me_nohash_{i}.wav"), tone(900 + i));
        put(dir.path(), &format!("up/2265b1f5_nohash_{i}.wav"), tone(950 + i));
        put(dir.path(), &format!("low/anna_nohash_{i}.wav"), tone(970 + i));
    }
    let corpus = open(&dir).unwrap();
    let of =
        |label: &str, clips: &[super::super::Clip]| clips.iter().filter(|c| corpus.labels[c.label] == label).count();
    assert_eq!((of("lamp", &corpus.train), of("up", &corpus.train)), (6, 6));
    let notes = said(&corpus);
    assert!(notes.contains("12 clip(s) that are not of the corpus (`anna`, `me`) are all trained on"), "{notes}");
    assert!(notes.contains("the few speakers of `up` are in train, where the rule would have left none"), "{notes}");
    assert!(notes.contains("valid has no example of 2 label(s): `lamp`, `up`"), "{notes}");
}

#[test]
fn all_bad_recordings_are_named_at_once_or_left_out() {
    let dir = plain(10);
    put(dir.path(), "high/high-07.wav", [&b"ID3"[..], &[0; 40]].concat());
    put(dir.path(), "low/low-05.wav", "");
    put(dir.path(), "low/low-03.wav", &tone(3)[..900]);
    let text = message(&dir);
    assert!(text.starts_with("3 of 20 files cannot be used:\n  high/high-07.wav: not a recording"), "{text}");
    assert!(
        text.contains("\n  low/low-03.wav: cut off after 428 of 800 samples")
            && text.contains("\n  low/low-05.wav: contains no")
    );
    assert!(text.ends_with("mend them or take them out; --skip-bad goes on without them"), "{text}");
    let corpus = Corpus::open(dir.path(), &Options { skip_bad: true, ..Options::default() }).unwrap();
    assert_eq!(corpus.train.len() + corpus.valid.len(), 17);
    assert!(
        said(&corpus).contains("3 of 20 files left out: `high/high-07.wav`, `low/low-03.wav`, `low/low-05.wav`; the first: high/high-07.wav: not"),
        "{}",
        said(&corpus)
    );
    (0..40).for_each(|i| put(dir.path(), &format!("low/x{i}.wav"), ""));
    assert!(message(&dir).contains("and 23 more"), "{}", message(&dir));
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_no_clips() {
    let dir = plain(4);
    let fifo = dir.path().join("low/pipe.wav");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let text = message(&dir);
    assert!(text.contains("pipe.wav: a pipe or a device, not a file"), "{text}");
    fs::remove_file(&fifo).unwrap();
    std::os::unix::fs::symlink("/dev/zero", dir.path().join("low/zero.wav")).unwrap();
    assert!(message(&dir).contains("zero.wav: a pipe or a device, not a file"), "{}", message(&dir));
    fs::remove_file(dir.path().join("low/zero.wav")).unwrap();
    std::os::unix::fs::symlink(dir.path(), dir.path().join("low/loop")).unwrap();
    assert_eq!(open(&dir).unwrap().labels, ["high", "low"]);
}

/// As Common Voice exports its single words.
#[test]
fn common_voice() {
    let dir = TempDir::new().unwrap();
    let head = "client_id\tpath\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale\tsegment\n";
    let mut clip = 0;
    let mut table = |name: &str, speakers: std::ops::Range<usize>| {
        let mut text = head.to_owned();
        for speaker in speakers {
            for word in ["yes", "no"] {
                clip += 1;
                let file = format!("common_voice_en_{clip}.wav");
                put(dir.path(), &format!("clips/{file}"), tone(clip));
                text += &format!("speaker{speaker}\t{file}\t{word}\t2\t0\t\t\t\ten\tSingleword Benchmark\n");
            }
        }
        put(dir.path(), name, text);
    };
    table("train.tsv", 0..5);
    table("dev.tsv", 5..7);
    table("test.tsv", 7..9);
    put(dir.path(), "validated.tsv", head);
    let corpus = Corpus::open(dir.path(), &Options::default()).unwrap();
    assert_eq!(corpus.labels, ["no", "yes"]);
    assert_eq!([corpus.train.len(), corpus.valid.len(), corpus.test.len()], [10, 4, 4]);
    assert!(!corpus.valid_is_carved);
    assert_eq!(corpus.train[0].speaker.as_deref(), Some("speaker0"));
    // Sentences that are read aloud are no classes.
    let text: String =
        (0..60).map(|k| format!("a\tcommon_voice_en_1.wav\tsentence number {k}\t\t\t\t\t\t\t\n")).collect();
    put(dir.path(), "train.tsv", head.to_owned() + &text);
    let error = Corpus::open(dir.path(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("`sentence` has 60 sentences in 60 lines") && error.contains("train.tsv"), "{error}");
}
