//! Generation on a device, symbol by symbol as on the host.

use anyhow::{Context, Result, ensure};
use elman::Model;
use elman::net::{Sampler, Temperature};
use elman_messages::{Outcome, Request, Task};
use serde::Serialize;

use crate::device::{Device, bytes_of, done, start, unexpected};

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Seed of the sampler.
    pub seed: u64,
    /// Temperature T; at 0 the greatest logit is taken.
    pub temperature: Temperature,
    /// Draw among so many of the greatest logits; 0 for all.
    pub top_k: u16,
    /// Symbols that the model reads first, at least one.
    pub prompt: Vec<u16>,
    /// Symbols to draw.
    pub count: usize,
}

/// What [`generate`] found.
#[derive(Clone, Debug, Serialize)]
pub struct GenerateReport {
    /// Name of the core.
    pub core: String,
    /// The host's symbols.
    pub symbols: Vec<u16>,
    /// The board's.
    pub board: Vec<u16>,
    /// Symbols that differ.
    pub mismatches: usize,
    /// The first of them.
    pub first: Option<usize>,
    /// Executed instructions per symbol, step and draw: the mean.
    pub instructions: f64,
}

/// A model that generates: it reads symbols, and its outputs are logits of the next one.
fn check(model: &Model<'_>, generation: &Generation) -> Result<()> {
    let text = model.text().context("the model does not read text, so it generates none")?;
    ensure!(
        text.len() == model.outputs(),
        "the model has {} outputs and {} symbols: it classifies text and generates none",
        model.outputs(),
        text.len()
    );
    ensure!(!generation.prompt.is_empty(), "the prompt is empty: give at least one symbol");
    Ok(())
}

/// Generates on the host.
///
/// # Errors
/// Where the model does not generate, or the prompt is empty.
pub fn generate_on_host(model: &Model<'_>, generation: &Generation) -> Result<Vec<u16>> {
    check(model, generation)?;
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.stream(&mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut sampler = Sampler::new(generation.seed, generation.temperature, generation.top_k);
    let (last, before) = generation.prompt.split_last().context("the prompt is empty")?;
    for symbol in before {
        net.advance(&[*symbol as i16]);
    }
    let mut symbol = *last;
    Ok((0..generation.count)
        .map(|_| {
            symbol = net.next_symbol(symbol, &mut sampler);
            symbol
        })
        .collect())
}

/// Generates on a device that runs the model and on the host, and compares symbol by symbol.
///
/// # Errors
/// Where the model does not generate, or the device does not answer. A difference is no error, but stated in the report.
pub fn generate(device: &mut dyn Device, model: &Model<'_>, generation: &Generation) -> Result<GenerateReport> {
    let symbols = generate_on_host(model, generation)?;
    let (temperature, top_k) = (generation.temperature.to_bits(), generation.top_k);
    let prompt = bytes_of(generation.prompt.iter().map(|s| *s as i16));
    let (mut board, mut ticks) = (Vec::with_capacity(symbols.len()), 0u64);
    let hello = device.talk(model.crc(), &mut |channel| {
        start(channel, Task::Text { seed: generation.seed, temperature, top_k })?;
        let most = channel.sizes().payload().max(2);
        prompt.chunks(most).try_for_each(|bytes| done(channel, Request::Prompt(bytes)))?;
        for _ in 0..generation.count {
            let Some(answer) = channel.ask(Request::Draw, 0)? else { continue };
            let Outcome::Symbol { ticks: taken, symbol } = answer.outcome else { return Err(unexpected(&answer)) };
            ticks += u64::from(taken);
            board.push(symbol);
        }
        Ok(())
    })?;
    let ticks = ticks.saturating_sub(board.len() as u64 * u64::from(hello.empty_ticks));
    let differ = |(h, b): (&u16, &u16)| h != b;
    Ok(GenerateReport {
        core: device.name().to_owned(),
        mismatches: symbols.iter().zip(&board).filter(|p| differ(*p)).count(),
        first: symbols.iter().zip(&board).position(differ),
        instructions: device.instructions(ticks as f64 / board.len().max(1) as f64),
        symbols,
        board,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman::blob::Blob;
    use elman_quant::synthetic;
    use elman_quant::words_of;

    #[test]
    fn the_host_generates_known_symbols_from_the_seed() {
        let words = words_of(&synthetic::language(40, 16, 1).to_blob().unwrap()).unwrap();
        let model = Model::load(Blob::new(&words)).unwrap();
        let generation = |seed| Generation {
            seed,
            temperature: Temperature::from_num(1),
            top_k: 20,
            prompt: vec![3, 5],
            count: 200,
        };
        let symbols = generate_on_host(&model, &generation(1)).unwrap();
        assert_eq!(symbols, generate_on_host(&model, &generation(1)).unwrap());
        assert_ne!(symbols, generate_on_host(&model, &generation(2)).unwrap());
        assert!(symbols.iter().all(|s| (1..40).contains(s)));
        assert!(symbols.iter().collect::<std::collections::HashSet<_>>().len() > 5);
        let empty = Generation { prompt: vec![], ..generation(1) };
        assert!(generate_on_host(&model, &empty).unwrap_err().to_string().contains("prompt"));
        let deaf =
            words_of(&synthetic::model("gru", 2, 2, 2, synthetic::Drive::Ordinary, 1).to_blob().unwrap()).unwrap();
        let deaf = Model::load(Blob::new(&deaf)).unwrap();
        assert!(generate_on_host(&deaf, &generation(1)).unwrap_err().to_string().contains("text"));
    }
}
