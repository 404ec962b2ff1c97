//! The weights of a simple recurrent network that simulates a machine.
//!
//! Every unit is a sigmoid driven so far into saturation that it is 0 or 1 - 2^-15, and every row of weights a threshold:
//! the unit is on if the sum of some units of the step before, less the sum of others, exceeds k + 1/2. There are two
//! groups of units, and a step of the machine is two of the network:
//!
//! * the configuration: `state(q, p)`, the machine is in q with its head at cell p, and `cell(s, p)`, cell p holds s
//!   (not for the blank);
//! * what follows from it: `rule(q, s, p)`, the machine is in q, its head at p, where s is; `rest(q, p)`, it has halted
//!   so; and `keep(s, p)`, cell p holds s and no head is going to write there.
//!
//! The second group is conjunctions of the first, the first disjunctions of the second. The second is empty at first, so
//! the groups take turns: at steps 1, 3, 5 ... the first holds the configuration and the second is empty, at the steps
//! between it is the other way round. The first frame sets the first group; all later frames are 0.

use super::machine::{Configuration, Machine, Move};
use elman::blob::Readout;
use elman::kernel::WeightFormat;
use elman_quant::{IntegerGate, IntegerLayer, IntegerModel};

/// Weight of a connection: the largest of the format.
const WEIGHT: i8 = WeightFormat::Int8.max();
/// 1/2 in units of the accumulator: half of `WEIGHT` times 1 in Q0.15.
const HALF: i32 = (WEIGHT as i32) << 14;
/// Largest multiplier: 1/2 beyond the threshold becomes a pre-activation of 15.9, where the sigmoid is 1 - 2^-15 and 0
/// to all digits of Q0.15.
const MULTIPLIER: i32 = i32::MAX;
/// A unit that is on, in Q0.15.
const ON: i16 = i16::MAX;

/// A machine's network: which unit means what, and the weights.
#[derive(Clone, Debug)]
pub struct Construction<'m> {
    machine: &'m Machine,
    cells: usize,
    /// States of the network: those of the machine, then for each a halted one.
    phases: Vec<(usize, bool)>,
    /// `[units, units]`.
    u: Vec<i8>,
    bias: Vec<i32>,
    units: usize,
    /// Units of the first group, which the input sets.
    inputs: usize,
}

