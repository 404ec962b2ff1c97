//! What a sweep runs: settings, seeds, rungs.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use serde::{Deserialize, Serialize};
use toml::Value;

use crate::axis::{Axis, Values, axes};
use elman_recipe::{Recipe, Usage};

/// How settings are chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Search {
    /// All combinations of the values.
    #[default]
    Grid,
    /// Some settings, drawn.
    Random,
    /// Successive halving (Jamieson and Talwalkar 2016): some settings are drawn and trained for a few epochs; of each rung the best
    /// go on where they were.
    Halving,
}

/// A SWEEP.toml.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sweep {
    /// The recipe, as seen from the file.
    pub recipe: String,
    /// How settings are chosen.
    pub search: Search,
    /// Seeds of the training; each setting is trained with each.
    pub seeds: Vec<u64>,
    /// Settings that are drawn; of halving, 0 takes all combinations.
    pub trials: usize,
    /// Seed of the settings that are drawn.
    pub seed: u64,
    /// Of halving, epochs of the first rung.
    pub epochs: usize,
    /// Of halving, by what epochs grow from rung to rung, and settings become fewer.
    pub factor: usize,
    /// Keys and their values.
    pub axes: toml::Table,
}

impl Default for Sweep {
    fn default() -> Self {
        Sweep {
            recipe: String::new(),
            search: Search::Grid,
            seeds: vec![1],
            trials: 0,
            seed: 1,
            epochs: 1,
            factor: 3,
            axes: toml::Table::new(),
        }
    }
}

/// Settings that a plan has at most.
const MOST: usize = 100_000;

/// One run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The setting, from 0.
    pub setting: usize,
    /// The seed.
    pub seed: u64,
}

/// A trial up to a rung: what a worker claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Job {
    /// From 0.
    pub rung: usize,
    /// From 0.
    pub trial: usize,
}

impl std::fmt::Display for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{}", self.trial, self.rung)
    }
}

/// A sweep, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the layout.
    version: u32,
    /// The text of SWEEP.toml.
    sweep: String,
    /// The recipe that settings change, with every value.
    pub recipe: String,
    /// How they were chosen.
    pub search: Search,
    /// The keys.
    pub keys: Vec<String>,
    /// Of each setting, the value of every key, as TOML.
    pub settings: Vec<Vec<String>>,
    /// The trials: setting by setting, each with every seed.
    pub trials: Vec<Trial>,
    /// Epochs at the end of each rung but the last, which trains to the end.
    pub rungs: Vec<usize>,
    /// Of a rung, one setting in so many goes on.
    pub factor: usize,
}

const VERSION: u32 = 1;

impl Plan {
    /// Reads a SWEEP.toml and the recipe that it names; without one, `recipe` is taken.
    ///
    /// # Errors
    /// [`Usage`] with file, key and way out.
    pub fn read(path: &Path, recipe: impl FnOnce() -> Result<Recipe>) -> Result<Self> {
        let text =
            elman_data::files::text(path).with_context(|| format!("cannot read the sweep {}", path.display()))?;
        let usage = |e: String| Usage(format!("{}: {e}", path.display()));
        let sweep: Sweep = toml::from_str(&text).map_err(|e| usage(e.to_string().trim_end().to_owned()))?;
        let base = match sweep.recipe.as_str() {
            "" => recipe()?,
            name => Recipe::read(&path.parent().unwrap_or(Path::new("")).join(name), &[])?,
        };
        Self::of(&text, &sweep, base).map_err(|e| usage(format!("{e:#}")).into())
    }

    /// The plan of a sweep over this recipe; `text` is what it was read from.
    ///
    /// # Errors
    /// A sentence with the key and the way out.
    pub fn of(text: &str, sweep: &Sweep, base: Recipe) -> Result<Self> {
        let axes = axes(&sweep.axes).map_err(anyhow::Error::msg)?;
        ensure!(!sweep.seeds.is_empty(), "seeds is empty; name one at least: seeds = [1]");
        ensure!(
            sweep.seeds.iter().enumerate().all(|(k, s)| !sweep.seeds[..k].contains(s)),
            "seeds has the same seed twice, which would train the same run twice"
        );
        let settings = settings(sweep, &axes)?;
        let rungs = rungs(sweep, &axes, &base)?;
        let trials = (0..settings.len()).flat_map(|s| sweep.seeds.iter().map(move |seed| (s, *seed)));
        let plan = Plan {
            version: VERSION,
            sweep: text.to_owned(),
            recipe: base.to_toml()?,
            search: sweep.search,
            keys: axes.iter().map(|a| a.key.clone()).collect(),
            settings,
            trials: trials.map(|(setting, seed)| Trial { setting, seed }).collect(),
            rungs,
            factor: sweep.factor,
        };
        // A wrong value is found here, and not after a night.
        for setting in 0..plan.settings.len() {
            plan.with_setting(&base, setting).with_context(|| format!("setting {}", plan.setting_text(setting)))?;
        }
        Ok(plan)
    }

