//! `elman data check`: what a folder of data contains.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::ui::{Ui, thousands};
use elman_data::{Corpus, Options, RecordOptions, Records, Survey};
use elman_recipe::Recipe;
use elman_recipe::Usage;

/// Looks at data before anything is trained on it.
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  elman data check data/names")]
pub struct Cmd {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Shows what a folder contains: format, classes, lengths, channels, splits, duplicates
    #[command(after_help = "Example:\n  elman data check data/snips --set data.task=class")]
    Check {
        /// A folder of recordings, text, series or windows; none for generated data
        dir: Option<PathBuf>,
        /// A recipe whose `[data]` table says how the folder is read
        #[arg(long, value_name = "RECIPE")]
        recipe: Option<PathBuf>,
        /// Changes a value of the recipe, as in --set data.files=Airline; a key alone is one of its `[data]` table
        #[arg(long = "set", value_name = "KEY=VALUE")]
        set: Vec<String>,
        /// Leaves out files that cannot be read, and says which
        #[arg(long)]
        skip_bad: bool,
        /// Most labels shown per split
        #[arg(long, default_value_t = 20)]
        labels: usize,
    },
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let Action::Check { dir, recipe, set, skip_bad, labels } = self.action;
        let options = RecordOptions { skip_bad, ..options(recipe.as_deref(), &set)? };
        if dir.is_none() && options.generate.is_none() {
            return Err(Usage("name a folder, or say what to generate: --set data.generate=adding".to_owned()).into());
        }
        let dir = dir.unwrap_or_default();
        let survey = match options.generate.is_none() && Corpus::is_in(&dir) {
            true => {
                Survey::of_corpus(&Corpus::open(&dir, &Options { skip_bad, lengths_only: true, ..Options::default() })?)
            }
            false => Survey::of_records(&Records::open(&dir, &options)?),
        };
        show(ui, &survey, labels);
        ui.result(&survey)
    }
}

fn options(recipe: Option<&Path>, set: &[String]) -> Result<RecordOptions> {
    let base = match recipe {
        Some(path) => Recipe::read(path, &[])?,
        None => Recipe::default(),
    };
    let recipe = base.changed_in("data", set)?;
    Ok(RecordOptions { context: recipe.sequences.skip, ..recipe.data.unwrap_or_default() })
}

fn show(ui: Ui, survey: &Survey, labels: usize) {
    ui.line(format!("format       {}", survey.format));
    let unit = survey.unit.as_ref().map_or(String::new(), |u| format!(", {} different {u}", survey.symbols));
    ui.line(format!("task         {}{unit}", survey.task));
    if let Some(rate) = survey.sample_rate {
        ui.line(format!("sample rate  {rate} Hz"));
    }
    let list = |what: &str, names: &[String]| {
        if !names.is_empty() {
            ui.line(format!("{what:<12} {}: {}", names.len(), names.join(" ")));
        }
    };
    list("channels", &survey.channels);
    list("outputs", &survey.outputs);
    for split in &survey.splits {
        let [min, median, max] = split.lengths;
        let carved = if split.split == "valid" && survey.valid_is_carved { ", carved out of train" } else { "" };
        let (examples, steps) = (thousands(split.examples as u64), thousands(split.steps as u64));
        ui.line(format!(
            "{:<12} {examples} examples of {min} / {median} / {max} steps (min / median / max), {steps} in all{carved}",
            split.split
        ));
        let ranges = |what: &str, ranges: &[[f64; 2]]| {
            if !ranges.is_empty() {
                let shown = ranges.iter().take(labels).map(|[a, b]| format!("{a}..{b}")).collect::<Vec<_>>();
                ui.line(format!("             {what} {}", shown.join(" ")));
            }
        };
        ranges("in", &split.ranges);
        ranges("out", &split.output_ranges);
        if !split.labels.is_empty() {
            let mut counts: Vec<(&String, &usize)> = split.labels.iter().collect();
            counts.sort_by_key(|&(_, &count)| std::cmp::Reverse(count));
            let shown = counts.iter().take(labels).map(|(l, n)| format!("{l} {n}")).collect::<Vec<_>>();
            let more = counts.len().saturating_sub(labels);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            ui.line(format!("             {} labels: {}{more}", counts.len(), shown.join(", ")));
        }
    }
    if let Some((recordings, seconds)) = survey.noise {
        ui.line(match recordings {
            0 => "noise        none: background is recordings in noise/ or _background_noise_/".to_owned(),
            n => format!("noise        {n} recordings of background, {seconds:.0} s"),
        });
    }
    for note in &survey.notes {
        ui.line(format!("note         {note}"));
    }
}
