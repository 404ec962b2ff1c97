//! Folders of a few lines: every format, every split rule, every kind of wrong input.

mod splits;
mod tables;

use super::*;
use flate2::{Compression, write::GzEncoder};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::io::Write;
use tempfile::TempDir;

fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, if name.ends_with(".gz") { gzip(text) } else { text.as_bytes().to_vec() }).unwrap();
    }
    dir
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn options(text: &str) -> RecordOptions {
    toml::from_str(text).unwrap()
}

fn open(dir: &TempDir, text: &str) -> Result<Records, Error> {
    Records::open(dir.path(), &options(text))
}

fn message(dir: &TempDir, text: &str) -> String {
    open(dir, text).unwrap_err().to_string()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn brackets_with_a_label_on_every_node() {
    let files = [("train.txt", "(3 (2 It) (4 (2 really) (3 works)))\n\n(1 (2 No) (1 way))\n"), ("dev.txt", "(3 so)\n")];
    let records = open(&folder(&files), "format = \"ptb\"").unwrap();
    assert_eq!((records.format, records.task, records.unit), (Format::Ptb, Task::Tag, Some(Unit::Words)));
    assert_eq!((records.train.len(), records.valid.len(), records.test.len()), (2, 1, 0));
    let first = &records.train[0];
    assert_eq!(first.input, Input::Symbols(words("It really works")));
    assert_eq!(first.answer, Answer::Tags(words("2 3 4 2 3")));
    let ExampleStructure::Tree(nodes) = &first.joints else { panic!("a tree") };
    assert_eq!(nodes.len(), 5);
    let roots = open(&folder(&files), "format = \"ptb\"\ntask = \"class\"").unwrap();
    assert_eq!(roots.train[1].answer, Answer::Label("1".into()));
    let wrong = message(&folder(&[("train.txt", "(3 (2 It) works)\n")]), "format = \"ptb\"");
    assert!(
        wrong.ends_with("train.txt, line 1: a word next to another child needs a bracket and a label of its own"),
        "{wrong}"
    );
}

#[test]
fn a_label_and_brackets_by_size() {
    let pair = |label: &str| format!("{label}\ta\t( ( not b ) ( and a ) )\n");
    let text = pair("=") + &pair("<");
    let files: Vec<(&str, &str)> =
        ["train1.gz", "train4.gz", "train5.gz", "test12_even.gz"].into_iter().map(|name| (name, &text[..])).collect();
    let of = |options: &str| open(&folder(&files), &format!("format = \"brackets\"\nvalid_share = 0.0\n{options}"));
    let records = of("max_size = 4").unwrap();
    assert_eq!((records.train.len(), records.test.len()), (4, 2));
    assert_eq!(records.train[0].input, Input::Symbols(words("a not b and a")));
    assert_eq!(size_of("test12_even.gz"), Some(12));
    let note = "1 file(s) of a size above max_size = 4 not read: `train5.gz`";
    assert!(records.notes.iter().any(|n| n.to_string() == note), "{:?}", records.notes);
    let problem = of("max_leaves = 4").unwrap_err().to_string();
    assert!(problem.contains("all its trees have more leaves than max_leaves = 4"), "{problem}");
    let uneven = folder(&[("train.tsv", "0\t( a b )\n1\ta\tb\n")]);
    let wrong = message(&uneven, "format = \"brackets\"");
    assert!(wrong.ends_with("train.tsv, line 2: 2 trees where the lines before have 1"), "{wrong}");
}

#[test]
fn graphs_with_folds() {
    let graphs = "3\n3 1\n0 1 1\n2 2 0 2\n0 1 1\n1 0\n5 0\n2 0\n0 1 1\n0 1 0\n";
    let files = [("X_all.txt", graphs), ("X_folds.txt", "2\n1\n0\n")];
    let options = |fold: usize| {
        format!("format = \"graphs\"\nfiles = \"X_all\"\nfolds = \"X_folds.txt\"\nfold = {fold}\nvalid_share = 0.0")
    };
    let records = open(&folder(&files), &options(1)).unwrap();
    assert_eq!(
        (records.task, records.unit, records.train.len(), records.test.len()),
        (Task::Class, Some(Unit::Words), 2, 1)
    );
    let first = &records.train[0];
    assert_eq!((&first.input, &first.answer), (&Input::Symbols(words("0 2 0")), &Answer::Label("1".into())));
    let ExampleStructure::Graph(rows) = &first.joints else { panic!("a graph") };
    assert_eq!((&rows.offsets[..], &rows.neighbours[..]), (&[0, 1, 3, 4][..], &[1, 0, 2, 1][..]));
    assert_eq!(records.test[0].name, "X_all.txt:6");
    assert_eq!(open(&folder(&files), &options(9)).unwrap().test.len(), 0);
    let wrong = |graphs: &str| message(&folder(&[("g.txt", graphs)]), "format = \"graphs\"");
    assert!(
        wrong("1\n2 0\n0 1 2\n").ends_with("g.txt, line 3: neighbour 2 of a graph of 2 nodes"),
        "{}",
        wrong("1\n2 0\n0 1 2\n")
    );
    assert!(wrong("2\n1 0\n0 0\n").contains("the file ends after this line"));
    assert!(wrong("1\n1 0\n0 x\n").ends_with("g.txt, line 3: `x` is no whole number"));
    let short = [("X_all.txt", graphs), ("X_folds.txt", "2\n1\n")];
    assert!(message(&folder(&short), &options(1)).contains("3 graphs, but 2 lines in `X_folds.txt`"));
}

#[test]
fn molecules_of_atoms_and_bonds() {
    let line =
        r#"{"y": -0.5, "smiles": "C=O", "atoms": [["C", 0, 2, 0], ["Xx", 1, 0, -1]], "bonds": [[0, 1, "DOUBLE"]]}"#;
    let files = [("train.jsonl", line), ("test.jsonl", line)];
    let records = open(&folder(&files), "valid_share = 0.0").unwrap();
    assert_eq!((records.format, records.task, records.channels.len()), (Format::Molecules, Task::Series, 14));
    assert_eq!(records.edges, ["single", "double", "triple", "aromatic"]);
    let Input::Values(values) = &records.train[0].input else { panic!("values") };
    assert_eq!(values[10..14], [0.0, 2.0, 0.0, 1.0]);
    assert_eq!(values[14 + 9..], [1.0, 1.0, 0.0, -1.0, 1.0]);
    let ExampleStructure::Graph(rows) = &records.train[0].joints else { panic!("a graph") };
    assert_eq!((&rows.offsets[..], &rows.neighbours[..]), (&[0, 1, 2][..], &[1, 0][..]));
    assert_eq!(rows.edges, [0.0, 1.0, 0.0, 0.0].repeat(2));
    let wrong = message(&folder(&[("train.jsonl", line.replace("[0, 1,", "[0, 2,").as_str())]), "");
    assert!(wrong.ends_with("train.jsonl, line 1: a bond of atoms 0 and 2 in a molecule of 2"), "{wrong}");
}

const TS: &str = "# words\n@problemName x\n@dimensions 2\n@classLabel true a b\n@data\n1,2,3:4,5,6:a\n7,8:9,10:b\n";

#[test]
fn ts_interleaves_dimensions() {
    let dir = folder(&[("X_TRAIN.ts", TS), ("X_TEST_even.ts", TS)]);
    let records = open(&dir, "valid_share = 0.0").unwrap();
    assert_eq!((records.format, records.task, records.unit), (Format::Ts, Task::Class, None));
    assert_eq!(records.channels, ["1", "2"]);
    let [first, second] = &records.train[..] else { panic!("two cases") };
    assert_eq!(first.name, "X_TRAIN.ts:6");
    assert_eq!(first.input, Input::Values(vec![1.0, 4.0, 2.0, 5.0, 3.0, 6.0]));
    assert_eq!(second.answer, Answer::Label("b".into()));
    assert_eq!((records.steps(first), records.steps(second), records.test.len()), (3, 2, 2));
    assert_eq!(records.notes[0].kind, NoteKind::SameRecord);
}

#[test]
fn ts_names_the_line_of_what_is_wrong() {
    let bad = |line: &str| message(&folder(&[("X_TRAIN.ts", &format!("{TS}{line}\n"))]), "");
    assert!(bad("1,2:3:a").contains("X_TRAIN.ts, line 8: dimension 2 has 1 values where the first has 2"));
    assert!(bad("1,2:a").contains("line 8: 1 dimensions where the header says 2"));
    assert!(bad("1,?:1,2:a").contains("line 8: a missing value (`?`)"));
    assert!(bad("1,x:1,2:a").contains("line 8: `x` is not a number"));
    assert!(bad("1:1:c").contains("line 8: label `c` is not among those of the header: a b"));
    assert!(message(&folder(&[("X_TRAIN.ts", "1,2:a\n")]), "").contains("line 1: `1,2:a` before `@data`"));
}

#[test]
fn rows_end_in_their_label() {
    let dir = folder(&[("pendigits.tra", "0,1,2,3,8\n4,5,6,7,9\n"), ("pendigits_test_even.tes", "0,0,0,0,8\n")]);
    let records = open(&dir, "").unwrap();
    assert_eq!((records.format, &records.channels[..]), (Format::Rows, &["x".to_owned(), "y".to_owned()][..]));
    assert_eq!((records.steps(&records.train[0]), records.train.len(), records.valid.len()), (2, 2, 0));
    let flat = open(&dir, "channels = 4").unwrap();
    assert_eq!((flat.steps(&flat.test[0]), flat.channels.len()), (1, 4));

    let ragged = folder(&[("a.tra", "1,2,3,x\n1,2,y\n")]);
    assert!(message(&ragged, "").contains("a.tra, line 2: 2 values where the rows before have 3"));
    assert!(message(&ragged, "channels = 2").contains("line 1: 3 values are no whole number of steps"));
    assert!(message(&folder(&[("a.tra", "7\n")]), "").contains("line 1: a label without values"));
}

#[test]
fn channels_stand_in_files_of_their_own() {
    let dir = folder(&[
        ("train/acc_x_train.txt.gz", "1 2\n3 4\n"),
        ("train/acc_y_train.txt.gz", "5 6\n7 8\n"),
        ("train/y_train.txt", "1\n2\n"),
        ("test/acc_x_test.txt.gz", "1 2\n"),
        ("test/acc_y_test.txt.gz", "5 6\n"),
        ("test/y_test.txt", "2\n"),
    ]);
    let records = open(&dir, "").unwrap();
    assert_eq!((records.format, &records.channels[..]), (Format::Channels, &words("acc_x acc_y")[..]));
    assert_eq!(records.train[1].input, Input::Values(vec![3.0, 7.0, 4.0, 8.0]));
    assert_eq!(records.test[0].answer, Answer::Label("2".into()));

    fs::write(dir.path().join("train/y_train.txt"), "1\n2\n1\n").unwrap();
    assert!(message(&dir, "").contains("acc_x_train.txt.gz, line 2: ends here, but the labels continue"));
    fs::write(dir.path().join("train/y_train.txt"), "1\n").unwrap();
    assert!(message(&dir, "").contains("acc_x_train.txt.gz, line 2: continues where the labels have ended"));
    let short = folder(&[("train/a.txt", "1 2\n"), ("train/b.txt", "1\n"), ("train/y_train.txt", "1\n")]);
    assert!(message(&short, "").contains("b.txt, line 1: 1 values where the first channel has 2"));
}

#[test]
fn classes_carve_equal_lines_into_one_split() {
    let names: Vec<String> = (0..26).map(|k| char::from(b'a' + k).to_string()).collect();
    let text = names.join("\n");
    let dir = folder(&[("train/A.txt", &text), ("train/B.txt", &text), ("test/A.txt", "Øre\n"), ("SOURCE.txt", "?")]);
    let records = open(&dir, "valid_share = 0.2").unwrap();
    assert_eq!((records.format, records.unit), (Format::Classes, Some(Unit::Characters)));
    assert!(records.valid_is_carved);
    let said: Vec<String> = records.notes.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["test has no example of 1 label(s): `B`"]);
    assert_eq!((records.train.len(), records.valid.len()), (42, 10));
    assert_eq!(records.test[0].input, Input::Symbols(words("Ø r e")));
    assert_eq!(records.valid, open(&dir, "valid_share = 0.2").unwrap().valid);
    assert_eq!(open(&dir, "task = \"next\"").unwrap().train[0].answer, Answer::None);

    let unknown = folder(&[("train/A.txt", "a\nb"), ("train/B.txt", "b\nc"), ("test/C.txt", "c")]);
    assert!(message(&unknown, "").contains("label `C` of test/C.txt:1 (test) has no example in train"));
    let graphs = folder(&[("X_1.txt", "1, 2\n"), ("Y_1.txt", "1\n")]);
    assert!(message(&graphs, "").contains("X_1.txt, line 1: `1, 2` contains no letter"));
}

