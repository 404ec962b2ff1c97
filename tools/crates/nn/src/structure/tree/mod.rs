//! A composition function over trees and directed acyclic graphs.
//!
//! The nodes of all trees of a batch are rows, level after level by height: a level's children are gathered,
//! `[h_left; h_right]`, the layer that composes runs over all of them at once, and what it gives are the level's rows. The
//! backward pass takes the levels the other way and adds what goes to each child to its row.

mod plan;

use elman::cell::CarriedState;
use elman::wiring::tree::{COMPOSE, HEAD, LEAF};
use get_size2::GetSize;

use self::plan::Plan;
use super::Item;
use crate::layer::{Below, Layer, Mode, Tape};
use crate::network::Chain;
use crate::{Float, Frames, LayerSpec, Network, Pass, Score, StructureSpec, Target, Trace, Workspace, variant};
use elman_data::Joints;

/// The memory of a pass, reused from batch to batch.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Room<F> {
    plan: Plan,
    /// `[leaves, inputs]`
    frames: Vec<F>,
    leaf: Vec<Tape<F>>,
    levels: Vec<Level<F>>,
    head: Vec<Tape<F>>,
    /// `[nodes, units]`: h and c of all rows, and the gradients that go to them.
    h: Vec<F>,
    c: Vec<F>,
    dh: Vec<F>,
    dc: Vec<F>,
    /// `[trees, roots * units]`: what the head reads, where it reads roots alone.
    roots: Vec<F>,
    keep_pre: bool,
}

/// The nodes of one height.
#[derive(Clone, Debug, Default, GetSize)]
struct Level<F> {
    /// `[rows, 2 * units]`: [h_left; h_right]
    x: Vec<F>,
    tapes: Vec<Tape<F>>,
}

/// One step of `n` rows.
fn step<'a, F>(data: &'a [F], n: &'a [usize; 1], width: usize) -> Frames<'a, F> {
    Frames { data, rows: n, size: n[0], width }
}

/// What is fixed of a network over trees.
struct Shape {
    inputs: usize,
    units: usize,
    outputs: usize,
    roots: usize,
    every_node: bool,
    /// Whether states have a c.
    pair: bool,
    /// Whether a leaf gives a c.
    leaf_cell: bool,
}

impl Shape {
    fn of<F: Float>(network: &Network<F>) -> Self {
        let spec = network.spec();
        let ends = spec.chain_widths();
        let (roots, every_node) = match spec.structure {
            StructureSpec::Tree { roots, every_node, .. } => (roots, every_node),
            _ => (1, false),
        };
        let long = |k: usize| match spec.layers[spec.chain(k)].last() {
            Some(LayerSpec::Cell { variant: name, .. }) => variant(name).map_or(CarriedState::None, |v| v.carried),
            _ => CarriedState::None,
        };
        let pair = long(COMPOSE) == CarriedState::Pair;
        Shape {
            inputs: spec.inputs,
            units: ends[COMPOSE].1,
            outputs: spec.outputs(),
            roots,
            every_node,
            pair,
            leaf_cell: pair && long(LEAF) == CarriedState::Cell,
        }
    }
}

/// The tape of a chain's last layer of cells.
fn cell_tape<'t, F: Float>(chain: &Chain<'_, F>, tapes: &'t mut [Tape<F>]) -> Option<&'t mut Tape<F>> {
    let at = chain.layers().iter().rposition(|layer| matches!(layer, Layer::Recurrent(_)))?;
    tapes.get_mut(at)
}

/// Adds row by row.
fn add<F: Float>(to: &mut [F], from: &[F]) {
    to.iter_mut().zip(from).for_each(|(to, d)| *to += *d);
}

