//! `elman probe`: how far back a network's gradients reach.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde::Serialize;

use super::eval::SplitName;
use crate::ui::Ui;
use elman_data::Split;
use elman_data::files::{check_place, write_atomically};
use elman_nn::{Network, NetworkSpec, StructureSpec, structure};
use elman_pipeline::RunInfo;
use elman_pipeline::run::RunFolder;
use elman_pipeline::{Encoding, Sequences, Source, wanted_rate};
use elman_recipe::Recipe;
use elman_recipe::Usage;
use elman_report::{Curve, curves};
use elman_train::{Dataset, Sequence};

/// Shows the norm of dL_T/dh_k over T - k: how much of the last step's loss reaches the hidden state k. In an encoder-decoder k counts
/// symbols back from the last, in a tree levels below the root, in a graph rounds before the last.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:\n  elman probe runs/adding-lstm\n  elman probe --fresh recipes/adding-srn.toml")]
pub struct Cmd {
    /// A run folder, for a trained network
    #[arg(required_unless_present = "fresh")]
    pub run: Option<PathBuf>,
    /// A recipe, for its network before training
    #[arg(long, value_name = "RECIPE", conflicts_with = "run")]
    pub fresh: Option<PathBuf>,
    /// Folder of the corpus; generated data needs none
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Leaves out files that cannot be read, and says which
    #[arg(long)]
    pub skip_bad: bool,
    /// Split of the examples; by default test, or valid where the corpus has no test
    #[arg(long, value_enum)]
    pub split: Option<SplitName>,
    /// Examples over which the norms are averaged
    #[arg(long, default_value_t = 32)]
    pub examples: usize,
    /// Changes a value of a fresh network's recipe, as in --set data.steps=400
    #[arg(long, value_name = "KEY=VALUE", requires = "fresh")]
    pub set: Vec<String>,
    /// Where the chart goes; by default probe.html in the run folder, or in this one
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// How far the gradient of one layer reaches.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Reach {
    /// Its place and cell; of a structure, its chain too.
    pub layer: String,
    /// Mean norm of ∂L_T/∂h_k at T - k = 0, 1, 2, ...; of a tree by levels below the root, of a graph by rounds before the last.
    pub norms: Vec<f64>,
}

#[derive(Serialize)]
struct Probed<'a> {
    examples: usize,
    reach: &'a [Reach],
    chart: &'a Path,
}

impl Cmd {
    /// Runs it.
    pub fn run(self, ui: Ui) -> Result<()> {
        let folder = self.run.as_deref().map(RunFolder::open).transpose()?;
        let mut recipe = match (&folder, &self.fresh) {
            (Some(folder), _) => folder.recipe()?,
            (None, Some(path)) => Recipe::read(path, &self.set)?,
            (None, None) => return Err(Usage("name a run folder, or a recipe by --fresh".to_owned()).into()),
        };
        recipe.skip_bad |= self.skip_bad;
        let generated = recipe.data.as_ref().is_some_and(|data| data.generate.is_some());
        let dir = match (&self.data, generated) {
            (Some(dir), _) => dir.clone(),
            (None, true) => PathBuf::from("."),
            (None, false) => {
                return Err(Usage("--data is missing: it names the folder of the corpus".to_owned()).into());
            }
        };
        self.out.as_deref().map_or(Ok(()), check_place)?;
        let source = Source::open(&dir, &recipe, wanted_rate(&recipe), &ui)?;
        let about = match &folder {
            Some(folder) => folder.about()?,
            None => fresh(&source, &recipe)?,
        };
        let network = match &folder {
            Some(folder) => folder.network()?,
            None => Network::new(&about.network(&recipe), recipe.train.seed)?,
        };
        let split = source.evaluation_split(self.split.map(Split::from))?;
        let sequences = sequences(&source, &recipe, &about, split, self.examples)?;
        let reach = reach(&network, &sequences, &recipe)?;
        let [short, long] = distance(network.spec());
        show(&reach, short, ui);
        let chart = match (self.out, &folder) {
            (Some(out), _) => out,
            (None, Some(folder)) => folder.path().join("probe.html"),
            (None, None) => PathBuf::from("probe.html"),
        };
        let state = if folder.is_some() { "trained" } else { "before training" };
        write_atomically(&chart, page(&recipe.name, state, long, &reach).as_bytes())?;
        ui.line(format!("chart: {}", chart.display()));
        ui.result(&Probed { examples: sequences.len(), reach: &reach, chart: &chart })
    }
}

/// The run information that the network of a recipe would have if it were trained.
fn fresh(source: &Source, recipe: &Recipe) -> Result<RunInfo> {
    let encoding = Encoding::of(source, recipe)?;
    let train = encoding.examples(source, Split::Train)?;
    RunInfo::of(encoding, recipe, &train, &[])
}

/// The first `count` examples of a split as the trainer would see them.
fn sequences(source: &Source, recipe: &Recipe, about: &RunInfo, split: Split, count: usize) -> Result<Vec<Sequence>> {
    let mut examples = about.encoding.examples(source, split)?;
    examples.truncate(count.max(1));
    let data = Sequences::new(&examples, about, &recipe.sequences, false);
    Ok((0..data.len().min(count.max(1))).map(|k| data.get(k, None)).collect())
}

