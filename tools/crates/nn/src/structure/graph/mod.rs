//! Messages between the nodes of graphs.
//!
//! The graphs of a batch stand side by side. In a round, [h_v; h_u; e] of all edges is gathered into one matrix, over
//! which the message's layers run; their rows are pooled node by node, and what comes of it is the input of the cell
//! that updates all nodes at a time, from the states that the round before left. The backward pass takes the rounds the
//! other way and adds what goes to an edge's ends to their rows.

mod plan;
mod segment;

use elman::cell::CarriedState;
use elman::wiring::graph::{self, EDGE, MESSAGE, NODE, UPDATE};
use get_size2::GetSize;

use self::plan::Plan;
use super::Item;
use crate::layer::{Below, Layer, Mode, Tape};
use crate::network::Chain;
use crate::{Float, Frames, LayerSpec, Network, Over, Pass, Score, StructureSpec, Target, Trace, Workspace, variant};

/// The memory of a pass, reused from batch to batch.
#[derive(Clone, Debug, Default, GetSize)]
pub struct Room<F> {
    plan: Plan,
    /// `[nodes, inputs]`
    frames: Vec<F>,
    node: Vec<Tape<F>>,
    /// `[edges, features]`
    features: Vec<F>,
    edge: Vec<Tape<F>>,
    rounds: Vec<Round<F>>,
    /// `[nodes, units]`: h and c after the last round that ran.
    h: Vec<F>,
    c: Vec<F>,
    /// `[graphs, units]`: what the head's layers behind its pool read.
    read: Vec<F>,
    of: Vec<usize>,
    head: Vec<Tape<F>>,
    keep_pre: bool,
}

/// What a round keeps.
#[derive(Clone, Debug, Default, GetSize)]
struct Round<F> {
    /// `[edges, 2 * units + edge]`: [h_v; h_u; e]
    x: Vec<F>,
    message: Vec<Tape<F>>,
    /// `[nodes, message]`
    pooled: Vec<F>,
    of: Vec<usize>,
    update: Vec<Tape<F>>,
}

/// One step of `n` rows.
fn step<'a, F>(data: &'a [F], n: &'a [usize; 1], width: usize) -> Frames<'a, F> {
    Frames { data, rows: n, size: n[0], width }
}

/// What is fixed of a network over graphs.
struct Shape {
    inputs: usize,
    units: usize,
    /// Values known of an edge, and width of what its layers make of them.
    edge: [usize; 2],
    outputs: usize,
    rounds: usize,
    /// Number of chains.
    chains: usize,
    /// Whether the update has a c.
    cell: bool,
}

impl Shape {
    fn of<F: Float>(network: &Network<F>) -> Self {
        let spec = network.spec();
        let ends = spec.chain_widths();
        let rounds = if let StructureSpec::Graph { rounds, .. } = spec.structure { rounds } else { 0 };
        let cell = match &spec.layers[spec.chain(UPDATE).start] {
            LayerSpec::Cell { variant: name, .. } => variant(name).is_some_and(|v| v.carried == CarriedState::Cell),
            _ => false,
        };
        Shape {
            inputs: spec.inputs,
            units: ends[NODE].1,
            edge: [ends[EDGE].0, ends[EDGE].1],
            outputs: spec.outputs(),
            rounds,
            chains: spec.chains(),
            cell,
        }
    }

    /// Width of what a message reads.
    fn ends(&self) -> usize {
        2 * self.units + self.edge[1]
    }

    /// The chain of a round's messages.
    fn message(&self, round: usize) -> usize {
        graph::of_round(MESSAGE, round, self.chains)
    }

    /// The chain of a round's update.
    fn update(&self, round: usize) -> usize {
        graph::of_round(UPDATE, round, self.chains)
    }

    /// The head's chain.
    fn head(&self) -> usize {
        self.chains - 1
    }
}

/// The pool at an end of a chain, and the layers without it.
fn message<F: Float>(chain: Chain<'_, F>) -> (Chain<'_, F>, Over) {
    let n = chain.layers().len() - 1;
    let over = if let Layer::Pool(pool) = &chain.layers()[n] { pool.over } else { Over::Sum };
    (chain.part(0..n), over)
}

