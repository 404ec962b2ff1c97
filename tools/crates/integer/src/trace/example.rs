//! An input through the structure of a model.

use anyhow::{Result, anyhow, bail, ensure};
use elman::audio::FrontEnd;
use elman::blob::Structure;
use elman::net::{CsrRows, END, Node, Output, Probability};
use elman::{Model, RunError};

use super::record::take;
use super::runs::{by_step, in_order};
use super::stream;
use super::{Answer, Example, Input, SearchStep, Step, Written};

/// Runs an input and gathers what was computed. The model is one that [`super::trace`] has loaded.
pub(super) fn example(model: &Model<'_>, input: &Input) -> Result<Example> {
    let memory = &mut vec![0; model.memory_words()];
    take(model);
    let mut example = Example { input: input.clone(), ..Example::default() };
    let streams = model.structure() == Structure::Sequence && model.max_steps() == 0;
    if streams && model.detect().is_some() && !input.samples.is_empty() {
        example.steps = stream::listen(model, &input.samples)?;
        return Ok(example);
    }
    let frames = frames(model, input)?;
    if let Some((t, frame)) = frames.iter().enumerate().find(|(_, f)| !streams && f.len() != model.inputs()) {
        bail!("frame {t} has {} elements, the model reads {}", frame.len(), model.inputs());
    }
    let flat: Vec<i16> = frames.concat();
    match model.structure() {
        Structure::Sequence if model.max_steps() > 0 => example.steps = sequence(model, memory, &flat)?,
        Structure::Sequence => match input.draw {
            Some(draw) => stream::draw(model, memory, &flat, draw, &mut example)?,
            None => example.steps = stream::steps(model, memory, &frames)?,
        },
        Structure::Seq2seq { beams, .. } => seq2seq(model, memory, &flat, beams, &mut example)?,
        Structure::Tree { .. } => example.steps = tree(model, memory, &flat, &input.nodes)?,
        Structure::Graph { rounds, .. } => example.steps = graph(model, memory, &flat, input, rounds.into())?,
    }
    Ok(example)
}

/// The frames: out of the front end where the input is sound, scaled where it is readings.
fn frames(model: &Model<'_>, input: &Input) -> Result<Vec<Vec<i16>>> {
    if !input.readings.is_empty() {
        let scaling = model.input_scaling().ok_or_else(|| anyhow!("the model reads no readings of sensors"))?;
        let frame = |raw: &Vec<i32>| {
            let mut frame = vec![0; raw.len()];
            scaling.quantize_i32(raw, &mut frame);
            frame
        };
        return Ok(input.readings.iter().map(frame).collect());
    }
    if input.samples.is_empty() {
        return Ok(input.frames.clone());
    }
    let config = model.audio().ok_or_else(|| anyhow!("the model reads no sound"))?;
    let mut words = vec![0; config.memory_words()];
    let mut front_end = FrontEnd::new(*config, &mut words).map_err(|e| anyhow!("{e}"))?;
    let mut frames = Vec::new();
    front_end.push(&input.samples, |frame| frames.push(frame.to_vec()));
    Ok(frames)
}

/// An error of the core, in its words.
pub(super) fn said(e: RunError) -> anyhow::Error {
    anyhow!("{e}")
}

/// An answer with its probabilities.
pub(super) fn answer(model: &Model<'_>, at: usize, output: &Output<'_>) -> Answer {
    let mut readings = vec![0; model.output_scaling().map_or(0, |_| output.logits.len())];
    if let Some(scaling) = model.output_scaling() {
        scaling.restore_i32(output.logits, &mut readings);
    }
    let mut p = vec![Probability::ZERO; output.logits.len()];
    output.softmax(&mut p);
    Answer { at, y: output.logits.to_vec(), p: p.iter().map(|p| p.to_bits()).collect(), readings }
}

/// A step for each frame of a whole sequence.
fn sequence(model: &Model<'_>, memory: &mut [u32], frames: &[i16]) -> Result<Vec<Step>> {
    let mut net = model.sequence(memory).map_err(said)?;
    let outputs = net.run(frames).map_err(said)?;
    let runs = by_step(model, take(model), outputs.len());
    let steps = runs.into_iter().zip(outputs.iter()).enumerate().map(|(t, (run, output))| Step {
        runs: vec![run],
        answers: vec![answer(model, t, &output)],
        ..Step::default()
    });
    Ok(steps.collect())
}