#[test]
fn columns_end_in_the_tag() {
    let train = "-DOCSTART- X O\n\nU.N. NNP B-ORG\nheads VBZ O\n\nBaghdad NNP B-LOC\n";
    let dir = folder(&[("a.train.conll", train), ("a.dev.conll", "X NNP B-MISC")]);
    let records = open(&dir, "").unwrap();
    assert_eq!((records.format, records.unit), (Format::Columns, Some(Unit::Words)));
    assert_eq!(records.train[0].input, Input::Symbols(words("U.N. heads")));
    assert_eq!(records.train[0].answer, Answer::Tags(words("B-ORG O")));
    assert_eq!((records.train[1].name.as_str(), records.valid.len()), ("a.train.conll:6", 1));
    assert_eq!(
        records.notes[0].to_string(),
        "1 example(s) of valid or test have a tag that train does not have (first: B-MISC in a.dev.conll:1)"
    );

    let positions = folder(&[("w.conll.train", "科0\tO\n50\tO\n技1\tB-X\n")]);
    let records = open(&positions, "").unwrap();
    assert_eq!((records.unit, &records.train[0].input), (Some(Unit::Characters), &Input::Symbols(words("科 5 技"))));

    assert!(message(&folder(&[("a.conll", "x O\ny\n")]), "").contains("a.conll, line 2: `y` has one column"));
    assert!(message(&folder(&[("a.conll", "x\tO\n\tO\n")]), "").contains("line 2: a token without a tag"));
}