/// The head's layers behind its pool over all nodes, where it has one.
fn head<F: Float>(chain: Chain<'_, F>) -> (Option<Over>, Chain<'_, F>) {
    match chain.layers().first() {
        Some(Layer::Pool(pool)) => (Some(pool.over), chain.part(1..chain.layers().len())),
        _ => (None, chain),
    }
}

/// The tape of an update's cell.
fn cell_tape<'t, F: Float>(chain: &Chain<'_, F>, tapes: &'t mut [Tape<F>]) -> Option<&'t mut Tape<F>> {
    let at = chain.layers().iter().rposition(|layer| matches!(layer, Layer::Recurrent(_)))?;
    tapes.get_mut(at)
}

fn zeros<F: Float>(to: &mut Vec<F>, n: usize) {
    to.clear();
    to.resize(n, F::ZERO);
}

/// Other rows than those of the round before are dropped.
fn of_round(mode: Mode, round: usize) -> Mode {
    match mode {
        Mode::Train(seed) => Mode::Train(seed.wrapping_add((round as u64 + 1) << 40)),
        Mode::Evaluate => mode,
    }
}

/// Runs the items; what the head gives lies in its last tape.
fn forward<F: Float>(network: &Network<F>, items: &[Item<'_>], room: &mut Room<F>, mode: Mode) {
    let shape = Shape::of(network);
    let u = shape.units;
    room.plan = Plan::of(items, shape.inputs);
    let (nodes, edges) = ([room.plan.nodes()], [room.plan.edges.len()]);
    room.frames.clear();
    room.features.clear();
    for item in items {
        room.frames.extend(item.frames.iter().map(|x| F::of((*x).into())));
        if let elman_data::Joints::Graph(rows) = item.joints {
            room.features.extend(rows.edges.iter().map(|x| F::of((*x).into())));
        }
    }
    let chain = network.chain(NODE);
    chain.prepare(&mut room.node, room.keep_pre);
    let out = chain.forward(step(&room.frames, &nodes, shape.inputs), &mut room.node, mode);
    room.h.clear();
    room.h.extend_from_slice(&out.data[..nodes[0] * u]);
    zeros(&mut room.c, if shape.cell { nodes[0] * u } else { 0 });

    let chain = network.chain(EDGE);
    chain.prepare(&mut room.edge, room.keep_pre);
    let e: &[F] = if edges[0] > 0 {
        chain.forward(step(&room.features, &edges, shape.edge[0]), &mut room.edge, mode).data
    } else {
        &[]
    };
    room.rounds.resize_with(shape.rounds, Round::default);
    for (k, round) in room.rounds.iter_mut().enumerate() {
        let mode = of_round(mode, k);
        round.x.clear();
        for (edge, [v, w]) in room.plan.edges.iter().enumerate() {
            round.x.extend_from_slice(&room.h[v * u..][..u]);
            round.x.extend_from_slice(&room.h[w * u..][..u]);
            round.x.extend_from_slice(&e[edge * shape.edge[1]..][..shape.edge[1]]);
        }
        let (map, over) = message(network.chain(shape.message(k)));
        map.prepare(&mut round.message, room.keep_pre);
        let width = network.spec().chain_widths()[shape.message(k)].1;
        let messages: &[F] = if edges[0] > 0 {
            map.forward(step(&round.x, &edges, shape.ends()), &mut round.message, mode).data
        } else {
            &[]
        };
        segment::forward(over, messages, width, &room.plan.offsets, &mut round.pooled, &mut round.of);

        let chain = network.chain(shape.update(k));
        chain.prepare(&mut round.update, room.keep_pre);
        if let Some(tape) = cell_tape(&chain, &mut round.update) {
            tape.initial = [room.h.clone(), room.c.clone()];
        }
        let out = chain.forward(step(&round.pooled, &nodes, width), &mut round.update, mode);
        room.h.copy_from_slice(&out.data[..nodes[0] * u]);
        if shape.cell
            && let Some(tape) = cell_tape(&chain, &mut round.update)
        {
            room.c.copy_from_slice(&tape.long[nodes[0] * u..]);
        }
    }

    let (over, chain) = head(network.chain(shape.head()));
    chain.prepare(&mut room.head, room.keep_pre);
    match over {
        Some(over) => {
            segment::forward(over, &room.h, u, &room.plan.graphs, &mut room.read, &mut room.of);
            chain.forward(step(&room.read, &[items.len()], u), &mut room.head, mode);
        }
        None => {
            chain.forward(step(&room.h, &nodes, u), &mut room.head, mode);
        }
    }
}

/// From ∂L/∂y in the head's last tape to the gradient.
fn backward<F: Float>(network: &Network<F>, room: &mut Room<F>, gradient: &mut [F]) {
    let shape = Shape::of(network);
    let (plan, u, touched) = (&room.plan, shape.units, &mut [false]);
    let (nodes, edges) = ([plan.nodes()], [plan.edges.len()]);
    let (mut dh, mut dc, mut de) = (Vec::new(), Vec::new(), Vec::new());
    zeros(&mut dh, nodes[0] * u);
    zeros(&mut dc, room.c.len());
    zeros(&mut de, edges[0] * shape.edge[1]);

    let (over, chain) = head(network.chain(shape.head()));
    match over {
        Some(over) => {
            let n = [plan.graphs.len() - 1];
            let mut dread = vec![F::ZERO; n[0] * u];
            let below = Below { dout: &mut dread, touched, size: n[0], width: u };
            chain.backward(step(&room.read, &n, u), &mut room.head, gradient, Some(below));
            segment::backward(over, &dread, u, &plan.graphs, &room.of, &mut dh);
        }
        None => {
            let below = Below { dout: &mut dh, touched, size: nodes[0], width: u };
            chain.backward(step(&room.h, &nodes, u), &mut room.head, gradient, Some(below));
        }
    }

    let (mut dpooled, mut dmessages, mut dx) = (Vec::new(), Vec::new(), Vec::new());
    for (k, round) in room.rounds.iter_mut().enumerate().rev() {
        let chain = network.chain(shape.update(k));
        enter(&chain, &mut round.update, &dh, &dc);
        let width = round.pooled.len() / nodes[0].max(1);
        zeros(&mut dpooled, round.pooled.len());
        let below = Below { dout: &mut dpooled, touched, size: nodes[0], width };
        chain.backward(step(&round.pooled, &nodes, width), &mut round.update, gradient, Some(below));
        if let Some(tape) = cell_tape(&chain, &mut round.update) {
            dh.copy_from_slice(&tape.running[0]);
            let n = dc.len();
            dc.copy_from_slice(&tape.running[1][..n]);
        }
        if edges[0] == 0 {
            continue;
        }
        let (map, over) = message(network.chain(shape.message(k)));
        segment::backward(over, &dpooled, width, &plan.offsets, &round.of, &mut dmessages);
        if map.layers().is_empty() {
            std::mem::swap(&mut dx, &mut dmessages);
        } else {
            enter(&map, &mut round.message, &dmessages, &[]);
            zeros(&mut dx, round.x.len());
            let below = Below { dout: &mut dx, touched, size: edges[0], width: shape.ends() };
            map.backward(step(&round.x, &edges, shape.ends()), &mut round.message, gradient, Some(below));
        }
        for (edge, ([v, w], d)) in plan.edges.iter().zip(dx.chunks_exact(shape.ends())).enumerate() {
            let (to_v, d) = d.split_at(u);
            let (to_w, to_e) = d.split_at(u);
            add(&mut dh[v * u..], to_v);
            add(&mut dh[w * u..], to_w);
            add(&mut de[edge * shape.edge[1]..], to_e);
        }
    }

    let chain = network.chain(EDGE);
    if edges[0] > 0 && !chain.layers().is_empty() {
        enter(&chain, &mut room.edge, &de, &[]);
        chain.backward(step(&room.features, &edges, shape.edge[0]), &mut room.edge, gradient, None);
    }
    let chain = network.chain(NODE);
    enter(&chain, &mut room.node, &dh, &[]);
    chain.backward(step(&room.frames, &nodes, shape.inputs), &mut room.node, gradient, None);
}

/// Adds a row.
fn add<F: Float>(to: &mut [F], from: &[F]) {
    to.iter_mut().zip(from).for_each(|(to, d)| *to += *d);
}

/// Hands ∂L/∂output and ∂L/∂c of a step to the chain that computed it.
fn enter<F: Float>(chain: &Chain<'_, F>, tapes: &mut [Tape<F>], d: &[F], dc: &[F]) {
    tapes.iter_mut().for_each(Tape::clear_gradient);
    if let Some(tape) = tapes.last_mut() {
        tape.dout.copy_from_slice(d);
        tape.touched.fill(true);
    }
    if let Some(tape) = cell_tape(chain, tapes) {
        tape.dlast.clear();
        tape.dlast.extend_from_slice(dc);
    }
}

/// What is wanted of each node.
fn node_targets(plan: &Plan, items: &[Item<'_>], outputs: usize) -> Vec<Target> {
    let mut targets = Vec::with_capacity(plan.nodes());
    for (nodes, item) in plan.graphs.windows(2).zip(items) {
        targets.extend((0..nodes[1] - nodes[0]).map(|v| match item.target {
            Target::Steps(classes) => Target::Class(classes[v]),
            Target::Values(values) => Target::Values(values[v * outputs..][..outputs].to_vec()),
            single => single.clone(),
        }));
    }
    targets
}

/// As [`super::learn`].
pub(super) fn learn<F: Float>(
    network: &Network<F>,
    items: &[Item<'_>],
    pass: Pass<'_>,
    workspace: &mut Workspace<F>,
    gradient: Option<&mut [F]>,
) -> Score {
    let room = &mut workspace.graph;
    forward(network, items, room, if gradient.is_some() { pass.mode } else { Mode::Evaluate });
    let every_node = network.spec().per_step();
    let of_nodes = if every_node { node_targets(&room.plan, items, network.spec().outputs()) } else { Vec::new() };
    let targets: Vec<&Target> = match every_node {
        true => of_nodes.iter().collect(),
        false => items.iter().map(|i| i.target).collect(),
    };
    room.head.iter_mut().for_each(Tape::clear_gradient);
    let top = room.head.last_mut().map(|top| top.score(&targets, pass)).unwrap_or_default();
    if let Some(gradient) = gradient {
        backward(network, room, gradient);
    }
    Score { sequences: items.len() as u64, ..top }
}

/// As [`super::run`].
pub(super) fn run<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    let mut room = Room::default();
    forward(network, &[item], &mut room, mode);
    let outputs = Shape::of(network).outputs;
    let rows = if network.spec().per_step() { room.plan.nodes() } else { 1 };
    room.head.last().map(|tape| tape.output().data[..rows * outputs].to_vec()).unwrap_or_default()
}

/// What a pool gave, as a trace.
fn of_pool<F: Float>(out: Vec<F>, steps: usize) -> Trace<F> {
    Trace { steps, width: out.len() / steps.max(1), out, ..Trace::default() }
}

/// As [`super::trace`]: rows are nodes, or edges in the order of their rows; of shared weights, round after round.
pub(super) fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    let mut room = Room { keep_pre: true, ..Room::default() };
    forward(network, &[item], &mut room, Mode::Evaluate);
    let (shape, nodes) = (Shape::of(network), room.plan.nodes());
    let mut chains = vec![Vec::new(); shape.chains];
    chains[NODE] = Trace::of_rows(&mut room.node);
    chains[EDGE] = Trace::of_rows(&mut room.edge);
    with_input(&mut chains[EDGE], room.features);
    for (k, round) in room.rounds.into_iter().enumerate() {
        let Round { x, mut message, pooled, mut update, .. } = round;
        let mut traces = Trace::of_rows(&mut message);
        traces.push(of_pool(pooled.clone(), nodes));
        with_input(&mut traces, x);
        extend(&mut chains[shape.message(k)], traces);
        let mut traces = Trace::of_rows(&mut update);
        with_input(&mut traces, pooled);
        extend(&mut chains[shape.update(k)], traces);
    }
    let (over, _) = head(network.chain(shape.head()));
    let mut traces = Trace::of_rows(&mut room.head);
    if over.is_some() {
        traces.insert(0, of_pool(room.read, 1));
    }
    with_input(&mut traces, room.h);
    chains[shape.head()] = traces;
    let all = chains.concat();
    network.outputs.iter().map(|&i| all[i].clone()).collect()
}

/// Says what the first layer of a chain read.
fn with_input<F>(traces: &mut [Trace<F>], input: Vec<F>) {
    if let Some(first) = traces.first_mut() {
        first.input = input;
    }
}

/// Adds another round of the same layers.
fn extend<F: Float>(to: &mut Vec<Trace<F>>, more: Vec<Trace<F>>) {
    to.resize_with(more.len(), Trace::default);
    to.iter_mut().zip(more).for_each(|(to, more)| to.extend(more));
}