/// Runs the items; what the head gives lies in its last tape.
fn forward<F: Float>(network: &Network<F>, items: &[Item<'_>], room: &mut Room<F>, mode: Mode) {
    let shape = Shape::of(network);
    let nodes = items.iter().map(|i| match i.joints {
        Joints::Tree(nodes) => &nodes[..],
        _ => &[],
    });
    room.plan = Plan::of(&nodes.collect::<Vec<_>>());
    let (plan, u) = (&room.plan, shape.units);
    room.frames.clear();
    for &(tree, frame) in &plan.leaves {
        let frame = &items[tree].frames[frame * shape.inputs..][..shape.inputs];
        room.frames.extend(frame.iter().map(|x| F::of((*x).into())));
    }
    room.h.resize(plan.rows.len() * u, F::ZERO);
    room.c.clear();
    room.c.resize(if shape.pair { plan.rows.len() * u } else { 0 }, F::ZERO);

    let leaves = [plan.leaves.len()];
    let chain = network.chain(LEAF);
    chain.prepare(&mut room.leaf, room.keep_pre);
    let out = chain.forward(step(&room.frames, &leaves, shape.inputs), &mut room.leaf, mode);
    room.h[..leaves[0] * u].copy_from_slice(&out.data[..leaves[0] * u]);
    if shape.leaf_cell
        && let Some(tape) = cell_tape(&chain, &mut room.leaf)
    {
        room.c[..leaves[0] * u].copy_from_slice(&tape.long[leaves[0] * u..]);
    }

    let chain = network.chain(COMPOSE);
    if room.levels.len() < plan.levels.len() {
        room.levels.resize_with(plan.levels.len(), Level::default);
    }
    for (height, (level, range)) in room.levels.iter_mut().zip(&plan.levels).enumerate() {
        let (n, children) = ([range.len()], plan.children(range));
        level.x.clear();
        for child in children.iter().flatten() {
            level.x.extend_from_slice(&room.h[child * u..][..u]);
        }
        chain.prepare(&mut level.tapes, room.keep_pre);
        if shape.pair
            && let Some(tape) = cell_tape(&chain, &mut level.tapes)
        {
            let gather = |which: usize, to: &mut Vec<F>| {
                to.clear();
                children.iter().for_each(|c| to.extend_from_slice(&room.c[c[which] * u..][..u]));
            };
            gather(0, &mut tape.initial[1]);
            gather(1, &mut tape.second);
        }
        // Other nodes than those of the level below are dropped.
        let mode = match mode {
            Mode::Train(seed) => Mode::Train(seed.wrapping_add((height as u64 + 1) << 40)),
            Mode::Evaluate => mode,
        };
        let out = chain.forward(step(&level.x, &n, 2 * u), &mut level.tapes, mode);
        room.h[range.start * u..range.end * u].copy_from_slice(&out.data[..n[0] * u]);
        if shape.pair
            && let Some(tape) = cell_tape(&chain, &mut level.tapes)
        {
            room.c[range.start * u..range.end * u].copy_from_slice(&tape.long[n[0] * u..]);
        }
    }

    let chain = network.chain(HEAD);
    chain.prepare(&mut room.head, room.keep_pre);
    if shape.every_node {
        chain.forward(step(&room.h, &[plan.rows.len()], u), &mut room.head, mode);
    } else {
        room.roots.clear();
        for tree in 0..items.len() {
            let rows = plan.tree(tree);
            for row in &rows[rows.len() - shape.roots..] {
                room.roots.extend_from_slice(&room.h[row * u..][..u]);
            }
        }
        chain.forward(step(&room.roots, &[items.len()], shape.roots * u), &mut room.head, mode);
    }
}

/// What is wanted of each row of the head's output.
fn row_targets(plan: &Plan, items: &[Item<'_>], outputs: usize) -> Vec<Target> {
    let mut targets = vec![Target::Values(Vec::new()); plan.rows.len()];
    for (tree, item) in items.iter().enumerate() {
        for (k, row) in plan.tree(tree).iter().enumerate() {
            targets[*row] = match item.target {
                Target::Steps(classes) => Target::Class(classes[k]),
                Target::Values(values) => Target::Values(values[k * outputs..][..outputs].to_vec()),
                single => single.clone(),
            };
        }
    }
    targets
}

/// From ∂L/∂y in the head's last tape to the gradient.
fn backward<F: Float>(network: &Network<F>, items: &[Item<'_>], room: &mut Room<F>, gradient: &mut [F]) {
    let shape = Shape::of(network);
    let (plan, u) = (&room.plan, shape.units);
    for (to, n) in [(&mut room.dh, room.h.len()), (&mut room.dc, room.c.len())] {
        to.clear();
        to.resize(n, F::ZERO);
    }
    let chain = network.chain(HEAD);
    let touched = &mut [false];
    if shape.every_node {
        let n = [plan.rows.len()];
        let below = Below { dout: &mut room.dh, touched, size: n[0], width: u };
        chain.backward(step(&room.h, &n, u), &mut room.head, gradient, Some(below));
    } else {
        let (n, width) = ([items.len()], shape.roots * u);
        let mut d = vec![F::ZERO; n[0] * width];
        let below = Below { dout: &mut d, touched, size: n[0], width };
        chain.backward(step(&room.roots, &n, width), &mut room.head, gradient, Some(below));
        for (tree, d) in d.chunks_exact(width).enumerate() {
            let rows = plan.tree(tree);
            for (row, d) in rows[rows.len() - shape.roots..].iter().zip(d.chunks_exact(u)) {
                add(&mut room.dh[row * u..][..u], d);
            }
        }
    }

    let chain = network.chain(COMPOSE);
    let mut dx: Vec<F> = Vec::new();
    for (level, range) in room.levels.iter_mut().zip(&plan.levels).rev() {
        let n = [range.len()];
        enter(&chain, &mut level.tapes, [&room.dh, &room.dc].map(|d| d.get(range.start * u..range.end * u)));
        dx.clear();
        dx.resize(level.x.len(), F::ZERO);
        let below = Below { dout: &mut dx, touched, size: n[0], width: 2 * u };
        chain.backward(step(&level.x, &n, 2 * u), &mut level.tapes, gradient, Some(below));
        let children = plan.children(range);
        for (child, d) in children.iter().flatten().zip(dx.chunks_exact(u)) {
            add(&mut room.dh[child * u..][..u], d);
        }
        if shape.pair
            && let Some(tape) = cell_tape(&chain, &mut level.tapes)
        {
            for (k, [left, right]) in children.iter().enumerate() {
                add(&mut room.dc[left * u..][..u], &tape.running[1][k * u..]);
                add(&mut room.dc[right * u..][..u], &tape.dsecond[k * u..]);
            }
        }
    }

    let (n, chain) = ([plan.leaves.len()], network.chain(LEAF));
    let dc = if shape.leaf_cell { room.dc.get(..n[0] * u) } else { None };
    enter(&chain, &mut room.leaf, [room.dh.get(..n[0] * u), dc]);
    chain.backward(step(&room.frames, &n, shape.inputs), &mut room.leaf, gradient, None);
}

/// Hands ∂L/∂h and ∂L/∂c of a step to the chain that computed it.
fn enter<F: Float>(chain: &Chain<'_, F>, tapes: &mut [Tape<F>], [dh, dc]: [Option<&[F]>; 2]) {
    tapes.iter_mut().for_each(Tape::clear_gradient);
    if let (Some(tape), Some(dh)) = (tapes.last_mut(), dh) {
        tape.dout.copy_from_slice(dh);
        tape.touched.fill(true);
    }
    if let (Some(tape), Some(dc)) = (cell_tape(chain, tapes), dc) {
        tape.dlast.clear();
        tape.dlast.extend_from_slice(dc);
    }
}

/// As [`super::learn`].
pub(super) fn learn<F: Float>(
    network: &Network<F>,
    items: &[Item<'_>],
    pass: Pass<'_>,
    workspace: &mut Workspace<F>,
    gradient: Option<&mut [F]>,
) -> Score {
    let shape = Shape::of(network);
    let room = &mut workspace.tree;
    forward(network, items, room, if gradient.is_some() { pass.mode } else { Mode::Evaluate });
    let rows = if shape.every_node { row_targets(&room.plan, items, shape.outputs) } else { Vec::new() };
    let targets: Vec<&Target> = match shape.every_node {
        true => rows.iter().collect(),
        false => items.iter().map(|i| i.target).collect(),
    };
    room.head.iter_mut().for_each(Tape::clear_gradient);
    let top = room.head.last_mut().map(|top| top.score(&targets, pass)).unwrap_or_default();
    if let Some(gradient) = gradient {
        backward(network, items, room, gradient);
    }
    Score { sequences: items.len() as u64, ..top }
}

/// As [`super::run`].
pub(super) fn run<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    let (shape, mut room) = (Shape::of(network), Room::default());
    forward(network, &[item], &mut room, mode);
    let Some(out) = room.head.last().map(|tape| tape.output().data) else { return Vec::new() };
    if !shape.every_node {
        return out.to_vec();
    }
    room.plan.rows.iter().flat_map(|row| &out[row * shape.outputs..][..shape.outputs]).copied().collect()
}

/// As [`super::trace`]: rows are leaves first, then inner nodes level by level; of the head, nodes in their order.
pub(super) fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    let mut room = Room { keep_pre: true, ..Room::default() };
    forward(network, &[item], &mut room, Mode::Evaluate);
    let mut composed = vec![Trace::default(); network.chain(COMPOSE).layers().len()];
    for level in room.levels.iter_mut().take(room.plan.levels.len()) {
        let of_level = Trace::of_rows(&mut level.tapes);
        composed.iter_mut().zip(of_level).for_each(|(all, more)| all.extend(more));
        composed[0].input.append(&mut level.x);
    }
    let mut head = Trace::of_rows(&mut room.head);
    if Shape::of(network).every_node {
        head[0].input = room.h;
        head.iter_mut().for_each(|trace| trace.reorder(&room.plan.rows));
    } else {
        head[0].input = room.roots;
    }
    let all: Vec<Trace<F>> = [Trace::of_rows(&mut room.leaf), composed, head].concat();
    network.outputs.iter().map(|&i| all[i].clone()).collect()
}
