//! Operators that move axes and choose of them: nothing is computed but where the last step, or one direction, is taken.

use elman_nn::Over;

use super::node::Reader;
use super::value::{Axis, Stream, Value};
use crate::op::Op;
use crate::{Matrix, Result, Tensor};
use std::rc::Rc;

/// Ends beyond all sequences.
const FAR: i64 = 1 << 30;

/// Sizes of the axes as whole numbers.
pub fn shape(node: &Reader<'_>) -> Result<Value> {
    let sizes: Vec<Option<i64>> = match node.value(0)? {
        Value::Stream(s) => s.axes.iter().map(|a| s.size(a)).collect(),
        Value::Const(t) => t.shape.iter().map(|n| Some(*n as i64)).collect(),
        _ => return Err(node.shape("the shape of no tensor".to_owned())),
    };
    let n = sizes.len() as i64;
    let clamp = |k: i64| (if k < 0 { k.saturating_add(n) } else { k }).clamp(0, n) as usize;
    let (from, to) = (clamp(node.int("start", 0)), clamp(node.int("end", n)));
    Ok(Value::ints(sizes.get(from..to).unwrap_or_default().to_vec()))
}

/// A part of an axis, or the rows of a table.
pub fn gather(node: &Reader<'_>) -> Result<Value> {
    let axis = node.int("axis", 0);
    match (node.value(0)?, node.value(1)?) {
        (Value::Ints { values, .. }, Value::Ints { values: indices, scalar }) => {
            let pick = |k: &Option<i64>| {
                let k = k.ok_or_else(|| node.shape("an index that is not known".to_owned()))?;
                Ok(values[node.axis(k, values.len())?])
            };
            let values = indices.iter().map(pick).collect::<Result<Vec<_>>>()?;
            Ok(Value::Ints { values, scalar: *scalar })
        }
        (Value::Const(table), Value::Stream(symbols)) if axis == 0 => {
            if symbols.last.is_some() || symbols.width != 0 {
                return Err(node.unsupported("an embedding of what the network computes", "an embedding reads symbols"));
            }
            let e = table.matrix(&node.place())?;
            let axes = symbols.axes.iter().cloned().chain([Axis::Feature]).collect();
            Ok(Value::Stream(symbols.then(&node.place(), Op::Embedding(e)).with_axes(axes)))
        }
        (Value::Stream(s), Value::Ints { values, scalar }) => {
            let at = node.axis(axis, s.axes.len())?;
            let [Some(index)] = values[..] else {
                return Err(node.unsupported("several parts of an axis", "one step, the last, is read of a sequence"));
            };
            one(node, s, at, index, !scalar).map(Value::Stream)
        }
        (Value::States(states), Value::Ints { values, scalar }) if axis == 0 => {
            let [Some(index)] = values[..] else {
                return Err(
                    node.unsupported("several states", "the last one, or the last two of both directions, are read")
                );
            };
            let state = &states[node.axis(index, states.len())?];
            let one = (!scalar).then_some(Axis::One);
            Ok(Value::Stream(state.with_axes(one.into_iter().chain(state.axes.iter().cloned()).collect())))
        }
        _ => Err(node.unsupported("what it gathers", "embeddings, the last step and sizes are understood")),
    }
}

/// Element `index` of an axis; `keeps` as an axis of size 1.
fn one(node: &Reader<'_>, s: &Stream, at: usize, index: i64, keeps: bool) -> Result<Stream> {
    let mut axes = s.axes.clone();
    if keeps {
        axes[at] = Axis::One;
    } else {
        axes.remove(at);
    }
    match &s.axes[at] {
        Axis::Time if index == -1 => Ok(s.then(&node.place(), Op::Pool(Over::Last)).with_axes(axes)),
        Axis::Time => Err(node.unsupported(
            &format!("step {index} of a sequence"),
            "of a sequence the last step, the mean or the maximum over the steps can be read",
        )),
        Axis::Directions(1) | Axis::One | Axis::Batch if index == 0 || index == -1 => Ok(s.with_axes(axes)),
        Axis::Directions(n) => {
            let n = *n;
            let direction = Some(node.axis(index, n)?);
            Ok(Stream { direction, ..s.with_axes(axes) })
        }
        _ => Err(node.unsupported(
            "single features, or a sequence that is not the first",
            "give them to a Gemm, or leave them out",
        )),
    }
}

