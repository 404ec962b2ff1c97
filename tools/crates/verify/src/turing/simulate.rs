//! The network on the integer core in parallel with the machine.

use super::construction::Construction;
use super::machine::{Configuration, Machine};
use anyhow::{Result, bail, ensure};
use elman::blob::{Blob, Model};

/// A run of both.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The configurations, the first one before the first step; the network held each of them.
    pub configurations: Vec<Configuration>,
    /// The blob.
    pub blob: Vec<u8>,
    /// Steps of the network.
    pub steps: usize,
}

/// Runs the machine until it halts or for `most` steps, and the network in parallel on the integer core: it has to hold
/// the same state, tape and head after each step.
///
/// # Errors
/// Where the head leaves the tape, said before the network runs; where the network differs, which it does not; where
/// the network is too large for a blob.
pub fn simulate(machine: &Machine, most: usize) -> Result<Simulation> {
    let configurations = machine.run(most).map_err(anyhow::Error::msg)?;
    let construction = Construction::new(machine);
    let blob = construction.model().to_blob()?;
    let words = elman_quant::words_of(&blob)?;
    let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.stream(&mut memory).map_err(|e| anyhow::anyhow!("{e}"))?;
    let input = inputs(&construction, machine, configurations.len() - 1);
    let mut expected = configurations.iter().enumerate();
    for (k, frame) in input.chunks_exact(construction.inputs()).enumerate() {
        net.advance(frame);
        let held = construction.configuration(net.hidden_state(0));
        if k % 2 == 1 {
            ensure!(held.is_none(), "the network holds a configuration between two steps of the machine");
            continue;
        }
        let Some((step, wanted)) = expected.next() else { break };
        if held.as_ref() != Some(wanted) {
            let held = held.map_or("no configuration".to_owned(), |c| machine.show(&c).to_string());
            bail!("step {step}: the machine is at {}, the network holds {held}", machine.show(wanted));
        }
    }
    let steps = input.len() / construction.inputs();
    Ok(Simulation { configurations, blob, steps })
}

/// The frames for `steps` steps of the machine: the configuration at the beginning, then zeros, two frames a step.
pub fn inputs(construction: &Construction<'_>, machine: &Machine, steps: usize) -> Vec<i16> {
    let mut frames = construction.frame(&machine.start);
    frames.resize(construction.inputs() * (2 * steps + 1), 0);
    frames
}