const CONLLU: &str = "# sent_id = 1\n1-2\tdu\t_\t_\n1\tde\t_\tADP\n2\tle\t_\tDET\n2.1\tx\t_\tX\n3\tvin\t_\tNOUN\n\n";

#[test]
fn conllu_gives_parts_of_speech_or_borders() {
    let dir = folder(&[("fr-ud-train.conllu.gz", CONLLU), ("r2_dev.conllu", CONLLU), ("fr-ud-dev.conllu", CONLLU)]);
    let records = open(&dir, "").unwrap();
    assert_eq!((records.task, records.unit), (Task::Tag, Some(Unit::Words)));
    assert_eq!(records.train[0].input, Input::Symbols(words("de le vin")));
    assert_eq!(records.train[0].answer, Answer::Tags(words("ADP DET NOUN")));
    assert_eq!(records.valid.len(), 1);
    assert!(records.notes.iter().any(|n| n.kind == NoteKind::SetAside && n.first == "r2_dev.conllu"));

    let borders = open(&dir, "task = \"segment\"").unwrap();
    assert_eq!((borders.task, borders.unit), (Task::Segment, Some(Unit::Characters)));
    assert_eq!(borders.train[0].input, Input::Symbols(words("d u v i n")));
    assert_eq!(borders.train[0].answer, Answer::Tags(words("B E B M E")));

    let han = folder(&[("zh-train.conllu", "1\t看似\t_\tVERB\n2\t簡\t_\tADJ\n")]);
    let records = open(&han, "").unwrap();
    assert_eq!(records.task, Task::Segment);
    assert_eq!(records.train[0].answer, Answer::Tags(words("B E S")));
    assert!(message(&folder(&[("a.conllu", "1\tx\n")]), "").contains("a.conllu, line 1: fewer than 4 columns"));
}

