//! Hours in one piece: the last hour by a listener that has run for hours, and by one that starts with that hour.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use elman::audio::Config;
use elman::detect::{self, Event, Probability, SilenceReset};
use elman::{Listener, Model};
use elman_listen::Track;
use elman_listen::listener_setup;
use elman_quant::model::ModelFile;

use elman_figures::Figures;

/// Hours in one piece.
pub const HOURS: f64 = 4.0;

/// Events by class and step of the hour, with their scores.
type Events = BTreeMap<(u16, u32), Probability>;

/// The comparison.
#[derive(Default)]
struct SoakResult {
    /// Largest 32-bit state of each hour.
    largest: Vec<u32>,
    /// Events of the last hour: after all the hours before, and from a fresh start.
    events: [Events; 2],
    /// Steps of the last hour.
    steps: u32,
    /// Those in which network and detector are bit for bit the same in both.
    same: u32,
    /// Those in which they are not, after the first common silence reset.
    apart: u32,
    /// Steps of the last hour up to the first silence reset of both; all where there is none.
    first_reset: Option<u32>,
    /// Silence resets of the last hour.
    resets: u32,
}

impl SoakResult {
    /// Events of the last hour from step `from` on that only one of the two reports.
    fn only_in_one(&self, from: u32) -> usize {
        let [past, fresh] = &self.events;
        let missing = |a: &Events, b: &Events| a.keys().filter(|k| k.1 >= from && !b.contains_key(k)).count();
        missing(past, fresh) + missing(fresh, past)
    }

    /// Events that both report, with different scores.
    fn other_scores(&self, from: u32) -> usize {
        let [past, fresh] = &self.events;
        past.iter().filter(|(k, score)| k.1 >= from && fresh.get(k).is_some_and(|s| s != *score)).count()
    }
}

/// Network and detector bit for bit.
fn state(listener: &Listener<'_, '_>, words: &mut Vec<u32>) -> Result<()> {
    words.resize(listener.net().snapshot_words(), 0);
    listener.net().snapshot(words).map_err(|e| anyhow::anyhow!("{e}"))?;
    let outputs = listener.model().outputs();
    words.extend((0..outputs).map(|k| u32::from(listener.detector().smoothed(k as u16).to_bits())));
    Ok(())
}

/// Plays the hours, the last one twice.
fn listen(model: &Model<'_>, config: &detect::Config, audio: &Config, tracks: &[Track]) -> Result<SoakResult> {
    let words = audio.memory_words() + model.memory_words() + config.memory_words();
    let (mut memory, mut other) = (vec![0; words], vec![0; words]);
    let failed = |e| anyhow::anyhow!("{e}");
    let mut past = Listener::with_detector(model, config, &mut memory).map_err(failed)?;
    let mut fresh = Listener::with_detector(model, config, &mut other).map_err(failed)?;
    let (last, before) = tracks.split_last().context("no hours")?;
    let hop = usize::from(audio.hop);
    ensure!(before.iter().all(|t| t.samples.len().is_multiple_of(hop)), "an hour that ends within a hop");
    let mut found = SoakResult::default();
    let most = |listener: &Listener<'_, '_>| {
        let carried = (0..model.layers().len()).flat_map(|k| listener.net().carried_state(k));
        carried.map(|w| w.unsigned_abs()).max().unwrap_or(0)
    };
    for track in before {
        let mut largest = 0;
        for block in track.samples.chunks(1600) {
            past.push_each(block, |_| ());
            largest = largest.max(most(&past));
        }
        found.largest.push(largest);
    }
    let begin = (before.iter().map(|t| t.samples.len()).sum::<usize>() / hop) as u32;
    let (mut here, mut there, mut largest) = (Vec::new(), Vec::new(), 0);
    for block in last.samples.chunks(hop) {
        // Frames that began in the hour before are not the last hour's.
        let report = |events: &mut Events, from: u32, e: Option<Event>| {
            events.extend(e.and_then(|e| Some(((e.class, e.step.checked_sub(from)?), e.score))));
        };
        let (mut resets, before) = ([false; 2], found.steps);
        past.push_each(block, |result| {
            report(&mut found.events[0], begin, result.event);
            resets[0] = result.reset;
        });
        fresh.push_each(block, |result| {
            report(&mut found.events[1], 0, result.event);
            resets[1] = result.reset;
            found.steps += 1;
        });
        found.resets += u32::from(resets[0]);
        if resets == [true; 2] {
            found.first_reset.get_or_insert(found.steps);
        }
        largest = largest.max(most(&past));
        if found.steps > before {
            state(&past, &mut here)?;
            state(&fresh, &mut there)?;
            if here == there {
                found.same += 1;
            } else if found.first_reset.is_some() {
                found.apart += 1;
            }
        }
    }
    found.largest.push(largest);
    Ok(found)
}

/// Four hours without a break; the last hour by a fresh listener too. Without silence resets, then with them.
///
/// # Errors
/// Where the model is not a listener.
pub fn soak(file: &ModelFile, tracks: &[Track], silence_reset: SilenceReset, figures: &mut Figures) -> Result<()> {
    let model = file.model()?;
    let (audio, _, keyword) = listener_setup(&model)?;
    let threshold = |k: &bool| if *k { Probability::ONE / 2 } else { Probability::ZERO };
    let thresholds: Vec<Probability> = keyword.iter().map(threshold).collect();
    let config = detect::Config::new(&thresholds).map_err(|e| anyhow::anyhow!("{e}"))?;
    let config = detect::Config { smooth: 6, refractory: 25, ..config };
    let words = audio.memory_words() + model.memory_words() + config.memory_words();
    figures.line(format!("  four hours in one, {words} words of memory throughout:"));
    let seconds = |steps: u32| f64::from(steps) * f64::from(audio.hop) / f64::from(audio.sample_rate);
    for (name, silence_reset) in
        [("without silence resets", SilenceReset::NEVER), ("with silence resets", silence_reset)]
    {
        let found = listen(&model, &detect::Config { silence_reset, ..config.clone() }, &audio, tracks)?;
        let [past, fresh] = &found.events;
        figures.line(format!(
            "    {name} ({} steps): largest 32-bit state each hour {:?} of 2^31 - 1; {} events in the last hour, {} of a fresh start",
            silence_reset.steps,
            found.largest,
            past.len(),
            fresh.len()
        ));
        figures.line(format!("      states are those of the fresh start in {} of {} steps", found.same, found.steps));
        let differences = |from: u32| {
            let [only, scores] = [found.only_in_one(from), found.other_scores(from)];
            format!("{only} events reported by only one, {scores} by both with other scores")
        };
        figures.line(format!("      the whole hour: {}", differences(0)));
        if silence_reset != SilenceReset::NEVER {
            let from = found.first_reset.unwrap_or(found.steps);
            figures.line(format!(
                "      after the first silence reset of both, {:.1} s from the hour's start ({} resets in the hour): {} steps with other states, {}",
                seconds(from),
                found.resets,
                found.apart,
                differences(from)
            ));
            figures.add("soak-seconds-to-reset", seconds(from));
            figures.add("soak-steps-that-differ", f64::from(found.apart));
            figures.add("soak-events-that-differ", (found.only_in_one(from) + found.other_scores(from)) as f64);
            let largest = found.largest.iter().copied().max().unwrap_or(0);
            figures.add("soak-largest-state", f64::from(largest) / f64::from(i32::MAX));
        }
    }
    Ok(())
}