/// The encoder, then a step for each symbol written and the end; before it the search.
fn seq2seq(model: &Model<'_>, memory: &mut [u32], frames: &[i16], beams: u8, example: &mut Example) -> Result<()> {
    let mut net = model.seq2seq(memory).map_err(said)?;
    let written = net.run(frames).map_err(said)?;
    let symbols: Vec<u16> = written.symbols().collect();
    example.written = Some(Written { symbols: symbols.clone(), ended: written.ended, log2_p: written.log2_p });
    let searched = take(model);
    if beams > 1 {
        example.search = search(model, searched);
    }
    net.encode(frames).map_err(said)?;
    let steps = frames.len() / model.inputs().max(1);
    let encoder = model.chain(elman::wiring::seq2seq::ENCODER).len();
    let (encoding, rest): (Vec<_>, Vec<_>) = take(model).into_iter().partition(|(layer, _)| *layer < encoder);
    let mut runs = by_step(model, encoding, steps);
    runs.extend(in_order(model, rest));
    example.steps.push(Step { runs, ..Step::default() });
    for (t, before) in std::iter::once(&END).chain(&symbols).enumerate().take(net.max_outputs()) {
        let answers = vec![answer(model, t, &net.step(*before))];
        let runs = in_order(model, take(model));
        let weights = net.attention_weights().iter().map(|a| a.to_bits()).collect();
        example.steps.push(Step { runs, weights, answers, detector: None });
    }
    Ok(())
}

/// Symbol and logits of each step of each hypothesis.
fn search(model: &Model<'_>, records: Vec<(usize, super::record::Record)>) -> Vec<SearchStep> {
    let chains = 0..elman::wiring::seq2seq::DECODER;
    let decoder: usize = chains.map(|k| model.chain(k).len()).sum();
    let mut steps = Vec::new();
    let mut symbol = END;
    for (layer, record) in records {
        if layer == decoder {
            symbol = record.x.first().map_or(END, |x| *x as u16);
        } else if layer + 1 == model.layers().len() {
            steps.push(SearchStep { symbol, y: record.h });
        }
    }
    steps
}

/// A step for each node; the head's run after the last one belongs to it.
fn tree(model: &Model<'_>, memory: &mut [u32], frames: &[i16], nodes: &[Vec<u16>]) -> Result<Vec<Step>> {
    let node = |n: &Vec<u16>| match n[..] {
        [frame] => Ok(Node::Leaf(frame)),
        [left, right] => Ok(Node::Inner { left, right }),
        _ => Err(anyhow!("a node has one frame or two children, not {} numbers", n.len())),
    };
    let nodes = nodes.iter().map(node).collect::<Result<Vec<Node>>>()?;
    let mut answers = Vec::new();
    let mut tree = model.tree(memory).map_err(said)?;
    tree.run_each(frames, &nodes, |k, output| answers.push(answer(model, k, &output))).map_err(said)?;
    let mut steps: Vec<Step> = Vec::new();
    let head = elman::wiring::Chain::Head.name();
    for run in in_order(model, take(model)) {
        if run.chain != head || steps.is_empty() {
            steps.push(Step::default());
        }
        let at = steps.len() - 1;
        steps[at].runs.push(super::ChainRun { at, ..run });
    }
    answers.into_iter().for_each(|a| steps[a.at].answers.push(a));
    Ok(steps)
}

/// A step for the first states, one for each round, one for the answers.
fn graph(model: &Model<'_>, memory: &mut [u32], frames: &[i16], input: &Input, rounds: usize) -> Result<Vec<Step>> {
    let neighbours: Vec<u16> = input.neighbours.concat();
    let mut offsets = vec![0u32];
    offsets.extend(input.neighbours.iter().scan(0, |sum, row| {
        *sum += row.len() as u32;
        Some(*sum)
    }));
    ensure!(
        input.edges.is_empty() || input.edges.len() == neighbours.len(),
        "{} edges have features, the rows have {} neighbours",
        input.edges.len(),
        neighbours.len()
    );
    let rows = CsrRows::new(&offsets, &neighbours).map_err(said)?;
    let mut net = model.graph(memory).map_err(said)?;
    let outputs = net.run(frames, rows, &input.edges.concat()).map_err(said)?;
    let answers: Vec<Answer> = outputs.iter().enumerate().map(|(v, output)| answer(model, v, &output)).collect();
    let mut steps = vec![Step::default(); rounds + 2];
    let nodes = input.neighbours.len().max(1);
    let mut updates = 0;
    for mut run in in_order(model, take(model)) {
        let step = match run.chain {
            "node" => 0,
            "head" => rounds + 1,
            _ => 1 + updates / nodes,
        };
        let edges = neighbours.len().max(1);
        match run.chain {
            "message" | "edge" => run.at %= edges,
            "update" => {
                run.at %= nodes;
                updates += 1;
            }
            _ => {}
        }
        steps[step].runs.push(run);
    }
    steps[rounds + 1].answers = answers;
    Ok(steps)
}