#[test]
fn pairs_of_lines() {
    let dir = folder(&[
        ("train/seq.in", "play it \nadd  this\n"),
        ("train/seq.out", "O B-x\nO O\n"),
        ("train/label", "Play\nAdd\n"),
        ("valid/seq.in", "play that"),
        ("valid/seq.out", "O O"),
        ("valid/label", "Play"),
    ]);
    let records = open(&dir, "").unwrap();
    assert_eq!(records.train[1].input, Input::Symbols(words("add this")));
    assert_eq!(records.train[0].answer, Answer::Tags(words("O B-x")));
    assert_eq!(open(&dir, "task = \"class\"").unwrap().train[1].answer, Answer::Label("Add".into()));
    assert!(message(&dir, "task = \"series\"").contains("it has: tag or class or next"));
    // Lines that are blank in every file part or end them.
    let blank = folder(&[("train/seq.in", "\u{feff}a b\n\t\nc d\n\n"), ("train/seq.out", "O O\n\nO O\n\t\n")]);
    assert_eq!(open(&blank, "valid_share = 0").unwrap().train.len(), 2);
    let one = folder(&[("train/seq.in", "a b\n\nc d\n"), ("train/seq.out", "O O\nO\nO O\n")]);
    assert!(message(&one, "").contains("train/seq.out, line 2: 1 tags for the 0 words"), "{}", message(&one, ""));

    fs::write(dir.path().join("train/seq.out"), "O B-x\nO\n").unwrap();
    assert!(message(&dir, "").contains("train/seq.out, line 2: 1 tags for the 2 words"));
    fs::write(dir.path().join("train/seq.out"), "O B-x\n").unwrap();
    assert!(message(&dir, "").contains("train/seq.out, line 1: ends here, but seq.in continues at line 2"));
}

