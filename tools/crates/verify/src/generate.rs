//! Generation on an emulated core, compared with the host symbol by symbol.

use anyhow::{Context, Result, ensure};
use elman::Model;
use elman::blob::Blob;
use elman::net::{Sampler, Temperature};
use serde::Serialize;

use super::Options;
use elman_emulator::{Firmware, Machines, Qemu};
use elman_quant::{relay, words_of};

/// "ELG1": the first word of the firmware's answer.
const MAGIC: u32 = u32::from_le_bytes(*b"ELG1");

/// What to generate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Seed of the sampler.
    pub seed: u64,
    /// Temperature T; at 0 the greatest score is taken.
    pub temperature: Temperature,
    /// Draw among so many of the greatest scores; 0 for all.
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

/// A model that generates: it reads symbols, and its outputs are scores of the next one.
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

/// Generates with the blob `model` on the emulated `core` and on the host, and compares symbol by symbol.
///
/// # Errors
/// Where the blob does not load or does not generate, QEMU or the toolchain for the core is missing, or the firmware
/// fails. A difference is no error, but is in the report.
pub fn generate(model: &[u8], core: &str, generation: &Generation, options: &Options) -> Result<GenerateReport> {
    let model = &relay::for_core(model, core)?;
    let words = words_of(model)?;
    let loaded = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("the blob does not load: {e}"))?;
    let symbols = generate_on_host(&loaded, generation)?;
    let machines = Machines::find(options.boards.as_deref())?;
    let machine = machines.get(core)?;
    let qemu = Qemu::find(machine)?;
    let firmware = Firmware::build(&machines, core, "generate", None, &[])?;

    let folder = tempfile::tempdir().context("a temporary folder for the generation")?;
    let mut input = vec![
        generation.seed as u32,
        (generation.seed >> 32) as u32,
        generation.temperature.to_bits() as u32,
        generation.top_k as u32,
        u32::try_from(generation.count).context("too many symbols")?,
        u32::try_from(generation.prompt.len()).context("the prompt is too long")?,
    ];
    input.extend(generation.prompt.iter().map(|s| *s as u32));
    let input: Vec<u8> = input.iter().flat_map(|w| w.to_le_bytes()).collect();
    for (name, bytes) in [("model.elman", model), ("input.bin", &input)] as [(&str, &Vec<u8>); 2] {
        std::fs::write(folder.path().join(name), bytes).with_context(|| format!("a temporary file {name}"))?;
    }
    qemu.run(machine, &firmware, folder.path())?;
    let output = std::fs::read(folder.path().join("output.bin")).context("the firmware's symbols")?;
    let output = words_of(&output).context("the firmware's symbols")?;
    let [magic, crc, empty_ticks, drawn @ ..] = &output[..] else { anyhow::bail!("the firmware wrote nothing") };
    ensure!(*magic == MAGIC, "the firmware speaks another protocol: rebuild it from this version's boards/");
    ensure!(*crc == loaded.crc(), "the firmware runs another model: CRC {crc:08x} instead of {:08x}", loaded.crc());
    let drawn = drawn.as_chunks::<2>().0;
    let board: Vec<u16> = drawn.iter().map(|[_, symbol]| *symbol as u16).collect();
    ensure!(board.len() == symbols.len(), "the firmware stopped after {} of {} symbols", board.len(), symbols.len());
    let ticks: u64 = drawn.iter().map(|[ticks, _]| ticks.wrapping_sub(*empty_ticks) as u64).sum();
    let differ = |(h, b): (&u16, &u16)| h != b;
    Ok(GenerateReport {
        core: core.to_owned(),
        mismatches: symbols.iter().zip(&board).filter(|p| differ(*p)).count(),
        first: symbols.iter().zip(&board).position(differ),
        instructions: machine.instructions(ticks as f64 / drawn.len().max(1) as f64),
        symbols,
        board,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use elman_quant::synthetic;

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
