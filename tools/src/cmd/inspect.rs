//! `elman inspect`: layers, flash, RAM, products and estimated instructions.

use std::path::PathBuf;

use anyhow::Result;
use elman::Model;
use elman::blob::{Blob, Structure};
use elman::detect::SilenceReset;
use elman::scaling::Channel;
use elman::wiring::tree::{COMPOSE, HEAD, LEAF};
use serde::Serialize;

use crate::ui::{Ui, bytes, thousands};
use elman_pipeline::readings::short;
use elman_quant::channels;
use elman_quant::model::ModelFile;
use elman_verify::cost::example::Extent;
use elman_verify::cost::{self, Cost};

/// Shows what a model consists of and what it costs on a device.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman inspect runs/keywords")]
pub struct Cmd {
    /// A blob, or a run folder
    pub model: PathBuf,
}

#[derive(Serialize)]
struct Inspection<'a> {
    name: &'a str,
    labels: Vec<&'a str>,
    fingerprint: String,
    counter: u32,
    audio: Option<&'a elman::audio::Config>,
    input: Vec<Channel>,
    output: Vec<Channel>,
    structure: Structure,
    tree: Option<TreeCost>,
    detector: Option<DetectorInfo<'a>>,
    #[serde(flatten)]
    cost: &'a Cost,
}

/// Most channels that are shown.
const MOST_CHANNELS: usize = 16;

/// The scaling of inputs and of outputs.
fn borders(model: &Model<'_>) -> (Vec<Channel>, Vec<Channel>) {
    let input = model.input_scaling().map_or(Vec::new(), |s| s.channels().collect());
    (input, model.output_scaling().map_or(Vec::new(), |s| s.channels().collect()))
}

/// Which values a channel represents.
fn channel_text(name: &str, k: usize, channel: &Channel, frac: u8) -> String {
    if channel.multiplier == 0 {
        return format!("{name:<12} {k:>2}: left out: constant in training");
    }
    let (offset, unit) = match name {
        "input" => channels::affine(channel, frac),
        _ => {
            let number = |y| channels::number(channel.restore(y), channel.raw_frac);
            (number(0), (number(i16::MAX) - number(0)) / f64::from(i16::MAX) * 2f64.powi(frac.into()))
        }
    };
    let end = |x: i16| short(offset + f64::from(x) / 2f64.powi(frac.into()) * unit);
    format!(
        "{name:<12} {k:>2}: {} .. {}, a step is {}; readings with {} fraction bits",
        end(i16::MIN),
        end(i16::MAX),
        short(unit / 2f64.powi(frac.into())),
        channel.raw_frac
    )
}

/// The operating point of a model that listens, and what a listener takes.
#[derive(Serialize)]
struct DetectorInfo<'a> {
    #[serde(flatten)]
    config: &'a elman::detect::Config,
    /// Front end, states and detector together.
    listener_ram_bytes: usize,
}

impl<'a> DetectorInfo<'a> {
    /// `None` where the model has no detector.
    fn of(model: &'a Model<'_>, file: &ModelFile) -> Option<Self> {
        let config = model.detect()?;
        Some(DetectorInfo { config, listener_ram_bytes: 4 * Blob::new(file.words()).listener_words() })
    }

    /// The lines of a detector on frames of so many seconds.
    fn lines(&self, model: &Model<'_>, hop_s: f64) -> Vec<String> {
        let elman::detect::Config { smooth, refractory, release, silence_reset, thresholds } = self.config;
        let steps = |n: u16| format!("{n} steps ({:.0} ms)", 1000.0 * hop_s * f64::from(n));
        let reset = match *silence_reset {
            SilenceReset::NEVER => "never reset".to_owned(),
            SilenceReset { class, steps: n } => {
                format!("reset after {} of {}", steps(n), model.label(class.into()).unwrap_or("?"))
            }
        };
        let mut lines = vec![format!(
            "detector     smoothing {}, refractory time {}, {reset}",
            steps((*smooth).into()),
            steps(*refractory)
        )];
        if *release > 0u16 {
            lines.push(format!("             released below {:.3}", release.to_num::<f64>()));
        }
        let named: Vec<String> = (0u16..)
            .zip(thresholds)
            .filter(|(_, t)| **t > 0u16)
            .map(|(k, t)| format!("{} {:.3}", model.label(k).unwrap_or("?"), t.to_num::<f64>()))
            .collect();
        let rows = named.chunks(6).map(|c| c.join(", "));
        lines.extend(rows.enumerate().map(|(k, r)| format!("{:<12} {r}", if k == 0 { "thresholds" } else { "" })));
        lines.push(format!("listener     {} of RAM: front end, states and detector", bytes(self.listener_ram_bytes)));
        lines
    }
}

/// What trees cost.
#[derive(Serialize)]
struct TreeCost {
    /// RAM if the states of all nodes were kept; the model needs `ram_bytes`.
    ram_bytes_all_kept: usize,
    /// Multiplications with a weight of a leaf, of an inner node and of an answer.
    macs: [u64; 3],
}