#[test]
fn text_is_one_example() {
    let dir = folder(&[("train.txt", "Ah so\r\nOh"), ("valid.txt", "Oh")]);
    let records = open(&dir, "").unwrap();
    assert_eq!((records.format, records.task), (Format::Text, Task::Next));
    let characters: Vec<String> = "Ah so\nOh".chars().map(String::from).collect();
    assert_eq!(records.train[0].input, Input::Symbols(characters));
    let records = open(&dir, "unit = \"words\"").unwrap();
    assert_eq!(records.train[0].input, Input::Symbols(words("Ah so <eos> Oh")));

    let alone = open(&folder(&[("book.txt", "0123456789")]), "").unwrap();
    assert_eq!((alone.steps(&alone.train[0]), alone.steps(&alone.valid[0]), alone.valid_is_carved), (9, 1, true));
    assert!(message(&folder(&[("train.txt", "(3 (2 a) (1 b))\n")]), "").contains("line 1: trees in brackets"));
}

#[test]
fn poems_join_their_lines() {
    let json = r#"[{"title":"t","paragraphs":["秦川","雄。"]},{"paragraphs":[]}]"#;
    let records = open(&folder(&[("poet.0.json.gz", json)]), "valid_share = 0").unwrap();
    assert_eq!(records.train[0].input, Input::Symbols("秦川\n雄。".chars().map(String::from).collect()));
    assert_eq!((records.train[0].name.as_str(), records.notes[0].kind), ("poet.0.json.gz#0", NoteKind::Empty));
    assert!(message(&folder(&[("a.json", "[\n{}]")]), "").contains("a.json, line 2: missing field `paragraphs`"));
}