impl<'m> Construction<'m> {
    /// Writes down the weights.
    pub fn new(machine: &'m Machine) -> Construction<'m> {
        let cells = machine.start.tape.len();
        let phases = phases(machine);
        let running = phases.iter().filter(|(_, halted)| !halted).count();
        let (symbols, others) = (machine.symbols.len(), machine.symbols.len() - 1);
        let inputs = (phases.len() + others) * cells;
        let units = inputs + (running * symbols + (phases.len() - running) + others) * cells;
        let (u, bias) = (vec![0; units * units], vec![-HALF; units]);
        let mut network = Construction { machine, cells, phases, u, bias, units, inputs };
        (0..cells).for_each(|cell| network.connect(cell));
        network
    }

    /// Connections that come from the units of one cell.
    fn connect(&mut self, cell: usize) {
        let (machine, others) = (self.machine, 1..self.machine.symbols.len());
        for phase in 0..self.phases.len() {
            let (state, halted) = self.phases[phase];
            let here = self.state(phase, cell);
            if halted {
                let rest = self.rest(phase, cell);
                self.excite(here, rest);
                self.excite(rest, here);
                continue;
            }
            for symbol in 0..machine.symbols.len() {
                let Some(rule) = machine.rules[state][symbol] else { continue };
                let unit = self.rule(phase, symbol, cell);
                self.excite(here, unit);
                match symbol {
                    0 => others.clone().for_each(|s| self.inhibit(self.cell(s, cell), unit)),
                    s => {
                        self.excite(self.cell(s, cell), unit);
                        self.bias[unit] -= 2 * HALF;
                    }
                }
                if rule.write > 0 {
                    self.excite(unit, self.cell(rule.write, cell));
                }
                let next = match rule.go {
                    Move::Left => cell.checked_sub(1),
                    Move::Right => Some(cell + 1).filter(|&c| c < self.cells),
                    Move::Stay | Move::Halt => Some(cell),
                };
                let halted = rule.go == Move::Halt || machine.halts_in(rule.next);
                let phase = self.phases.iter().position(|&p| p == (rule.next, halted));
                if let (Some(next), Some(phase)) = (next, phase) {
                    self.excite(unit, self.state(phase, next));
                }
            }
            for symbol in others.clone() {
                self.inhibit(here, self.keep(symbol, cell));
            }
        }
        for symbol in others {
            let (holds, keeps) = (self.cell(symbol, cell), self.keep(symbol, cell));
            self.excite(holds, keeps);
            self.excite(keeps, holds);
        }
    }

    fn excite(&mut self, from: usize, to: usize) {
        self.u[to * self.units + from] = WEIGHT;
    }

    fn inhibit(&mut self, from: usize, to: usize) {
        self.u[to * self.units + from] = -WEIGHT;
    }

    fn state(&self, phase: usize, cell: usize) -> usize {
        phase * self.cells + cell
    }

    fn cell(&self, symbol: usize, cell: usize) -> usize {
        (self.phases.len() + symbol - 1) * self.cells + cell
    }

    fn running(&self) -> usize {
        self.phases.iter().filter(|(_, halted)| !halted).count()
    }

    fn rule(&self, phase: usize, symbol: usize, cell: usize) -> usize {
        self.inputs + (phase * self.machine.symbols.len() + symbol) * self.cells + cell
    }

    fn rest(&self, phase: usize, cell: usize) -> usize {
        let (running, symbols) = (self.running(), self.machine.symbols.len());
        self.inputs + (running * symbols + phase - running) * self.cells + cell
    }

    fn keep(&self, symbol: usize, cell: usize) -> usize {
        let (running, symbols) = (self.running(), self.machine.symbols.len());
        self.inputs + (running * symbols + self.phases.len() - running + symbol - 1) * self.cells + cell
    }

    /// Elements of a frame: the units of the configuration.
    pub fn inputs(&self) -> usize {
        self.inputs
    }

    /// Units of the network.
    pub fn units(&self) -> usize {
        self.units
    }

    /// Connections: weights that are not 0, those of the input among them.
    pub fn connections(&self) -> usize {
        self.inputs + self.u.iter().filter(|&&w| w != 0).count()
    }

    /// The frame that sets a configuration.
    pub fn frame(&self, configuration: &Configuration) -> Vec<i16> {
        let mut frame = vec![0; self.inputs];
        if let Some(phase) = self.phases.iter().position(|&p| p == (configuration.state, configuration.halted)) {
            frame[self.state(phase, configuration.head)] = ON;
        }
        for (cell, &symbol) in configuration.tape.iter().enumerate().filter(|(_, s)| **s > 0) {
            frame[self.cell(symbol, cell)] = ON;
        }
        frame
    }

    /// The configuration that the units hold; `None` if they hold none: a unit between 0 and 1, two heads, two symbols
    /// in a cell, or a second group that is not empty.
    pub fn configuration(&self, hidden: &[i16]) -> Option<Configuration> {
        if hidden.len() != self.units || hidden.iter().any(|&h| h != 0 && h != ON) {
            return None;
        }
        let on: Vec<usize> = (0..self.units).filter(|&k| hidden[k] == ON).collect();
        let heads = self.phases.len() * self.cells;
        let (mut head, mut tape) = (None, vec![0; self.cells]);
        for unit in on {
            match unit {
                k if k < heads && head.is_none() => head = Some((self.phases[k / self.cells], k % self.cells)),
                k if (heads..self.inputs).contains(&k) && tape[k % self.cells] == 0 => {
                    tape[k % self.cells] = (k - heads) / self.cells + 1;
                }
                _ => return None,
            }
        }
        let ((state, halted), head) = head?;
        Some(Configuration { state, halted, tape, head })
    }

    /// The network in integers: one layer, whose output is its hidden state.
    pub fn model(&self) -> IntegerModel {
        let mut w = vec![0; self.units * self.inputs];
        for k in 0..self.inputs {
            w[k * self.inputs + k] = WEIGHT;
        }
        let gate =
            IntegerGate { w, u: self.u.clone(), bias: self.bias.clone(), multiplier: vec![MULTIPLIER; self.units] };
        let layer = IntegerLayer {
            variant: "srn-sigmoid".to_owned(),
            inputs: self.inputs,
            units: self.units,
            in_frac: 15,
            out_frac: 15,
            gates: vec![gate],
            ..IntegerLayer::default()
        };
        IntegerModel {
            name: self.machine.name.clone(),
            readout: Readout::EveryStep,
            layers: vec![layer],
            ..IntegerModel::default()
        }
    }
}

/// The states that can occur: those that run, then those that have halted.
fn phases(machine: &Machine) -> Vec<(usize, bool)> {
    let running = (0..machine.states.len()).filter(|&s| !machine.halts_in(s)).map(|s| (s, false));
    let rules = || machine.rules.iter().flatten().flatten();
    let halted = (0..machine.states.len())
        .filter(|&s| machine.halts_in(s) || rules().any(|r| r.go == Move::Halt && r.next == s));
    running.chain(halted.map(|s| (s, true))).collect()
}