impl TreeCost {
    /// `None` where the model's structure is no tree.
    fn of(model: &Model<'_>, cost: &Cost) -> Option<Self> {
        let Structure::Tree { max_nodes, .. } = model.structure() else { return None };
        let mut layers = cost.layers.iter();
        let macs = [LEAF, COMPOSE, HEAD].map(|k| layers.by_ref().take(model.chain(k).len()).map(|l| l.macs).sum());
        Some(TreeCost { ram_bytes_all_kept: 4 * model.tree_words(max_nodes, max_nodes), macs })
    }
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let file = ModelFile::read(&self.model)?;
        let model = file.model()?;
        let cost = cost::of(&model);
        ui.line(format!("{} ({})", model.name(), file.path().display()));
        ui.line(format!(
            "{:>2}  {:<14} {:<7} {:>6} {:>6}  {:>9} {:>8} {:>9}",
            "", "layer", "weights", "in", "out", "flash", "RAM", "MAC"
        ));
        for (k, l) in cost.layers.iter().enumerate() {
            ui.line(format!(
                "{k:>2}  {:<14} {:<7} {:>6} {:>6}  {:>9} {:>8} {:>9}   Q{}.{} -> Q{}.{}",
                l.variant,
                l.weights,
                l.inputs,
                l.units,
                bytes(l.flash_bytes),
                bytes(l.ram_bytes),
                thousands(l.macs),
                15 - l.fracs[0],
                l.fracs[0],
                15 - l.fracs[1],
                l.fracs[1],
            ));
        }
        let (input, output) = borders(&model);
        for (name, channels, frac) in [("input", &input, model.in_frac()), ("output", &output, model.out_frac())] {
            channels.iter().take(MOST_CHANNELS).enumerate().for_each(|(k, c)| ui.line(channel_text(name, k, c, frac)));
            if channels.len() > MOST_CHANNELS {
                ui.line(format!("             and {} more channels", channels.len() - MOST_CHANNELS));
            }
        }
        ui.line(format!("blob         {}", bytes(cost.blob_bytes)));
        ui.line(format!("RAM          {} for states, exact", bytes(cost.ram_bytes)));
        let tree = TreeCost::of(&model, &cost);
        if let (Some(tree), Structure::Tree { roots, max_nodes, slots }) = (&tree, model.structure()) {
            ui.line(format!(
                "tree         up to {max_nodes} nodes, {slots} states kept at a time, {roots} root(s); with every \
                 state kept RAM would be {}",
                bytes(tree.ram_bytes_all_kept)
            ));
            let [leaf, compose, head] = tree.macs.map(thousands);
            ui.line(format!("             multiplications: {leaf} a leaf, {compose} an inner node, {head} an answer"));
        }
        if let Some(audio) = model.audio() {
            let (rate, hop) = (audio.sample_rate, audio.hop as u32);
            ui.line(format!(
                "audio        {} of RAM; {rate} Hz, {} channels, a frame of {} ms each {} ms",
                bytes(cost.audio_ram_bytes),
                audio.channels,
                audio.window as u32 * 1000 / rate,
                hop * 1000 / rate,
            ));
        }
        let detector = DetectorInfo::of(&model, &file);
        if let (Some(detector), Some(audio)) = (&detector, model.audio()) {
            let hop_s = f64::from(audio.hop) / f64::from(audio.sample_rate);
            detector.lines(&model, hop_s).iter().for_each(|l| ui.line(l));
        }
        show_costs(&cost, ui);
        if !model.descriptor().labels.is_empty() {
            ui.line(format!("labels       {}", model.descriptor().labels.lines().collect::<Vec<_>>().join(" ")));
        }
        ui.result(&Inspection {
            name: model.name(),
            labels: model.descriptor().labels.lines().collect(),
            fingerprint: format!("{:016x}", model.descriptor().fingerprint),
            counter: model.frame().counter,
            audio: model.audio(),
            input,
            output,
            structure: model.structure(),
            tree,
            detector,
            cost: &cost,
        })
    }
}

/// Multiplications and instructions: of a step, or of the largest example.
fn show_costs(cost: &Cost, ui: Ui) {
    if let Some(example) = &cost.example {
        let of =
            |n: usize, what: &str| if n == 0 { String::new() } else { format!(", {} {what}", thousands(n as u64)) };
        let Extent { frames, inner, edges, outputs } = example.extent;
        let sizes = [of(inner, "inner nodes"), of(edges, "edges"), of(outputs, "symbols written")].concat();
        ui.line(format!("largest      {} frames{sizes}", thousands(frames as u64)));
        let runs: Vec<String> = example.runs.iter().map(|r| format!("{} {}", r.role, thousands(r.runs))).collect();
        ui.line(format!("             runs of its layers: {}", runs.join(", ")));
        ui.line(format!("             {} multiplications with a weight", thousands(example.macs)));
        ui.line(format!("instructions {:<12} {:>16}", "core", "never more than"));
        for (core, (_, most)) in cost::CORES.iter().zip(&example.most) {
            ui.line(format!("             {:<12} {:>16}", core.name, thousands(*most)));
        }
        return;
    }
    ui.line(format!("per step     {} multiplications with a weight", thousands(cost.macs)));
    ui.line(format!("estimates    {:<12} {:>14} {:>16} {:>14}", "core", "instructions", "never more than", "cycles"));
    for e in &cost.estimates {
        ui.line(format!(
            "             {:<12} {:>14} {:>16} {:>14}",
            e.name,
            thousands(e.instructions),
            thousands(e.most),
            e.cycles.map_or("-".into(), thousands),
        ));
    }
    ui.line("             instructions within 5 % of those counted; cycles with memory that never waits");
}
