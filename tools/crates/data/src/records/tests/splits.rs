//! What is named test is never trained on, and rows are in one range.

use super::*;

fn names(records: &Records, split: Split) -> Vec<String> {
    records.split(split).iter().map(|r| r.name.clone()).collect()
}

fn write(dir: &TempDir, name: &str, text: &str) {
    let path = dir.path().join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// `n` rows after a line of names.
fn rows(n: usize) -> String {
    let row = |k: usize| format!("{},{}\n", (k * 7 % 5) as f64 / 5.0, (k * 3 % 11) as f64 / 11.0);
    std::iter::once("u,y\n".to_owned()).chain((0..n).map(row)).collect()
}

#[test]
fn a_table_named_test_is_test_whatever_the_ranges() {
    let dir = TempDir::new().unwrap();
    write(&dir, "run.csv", &rows(50));
    write(&dir, "run_test.csv", &rows(40));
    write(&dir, "run_valid.csv", &rows(30));
    let options = RecordOptions { train: vec![[0, 29]], test: vec![[35, 39]], ..RecordOptions::default() };
    let records = Records::open(dir.path(), &options).unwrap();
    assert_eq!(names(&records, Split::Train), ["run.csv:0-29"]);
    assert_eq!(names(&records, Split::Test), ["run.csv:35-39", "run_test.csv:35-39"]);
    assert_eq!(names(&records, Split::Valid), ["run_valid.csv:0-29"]);
}

#[test]
fn ranges_that_overlap_are_both_named() {
    let dir = TempDir::new().unwrap();
    write(&dir, "run.csv", &rows(50));
    for (train, valid, test, wanted) in [
        (vec![[0, 29]], vec![], vec![[29, 40]], "train = [0, 29] and test = [29, 40] overlap"),
        (vec![[0, 9], [5, 20]], vec![], vec![], "train = [0, 9] and train = [5, 20] overlap"),
        (vec![[10, 20]], vec![[0, 49]], vec![], "train = [10, 20] and valid = [0, 49] overlap"),
    ] {
        let options = RecordOptions { train, valid, test, ..RecordOptions::default() };
        let error = Records::open(dir.path(), &options).unwrap_err().to_string();
        assert!(error.contains(wanted), "{error}");
    }
    // What only leads up to the rows that are evaluated may have been trained on.
    let led = |context| {
        let (train, valid, test) = (vec![[0, 29]], vec![[17, 39]], vec![[30, 49]]);
        Records::open(dir.path(), &RecordOptions { train, valid, test, context, ..RecordOptions::default() })
    };
    assert!(led(13).is_ok());
    assert!(led(12).unwrap_err().to_string().contains("sequences.skip"));
    // The training set may validate, which is said.
    let same =
        RecordOptions { train: vec![[0, 29]], valid: vec![[0, 29]], test: vec![[30, 49]], ..RecordOptions::default() };
    let notes = Records::open(dir.path(), &same).unwrap().notes;
    assert!(notes.iter().any(|n| n.to_string().contains("rows 0 to 29 are both train and valid")), "{notes:?}");
    let apart = RecordOptions { train: vec![[0, 29]], test: vec![[30, 49]], ..RecordOptions::default() };
    assert_eq!(Records::open(dir.path(), &apart).unwrap().test.len(), 1);
    // Columns of their own: the same rows are other values.
    write(&dir, "run.csv", "u,y,v,z\n1,2,3,4\n2,1,4,3\n1,1,3,3\n2,2,4,4\n");
    let column = |name: &str| vec![name.to_owned()];
    let own = RecordOptions {
        inputs: column("u"),
        outputs: column("y"),
        test_inputs: column("v"),
        test_outputs: column("z"),
        train: vec![[0, 3]],
        test: vec![[0, 3]],
        ..RecordOptions::default()
    };
    assert_eq!(Records::open(dir.path(), &own).unwrap().test.len(), 1);
}

#[test]
fn logs_of_gestures_have_a_test_part() {
    let log = "-,-,-\n1,2,3\n4,5,6\n-,-,-\n3,2,1\n6,5,4\n";
    let options = RecordOptions { format: Some(Format::Gestures), valid_share: 0.0, ..RecordOptions::default() };
    let dir = TempDir::new().unwrap();
    for name in ["ring/a.txt", "ring/b_test.txt", "wing/a.txt", "wing/b_test.txt"] {
        write(&dir, name, &log.replace('1', &name.len().to_string()).replace('6', &name[..1].len().to_string()));
    }
    let records = Records::open(dir.path(), &options).unwrap();
    assert_eq!((records.train.len(), records.test.len()), (4, 4));
    assert!(names(&records, Split::Test).iter().all(|n| n.contains("b_test")));

    let dir = TempDir::new().unwrap();
    for name in ["train/ring/a.txt", "train/wing/a.txt", "test/ring/b.txt", "test/wing/b.txt"] {
        write(&dir, name, log);
    }
    let records = Records::open(dir.path(), &options).unwrap();
    assert_eq!((records.train.len(), records.test.len()), (4, 4));
    let labels: Vec<&Answer> = records.test.iter().map(|r| &r.answer).collect();
    assert_eq!(labels[0], &Answer::Label("ring".into()));
    assert_eq!(labels[3], &Answer::Label("wing".into()));

    // New examples alone need no training set, and no second label.
    std::fs::remove_dir_all(dir.path().join("train")).unwrap();
    std::fs::remove_dir_all(dir.path().join("test/ring")).unwrap();
    assert!(Records::open(dir.path(), &options).is_err());
    let alone = RecordOptions { evaluate: true, ..options };
    assert_eq!(Records::open(dir.path(), &alone).unwrap().test.len(), 2);
}