/// The mean norms over the examples, of all recurrent layers and states, by distance from where the loss is.
///
/// # Errors
/// Where the network has no recurrent layer, or an example does not fit it.
pub fn reach(network: &Network<f32>, sequences: &[Sequence], recipe: &Recipe) -> Result<Vec<Reach>> {
    // In f64, where a gradient that has almost vanished is still a number.
    let mut wide = Network::<f64>::new(network.spec(), 0)?;
    wide.update(|to| to.iter_mut().zip(network.values()).for_each(|(to, v)| *to = f64::from(*v)));
    let mut names: Vec<String> = Vec::new();
    let mut sums: Vec<Vec<(f64, u32)>> = Vec::new();
    for (k, sequence) in sequences.iter().enumerate() {
        if let Some(reason) = sequence.validation_error(network.spec(), recipe.train.loss) {
            anyhow::bail!("example {k}: {reason}");
        }
        let all = structure::probe(&wide, sequence.item(), recipe.train.loss);
        names = all.iter().map(|reach| reach.name.clone()).collect();
        sums.resize(names.len(), Vec::new());
        for (sums, reach) in sums.iter_mut().zip(all) {
            sums.resize(sums.len().max(reach.norms.len()), (0.0, 0));
            for ((sum, count), norm) in sums.iter_mut().zip(reach.norms) {
                *sum += norm;
                *count += 1;
            }
        }
    }
    ensure!(!names.is_empty(), "the network has no recurrent layer, so no gradient goes back in time");
    let mean = |sums: Vec<(f64, u32)>| sums.into_iter().map(|(sum, n)| sum / f64::from(n.max(1))).collect();
    Ok(names.into_iter().zip(sums).map(|(layer, sums)| Reach { layer, norms: mean(sums) }).collect())
}

/// What distances of a network are counted in, and what stands over them in the table.
fn distance(spec: &NetworkSpec) -> [&'static str; 2] {
    match spec.structure {
        StructureSpec::Sequence => ["T - k", "T - k"],
        StructureSpec::Seq2seq { .. } => ["T - k", "symbols before the last, of the decoder and of the source"],
        StructureSpec::Tree { .. } => ["depth", "levels below the root"],
        StructureSpec::Graph { .. } => ["rounds", "rounds before the last"],
    }
}

/// Distances at which the table has a row: 0, 1, 2, 5, 10, 20, 50, ... and the last.
fn distances(last: usize) -> Vec<usize> {
    let rows = std::iter::successors(Some(1usize), |d| d.checked_mul(10)).take_while(|d| *d < last);
    let mut rows: Vec<usize> = rows.flat_map(|d| [d, 2 * d, 5 * d]).filter(|d| *d < last).collect();
    rows.insert(0, 0);
    if last > 0 {
        rows.push(last);
    }
    rows
}

fn show(reach: &[Reach], distance: &str, ui: Ui) {
    let heads: Vec<String> = reach.iter().map(|r| format!("{:>24}", r.layer)).collect();
    ui.line(format!("{distance:>6}{}", heads.concat()));
    let last = reach.iter().map(|r| r.norms.len()).max().unwrap_or(1) - 1;
    for d in distances(last) {
        let cells: Vec<String> =
            reach.iter().map(|r| r.norms.get(d).map_or(format!("{:>24}", ""), |n| format!("{n:>24.2e}"))).collect();
        ui.line(format!("{d:>6}{}", cells.concat()));
    }
}

/// The chart: decades of the norm over the distance.
fn page(name: &str, state: &str, distance: &str, reach: &[Reach]) -> String {
    let curve = |r: &Reach| Curve {
        name: r.layer.clone(),
        points: r.norms.iter().enumerate().map(|(d, n)| (d as f64, n.log10())).collect(),
    };
    let title = format!("{name}, {state}: log10 of the norm of dL_T/dh_k");
    curves(&title, distance, &reach.iter().map(curve).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_nn::{LayerSpec, Target};

    #[test]
    fn rows_of_the_table_grow_by_decades() {
        assert_eq!(distances(0), [0]);
        assert_eq!(distances(7), [0, 1, 2, 5, 7]);
        assert_eq!(distances(200), [0, 1, 2, 5, 10, 20, 50, 100, 200]);
    }

    /// A residual state passes the whole gradient back, a saturating one loses it.
    #[test]
    fn a_residual_cell_reaches_as_far_as_the_sequence() {
        let recipe = Recipe::parse("[train]\nloss = \"squared-error\"").unwrap();
        let frames: Vec<f32> = (0..40).map(|k| (k as f32 * 0.9).sin()).collect();
        let data = [Sequence::new(frames, Target::Values(vec![0.5]))];
        let probe = |variant: &str| {
            let pool = elman_nn::Pool { over: elman_nn::Over::Last }.into();
            let layers = vec![LayerSpec::cell(variant, 6), pool, LayerSpec::dense(1)];
            reach(&Network::new(&NetworkSpec::sequence(1, layers), 3).unwrap(), &data, &recipe).unwrap().remove(0)
        };
        let residual = probe("residual-1");
        assert_eq!((residual.layer.as_str(), residual.norms.len()), ("0 residual-1", 40));
        assert!(residual.norms.iter().all(|n| (n / residual.norms[0] - 1.0).abs() < 1e-12), "{residual:?}");
        let sigmoid = probe("srn-sigmoid");
        assert!(sigmoid.norms[39] < 1e-9 * sigmoid.norms[0], "{sigmoid:?}");
    }
}
