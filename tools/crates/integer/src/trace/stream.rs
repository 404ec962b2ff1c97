//! A step for each frame, with states kept.

use anyhow::{Result, anyhow, ensure};
use elman::detect::{Detector, Event};
use elman::net::{Sampler, Temperature};
use elman::{Listener, Model};

use super::example::{answer, said};
use super::record::{Record, take};
use super::runs::in_order;
use super::{Answer, Detection, Draw, Example, Step};

/// Steps of a stream over frames; one that ends before the elements fed back closes the loop.
pub(super) fn steps(model: &Model<'_>, memory: &mut [u32], frames: &[Vec<i16>]) -> Result<Vec<Step>> {
    let mut net = model.stream(memory).map_err(said)?;
    let mut words = vec![0; model.detect().map_or(0, |config| config.memory_words())];
    let detector = model.detect().map(|config| Detector::new(config, &mut words));
    let mut detector = detector.transpose().map_err(|e| anyhow!("{e}"))?;
    let mut steps = Vec::new();
    for (t, frame) in frames.iter().enumerate() {
        let (inputs, closed) = (model.inputs(), model.external_inputs());
        let fits = frame.len() == inputs || frame.len() == closed;
        ensure!(fits, "frame {t} has {} elements, the model reads {inputs}", frame.len());
        let output = if frame.len() < inputs { net.step_closed(frame) } else { net.step(frame) };
        let mut detection = None;
        if let Some(detector) = &mut detector {
            let event = detector.step(output.logits, output.frac);
            detection = Some(detected(detector, event, output.logits.len()));
        }
        let answers = vec![answer(model, t, &output)];
        steps.push(step(model, t, take(model), answers, detection));
        if let Some(detector) = detector.as_mut().filter(|d| d.should_reset()) {
            net.reset();
            detector.reset_window();
        }
    }
    Ok(steps)
}

/// Steps of a model of text over symbols, and over those that it draws after them; the last drawn is not read.
pub(super) fn draw(
    model: &Model<'_>,
    memory: &mut [u32],
    symbols: &[i16],
    draw: Draw,
    example: &mut Example,
) -> Result<()> {
    ensure!(!symbols.is_empty() && model.inputs() == 1, "a model that reads symbols draws after at least one of them");
    let mut net = model.stream(memory).map_err(said)?;
    let mut sampler = Sampler::new(draw.seed, Temperature::from_bits(draw.temperature), draw.top_k);
    let all = symbols.len() + usize::from(draw.count.saturating_sub(1));
    for t in 0..all {
        let read = symbols.get(t).map_or_else(|| example.drawn.last().copied().unwrap_or(0), |k| *k as u16);
        if t + 1 < symbols.len() || draw.count == 0 {
            net.step_symbol(read);
        } else {
            example.drawn.push(net.next_symbol(read, &mut sampler));
        }
        let runs = take(model);
        let answers = vec![answer(model, t, &net.output())];
        // The head has run again for the answer.
        take(model);
        example.steps.push(step(model, t, runs, answers, None));
    }
    Ok(())
}

/// Steps of a listener over samples.
pub(super) fn listen(model: &Model<'_>, samples: &[i16]) -> Result<Vec<Step>> {
    let (audio, detect) = (model.audio(), model.detect());
    let sound = audio.map_or(0, |config| config.memory_words());
    let mut words = vec![0; sound + model.memory_words() + detect.map_or(0, |config| config.memory_words())];
    let mut steps = Vec::new();
    let frac = model.out_frac();
    Listener::new(model, &mut words).map_err(said)?.push_each(samples, |result| {
        let output = elman::net::Output { logits: result.logits, frac };
        let detection = detected(result.detector, result.event, result.logits.len());
        let t = steps.len();
        steps.push(step(model, t, take(model), vec![answer(model, t, &output)], Some(detection)));
    });
    Ok(steps)
}

/// A step of these records.
fn step(
    model: &Model<'_>,
    t: usize,
    records: Vec<(usize, Record)>,
    answers: Vec<Answer>,
    detector: Option<Detection>,
) -> Step {
    let mut runs = in_order(model, records);
    runs.iter_mut().for_each(|run| run.at = t);
    Step { runs, answers, detector, ..Step::default() }
}

/// What a detector says after a step.
fn detected(detector: &Detector<'_>, event: Option<Event>, outputs: usize) -> Detection {
    Detection {
        means: (0..outputs).map(|k| detector.smoothed(k as u16).to_bits()).collect(),
        event: event.map(|e| (e.class, e.score.to_bits())),
        reset: detector.should_reset(),
    }
}
