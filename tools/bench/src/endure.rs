//! Hours in one piece: what a listener with a past tells of the last hour beside one that begins with it.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use elman::audio::Config;
use elman::detect::{self, Event, ONE, SilenceReset};
use elman::{Listener, Model};
use elman_listen::Track;
use elman_listen::ears;
use elman_quant::model::ModelFile;

use elman_figures::Figures;

/// Hours in one piece.
pub const HOURS: f64 = 4.0;

/// Events by output and step of the hour, with their scores.
type Events = BTreeMap<(u16, u32), u16>;

/// What was found.
#[derive(Default)]
struct Found {
    /// Largest 32-bit state of each hour.
    largest: Vec<u32>,
    /// Events of the last hour: after all the hours before, and from a fresh start.
    events: [Events; 2],
    /// Steps of the last hour.
    steps: u32,
    /// Those of which network and detector are bit for bit the same in both.
    same: u32,
    /// Those of which they are not, behind the first rest of both.
    apart: u32,
    /// Steps of the last hour up to the first with which a rest ends in both; all where there is none.
    rested: Option<u32>,
    /// Rests of the last hour.
    rests: u32,
}

impl Found {
    /// Events of the last hour from step `from` on that only one of the two tells.
    fn elsewhere(&self, from: u32) -> usize {
        let [past, fresh] = &self.events;
        let lacks = |a: &Events, b: &Events| a.keys().filter(|k| k.1 >= from && !b.contains_key(k)).count();
        lacks(past, fresh) + lacks(fresh, past)
    }

    /// Events that both tell, with different scores.
    fn otherwise(&self, from: u32) -> usize {
        let [past, fresh] = &self.events;
        past.iter().filter(|(k, score)| k.1 >= from && fresh.get(k).is_some_and(|s| s != *score)).count()
    }
}

/// Network and detector bit for bit.
fn state(listener: &Listener<'_, '_>, words: &mut Vec<u32>) -> Result<()> {
    words.resize(listener.net().snapshot_words(), 0);
    listener.net().snapshot(words).map_err(|e| anyhow::anyhow!("{e}"))?;
    let outputs = listener.model().outputs();
    words.extend((0..outputs).map(|k| u32::from(listener.detector().smoothed(k))));
    Ok(())
}

/// Plays the hours, the last one twice.
fn listen(model: &Model<'_>, config: &detect::Config, audio: &Config, tracks: &[Track]) -> Result<Found> {
    let words = audio.memory_words() + model.memory_words() + config.memory_words();
    let (mut memory, mut other) = (vec![0; words], vec![0; words]);
    let failed = |e| anyhow::anyhow!("{e}");
    let mut past = Listener::with_detector(model, config, &mut memory).map_err(failed)?;
    let mut fresh = Listener::with_detector(model, config, &mut other).map_err(failed)?;
    let (last, before) = tracks.split_last().context("no hours")?;
    let hop = usize::from(audio.hop);
    ensure!(before.iter().all(|t| t.samples.len().is_multiple_of(hop)), "an hour that ends within a hop");
    let mut found = Found::default();
    let most = |listener: &Listener<'_, '_>| {
        let long = (0..model.layers().len()).flat_map(|k| listener.net().carried_state(k));
        long.map(|w| (*w as i32).unsigned_abs()).max().unwrap_or(0)
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
        let tell = |events: &mut Events, from: u32, e: Option<Event>| {
            events.extend(e.and_then(|e| Some(((e.class, e.step.checked_sub(from)?), e.score))));
        };
        let (mut rests, before) = ([false; 2], found.steps);
        past.push_each(block, |heard| {
            tell(&mut found.events[0], begin, heard.event);
            rests[0] = heard.reset;
        });
        fresh.push_each(block, |heard| {
            tell(&mut found.events[1], 0, heard.event);
            rests[1] = heard.reset;
            found.steps += 1;
        });
        found.rests += u32::from(rests[0]);
        if rests == [true; 2] {
            found.rested.get_or_insert(found.steps);
        }
        largest = largest.max(most(&past));
        if found.steps > before {
            state(&past, &mut here)?;
            state(&fresh, &mut there)?;
            if here == there {
                found.same += 1;
            } else if found.rested.is_some() {
                found.apart += 1;
            }
        }
    }
    found.largest.push(largest);
    Ok(found)
}

/// Four hours without a break; the last hour by a fresh listener too. Without a rest, then with it.
///
/// # Errors
/// Where the model cannot listen.
pub fn endure(file: &ModelFile, tracks: &[Track], rest: SilenceReset, figures: &mut Figures) -> Result<()> {
    let model = file.model()?;
    let (audio, _, keyword) = ears(&model)?;
    let thresholds: Vec<u16> = keyword.iter().map(|k| if *k { ONE / 2 } else { 0 }).collect();
    let config = detect::Config::new(&thresholds).map_err(|e| anyhow::anyhow!("{e}"))?;
    let config = detect::Config { smooth: 6, refractory: 25, ..config };
    let words = audio.memory_words() + model.memory_words() + config.memory_words();
    figures.line(format!("  four hours in one, {words} words of memory throughout:"));
    let seconds = |steps: u32| f64::from(steps) * f64::from(audio.hop) / f64::from(audio.sample_rate);
    for (name, rest) in [("without rests", SilenceReset::NEVER), ("with rests", rest)] {
        let found = listen(&model, &detect::Config { silence_reset: rest, ..config.clone() }, &audio, tracks)?;
        let [past, fresh] = &found.events;
        figures.line(format!(
            "    {name} ({} steps): largest 32-bit state each hour {:?} of 2^31 - 1; {} events in the last hour, {} of a fresh start",
            rest.steps,
            found.largest,
            past.len(),
            fresh.len()
        ));
        figures.line(format!("      states are those of the fresh start in {} of {} steps", found.same, found.steps));
        let told = |from: u32| {
            let [only, scores] = [found.elsewhere(from), found.otherwise(from)];
            format!("{only} events told by only one, {scores} by both with other scores")
        };
        figures.line(format!("      the whole hour: {}", told(0)));
        if rest != SilenceReset::NEVER {
            let from = found.rested.unwrap_or(found.steps);
            figures.line(format!(
                "      behind the first rest of both, {:.1} s from the hour's start ({} rests in the hour): {} steps with other states, {}",
                seconds(from),
                found.rests,
                found.apart,
                told(from)
            ));
            figures.add("endurance-seconds-to-rest", seconds(from));
            figures.add("endurance-steps-that-differ", f64::from(found.apart));
            figures.add("endurance-events-that-differ", (found.elsewhere(from) + found.otherwise(from)) as f64);
            let largest = found.largest.iter().copied().max().unwrap_or(0);
            figures.add("endurance-largest-state", f64::from(largest) / f64::from(i32::MAX));
        }
    }
    Ok(())
}
