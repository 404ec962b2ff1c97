//! `bench mcu`: executed instructions per step of `net::Stream` on the emulated Cortex-M4.

use anyhow::{Result, ensure};
use elman::Model;
use elman::blob::Blob;
use elman_tools::cost;
use elman_tools::quant::synthetic::{self, Drive};
use elman_tools::quant::words_of;
use elman_tools::verify::{Bench, Inputs, Options};

use crate::report::Figures;

/// What a case is compared with: our best loop on its own, CMSIS-NN's s8 and s16 (at 99f736a, gcc 12 -Ofast,
/// July 2026), all counted in the same way.
struct Case {
    variant: &'static str,
    inputs: usize,
    units: usize,
    loop_alone: Option<u32>,
    cmsis: Option<(u32, Option<u32>)>,
}

const fn lstm(inputs: usize, units: usize, loop_alone: u32, s8: u32, s16: u32) -> Case {
    Case { variant: "lstm", inputs, units, loop_alone: Some(loop_alone), cmsis: Some((s8, Some(s16))) }
}

const fn gru(inputs: usize, units: usize, loop_alone: u32) -> Case {
    Case { variant: "gru", inputs, units, loop_alone: Some(loop_alone), cmsis: None }
}

/// A cell that neither has.
const fn other(variant: &'static str, inputs: usize, units: usize) -> Case {
    Case { variant, inputs, units, loop_alone: None, cmsis: None }
}

const fn dense(inputs: usize, units: usize, loop_alone: u32, s8: u32) -> Case {
    Case { variant: "dense", inputs, units, loop_alone: Some(loop_alone), cmsis: Some((s8, None)) }
}

const CASES: &[Case] = &[
    lstm(10, 32, 8_132, 27_667, 34_835),
    lstm(40, 64, 30_020, 82_563, 104_885),
    lstm(40, 128, 89_284, 225_130, 285_941),
    lstm(16, 16, 3_425, 13_084, 16_515),
    lstm(64, 256, 317_687, 740_640, 939_895),
    gru(12, 32, 7_098),
    gru(40, 64, 26_002),
    gru(40, 128, 76_882),
    gru(16, 16, 3_055),
    gru(64, 256, 272_901),
    dense(64, 64, 4_503, 10_624),
    dense(128, 128, 16_311, 36_480),
    dense(128, 256, 32_567, 72_832),
    other("lstm-no-forget", 40, 64),
    other("lstm-coupled", 40, 64),
    other("lstm-peephole", 40, 64),
    other("residual-2", 40, 64),
];

const CORE: &str = "m4";
const STEPS: usize = 60;

/// Counts every case.
pub fn run() -> Result<Figures> {
    let bench = Bench::new(&Options::default(), CORE, None)?;
    let mut figures = Figures::new("bench-mcu");
    figures.line(format!("Executed instructions per step on the {} (QEMU; no cycles)", bench.machine().name));
    figures.line(format!(
        "{:<16}{:>10}{:>9}{:>12}{:>8}{:>12}{:>8}{:>12}{:>8}",
        "", "step", "per MAC", "loop alone", "step/", "CMSIS s8", "/step", "CMSIS s16", "/step"
    ));
    for case in CASES {
        let Case { variant, inputs, units, .. } = *case;
        let blob = synthetic::model(variant, inputs, units, 0, Drive::Ordinary, 7).to_blob()?;
        let words = words_of(&blob)?;
        let model = Model::load(Blob::new(&words)).map_err(|e| anyhow::anyhow!("{e}"))?;
        let frames = synthetic::frames(inputs, STEPS, 7);
        let report = bench.session(&model, &Inputs::of(&[frames]), Some(&blob))?;
        ensure!(report.bit_exact(), "{variant} ({inputs}, {units}) is not bit-exact: {:?}", report.first);
        let step = report.instructions;
        let macs = cost::of(&model).macs;
        let name = format!("{variant}-{inputs}x{units}");
        let peer = |p: Option<u32>| {
            p.map_or(format!("{:>12}{:>8}", "-", "-"), |p| format!("{p:>12}{:>7.2}x", p as f64 / step))
        };
        figures.line(format!(
            "{:<16}{:>10.0}{:>9.2}{}{}{}",
            format!("{variant} ({inputs}, {units})"),
            step,
            step / macs as f64,
            case.loop_alone.map_or(format!("{:>12}{:>8}", "-", "-"), |l| format!("{l:>12}{:>7.3}x", step / l as f64)),
            peer(case.cmsis.map(|c| c.0)),
            peer(case.cmsis.and_then(|c| c.1)),
        ));
        figures.add(name, step.round());
    }
    Ok(figures)
}