/// A range of an axis.
pub fn slice(node: &Reader<'_>) -> Result<Value> {
    let list = |k: usize, name: &str| -> Result<Option<Vec<i64>>> {
        match (node.ints(name), node.optional(k)) {
            (Some(list), _) => Ok(Some(list.to_vec())),
            (None, None) => Ok(None),
            (None, Some(_)) => {
                // The end of an axis of unknown size is its end.
                Ok(Some(node.sizes(k)?.iter().map(|v| v.unwrap_or(i64::MAX)).collect()))
            }
        }
    };
    let starts = list(1, "starts")?.unwrap_or_default();
    let ends = list(2, "ends")?.unwrap_or_default();
    let axes = list(3, "axes")?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = list(4, "steps")?.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || axes.len() != starts.len() || steps.len() != starts.len() {
        return Err(node.shape("starts, ends, axes and steps of different numbers".to_owned()));
    }
    let mut value = node.value(0)?.clone();
    for ((start, end), (axis, step)) in starts.iter().zip(&ends).zip(axes.iter().zip(&steps)) {
        if *step != 1 {
            return Err(node.unsupported(&format!("every {step}th step, or steps backward"), "read all steps forward"));
        }
        value = match value {
            Value::Ints { values, .. } => {
                let n = values.len() as i64;
                let clamp = |k: i64| (if k < 0 { k.saturating_add(n) } else { k }).clamp(0, n) as usize;
                Value::ints(values.get(clamp(*start)..clamp(*end)).unwrap_or_default().to_vec())
            }
            Value::Stream(s) => {
                let at = node.axis(*axis, s.axes.len())?;
                Value::Stream(range(node, &s, at, *start, *end)?)
            }
            Value::States(states) if *axis == 0 => some(states, *start, *end),
            Value::Zeros => Value::Zeros,
            _ => return Err(node.unsupported("a part of what it reads", "the last step of a sequence can be read")),
        };
    }
    Ok(value)
}

/// States `start..end`; two directions of one layer as such.
fn some(states: Vec<Stream>, start: i64, end: i64) -> Value {
    let n = states.len() as i64;
    let clamp = |k: i64| (if k < 0 { k.saturating_add(n) } else { k }).clamp(0, n) as usize;
    let states = states.get(clamp(start)..clamp(end)).unwrap_or_default();
    let front = |first: Axis, of: &Stream| std::iter::once(first).chain(of.axes.iter().cloned()).collect();
    match states {
        [one] => Value::Stream(one.with_axes(front(Axis::One, one))),
        [a, b] if a.same(b) && (a.direction, b.direction) == (Some(0), Some(1)) => {
            Value::Stream(Stream { direction: None, ..a.with_axes(front(Axis::Directions(2), a)) })
        }
        states => Value::States(states.to_vec()),
    }
}

fn range(node: &Reader<'_>, s: &Stream, at: usize, start: i64, end: i64) -> Result<Stream> {
    let size = s.size(&s.axes[at]);
    if start == 0 && (end >= FAR || size.is_some_and(|n| end >= n)) {
        return Ok(s.clone());
    }
    match &s.axes[at] {
        Axis::Time if start == -1 && end >= FAR => one(node, s, at, -1, true),
        Axis::Directions(n) => {
            let n = *n as i64;
            let clamp = |k: i64| (if k < 0 { k.saturating_add(n) } else { k }).clamp(0, n);
            match clamp(end) - clamp(start) {
                1 => one(node, s, at, clamp(start), true),
                _ => Err(node.unsupported("some of the directions", "both or one can be read")),
            }
        }
        axis => Err(node.unsupported(
            &format!("elements {start} to {end} of the axis {axis:?}"),
            "of a sequence the last step, the mean or the maximum over the steps can be read; a layer that was exported step by \
             step has to be one node RNN, GRU or LSTM (torch.onnx with dynamo=False)",
        )),
    }
}

