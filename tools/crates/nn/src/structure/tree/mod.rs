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
use super::{Item, Reach};
use crate::layer::{Below, Mode, Tape};
use crate::loss::NO_CLASS;
use crate::network::Chain;
use crate::{Float, Frames, LayerSpec, Network, Pass, Score, StructureSpec, Target, Trace, Workspace};
use elman_data::ExampleStructure;

/// The memory of a pass, reused from batch to batch.
#[derive(Debug, Default, GetSize)]
pub struct Memory<F> {
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
}

/// The nodes of one height.
#[derive(Debug, Default, GetSize)]
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
struct Sizes {
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

impl Sizes {
    fn of<F: Float>(network: &Network<F>) -> Self {
        let spec = network.spec();
        let ends = spec.chain_widths();
        let (roots, every_node) = match spec.structure {
            StructureSpec::Tree { roots, every_node, .. } => (roots, every_node),
            _ => (1, false),
        };
        let long = |k: usize| match spec.layers[spec.chain(k)].last() {
            Some(LayerSpec::Cell(cell)) => cell.table().map_or(CarriedState::None, |table| table.carried),
            _ => CarriedState::None,
        };
        let pair = long(COMPOSE) == CarriedState::Pair;
        Sizes {
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

/// Adds row by row.
fn add<F: Float>(to: &mut [F], from: &[F]) {
    to.iter_mut().zip(from).for_each(|(to, d)| *to += *d);
}

/// Runs the items; what the head gives lies in its last tape.
fn forward<F: Float>(network: &Network<F>, items: &[Item<'_>], memory: &mut Memory<F>, mode: Mode) {
    let sizes = Sizes::of(network);
    let nodes = items.iter().map(|i| match i.joints {
        ExampleStructure::Tree(nodes) => &nodes[..],
        _ => &[],
    });
    memory.plan = Plan::of(&nodes.collect::<Vec<_>>());
    let (plan, u) = (&memory.plan, sizes.units);
    memory.frames.clear();
    for &(tree, frame) in &plan.leaves {
        let frame = &items[tree].frames[frame * sizes.inputs..][..sizes.inputs];
        memory.frames.extend(frame.iter().map(|x| F::of((*x).into())));
    }
    memory.h.resize(plan.rows.len() * u, F::ZERO);
    memory.c.clear();
    memory.c.resize(if sizes.pair { plan.rows.len() * u } else { 0 }, F::ZERO);

    let leaves = [plan.leaves.len()];
    let chain = network.chain(LEAF);
    let out = chain.forward(step(&memory.frames, &leaves, sizes.inputs), &mut memory.leaf, mode);
    memory.h[..leaves[0] * u].copy_from_slice(&out.data[..leaves[0] * u]);
    if sizes.leaf_cell
        && let Some(states) = chain.states(&mut memory.leaf)
    {
        memory.c[..leaves[0] * u].copy_from_slice(states.cells());
    }

    let chain = network.chain(COMPOSE);
    if memory.levels.len() < plan.levels.len() {
        memory.levels.resize_with(plan.levels.len(), Level::default);
    }
    for (height, (level, range)) in memory.levels.iter_mut().zip(&plan.levels).enumerate() {
        let (n, children) = ([range.len()], plan.children(range));
        level.x.clear();
        for child in children.iter().flatten() {
            level.x.extend_from_slice(&memory.h[child * u..][..u]);
        }
        if sizes.pair
            && let Some(states) = chain.states(&mut level.tapes)
        {
            let gather = |which: usize, to: &mut Vec<F>| {
                to.clear();
                children.iter().for_each(|c| to.extend_from_slice(&memory.c[c[which] * u..][..u]));
            };
            gather(0, &mut states.c_0);
            gather(1, &mut states.second);
        }
        // Other nodes than those of the level below are dropped.
        let mode = match mode {
            Mode::Train(seed) => Mode::Train(seed.wrapping_add((height as u64 + 1) << 40)),
            Mode::Evaluate | Mode::Trace => mode,
        };
        let out = chain.forward(step(&level.x, &n, 2 * u), &mut level.tapes, mode);
        memory.h[range.start * u..range.end * u].copy_from_slice(&out.data[..n[0] * u]);
        if sizes.pair
            && let Some(states) = chain.states(&mut level.tapes)
        {
            memory.c[range.start * u..range.end * u].copy_from_slice(states.cells());
        }
    }

    let chain = network.chain(HEAD);
    if sizes.every_node {
        chain.forward(step(&memory.h, &[plan.rows.len()], u), &mut memory.head, mode);
    } else {
        memory.roots.clear();
        for tree in 0..items.len() {
            let rows = plan.tree(tree);
            for row in &rows[rows.len() - sizes.roots..] {
                memory.roots.extend_from_slice(&memory.h[row * u..][..u]);
            }
        }
        chain.forward(step(&memory.roots, &[items.len()], sizes.roots * u), &mut memory.head, mode);
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
fn backward<F: Float>(network: &Network<F>, items: &[Item<'_>], memory: &mut Memory<F>, gradient: &mut [F]) {
    let sizes = Sizes::of(network);
    let (plan, u) = (&memory.plan, sizes.units);
    for (to, n) in [(&mut memory.dh, memory.h.len()), (&mut memory.dc, memory.c.len())] {
        to.clear();
        to.resize(n, F::ZERO);
    }
    let chain = network.chain(HEAD);
    let touched = &mut [false];
    if sizes.every_node {
        let n = [plan.rows.len()];
        let below = Below { gradient: &mut memory.dh, touched, size: n[0], width: u };
        chain.backward(step(&memory.h, &n, u), &mut memory.head, gradient, Some(below));
    } else {
        let (n, width) = ([items.len()], sizes.roots * u);
        let mut d = vec![F::ZERO; n[0] * width];
        let below = Below { gradient: &mut d, touched, size: n[0], width };
        chain.backward(step(&memory.roots, &n, width), &mut memory.head, gradient, Some(below));
        for (tree, d) in d.chunks_exact(width).enumerate() {
            let rows = plan.tree(tree);
            for (row, d) in rows[rows.len() - sizes.roots..].iter().zip(d.chunks_exact(u)) {
                add(&mut memory.dh[row * u..][..u], d);
            }
        }
    }

    let chain = network.chain(COMPOSE);
    let mut dx: Vec<F> = Vec::new();
    for (level, range) in memory.levels.iter_mut().zip(&plan.levels).rev() {
        let n = [range.len()];
        enter(&chain, &mut level.tapes, [&memory.dh, &memory.dc].map(|d| d.get(range.start * u..range.end * u)));
        dx.clear();
        dx.resize(level.x.len(), F::ZERO);
        let below = Below { gradient: &mut dx, touched, size: n[0], width: 2 * u };
        chain.backward(step(&level.x, &n, 2 * u), &mut level.tapes, gradient, Some(below));
        let children = plan.children(range);
        for (child, d) in children.iter().flatten().zip(dx.chunks_exact(u)) {
            add(&mut memory.dh[child * u..][..u], d);
        }
        if sizes.pair
            && let Some(states) = chain.states(&mut level.tapes)
        {
            for (k, [left, right]) in children.iter().enumerate() {
                add(&mut memory.dc[left * u..][..u], &states.c_0_gradient()[k * u..]);
                add(&mut memory.dc[right * u..][..u], &states.second_gradient()[k * u..]);
            }
        }
    }

    let (n, chain) = ([plan.leaves.len()], network.chain(LEAF));
    let dc = if sizes.leaf_cell { memory.dc.get(..n[0] * u) } else { None };
    enter(&chain, &mut memory.leaf, [memory.dh.get(..n[0] * u), dc]);
    chain.backward(step(&memory.frames, &n, sizes.inputs), &mut memory.leaf, gradient, None);
}

/// Hands ∂L/∂h and ∂L/∂c of a step to the chain that computed it.
fn enter<F: Float>(chain: &Chain<'_, F>, tapes: &mut Vec<Tape<F>>, [dh, dc]: [Option<&[F]>; 2]) {
    tapes.iter_mut().for_each(|tape| tape.output.clear_gradient());
    if let (Some(top), Some(dh)) = (tapes.last_mut(), dh) {
        top.output.gradient.copy_from_slice(dh);
        top.output.touched.fill(true);
    }
    if let (Some(states), Some(dc)) = (chain.states(tapes), dc) {
        states.last_c_gradient.clear();
        states.last_c_gradient.extend_from_slice(dc);
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
    let sizes = Sizes::of(network);
    let memory = &mut workspace.tree;
    forward(network, items, memory, if gradient.is_some() { pass.mode } else { Mode::Evaluate });
    let rows = if sizes.every_node { row_targets(&memory.plan, items, sizes.outputs) } else { Vec::new() };
    let targets: Vec<&Target> = match sizes.every_node {
        true => rows.iter().collect(),
        false => items.iter().map(|i| i.target).collect(),
    };
    memory.head.iter_mut().for_each(|tape| tape.output.clear_gradient());
    let top = memory.head.last_mut().map(|top| top.output.score(&targets, pass)).unwrap_or_default();
    if let Some(gradient) = gradient {
        backward(network, items, memory, gradient);
    }
    Score { sequences: items.len() as u64, ..top }
}

/// As [`super::probe`]: of the answer at the root, by levels below it; of the nodes of a level their mean.
pub(super) fn probe<F: Float>(network: &Network<F>, item: Item<'_>, pass: Pass<'_>) -> Vec<Reach> {
    let (sizes, mut memory) = (Sizes::of(network), Memory::default());
    forward(network, &[item], &mut memory, Mode::Evaluate);
    let rows = memory.plan.tree(0).to_vec();
    let nothing = |target: &mut Target| match target {
        Target::Class(class) => *class = NO_CLASS,
        Target::Values(values) => values.fill(f32::NAN),
        Target::Steps(_) => {}
    };
    let mut wanted = if sizes.every_node { row_targets(&memory.plan, &[item], sizes.outputs) } else { Vec::new() };
    rows.split_last()
        .map_or(&[][..], |(_, others)| others)
        .iter()
        .for_each(|row| wanted.get_mut(*row).map_or((), nothing));
    let targets: Vec<&Target> = if sizes.every_node { wanted.iter().collect() } else { vec![item.target] };
    memory.head.iter_mut().for_each(|tape| tape.output.clear_gradient());
    if let Some(top) = memory.head.last_mut() {
        top.output.score(&targets, pass);
    }
    backward(network, &[item], &mut memory, &mut vec![F::ZERO; network.values().len()]);

    let roots = if sizes.every_node { 1 } else { sizes.roots };
    let mut depths = vec![usize::MAX; rows.len()];
    rows[rows.len() - roots..].iter().for_each(|row| depths[*row] = 0);
    // Rows of children stand before those of their parents.
    for (k, children) in memory.plan.children.iter().enumerate().rev() {
        let below = depths[memory.plan.leaves.len() + k].saturating_add(1);
        children.iter().for_each(|child| depths[*child] = depths[*child].min(below));
    }
    let name = super::cells(&network.spec().layers[network.spec().chain(COMPOSE)]).pop();
    let norms = super::means(depths.into_iter().zip(memory.dh.chunks_exact(sizes.units)));
    vec![Reach { name: format!("compose {}", name.unwrap_or_default()).trim_end().to_owned(), norms }]
}

/// As [`super::run`].
pub(super) fn run<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    let (sizes, mut memory) = (Sizes::of(network), Memory::default());
    forward(network, &[item], &mut memory, mode);
    let Some(out) = memory.head.last().map(|tape| tape.output.frames().data) else { return Vec::new() };
    if !sizes.every_node {
        return out.to_vec();
    }
    memory.plan.rows.iter().flat_map(|row| &out[row * sizes.outputs..][..sizes.outputs]).copied().collect()
}

/// As [`super::trace`]: rows are leaves first, then inner nodes level by level; of the head, nodes in their order.
pub(super) fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    let mut memory = Memory::default();
    forward(network, &[item], &mut memory, Mode::Trace);
    let mut composed = vec![Trace::default(); network.chain(COMPOSE).layers().len()];
    for level in memory.levels.iter_mut().take(memory.plan.levels.len()) {
        let of_level = network.chain(COMPOSE).trace(&mut level.tapes);
        composed.iter_mut().zip(of_level).for_each(|(all, more)| all.extend(more));
        composed[0].input.append(&mut level.x);
    }
    let mut head = network.chain(HEAD).trace(&mut memory.head);
    if Sizes::of(network).every_node {
        head[0].input = memory.h;
        head.iter_mut().for_each(|trace| trace.reorder(&memory.plan.rows));
    } else {
        head[0].input = memory.roots;
    }
    network.of_recipe([network.chain(LEAF).trace(&mut memory.leaf), composed, head].concat())
}