    fn with_setting(&self, base: &Recipe, setting: usize) -> Result<Recipe> {
        let changes = self.keys.iter().zip(&self.settings[setting]).map(|(key, value)| format!("{key}={value}"));
        base.clone().changed(&changes.collect::<Vec<_>>())
    }

    /// The recipe of a trial.
    ///
    /// # Errors
    /// Where the plan is damaged.
    pub fn recipe(&self, trial: usize) -> Result<Recipe> {
        let Some(Trial { setting, seed }) = self.trials.get(trial) else { bail!("there is no trial {trial}") };
        let base = Recipe::parse(&self.recipe).map_err(anyhow::Error::msg)?;
        let mut recipe = self.with_setting(&base, *setting)?;
        recipe.train.seed = *seed;
        Ok(recipe)
    }

    /// A setting in some words: `train.rate = 0.001, train.batch = 8`.
    pub fn setting_text(&self, setting: usize) -> String {
        let pairs: Vec<String> =
            self.keys.iter().zip(&self.settings[setting]).map(|(key, value)| format!("{key} = {value}")).collect();
        if pairs.is_empty() { "the recipe".to_owned() } else { pairs.join(", ") }
    }

    /// Rungs, the last one included.
    pub fn rung_count(&self) -> usize {
        self.rungs.len() + 1
    }

    /// Seeds of each setting.
    pub fn seeds(&self) -> usize {
        self.trials.len() / self.settings.len().max(1)
    }

    /// Settings that a rung begins with.
    pub fn settings_in(&self, rung: usize) -> usize {
        (0..rung).fold(self.settings.len(), |n, _| n.div_ceil(self.factor.max(2)))
    }

    /// Jobs of all rungs, where nothing fails.
    pub fn jobs(&self) -> usize {
        (0..self.rung_count()).map(|rung| self.settings_in(rung) * self.seeds()).sum()
    }

    /// Whether another plan is the same sweep of the same recipe.
    pub fn is_of(&self, other: &Plan) -> bool {
        (self.version, &self.sweep, &self.recipe) == (other.version, &other.sweep, &other.recipe)
    }
}

/// The settings: values of each axis.
fn settings(sweep: &Sweep, axes: &[Axis]) -> Result<Vec<Vec<String>>> {
    let text = |value: &Value| value.to_string();
    if sweep.search == Search::Grid || (sweep.search == Search::Halving && sweep.trials == 0) {
        let mut all: Vec<Vec<String>> = vec![Vec::new()];
        for Axis { key, values } in axes {
            let Values::List(values) = values else {
                bail!(
                    "[axes] {key}: a grid has no ranges; list the values, or set search = \"random\" and trials = 20"
                );
            };
            ensure!(
                all.len() * values.len() <= MOST,
                "the grid has more than {MOST} settings; set search = \"random\""
            );
            let with = |setting: &Vec<String>| {
                let setting = setting.clone();
                values.iter().map(move |value| setting.iter().cloned().chain([text(value)]).collect())
            };
            all = all.iter().flat_map(with).collect();
        }
        return Ok(all);
    }
    ensure!(
        (1..=MOST).contains(&sweep.trials),
        "trials is {}; set how many settings are drawn, from 1 to {MOST}",
        sweep.trials
    );
    let mut random = ChaCha8Rng::seed_from_u64(sweep.seed);
    let (mut all, mut seen) = (Vec::new(), std::collections::HashSet::new());
    // Of few combinations, there may be fewer than are asked for.
    for _ in 0..100 * sweep.trials {
        let setting: Vec<String> = axes.iter().map(|axis| text(&axis.values.draw(&mut random))).collect();
        if seen.insert(setting.clone()) {
            all.push(setting);
        }
        if all.len() == sweep.trials {
            break;
        }
    }
    Ok(all)
}

/// Epochs at the end of each rung but the last.
fn rungs(sweep: &Sweep, axes: &[Axis], base: &Recipe) -> Result<Vec<usize>> {
    if sweep.search != Search::Halving {
        return Ok(Vec::new());
    }
    ensure!(
        !axes.iter().any(|a| a.key == "train.epochs"),
        "[axes] train.epochs: halving gives settings their epochs; set train.epochs in the recipe alone"
    );
    ensure!(sweep.factor >= 2, "factor is {}; of a rung, one setting in `factor` goes on: 2 or more", sweep.factor);
    let last = base.train.epochs;
    ensure!(
        (1..last).contains(&sweep.epochs),
        "epochs is {}; the first rung has from 1 to less than the {last} epochs of the recipe",
        sweep.epochs
    );
    let grown = std::iter::successors(Some(sweep.epochs), |n| n.checked_mul(sweep.factor));
    Ok(grown.take_while(|n| *n < last).collect())
}