#[test]
fn series_by_ranges_of_rows() {
    let csv = "\"V1\",\"V2\",\n0,10,\n1,11,\n2,12,\n3,13,\n4,14,\n";
    let dir = folder(&[("S.csv.gz", csv)]);
    let set = "inputs = [\"V1\"]\noutputs = [\"V2\"]\ntrain = [[0, 1], [3, 3]]\ntest = [[4, 4]]\nvalid_share = 0";
    let records = open(&dir, set).unwrap();
    assert_eq!((records.task, records.train.len()), (Task::Series, 2));
    let expected = (Input::Values(vec![0.0, 1.0]), Answer::Values(vec![10.0, 11.0]));
    assert_eq!((records.train[0].input.clone(), records.train[0].answer.clone()), expected);
    assert_eq!((records.test[0].name.as_str(), &records.test[0].answer), ("S.csv.gz:4-4", &Answer::Values(vec![14.0])));
    let rest = open(&dir, "test = [[1, 1]]\nvalid_share = 0").unwrap();
    assert_eq!(rest.train.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["S.csv.gz:0-0", "S.csv.gz:2-4"]);
    assert_eq!((&rest.channels[..], &rest.outputs[..]), (&words("V1")[..], &words("V2")[..]));

    assert!(message(&dir, "test = [[3, 5]]").contains("rows 3 to 5 are asked for, but there are 5"));
    assert!(message(&dir, "test = [[3, 2]]").contains("ends before it begins"));
    assert!(message(&dir, "inputs = [\"V3\"]").contains("line 1: no column `V3`; there are: V1, V2"));
    let gap = folder(&[("a.csv", "t,x\n1,2\n2,\n")]);
    assert!(message(&gap, "outputs = [\"x\"]").contains("a.csv, line 3: column `x`: a missing value"));
    let ragged = folder(&[("a.csv", "t,x\n1,2\n2,3,4\n")]);
    assert!(message(&ragged, "").contains("a.csv, line 3: 3 fields where the line of names has 2"));
}

#[test]
fn series_with_columns_of_test_or_outputs_only() {
    let dir = folder(&[("tanks.csv", "uEst,uVal,yEst,yVal,Ts,\n1,2,3,4,5,\n6,7,8,9,,\n")]);
    let set = "inputs = [\"uEst\"]\noutputs = [\"yEst\"]\ntest_inputs = [\"uVal\"]\ntest_outputs = [\"yVal\"]\nvalid_share = 0";
    let records = open(&dir, set).unwrap();
    assert_eq!((records.train.len(), records.test.len()), (1, 1));
    assert_eq!(
        (&records.test[0].input, &records.test[0].answer),
        (&Input::Values(vec![2.0, 7.0]), &Answer::Values(vec![4.0, 9.0]))
    );
    assert_eq!(records.train[0].answer, Answer::Values(vec![3.0, 8.0]));

    let one =
        open(&folder(&[("air.csv", "Date,Passengers\n1949-01,112\n1949-02,118\n")]), "valid_share = 0.5").unwrap();
    assert_eq!((one.channels.len(), &one.outputs[..], one.steps(&one.train[0])), (0, &words("Passengers")[..], 1));
    assert!(one.valid_is_carved);
    let two = folder(&[("a.csv", "year,x\n1,2\n"), ("b.csv", "year,y\n1,2\n")]);
    assert!(message(&two, "").contains("b.csv, line 1: other columns than in the files before"));
    assert_eq!(open(&two, "files = \"b.\"").unwrap().outputs, ["y"]);
}

