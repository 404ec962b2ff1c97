//! The tables of docs/format.md, printed from the definitions of fields, layers and chains.
//!
//! `UPDATE_DOCS=1 cargo test -p elman --lib format_docs` writes them.

use crate::blob::{rules, schema_hash};
use crate::cell::{CELLS, CarriedState, Operands, PreFormat, StageKind, StageSpec};
use crate::descriptor::{AttentionScore, Descriptor, Direction, LayerDescriptor, MAX_LAYERS, Readout, Structure};
use crate::layer::LAYERS;
use crate::record::Entry;
use crate::text::{Text, TextUnit};
use crate::wiring::{Chain, GRAPH, Input, SEQ2SEQ, TREE, Wiring};
use crate::{audio, detect};
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// A name of the code as a reader knows it: without modules that only the code has.
fn shown(name: &str) -> String {
    let path = name.trim_matches('`').split('<').next().unwrap_or_default();
    let hidden = ["elman", "descriptor", "structure", "config", "pcen", "spectral_subtraction", "silence", "text"];
    let parts: Vec<&str> = path.split("::").filter(|part| !hidden.contains(part)).collect();
    parts.join("::")
}

/// A doc comment in a table: links are words.
fn plain(doc: &str) -> String {
    let doc = doc.trim_end_matches('.').replace("[`", "`").replace("`]", "`").replace('|', "\\|");
    let mut rest = doc.chars();
    let first = rest.next().unwrap_or_default();
    // Not of a symbol such as V.
    let word = doc.chars().nth(1).is_some_and(char::is_lowercase) || doc.starts_with("A ");
    if word { first.to_lowercase().chain(rest).collect() } else { doc }
}

/// The type of a field, with the names of records in bold.
fn layout(text: &str) -> String {
    let mut parts = text.split('`');
    let mut out = String::from(parts.next().unwrap_or_default());
    while let (Some(name), Some(rest)) = (parts.next(), parts.next()) {
        out += &format!("*{}*{rest}", shown(name));
    }
    out
}

fn record<T>(entries: Vec<Entry>, more: &str) -> String {
    let mut out = format!("**{}**\n\n| field | type | meaning |\n|---|---|---|\n", shown(core::any::type_name::<T>()));
    for Entry { name, layout: bytes, doc } in entries {
        out += &format!("| `{name}` | {} | {} |\n", layout(&bytes), plain(&doc));
    }
    out + more + "\n"
}

fn choice<T>(entries: Vec<Entry>) -> String {
    let mut out = format!(
        "**{}**\n\n| number | variant and its fields | meaning |\n|---|---|---|\n",
        shown(core::any::type_name::<T>())
    );
    for (number, Entry { name, layout: fields, doc }) in entries.iter().enumerate() {
        let fields = if fields.is_empty() { String::new() } else { format!(": {}", fields_of(fields)) };
        out += &format!("| {number} | {name}{fields} | {} |\n", plain(doc));
    }
    out + "\n"
}

/// The fields of a variant, as [`Entry::layout`] has them: name, type, meaning.
fn fields_of(fields: &str) -> String {
    let score = core::any::type_name::<AttentionScore>();
    let fields = fields.replace(&format!("`{score}`"), "*AttentionScore*").replace("[`", "`").replace("`]", "`");
    // Of each field the meaning begins in lower case.
    fields.split(" (").map(plain).collect::<Vec<_>>().join(" (")
}

fn fields() -> String {
    let layers = format!(
        "| `layers` | at most {MAX_LAYERS} of *LayerDescriptor* | the layers from the input, chain after chain |\n"
    );
    [
        record::<Descriptor<'_>>(Descriptor::entries(), &layers),
        choice::<Readout>(Readout::entries()),
        record::<audio::Config>(audio::Config::entries(), ""),
        record::<audio::SpectralSubtraction>(audio::SpectralSubtraction::entries(), ""),
        record::<audio::Pcen>(audio::Pcen::entries(), ""),
        record::<detect::Config>(detect::Config::entries(), ""),
        record::<detect::SilenceReset>(detect::SilenceReset::entries(), ""),
        record::<Text<'_>>(Text::entries(), ""),
        choice::<TextUnit>(TextUnit::entries()),
        choice::<Structure>(Structure::entries()),
        choice::<AttentionScore>(AttentionScore::entries()),
        record::<LayerDescriptor>(LayerDescriptor::entries(), ""),
        choice::<Direction>(Direction::entries()),
        variants(),
    ]
    .concat()
}

fn variants() -> String {
    let mut out =
        String::from("| tag | variant | name | its numbers (`params`) | `carried_frac` |\n|---|---|---|---|---|\n");
    for spec in CELLS.iter().chain(LAYERS) {
        for (number, v) in spec.variants.iter().enumerate() {
            let frac = match v.carried {
                CarriedState::Cell | CarriedState::Pair => "17 to 27: c",
                CarriedState::Wide => "17 to 27: h",
                CarriedState::Hidden => "30: h",
                CarriedState::None if v.stages.iter().any(|s| s.kind == StageKind::Pointwise) => "0 to 30",
                CarriedState::None if v.out == crate::cell::OutRange::Calibrated && v.first_gate().is_some() => {
                    "k, with `out_frac` at most 15"
                }
                _ => "0",
            };
            out += &format!("| {} | {number} | {} | {} | {frac} |\n", spec.tag, v.name, v.params.join(", "));
        }
    }
    out
}

