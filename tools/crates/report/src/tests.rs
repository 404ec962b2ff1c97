use super::*;

fn sample() -> Report {
    Report {
        loss_of: "sequence".into(),
        title: "keywords <b>&\"'".into(),
        summary: vec![Fact::new("accuracy, integer", "97.8", "%").with_note("float 98.0 %")],
        epochs: (1..=30)
            .map(|e| Epoch {
                epoch: e,
                train_loss: Some(2.3 / e as f64),
                valid_loss: (e > 2).then_some(2.5 / e as f64 + 0.1),
                train_accuracy: Some(1.0 - 0.9 / e as f64),
                valid_accuracy: Some(0.97 - 0.9 / e as f64),
                best: e == 30,
            })
            .collect(),
        confusions: ["float", "integer"]
            .map(|title| Confusion {
                title: title.into(),
                labels: ["yes", "no", "<script>"].map(String::from).to_vec(),
                counts: vec![vec![12, 0, 1], vec![0, 11, 0], vec![2, 0, 31]],
            })
            .to_vec(),
        trade_off: vec![(0.0, 0.4), (0.5, 0.2), (3.0, 0.1)],
        scenes: vec![Scene {
            title: "missed: <yes>".into(),
            bands: vec![vec![5120, 6000, 7000], vec![5120, 9000, 8000]],
            tracks: vec![("yes".into(), vec![0.1, 0.3])],
            hop_s: 0.02,
        }],
        attention: vec![Attention {
            title: "test:1".into(),
            read: vec!["a".into(), "<V>".into()],
            written: vec!["b".into(), "<end>".into()],
            weights: vec![vec![0.25, 0.75], vec![1.0, 0.0]],
        }],
        layers: vec![Layer {
            name: "1 gru".into(),
            weights_db: Some(41.26),
            output_db: 38.0,
            saturated: 3,
            outputs: 1000,
            drift: (0..49).map(|t| 1e-3 * (t as f64).sqrt()).collect(),
        }],
        histograms: vec![Histogram::of("1 gru", &[-1.0, -0.5, 0.0, 0.1, 0.2, 1.0], 8)],
        maps: vec![Map {
            title: "Symbols".into(),
            points: vec![(0.0, 1.0, "word".into()), (2.0, 0.5, "other".into())],
        }],
        costs: vec![Fact::new("flash, weights", 21_344, "bytes")],
        notes: vec!["12 clips were stereo".into()],
        recipe: "[train]\nepochs = 30 # <fast>\n".into(),
    }
}

/// Names of the elements that are open at the end; panics where one is closed that is not open.
fn open_elements(html: &str) -> Vec<String> {
    let mut open: Vec<String> = Vec::new();
    for tag in html.split('<').skip(1) {
        let tag = tag.split_once('>').expect("a tag ends").0;
        let name = |t: &str| t.split([' ', '/']).next().unwrap().to_string();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(closed), "{closed} closed");
        } else if !tag.starts_with('!') && !tag.ends_with('/') && name(tag) != "meta" {
            open.push(name(tag));
        }
    }
    open
}

#[test]
fn holds_what_it_was_given_and_loads_nothing() {
    let html = sample().html();
    for text in [
        "<h1>keywords &lt;b&gt;&amp;&quot;&#39;</h1>",
        "97.8 %",
        "integer: 94.74 % of 57",
        "&lt;script&gt;",
        "&lt;V&gt;</text>",
        "fill-opacity=0.75",
        "41.26",
        "3 (0.3 %)",
        "Drift",
        "21344",
        "<li>12 clips were stereo</li>",
        "epochs = 30 # &lt;fast&gt;",
        "width=device-width",
    ] {
        assert!(html.contains(text), "{text} is missing");
    }
    assert_eq!(html.matches("<svg").count(), 8);
    assert_eq!(open_elements(&html), Vec::<String>::new());
    // A picture within the page is none from outside.
    let html = html.replace("src=\"data:", "");
    for outside in ["http", "src=", "href", "<script", "@import", "url(", "NaN"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.len() < 40_000, "{} bytes", html.len());
}

#[test]
fn parts_without_data_are_left_out() {
    let html = Report { title: "empty".into(), ..Report::default() }.html();
    assert!(!html.contains("<h2>") && !html.contains("<svg"), "{html}");
    assert_eq!(open_elements(&html), Vec::<String>::new());
    let odd = Report {
        confusions: vec![Confusion { labels: vec!["a".into()], ..Confusion::default() }],
        layers: vec![Layer { output_db: f64::INFINITY, ..Layer::default() }],
        histograms: vec![Histogram::of("none", &[f32::NAN], 4), Histogram::of("zero", &[0.0; 9], 4)],
        ..Report::default()
    };
    assert!(odd.html().contains("∞"));
    assert_eq!(open_elements(&odd.html()), Vec::<String>::new());
}

#[test]
fn histograms_count_every_finite_value() {
    let h = Histogram::of("w", &[-2.0, -1.0, 0.0, 1.0, 2.0, f32::INFINITY], 4);
    assert_eq!((h.low, h.high, h.bins), (-2.0, 2.0, vec![1, 1, 1, 2]));
}

#[test]
fn a_report_is_also_data() {
    let report = Report { epochs: vec![], layers: vec![], ..sample() };
    let text = serde_json::to_string(&report).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    let little: Report = serde_json::from_str(r#"{"title": "a"}"#).unwrap();
    assert_eq!(little, Report { title: "a".into(), ..Report::default() });
}