#[test]
fn folders_that_cannot_be_used() {
    assert!(message(&folder(&[]), "").contains("it is empty"));
    assert!(message(&folder(&[("a/x.ts", TS)]), "").contains("contains folders only (a)"));
    assert!(message(&folder(&[("a.xyz", "")]), "").contains("`a.xyz` is none of them"));
    assert!(message(&folder(&[("a.ts", ""), ("b.csv", "")]), "").contains("files of several formats"));
    assert!(message(&folder(&[("a.ts", TS)]), "files = \"b\"").contains("no file here has `b`"));
    assert!(
        message(&folder(&[("a_train.txt", "x"), ("b_train.txt", "x")]), "")
            .contains("several sets in one folder (a_train.txt, b_train.txt)")
    );
    assert!(message(&folder(&[("a_test.txt", "x")]), "").contains("no examples to train on"));
    assert!(message(&folder(&[("train.txt", "")]), "").contains("no examples in it, read as plain text"));
    assert!(message(&folder(&[("a.tra", "1,x\n2,x\n")]), "").contains("all examples have the label `x`"));
    assert!(message(&folder(&[("a.ts", TS)]), "valid_share = 1.0").contains("[data] valid_share = 1 is not in [0, 1)"));
    assert!(Records::open("no/such", &RecordOptions::default()).unwrap_err().to_string().contains("no/such"));
}