/// Axes of size 1 fall away.
pub fn squeeze(node: &Reader<'_>) -> Result<Value> {
    let s = match node.value(0)? {
        Value::Stream(s) => s,
        Value::Ints { values, .. } => return Ok(Value::Ints { values: values.clone(), scalar: values.len() == 1 }),
        Value::Const(t) => {
            let mut shape = t.shape.clone();
            match node.axes(1)? {
                None => shape.retain(|n| *n != 1),
                Some(axes) => {
                    let mut axes = axes.iter().map(|a| node.axis(*a, t.shape.len())).collect::<Result<Vec<_>>>()?;
                    axes.sort_unstable();
                    for at in axes.into_iter().rev().filter(|at| t.shape[*at] == 1) {
                        shape.remove(at);
                    }
                }
            }
            return Ok(Value::Const(Rc::new(Tensor::new(&node.place(), shape, t.values.clone())?)));
        }
        Value::States(_) => return node.stream(0).cloned().map(Value::Stream),
        other => return Ok(other.clone()),
    };
    let single = |axis: &Axis| matches!(axis, Axis::Directions(1) | Axis::One);
    let gone: Vec<usize> = match node.axes(1)? {
        Some(axes) => axes.iter().map(|a| node.axis(*a, s.axes.len())).collect::<Result<_>>()?,
        None => (0..s.axes.len()).filter(|k| single(&s.axes[*k])).collect(),
    };
    if let Some(k) = gone.iter().find(|k| !single(&s.axes[**k]) && s.axes[**k] != Axis::Batch) {
        return Err(node.shape(format!("its axis {k}, {:?}, is not of size 1", s.axes[*k])));
    }
    let axes = s.axes.iter().enumerate().filter(|(k, _)| !gone.contains(k)).map(|(_, a)| a.clone()).collect();
    Ok(Value::Stream(s.with_axes(axes)))
}

/// Axes of size 1 are added.
pub fn unsqueeze(node: &Reader<'_>) -> Result<Value> {
    let axes = node.axes(1)?.unwrap_or_default();
    match node.value(0)? {
        Value::Ints { values, .. } => Ok(Value::ints(values.clone())),
        Value::Stream(s) => {
            let mut new = s.axes.clone();
            let rank = s.axes.len() + axes.len();
            let mut at = axes.iter().map(|a| node.axis(*a, rank)).collect::<Result<Vec<_>>>()?;
            at.sort_unstable();
            at.into_iter().for_each(|k| new.insert(k.min(new.len()), Axis::One));
            Ok(Value::Stream(s.with_axes(new)))
        }
        Value::Const(t) => {
            let mut shape = t.shape.clone();
            let mut at = axes.iter().map(|a| node.axis(*a, shape.len() + axes.len())).collect::<Result<Vec<_>>>()?;
            at.sort_unstable();
            at.into_iter().for_each(|k| shape.insert(k.min(shape.len()), 1));
            Ok(Value::Const(Rc::new(Tensor::new(&node.place(), shape, t.values.clone())?)))
        }
        Value::States(_) => node.stream(0).cloned().map(Value::Stream),
        other => Ok(other.clone()),
    }
}

/// Axes in another order.
pub fn transpose(node: &Reader<'_>) -> Result<Value> {
    let rank = match node.value(0)? {
        Value::Stream(s) => s.axes.len(),
        Value::Const(t) => t.shape.len(),
        Value::States(_) => 3,
        other => return Ok(other.clone()),
    };
    let backward: Vec<i64> = (0..rank as i64).rev().collect();
    let perm = node.ints("perm").unwrap_or(&backward);
    let mut order = perm.iter().map(|p| node.axis(*p, rank)).collect::<Result<Vec<_>>>()?;
    let value = match node.value(0)? {
        Value::States(_) => return node.stream(0).cloned().map(Value::Stream),
        Value::Stream(s) => Value::Stream(s.with_axes(order.iter().map(|k| s.axes[*k].clone()).collect())),
        Value::Const(t) if rank == 2 && order == [1, 0] => {
            let Matrix { rows, columns, values } = t.matrix(&node.place())?.transposed();
            Value::Const(Rc::new(Tensor { shape: vec![rows, columns], values }))
        }
        Value::Const(_) => {
            return Err(node.unsupported("weights with their axes moved", "fold constants when exporting"));
        }
        other => other.clone(),
    };
    order.sort_unstable();
    match order.into_iter().eq(0..rank) {
        true => Ok(value),
        false => Err(node.shape(format!("perm = {perm:?} is no order of {rank} axes"))),
    }
}