fn chains() -> String {
    let mut out = String::from(
        "| structure | number | chain | first layer reads | without state | may be empty |\n|---|---|---|---|---|---|\n",
    );
    let structures: [(&str, &Wiring); 3] = [("Seq2seq", &SEQ2SEQ), ("Tree", &TREE), ("Graph", &GRAPH)];
    for (name, wiring) in structures {
        for (k, wire) in wiring.wires.iter().enumerate() {
            let number = match wire.chain {
                Chain::Message | Chain::Update => format!("{k}, and {} for a second round, ...", k + 2),
                Chain::Head if name == "Graph" => String::from("the last"),
                _ => format!("{k}"),
            };
            let inputs: Vec<String> = wire.inputs.iter().map(input).collect();
            let yes = |yes: bool| if yes { "yes" } else { "" };
            out += &format!(
                "| {name} | {number} | {} | {} | {} | {} |\n",
                wire.chain.name(),
                inputs.join("; "),
                yes(wire.stateless),
                yes(!wire.required)
            );
        }
    }
    out
}

fn input(input: &Input) -> String {
    match input {
        Input::Frame => "a frame".into(),
        Input::Symbol => "a symbol".into(),
        Input::EdgeFeatures => "the features of an edge".into(),
        Input::Output(chain) => chain.name().to_string(),
        Input::Roots(chain) => format!("{} of each root", chain.name()),
        Input::Context(chain) => format!("with attention the context, as wide as {}", chain.name()),
        Input::Tanh(chain) => format!("tanh of a sum, as wide as {}, Q0.15", chain.name()),
        Input::EdgeOutput => "edge, or the features of the edge where that is empty".into(),
    }
}

/// Gates of each variant, and the numbers that stand for its rules in the schema's hash.
fn gates() -> String {
    let mut out = String::from(
        "| name | stages: gates in the order of their rows | peepholes | carried | out | widths |\n|---|---|---|---|---|---|\n",
    );
    for v in CELLS.iter().chain(LAYERS).flat_map(|spec| spec.variants) {
        let stages: Vec<String> = v.stages.iter().map(stage).collect();
        let [carried, out_range, widths] = rules(v);
        out += &format!(
            "| {} | {} | {} | {carried} | {out_range} | {widths} |\n",
            v.name,
            stages.join("; "),
            v.peephole.join(", ")
        );
    }
    out
}

/// A stage in words: its kind, and its gates with what they read.
fn stage(stage: &StageSpec) -> String {
    let gates = stage.gates.iter().map(|gate| {
        let operands = match gate.operands {
            Operands::InputAndHidden => "x, h",
            Operands::Input => "x",
            Operands::Hidden => "h",
        };
        let format = match gate.pre {
            PreFormat::Plain => String::new(),
            PreFormat::Doubled | PreFormat::Coarse => format!(" in Q{}.{}", 31 - gate.pre.frac(), gate.pre.frac()),
        };
        format!("{}({operands}){format}", gate.name)
    });
    let kind = match stage.kind {
        StageKind::Rows => "rows",
        StageKind::Split => "split",
        StageKind::Pointwise => "pointwise",
        StageKind::Table => "table",
        StageKind::Projection => "projection",
    };
    [kind.to_string()].into_iter().chain(gates).collect::<Vec<_>>().join(" ")
}

/// The schema's hash, and the text of the descriptor in it.
fn schema() -> String {
    let text = crate::descriptor::schema_text();
    // What is printed is what is hashed.
    assert_eq!(crate::record::hash_text(0x811C_9DC5, &text), crate::descriptor::schema(0x811C_9DC5));
    format!("The hash is `{:#010x}`. The text of the descriptor is\n\n```text\n{text}\n```\n", schema_hash())
}

/// The page with a section replaced.
pub(crate) fn replaced(page: &str, name: &str, section: &str) -> String {
    let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let from = page.find(&begin).unwrap_or_else(|| panic!("the page has no {begin}")) + begin.len();
    let to = from + page[from..].find(&end).unwrap_or_else(|| panic!("the page has no {end}"));
    [&page[..from], section, &page[to..]].concat()
}

/// Compares a page with what the code says that it is, or writes it.
pub(crate) fn compare(name: &str, wanted: impl Fn(&str) -> String) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let page = std::fs::read_to_string(&path).unwrap();
    let wanted = wanted(&page);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    } else {
        assert!(page == wanted, "{name} differs from the code: UPDATE_DOCS=1 writes it\n{wanted}");
    }
}

#[test]
fn the_tables_are_those_of_the_code() {
    let version = format!("# The blob, format version {}\n", crate::blob::FORMAT_VERSION);
    let sections = [("fields", fields()), ("gates", gates()), ("chains", chains()), ("schema", schema())];
    compare("docs/format.md", |page| {
        let rest = page.split_once('\n').map_or(page, |(_, rest)| rest);
        sections.iter().fold(version.clone() + rest, |page, (name, section)| replaced(&page, name, section))
    });
}
