//! Tables, windows and sentences as programs and people leave them: other separators, encodings, gaps, clocks, paddings.

use super::*;
use std::path::Path;

/// Rows of temp, hum and power.
fn rows(count: usize) -> Vec<[f64; 3]> {
    (0..count).map(|t| [0.3, 0.5, 0.7].map(|f| (t as f64 * f).sin())).collect()
}

/// A table of rows, as commas and points have it.
fn plain() -> String {
    let line = |r: &[f64; 3]| format!("{:.4},{:.4},{:.4}\n", r[0], r[1], r[2]);
    "temp,hum,power\n".to_owned() + &rows(40).iter().map(line).collect::<String>()
}

fn series(name: &str, bytes: &[u8]) -> Result<Records, Error> {
    let dir = TempDir::new().unwrap();
    fs::write(dir.path().join(name), bytes).unwrap();
    Records::open(dir.path(), &options("valid_share = 0"))
}

fn notes(records: &Records) -> String {
    records.notes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn tables_of_other_locales_are_the_same_table() {
    let wanted = series("log.csv", plain().as_bytes()).unwrap();
    assert_eq!((&wanted.channels[..], &wanted.outputs[..]), (&words("temp hum")[..], &words("power")[..]));
    assert!(wanted.notes.is_empty(), "{}", notes(&wanted));
    let german = plain().replace(',', ";").replace('.', ",");
    for (what, bytes) in [
        ("semicolons", plain().replace(',', ";").into_bytes()),
        ("decimal commas", german.clone().into_bytes()),
        ("German Excel", format!("\u{feff}{}", german.replace('\n', "\r\n")).into_bytes()),
        ("tabs in csv", plain().replace(',', "\t").into_bytes()),
        ("tabs and decimal commas", german.replace(';', "\t").into_bytes()),
        ("a line sep=", format!("sep=,\r\n{}", plain().replace('\n', "\r\n")).into_bytes()),
        ("a line sep=;", format!("sep=;\n{german}").into_bytes()),
        ("UTF-16 with a mark", utf16(&format!("\u{feff}{}", plain()))),
        ("UTF-16 without", utf16(&plain())),
        ("UTF-16 of German Excel", utf16(&format!("\u{feff}{german}"))),
        ("carriage returns", plain().replace('\n', "\r").into_bytes()),
        ("a comma at each end", plain().replace('\n', ",\n").into_bytes()),
        ("a comma at the end of rows", plain().replace('\n', ",\n").replace("power,", "power").into_bytes()),
        ("a comma at the end of names", plain().replace("power", "power,").into_bytes()),
        ("quotes", plain().replace("temp,hum", "\"temp\",\"hum\"").into_bytes()),
        ("blank lines", plain().replace('\n', "\n \t\n").into_bytes()),
    ] {
        let records = series("log.csv", &bytes).unwrap_or_else(|e| panic!("{what}: {e}"));
        assert_eq!((&records.channels, &records.outputs), (&wanted.channels, &wanted.outputs), "{what}");
        assert_eq!(records.train[0].input, wanted.train[0].input, "{what}");
        assert_eq!(records.train[0].answer, wanted.train[0].answer, "{what}");
    }
    let one: String = rows(20).iter().map(|r| format!("{:.4}\n", r[0]).replace('.', ",")).collect();
    let records = series("log.csv", format!("power\n{one}").as_bytes()).unwrap();
    assert_eq!(records.outputs, ["power"]);
    let Answer::Values(values) = &records.train[0].answer else { panic!("values") };
    assert!((values[3] - rows(4)[3][0]).abs() < 1e-4);
}

#[test]
fn tables_that_cannot_be_told_are_named() {
    let message = |bytes: &[u8]| series("log.csv", bytes).unwrap_err().to_string();
    let commas = plain().replace('.', ",");
    let text = message(commas.as_bytes());
    assert!(text.contains("6 fields where the line of names has 3; decimal commas cannot be distinguished"), "{text}");
    let thousands = plain().replacen("0.0000\n", "\"1,000.5\"\n", 1);
    let all: String = plain()
        .lines()
        .enumerate()
        .map(|(k, l)| format!("{l},{}\n", if k > 0 { "\"1,000.5\"" } else { "mW" }))
        .collect();
    for (text, name) in [(thousands, "power"), (all, "mW")] {
        let text = message(text.as_bytes());
        let wanted = format!("line 2: column `{name}`: `1,000.5` is not a number; take out the signs");
        assert!(text.contains(&wanted), "{text}");
    }
    let mut latin = b"temp \xb0C,hum\n".to_vec();
    latin.extend(b"1,2\n3,4\n");
    assert!(message(&latin).contains("not UTF-8 text; convert it, for example: iconv -f WINDOWS-1252"));
    // What iconv makes of UTF-16 that is taken for something else.
    let wrong: String = utf16("temp,hum\n1,2\n").iter().map(|&b| char::from(b)).collect();
    assert!(message(format!("ÿþ{wrong}").as_bytes()).contains("a NUL character"));
    assert!(message(b"x y z\n1 2 3\n4 5 6\n").contains("columns are apart by blanks"));
    assert!(message(b"").contains("an empty table"));
    assert!(message(b"a,b\nx,y\n").contains("no row of numbers"));
    assert!(message(b"\x1f\x8b\x08\0\xff").contains("gzip data"));
}

#[test]
fn a_gap_is_an_error_and_never_another_choice_of_columns() {
    let with = |line: usize, column: usize, cell: &str| {
        let mut lines: Vec<String> = plain().lines().map(str::to_owned).collect();
        let mut fields: Vec<&str> = lines[line - 1].split(',').collect();
        fields[column] = cell;
        lines[line - 1] = fields.join(",");
        series("log.csv", (lines.join("\n") + "\n").as_bytes())
    };
    for (column, name) in [(2, "power"), (0, "temp")] {
        for cell in ["", "NaN", "null", "N/A", "?"] {
            let text = with(33, column, cell).unwrap_err().to_string();
            let wanted = format!("log.csv, line 33: column `{name}`: a missing value (`{cell}`); fill it in");
            assert!(text.contains(&wanted), "{text}");
        }
    }
    assert!(with(2, 2, "").unwrap_err().to_string().contains("line 2: column `power`: a missing value"));
    let unit = with(20, 1, "0.5 V").unwrap_err().to_string();
    assert!(unit.contains("line 20: column `hum`: `0.5 V` is not a number; the unit `V` belongs"), "{unit}");
    let word = with(20, 1, "error").unwrap_err().to_string();
    assert!(word.contains("line 20: column `hum`: `error` is not a number"), "{word}");
    let large = with(5, 1, "1e39").unwrap_err().to_string();
    assert!(large.contains("line 5: column `hum`: `1e39` is beyond what a number of 32 bits holds"), "{large}");
}

/// A table with a column before the others, of `cell(row)`.
fn with_column(name: &str, cell: impl Fn(usize) -> String) -> String {
    let line = |(t, r): (usize, &[f64; 3])| format!("{},{:.4},{:.4}\n", cell(t), r[0], r[2]);
    format!("{name},temp,power\n") + &rows(40).iter().enumerate().map(line).collect::<String>()
}

#[test]
fn clocks_are_left_out_and_said_or_taken_by_the_users_word() {
    type Cell = fn(usize) -> String;
    let clocks: [(&str, Cell); 10] = [
        ("millis", |t| (1_700_000_000_000 + t * 100).to_string()),
        ("timestamp", |t| (1_700_000_000 + t).to_string()),
        ("time[s]", |t| format!("{:.1}", t as f64 / 10.0)),
        ("seconds_elapsed", |t| format!("{:.3}", t as f64 / 50.0)),
        ("datetime", |t| format!("2017-11-28 20:{t:02}:00")),
        ("Time", |t| format!("20:{t:02}:00")),
        ("when", |t| format!("28.11.2017 20:{t:02}")),
        ("n", |t| (t + 1).to_string()),
        ("", |t| t.to_string()),
        ("tick count", |t| (7 * t * t).to_string()),
    ];
    for (name, cell) in clocks {
        let records = series("log.csv", with_column(name, cell).as_bytes()).unwrap();
        assert_eq!((&records.channels[..], &records.outputs[..]), (&words("temp")[..], &words("power")[..]), "{name}");
        let title = if name.is_empty() { "column 1" } else { name };
        assert!(
            notes(&records).contains(&format!("column `{title}` is left out, as it")),
            "{name}: {}",
            notes(&records)
        );
    }
    let dir = folder(&[("log.csv", &with_column("millis", |t| t.to_string()))]);
    let records = open(&dir, "inputs = [\"millis\", \"temp\"]\noutputs = [\"power\"]").unwrap();
    assert_eq!(records.channels, ["millis", "temp"]);
    let records = open(&dir, "inputs = [\"millis\"]").unwrap();
    assert_eq!((&records.channels[..], &records.outputs[..]), (&words("millis")[..], &words("power")[..]));

    // A clock may stand last; what only rises there stays the output, and is doubted.
    let last = "temp,power,time\n".to_owned()
        + &(0..20).map(|t| format!("{},{},2017-11-28 20:{t:02}:00\n", t % 3, t % 5)).collect::<String>();
    let records = series("log.csv", last.as_bytes()).unwrap();
    assert_eq!((&records.channels[..], &records.outputs[..]), (&words("temp")[..], &words("power")[..]));
    let energy = "temp,energy\n".to_owned() + &(0..20).map(|t| format!("{},{t}\n", t % 3)).collect::<String>();
    let records = series("log.csv", energy.as_bytes()).unwrap();
    assert_eq!(records.outputs, ["energy"]);
    assert!(notes(&records).contains("column `energy` is the output and rises in every row; is it a clock?"));
}

#[test]
fn what_the_first_file_was_found_to_hold_the_others_hold() {
    // In test alone the temperature only rises.
    let test = "temp,power\n".to_owned() + &(0..12).map(|t| format!("{t},{}\n", t % 5)).collect::<String>();
    let train = "temp,power\n".to_owned() + &(0..40).map(|t| format!("{},{}\n", t % 7, t % 5)).collect::<String>();
    let records = open(&folder(&[("a_test.csv", &test), ("a_train.csv", &train)]), "valid_share = 0").unwrap();
    assert_eq!((&records.channels[..], records.train.len(), records.test.len()), (&words("temp")[..], 1, 1));
}

#[test]
fn names_units_and_words_are_said() {
    let body = plain().split_once('\n').unwrap().1.to_owned();
    let of = |head: &str| series("log.csv", format!("{head}{body}").as_bytes()).unwrap();
    let none = of("");
    assert_eq!((&none.channels[..], &none.outputs[..]), (&words("1 2")[..], &words("3")[..]));
    assert!(notes(&none).contains("no line of names: line 1 holds numbers already"), "{}", notes(&none));
    assert_eq!(none.steps(&none.train[0]), 40);
    let twice = of("temp,temp,power\n");
    assert_eq!(twice.channels, ["temp", "temp.2"]);
    assert!(notes(&twice).contains("names that stand twice in line 1: `temp`"), "{}", notes(&twice));
    let units = of("temp,hum,power\n°C,%,W\n");
    assert_eq!((units.steps(&units.train[0]), &units.outputs[..]), (40, &words("power")[..]));
    assert!(notes(&units).contains("line 2 is taken for units (`°C`, `%`, `W`)"), "{}", notes(&units));

    let cells =
        plain().lines().enumerate().map(|(k, l)| format!("{l}{}\n", if k > 0 { " W" } else { "" })).collect::<String>();
    let cells = series("log.csv", cells.as_bytes()).unwrap();
    assert!(
        notes(&cells).contains("column `power` has the unit `W` in its cells, which is not read"),
        "{}",
        notes(&cells)
    );
    assert_eq!(cells.train[0].answer, none.train[0].answer);
    let every = |line: &str| format!("{}\n", line.replace(',', " %,") + " W");
    let all: String =
        plain().lines().enumerate().map(|(k, l)| if k > 0 { every(l) } else { format!("{l}\n") }).collect();
    let all = series("log.csv", all.as_bytes()).unwrap();
    assert_eq!((&all.channels[..], &all.train[0].answer), (&words("temp hum")[..], &none.train[0].answer));
    let comma = |line: &str| format!("\"{}\"\n", line.replace(',', "\",\"").replace('.', ","));
    let quoted: String = plain().lines().map(comma).collect();
    let quoted = series("log.csv", quoted.as_bytes()).unwrap();
    assert_eq!((&quoted.channels[..], &quoted.train[0].answer), (&words("temp hum")[..], &none.train[0].answer));

    let words_in = with_column("device", |_| "esp32-a".to_owned());
    let records = series("log.csv", words_in.as_bytes()).unwrap();
    assert_eq!(records.channels, ["temp"]);
    assert!(
        notes(&records).contains("column `device` is left out, as it holds words: `esp32-a` is not a number"),
        "{}",
        notes(&records)
    );
    let label: String =
        plain().lines().enumerate().map(|(k, l)| format!("{l},{}\n", if k > 0 { "walk" } else { "what" })).collect();
    let text = series("log.csv", label.as_bytes()).unwrap_err().to_string();
    assert!(text.contains("line 2: the last column `what` would be the output, but holds words (`walk`)"), "{text}");
    let unnamed = of("temp,,power\n");
    assert_eq!(unnamed.channels, ["temp", "column 2"]);
    assert!(notes(&unnamed).contains("columns without a name in line 1 are called `column 2`"), "{}", notes(&unnamed));
    let empty = with_column("spare", |_| String::new());
    let records = series("log.csv", empty.as_bytes()).unwrap();
    assert!(notes(&records).contains("column `spare` is left out, as it is empty"), "{}", notes(&records));
}

#[test]
fn preambles_and_comments_are_skipped_with_right_numbers_of_lines() {
    let device = "------ Data File Created By Wristband v2 at 32 Hz ------\nSerial Number: X000\nStart Time 17:16:00\n\
        Mode = 12\n--------------------\n";
    let records = series("log.csv", format!("{device}{}", plain()).as_bytes()).unwrap();
    assert_eq!((&records.channels[..], records.steps(&records.train[0])), (&words("temp hum")[..], 40));
    assert!(notes(&records).contains("5 line(s) above the names in line 6 are not read"), "{}", notes(&records));
    for (head, channels) in [
        ("# logger v1\n# rate: 50 Hz\n", "temp hum"),
        ("name,value\nserial,x\n\n", "temp hum"),
        (",,\n,,\n", "temp hum"),
    ] {
        let records = series("log.csv", format!("{head}{}", plain()).as_bytes()).unwrap();
        assert_eq!((&records.channels[..], records.steps(&records.train[0])), (&words(channels)[..], 40), "{head}");
    }
    let body = plain().split_once('\n').unwrap().1.to_owned();
    let commented = series("log.csv", format!("# temp,hum,power\n{body}").as_bytes()).unwrap();
    assert_eq!(commented.channels, ["temp", "hum"]);
    let within = plain().replacen("\n0.2955", "\n# lost\n\n  # more\n0.2955", 1).replacen("0.5646,", "x,", 1);
    let text = series("log.csv", within.as_bytes()).unwrap_err().to_string();
    let line = within.lines().position(|l| l.starts_with("x,")).unwrap() + 1;
    assert!(text.contains(&format!("line {line}: column `temp`: `x` is not a number")), "{text}");
}

/// A line of the UCR archive.
fn case(label: &str, length: usize, padded: usize, with: &str) -> String {
    let values = (0..length).map(|t| format!("{:.3}", (t as f64 * 0.4).sin()));
    let padding = std::iter::repeat_n(with.to_owned(), padded);
    std::iter::once(label.to_owned()).chain(values).chain(padding).collect::<Vec<_>>().join("\t") + "\n"
}

#[test]
fn ucr_has_the_label_first_and_missing_values_as_the_end() {
    let train: String = (0..20).map(|k| case(["1", "2", "-1.0000e+00"][k % 3], 20, 0, "")).collect();
    for name in ["Gadget_TRAIN.tsv", "Gadget_TRAIN.tsv.gz", "Gadget_TRAIN.txt", "Gadget_TRAIN"] {
        let commas = train.replace('\t', if name.ends_with("txt") { "," } else { "\t" });
        let records = open(&folder(&[(name, &commas)]), "").unwrap();
        assert_eq!((records.format, records.task), (Format::Ucr, Task::Class), "{name}");
        assert_eq!((records.train.len() + records.valid.len(), records.valid_is_carved), (20, true), "{name}");
        assert_eq!(records.steps(&records.train[0]), 20);
        let labels: std::collections::BTreeSet<_> = records
            .train
            .iter()
            .map(|r| if let Answer::Label(l) = &r.answer { l.clone() } else { String::new() })
            .collect();
        assert_eq!(labels.into_iter().collect::<Vec<_>>(), ["-1", "1", "2"]);
    }
    let padded: String = (0..20).map(|k| case(["1", "2"][k % 2], 10 + k % 5, 5 - k % 5, "NaN")).collect();
    let files = [("W_TRAIN.tsv", &padded[..]), ("W_TEST.tsv", &padded[..])];
    let records = open(&folder(&files), "valid_share = 0").unwrap();
    assert_eq!((records.train.len(), records.test.len()), (20, 20));
    assert_eq!((0..5).map(|k| records.steps(&records.train[k])).collect::<Vec<_>>(), [10, 11, 12, 13, 14]);
    let middle = message(&folder(&[("W_TRAIN.tsv", "1\t0.1\tNaN\t0.3\t0.4\n")]), "");
    assert!(
        middle.contains("W_TRAIN.tsv, line 1: a missing value (`NaN`) within the series, its value 2; fill it in"),
        "{middle}"
    );
    assert!(
        message(&folder(&[("W_TRAIN.tsv", "1\t0.1\t0.3\t0.4\n2\tNaN\tNaN\tNaN\n")]), "").contains("without a value")
    );
    // Another first column is no label: these are columns over time without names.
    let no_label: String =
        rows(20).iter().map(|r| format!("{}\t{}\t{}\t{}\n", r[0], r[1], r[2], r[0] * r[1])).collect();
    assert_eq!(open(&folder(&[("log.tsv", &no_label)]), "").unwrap().format, Format::Series);
}

#[test]
fn ts_ends_where_missing_values_pad_it() {
    let head = "@problemName G\n@missing true\n@equalLength true\n@classLabel true 1 2\n@data\n";
    for pad in ["?", "NaN"] {
        let text = format!(
            "{head}0.1,0.2,0.3,{pad},{pad}:1\n0.1,0.2,0.3,0.4,0.5:2\n0.2,0.3,{pad},{pad},{pad}:1\n0.3,0.4,0.1,0.1,{pad}:2\n"
        );
        let records = open(&folder(&[("G_TRAIN.ts", &text)]), "valid_share = 0").unwrap();
        assert_eq!(records.train.iter().map(|r| records.steps(r)).collect::<Vec<_>>(), [3, 5, 2, 4], "{pad}");
        let middle = message(&folder(&[("G_TRAIN.ts", &format!("{head}0.1,{pad},0.3:1\n"))]), "");
        assert!(
            middle.contains(&format!("line 6: a missing value (`{pad}`) within the series, its value 2")),
            "{middle}"
        );
    }
    let spare = format!("{}0.1,0.2:1\n0.3,0.2:2\n", head.replace("1 2", "1 2 3"));
    let records = open(&folder(&[("G_TRAIN.ts", &spare)]), "valid_share = 0").unwrap();
    assert!(
        notes(&records).contains("G_TRAIN.ts: 1 label(s) of its header have no example: `3`"),
        "{}",
        notes(&records)
    );
    let two = format!("{head}0.1,0.2,?:0.1,0.2,?:1\n0.1,0.3,0.2:0.1,0.2,0.4:2\n");
    let records = open(&folder(&[("G_TRAIN.ts", &two)]), "valid_share = 0").unwrap();
    assert_eq!(records.train.iter().map(|r| records.steps(r)).collect::<Vec<_>>(), [2, 3]);
    let one_ends = format!("{head}0.1,?,?:0.1,0.2,?:2\n");
    assert!(
        message(&folder(&[("G_TRAIN.ts", &one_ends)]), "").contains("line 6: a missing value (`?`) within the series")
    );
}

#[test]
fn sentences_are_apart_by_whatever_looks_blank() {
    let sentence = "# text = stop it\n1\tstop\t_\tVERB\n2\tit\t_\tPRON\n";
    let of = |text: &str| open(&folder(&[("en-train.conllu", text)]), "valid_share = 0");
    for blank in ["\n", "\t\n", "  \n", " \t \r\n", "\u{a0}\n"] {
        let records = of(&format!("{sentence}{blank}{sentence}{blank}{sentence}")).unwrap();
        assert_eq!(records.train.len(), 3, "{blank:?}");
    }
    let marked = of(&format!("\u{feff}{}", format!("{sentence}\n{sentence}\n").replace('\n', "\r\n"))).unwrap();
    assert_eq!((marked.train.len(), &marked.train[1].answer), (2, &Answer::Tags(words("VERB PRON"))));
    let range = of(&sentence.replace("2\tit", "2-2\tit\t_\t_\n2\tit")).unwrap();
    assert_eq!(range.train[0].input, Input::Symbols(words("stop it")));
    let newline = of(&format!("{sentence}2\t\n\t\n\tSPACE\t_\n\n")).unwrap_err().to_string();
    assert!(
        newline.contains("line 4: fewer than 4 columns between tabs") && newline.contains("line break"),
        "{newline}"
    );
    let blanks = of("1    stop    stop    VERB\n").unwrap_err().to_string();
    assert!(blanks.contains("columns are apart by tabs, not by blanks"), "{blanks}");
    let none = of(&sentence.replace("VERB", "_").replace("PRON", "_")).unwrap_err().to_string();
    assert!(none.contains("UPOS holds `_` only"), "{none}");
    // A blank of another script is a token; remarks before a sentence are none.
    let columns = "# id 12 domain=en\n\u{3000}\tO\nx\tB-X\n\t\n# text = x\n#\tO\ny\tO\n";
    let records = open(&folder(&[("a.conll", columns)]), "valid_share = 0").unwrap();
    assert_eq!(records.train[0].input, Input::Symbols(vec!["\u{3000}".into(), "x".into()]));
    assert_eq!(records.train[1].input, Input::Symbols(words("# y")));
}

#[test]
fn text_of_utf16_is_text_and_text_with_zeros_is_none() {
    let text = "hello there\nthis is text\n".repeat(4);
    let read = |bytes: &[u8]| {
        let dir = TempDir::new().unwrap();
        fs::write(dir.path().join("text.txt"), bytes).unwrap();
        Records::open(dir.path(), &options("valid_share = 0"))
    };
    let wanted = read(text.as_bytes()).unwrap().train;
    for bytes in [utf16(&text), utf16(&format!("\u{feff}{text}")), text.replace('\n', "\r").into_bytes()] {
        assert_eq!(read(&bytes).unwrap().train, wanted);
    }
    let converted: String = utf16(&format!("\u{feff}{text}")).iter().map(|&b| char::from(b)).collect();
    assert!(read(converted.as_bytes()).unwrap_err().to_string().contains("line 1: a NUL character"));
}

#[test]
fn what_never_moves_and_what_a_split_lacks_is_noted() {
    let ts = |rows: &[(&str, &str)]| {
        let lines: String = rows.iter().map(|(v, l)| format!("{v}:{l}\n")).collect();
        format!("@classLabel true a b\n@data\n{lines}")
    };
    let mut many: Vec<(String, &str)> = (0..50).map(|k| (format!("{k},1,2"), "a")).collect();
    many.extend((0..4).map(|k| (format!("-{k},1,2"), "b")));
    let many: Vec<(&str, &str)> = many.iter().map(|(v, l)| (v.as_str(), *l)).collect();
    let records = open(&folder(&[("G_TRAIN.ts", &ts(&many))]), "").unwrap();
    assert!(notes(&records).contains("valid has no example of 1 label(s): `b`"), "{}", notes(&records));

    let train = ts(&[("1,2:5,5", "a"), ("2,1:5,5", "b"), ("3,1:5,5", "a"), ("1,3:5,5", "b")]);
    let test = ts(&[("1,2:5,6", "a")]);
    let records = open(&folder(&[("G_TRAIN.ts", &train)]), "valid_share = 0").unwrap();
    assert!(
        notes(&records).contains("1 channel(s) with one value throughout tell nothing: `2`"),
        "{}",
        notes(&records)
    );
    let records = open(&folder(&[("G_TRAIN.ts", &train), ("G_TEST.ts", &test)]), "valid_share = 0").unwrap();
    let said = notes(&records);
    assert!(said.contains("one value throughout train, and others in valid or test: `2`"), "{said}");
    assert!(said.contains("test has no example of 1 label(s): `b`"), "{said}");
    let large = message(&folder(&[("G_TRAIN.ts", &ts(&[("1e39,2", "a")]))]), "");
    assert!(large.contains("`1e39` is beyond what a number of 32 bits holds"), "{large}");
}

#[test]
fn bad_files_are_named_at_once_or_left_out() {
    let good = "a\tx\nb\ty\n";
    let files =
        [("a_train.conll", good), ("b_train.conll", "x\n"), ("c_train.conll", "\ty\n"), ("d_train.conll", good)];
    let dir = folder(&files);
    let text = message(&dir, "files = \"_train\"");
    assert!(text.contains("several sets"), "{text}");
    let files =
        [("1_train.conll", good), ("2_train.conll", "x\n"), ("3_train.conll", "\ty\n"), ("4_train.conll", good)];
    let dir = folder(&files);
    let text = message(&dir, "");
    assert!(text.starts_with("2 of 4 files cannot be used:\n"), "{text}");
    assert!(text.contains("2_train.conll, line 1") && text.contains("3_train.conll, line 1"), "{text}");
    assert!(text.ends_with("--skip-bad goes on without them"), "{text}");
    let skip = RecordOptions { skip_bad: true, ..options("valid_share = 0") };
    let records = Records::open(dir.path(), &skip).unwrap();
    assert_eq!(records.train.len(), 2);
    assert!(notes(&records).contains("left out: "), "{}", notes(&records));
}

/// Bytes of tables changed at random: records or an error, never a panic, and never more values than there are bytes.
#[test]
fn changed_tables_never_panic() {
    let german = plain().replace(',', ";").replace('.', ",");
    let dated = with_column("datetime", |t| format!("2017-11-28 20:{t:02}:00"));
    let bases = [
        ("log.csv", plain().into_bytes()),
        ("log.csv", format!("sep=;\r\n{german}").into_bytes()),
        ("log.csv", utf16(&plain())),
        ("log.csv", format!("# x\nmode 3\n{dated}").into_bytes()),
        ("G_TRAIN.tsv", (0..8).map(|k| case(["1", "2"][k % 2], 6, k, "NaN")).collect::<String>().into_bytes()),
    ];
    let mut random = ChaCha8Rng::seed_from_u64(13);
    let dir = TempDir::new().unwrap();
    let (mut good, mut bad) = (0, 0);
    for (name, base) in &bases {
        for _ in 0..200 {
            let mut bytes = base.clone();
            for _ in 0..random.random_range(1..6) {
                let at = random.random_range(0..bytes.len().max(1));
                let byte = *b"\n\r\t ,;:.-#@0\"=|\0\xff\xfe\xe7\xbf".get(random.random_range(0..20)).unwrap();
                match random.random_range(0..5) {
                    0 => bytes.truncate(at),
                    1 => bytes.insert(at.min(bytes.len()), byte),
                    2 if at < bytes.len() => drop(bytes.drain(at..(at + 9).min(bytes.len()))),
                    3 if at < bytes.len() => bytes[at] = random.random(),
                    _ if at < bytes.len() => bytes[at] = byte,
                    _ => bytes.push(byte),
                }
            }
            let path = dir.path().join(name);
            fs::write(&path, &bytes).unwrap();
            match Records::open(dir.path(), &RecordOptions::default()) {
                Ok(records) => {
                    good += 1;
                    let values = |r: &Record| if let Input::Values(v) = &r.input { v.len() } else { 0 };
                    assert!(records.train.iter().map(values).sum::<usize>() <= bytes.len());
                }
                Err(error) => {
                    bad += 1;
                    assert!(!error.to_string().is_empty());
                }
            }
            fs::remove_file(Path::new(&path)).unwrap();
        }
    }
    assert!(good > 50 && bad > 50, "{good} {bad}");
}

#[test]
fn tables_of_steps_may_be_in_the_folder_of_their_label() {
    let files = [
        ("wave/a.csv", "x,y\n1,2\n3,4\n"),
        ("wave/b.csv", "x,y\n5,6\n"),
        ("rest/a.csv", "x,y,label\n0,1,other\n"),
        ("rest/n.txt", "no"),
    ];
    let records = open(&folder(&files), "format = \"frames\"\nvalid_share = 0").unwrap();
    let found = |r: &Record| (r.name.clone(), r.answer.clone());
    let label = |text: &str| Answer::Label(text.to_owned());
    // The folder counts, whatever a column says: a table is moved to another label by moving the file.
    let wanted =
        [("rest/a.csv", "rest"), ("wave/a.csv", "wave"), ("wave/b.csv", "wave")].map(|(n, l)| (n.to_owned(), label(l)));
    assert_eq!(records.train.iter().map(found).collect::<Vec<_>>(), wanted);
    assert_eq!((&records.channels[..], records.task), (&words("x y")[..], Task::Class));
    let wrong = [("wave/a.csv", "x,y\n1,2\n"), ("rest/a.csv", "x\n1\n")];
    assert!(message(&folder(&wrong), "format = \"frames\"").contains("wave/a.csv"));
}