/// Other axes for the same elements.
pub fn reshape(node: &Reader<'_>) -> Result<Value> {
    let sizes: Vec<Option<i64>> = match node.ints("shape") {
        Some(shape) => shape.iter().map(|n| Some(*n)).collect(),
        None => node.sizes(1)?.to_vec(),
    };
    match node.value(0)? {
        Value::Ints { values, .. } => Ok(Value::ints(values.clone())),
        Value::Zeros => Ok(Value::Zeros),
        Value::Const(t) => {
            let known = sizes.iter().copied().collect::<Option<Vec<i64>>>().unwrap_or_default();
            let rest: i64 =
                known.iter().filter(|n| **n > 0).try_fold(1i64, |n, k| n.checked_mul(*k)).unwrap_or(0).max(1);
            let size = |(k, n): (usize, &i64)| match n {
                0 => t.shape.get(k).copied().unwrap_or(0),
                n if *n > 0 => *n as usize,
                _ => t.values.len() / rest as usize,
            };
            let shape = known.iter().enumerate().map(size).collect();
            Ok(Value::Const(Rc::new(Tensor::new(&node.place(), shape, t.values.clone())?)))
        }
        Value::Stream(s) => reshaped(node, s, &sizes).map(Value::Stream),
        Value::Failed(_) | Value::States(_) => node.stream(0).cloned().map(Value::Stream),
    }
}

/// A stream whose axes have these sizes: 0 as it is, -1 or unknown the rest.
fn reshaped(node: &Reader<'_>, s: &Stream, sizes: &[Option<i64>]) -> Result<Stream> {
    let fits = |axis: &Axis, n: &Option<i64>| match n {
        None | Some(0 | -1) => true,
        Some(n) => s.size(axis).is_none_or(|size| size == *n),
    };
    let all = |axes: &[Axis]| axes.len() == sizes.len() && axes.iter().zip(sizes).all(|(a, n)| fits(a, n));
    if all(&s.axes) {
        return Ok(s.clone());
    }
    let known = |k: usize| sizes.get(k).copied().flatten().and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 1);
    match (&s.axes[..], sizes.len()) {
        // A sequence as one row of the input.
        ([Axis::Batch, Axis::Feature], 3) if s.last.is_none() => {
            if let (Some(steps), Some(width)) = (known(1), known(2))
                && steps.checked_mul(width) == Some(s.width)
            {
                let axes = vec![Axis::Batch, Axis::Time, Axis::Feature];
                return Ok(Stream { width, steps: Some(steps), ..s.with_axes(axes) });
            }
        }
        // All steps as one vector.
        ([Axis::Batch | Axis::One, Axis::Time, Axis::Feature], 2) => {
            if let Some(steps) = known(1).filter(|n| *n > s.width && n.is_multiple_of(s.width)).map(|n| n / s.width) {
                return Ok(s.flattened(&node.place(), steps));
            }
        }
        _ => {}
    }
    // Both directions as one vector.
    if let [front @ .., Axis::Directions(n), Axis::Feature] = &s.axes[..] {
        let merged = Stream { width: s.width * n, ..s.clone() };
        let axes: Vec<Axis> = front.iter().cloned().chain([Axis::Feature]).collect();
        let wide = |n: &Option<i64>| matches!(n, None | Some(-1 | 0)) || *n == Some(merged.width as i64);
        if s.direction.is_none() && sizes.len() == axes.len() && sizes.last().is_some_and(wide) {
            return Ok(merged.with_axes(axes));
        }
        if s.direction.is_none() && *n == 1 {
            return reshaped(node, &s.with_axes(axes), sizes);
        }
    }
    let is_width = |n: &Option<i64>| matches!(n, None | Some(-1)) || *n == Some(s.width as i64);
    match (&s.axes[..], sizes) {
        ([a, b, Axis::Feature], [_, n]) if is_width(n) => {
            let both = match (a, b) {
                (Axis::One | Axis::Batch, b) if !s.axes.contains(&Axis::Time) => b.clone(),
                (a, b) => Axis::Both(Box::new([a.clone(), b.clone()])),
            };
            return Ok(s.with_axes(vec![both, Axis::Feature]));
        }
        ([Axis::Both(both), Axis::Feature], [_, _, n]) if is_width(n) => {
            return Ok(s.with_axes(both.iter().cloned().chain([Axis::Feature]).collect()));
        }
        _ => {}
    }
    // Axes of size 1 come and go.
    let kept: Vec<&Axis> = s.axes.iter().filter(|a| !matches!(a, Axis::One | Axis::Directions(1))).collect();
    let pooled = !s.axes.contains(&Axis::Time) && kept.iter().all(|a| matches!(a, Axis::Batch | Axis::Feature));
    if pooled && sizes.last().is_some_and(is_width) {
        let front = (1..sizes.len()).map(|k| if k == 1 { Axis::Batch } else { Axis::One });
        return Ok(s.with_axes(front.chain([Axis::Feature]).collect()));
    }
    let ones = sizes.iter().filter(|n| **n == Some(1)).count();
    if sizes.len() - ones == kept.len() {
        let mut kept = kept.into_iter();
        let axis = |n: &Option<i64>| if *n == Some(1) { Axis::One } else { kept.next().cloned().unwrap_or(Axis::One) };
        return Ok(s.with_axes(sizes.iter().map(axis).collect()));
    }
    Err(node.unsupported(
        &format!("the shape {sizes:?} of vectors with the axes {:?}", s.axes),
        "steps, sequences and features keep their axes here: leave the reshape out",
    ))
}