#[test]
fn files_that_are_damaged() {
    let dir = folder(&[("a.ts", TS)]);
    let whole = gzip(&TS.repeat(50));
    fs::write(dir.path().join("a.ts"), b"@classLabel true a\n@data\n1:\xff\n").unwrap();
    assert!(message(&dir, "").contains("a.ts, line 3: not UTF-8 text"));
    fs::remove_file(dir.path().join("a.ts")).unwrap();
    fs::write(dir.path().join("x_train.conllu.gz"), &whole[..whole.len() / 2]).unwrap();
    assert!(message(&dir, "").contains("x_train.conllu.gz, line "), "{}", message(&dir, ""));
    fs::write(dir.path().join("x_train.conllu.gz"), "1\tplain\t_\tNOUN\n").unwrap();
    assert!(message(&dir, "").contains("line 1: not a sound gzip file"), "{}", message(&dir, ""));
    let text = folder(&[]);
    fs::write(text.path().join("a.txt"), b"one\ntwo \xe9").unwrap();
    assert!(message(&text, "").contains("a.txt, line 2: not UTF-8 text"));
    let poems = folder(&[]);
    let json = gzip(&format!("[{}]", r#"{"paragraphs":["aaaa"]},"#.repeat(200)));
    fs::write(poems.path().join("a.json.gz"), &json[..json.len() - 12]).unwrap();
    assert!(message(&poems, "").contains("the gzip file is cut off here"), "{}", message(&poems, ""));
}

/// Bytes changed, taken out, put in and cut off at random: an error or records, and never a panic.
#[test]
fn changed_bytes_never_panic() {
    let folders: [(&str, &[(&str, &str)]); 8] = [
        ("", &[("X_TRAIN.ts", TS)]),
        ("channels = 2", &[("a.tra", "0,1,2,3,8\n4,5,6,7,9\n")]),
        ("", &[("train/a_train.txt", "1 2\n3 4\n"), ("train/y_train.txt", "1\n2\n")]),
        ("", &[("a.train.conll", "U.N. NNP B-ORG\nheads VBZ O\n\n科0 O\n"), ("a.dev.conll", "科0 O\n技1 B-X\n")]),
        ("task = \"segment\"", &[("a-train.conllu", CONLLU)]),
        ("", &[("train/seq.in", "play it\nadd\n"), ("train/seq.out", "O B-x\nO\n"), ("train/label", "P\nA\n")]),
        ("", &[("a.json", r#"[{"title":"t","paragraphs":["秦川","雄。"]},{"paragraphs":["x"]}]"#)]),
        ("train = [[0, 1]]\ntest = [[2, 2]]", &[("a.csv", "\"t\",x,y\n1,2,3\n2,3,4\n3,4,5\n")]),
    ];
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let (mut good, mut bad) = (0, 0);
    for (set, files) in folders {
        let dir = folder(files);
        for _ in 0..150 {
            let (name, text) = files[random.random_range(0..files.len())];
            let mut bytes = text.as_bytes().to_vec();
            for _ in 0..random.random_range(1..4) {
                let at = random.random_range(0..bytes.len().max(1));
                let byte = *b"\n\t ,:-#@0\"\xff\xe7".get(random.random_range(0..12)).unwrap();
                match random.random_range(0..4) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at.min(bytes.len()), byte),
                    2 if at < bytes.len() => drop(bytes.remove(at)),
                    _ if at < bytes.len() => bytes[at] = byte,
                    _ => bytes.push(byte),
                }
            }
            fs::write(dir.path().join(name), bytes).unwrap();
            match open(&dir, set) {
                Ok(records) => {
                    good += 1;
                    assert!(!records.train.is_empty());
                }
                Err(error) => {
                    bad += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
            fs::write(dir.path().join(name), text).unwrap();
        }
    }
    assert!(good > 100 && bad > 100, "{good} {bad}");
}

#[test]
fn commands_and_their_actions() {
    let lines = "IN: walk OUT: I_WALK\nIN: jump twice OUT: I_JUMP I_JUMP\n";
    let dir = folder(&[("simple_train.txt.gz", lines), ("simple_test_even.txt.gz", "IN: look OUT: I_LOOK\n")]);
    let records = open(&dir, "valid_share = 0.0").unwrap();
    assert_eq!((records.format, records.task, records.unit), (Format::Commands, Task::Seq2seq, Some(Unit::Words)));
    assert_eq!(records.train[1].input, Input::Symbols(words("jump twice")));
    assert_eq!(records.train[1].answer, Answer::Symbols(words("I_JUMP I_JUMP")));
    assert_eq!((records.test.len(), records.test[0].name.as_str()), (1, "simple_test_even.txt.gz:1"));
    let bad = |line: &str| message(&folder(&[("train.txt", &format!("{lines}{line}\n"))]), "");
    assert!(bad("walk OUT: I_WALK").contains("train.txt, line 3: not of the form `IN: words OUT: symbols`"));
    assert!(bad("IN: OUT: I_WALK").contains("line 3: no words between"));
}

#[test]
fn inflected_words() {
    let lines = "use\tusing\tV;V.PTCP;PRS\nil\u{e4}\tei il\u{e4}\tV;NEG\n";
    let files = [("x-train-high", lines), ("x-train-low", lines), ("x-dev", "a\tb\tN\n"), ("y-dev", "a\tb\tN\n")];
    let dir = folder(&files);
    assert!(message(&dir, "").contains("several sets in one folder"));
    let records = open(&dir, "files = \"x-train-high,x-dev\"").unwrap();
    assert_eq!((records.format, records.train.len(), records.valid.len()), (Format::Inflection, 2, 1));
    assert_eq!(records.train[0].input, Input::Symbols(words("u s e <V> <V.PTCP> <PRS>")));
    assert_eq!(records.train[1].answer, Answer::Symbols(words("e i ␣ i l ä")));
    let bad = |line: &str| message(&folder(&[("x-train", &format!("{lines}{line}\n"))]), "");
    assert!(bad("a\tb").contains("x-train, line 3: 2 columns where `lemma TAB form TAB features` are three"));
    assert!(bad("\tb\tV").contains("line 3: an empty word"));
}

#[test]
fn sentences_and_translations() {
    let dir = folder(&[("train.tsv.gz", "Hi, Tom.\t你好。\nRun!\t跑 吧\tsomeone\n"), ("test.tsv", "Stop.\t停。\n")]);
    let records = open(&dir, "format = \"translation\"\nvalid_share = 0.0").unwrap();
    assert_eq!(records.train[0].input, Input::Symbols(words("Hi , Tom .")));
    assert_eq!(records.train[1].answer, Answer::Symbols(words("跑 ␣ 吧")));
    assert_eq!((records.task, records.test.len()), (Task::Seq2seq, 1));
    let bad = folder(&[("train.tsv", "Hi.\n")]);
    assert!(message(&bad, "format = \"translation\"").contains("line 1: no tab between"));
}