/// Sizes one after the other, or both directions as one vector.
pub fn concat(node: &Reader<'_>) -> Result<Value> {
    let parts = (0..node.node.inputs.len()).map(|k| node.value(k)).collect::<Result<Vec<_>>>()?;
    if parts.iter().all(|p| matches!(p, Value::Ints { .. })) {
        let sizes = (0..parts.len()).map(|k| node.sizes(k)).collect::<Result<Vec<_>>>()?;
        return Ok(Value::ints(sizes.concat()));
    }
    if parts.iter().all(|p| matches!(p, Value::Zeros)) {
        return Ok(Value::Zeros);
    }
    let streams = (0..parts.len()).map(|k| node.stream(k)).collect::<Result<Vec<_>>>()?;
    let axis = streams.first().map_or(Ok(0), |s| node.axis(node.int("axis", 0), s.axes.len()))?;
    let states = |s: &&Stream| matches!(s.axes[..], [Axis::Directions(_), Axis::Batch, Axis::Feature]);
    if axis == 0 && streams.len() > 1 && streams.iter().all(states) {
        let each = |s: &&Stream| {
            let n = if let Some(Axis::Directions(n)) = s.axes.first() { *n } else { 0 };
            let s = s.with_axes(s.axes[1..].to_vec());
            (0..n)
                .map(move |k| Stream { direction: if n > 1 { Some(k) } else { s.direction }, ..s.clone() })
                .collect::<Vec<_>>()
        };
        return Ok(Value::States(streams.iter().flat_map(each).collect()));
    }
    if let [first, second] = streams[..]
        && first.same(second)
        && (first.direction, second.direction) == (Some(0), Some(1))
        && first.axes == second.axes
        && first.axes[axis] == Axis::Feature
    {
        return Ok(Value::Stream(Stream { width: 2 * first.width, direction: None, ..first.clone() }));
    }
    if let [first, second] = streams[..]
        && let Some(both) = super::ml::both_probabilities(node, [first, second])
    {
        return Ok(Value::Stream(both));
    }
    Err(node.unsupported(
        "vectors one after the other",
        "a network of elman is one chain: take the branch out and train again",
    ))
}
