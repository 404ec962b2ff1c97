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
use super::{Item, Reach};
use crate::layer::{Below, Mode, Tape};
use crate::network::Chain;
use crate::{Float, Frames, LayerSpec, Network, Over, Pass, Pool, Score, StructureSpec, Target, Trace, Workspace};

/// The memory of a pass, reused from batch to batch.
#[derive(Debug, Default, GetSize)]
pub struct Memory<F> {
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
    /// `[graphs, units]`: what the head's layers after its pool read.
    read: Vec<F>,
    of: Vec<usize>,
    head: Vec<Tape<F>>,
}

/// What a round keeps.
#[derive(Debug, Default, GetSize)]
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
struct Sizes {
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

impl Sizes {
    fn of<F: Float>(network: &Network<F>) -> Self {
        let spec = network.spec();
        let ends = spec.chain_widths();
        let rounds = if let StructureSpec::Graph { rounds, .. } = spec.structure { rounds } else { 0 };
        let cell = match &spec.layers[spec.chain(UPDATE).start] {
            LayerSpec::Cell(cell) => cell.table().is_some_and(|table| table.carried == CarriedState::Cell),
            _ => false,
        };
        Sizes {
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

/// The pool that a layer is.
fn pool(layer: Option<&LayerSpec>) -> Option<Over> {
    if let Some(LayerSpec::Pool(Pool { over })) = layer { Some(*over) } else { None }
}

/// The layers of chain `k` of messages without the pool at its end, and that pool.
fn message<F: Float>(network: &Network<F>, k: usize) -> (Chain<'_, F>, Over) {
    let (chain, spec) = (network.chain(k), network.spec());
    let over = pool(spec.layers[spec.chain(k)].last()).unwrap_or(Over::Sum);
    (chain.part(0..chain.layers().len() - 1), over)
}

/// The head's layers after its pool over all nodes, where it has one.
fn head<F: Float>(network: &Network<F>, k: usize) -> (Option<Over>, Chain<'_, F>) {
    let (chain, spec) = (network.chain(k), network.spec());
    match pool(spec.layers[spec.chain(k)].first()) {
        Some(over) => (Some(over), chain.part(1..chain.layers().len())),
        None => (None, chain),
    }
}

fn zeros<F: Float>(to: &mut Vec<F>, n: usize) {
    to.clear();
    to.resize(n, F::ZERO);
}

/// Other rows than those of the round before are dropped.
fn of_round(mode: Mode, round: usize) -> Mode {
    match mode {
        Mode::Train(seed) => Mode::Train(seed.wrapping_add((round as u64 + 1) << 40)),
        Mode::Evaluate | Mode::Trace => mode,
    }
}

/// Runs the items; what the head gives lies in its last tape.
fn forward<F: Float>(network: &Network<F>, items: &[Item<'_>], memory: &mut Memory<F>, mode: Mode) {
    let sizes = Sizes::of(network);
    let u = sizes.units;
    memory.plan = Plan::of(items, sizes.inputs);
    let (nodes, edges) = ([memory.plan.nodes()], [memory.plan.edges.len()]);
    memory.frames.clear();
    memory.features.clear();
    for item in items {
        memory.frames.extend(item.frames.iter().map(|x| F::of((*x).into())));
        if let elman_data::ExampleStructure::Graph(rows) = item.joints {
            memory.features.extend(rows.edges.iter().map(|x| F::of((*x).into())));
        }
    }
    let chain = network.chain(NODE);
    let out = chain.forward(step(&memory.frames, &nodes, sizes.inputs), &mut memory.node, mode);
    memory.h.clear();
    memory.h.extend_from_slice(&out.data[..nodes[0] * u]);
    zeros(&mut memory.c, if sizes.cell { nodes[0] * u } else { 0 });

    let chain = network.chain(EDGE);
    let e: &[F] = if edges[0] > 0 {
        chain.forward(step(&memory.features, &edges, sizes.edge[0]), &mut memory.edge, mode).data
    } else {
        &[]
    };
    memory.rounds.resize_with(sizes.rounds, Round::default);
    for (k, round) in memory.rounds.iter_mut().enumerate() {
        let mode = of_round(mode, k);
        round.x.clear();
        for (edge, [v, w]) in memory.plan.edges.iter().enumerate() {
            round.x.extend_from_slice(&memory.h[v * u..][..u]);
            round.x.extend_from_slice(&memory.h[w * u..][..u]);
            round.x.extend_from_slice(&e[edge * sizes.edge[1]..][..sizes.edge[1]]);
        }
        let (map, over) = message(network, sizes.message(k));
        let width = network.spec().chain_widths()[sizes.message(k)].1;
        let messages: &[F] = if edges[0] > 0 {
            map.forward(step(&round.x, &edges, sizes.ends()), &mut round.message, mode).data
        } else {
            &[]
        };
        segment::forward(over, messages, width, &memory.plan.offsets, &mut round.pooled, &mut round.of);

        let chain = network.chain(sizes.update(k));
        if let Some(states) = chain.states(&mut round.update) {
            (states.h_0, states.c_0) = (memory.h.clone(), memory.c.clone());
        }
        let out = chain.forward(step(&round.pooled, &nodes, width), &mut round.update, mode);
        memory.h.copy_from_slice(&out.data[..nodes[0] * u]);
        if sizes.cell
            && let Some(states) = chain.states(&mut round.update)
        {
            memory.c.copy_from_slice(states.cells());
        }
    }

    let (over, chain) = head(network, sizes.head());
    match over {
        Some(over) => {
            segment::forward(over, &memory.h, u, &memory.plan.graphs, &mut memory.read, &mut memory.of);
            chain.forward(step(&memory.read, &[items.len()], u), &mut memory.head, mode);
        }
        None => {
            chain.forward(step(&memory.h, &nodes, u), &mut memory.head, mode);
        }
    }
}

/// From ∂L/∂y in the head's last tape to the gradient; `states` is given ∂L/∂h after each round, the last one first, and before
/// them all.
fn backward<F: Float>(
    network: &Network<F>,
    memory: &mut Memory<F>,
    gradient: &mut [F],
    mut states: impl FnMut(usize, &[F]),
) {
    let sizes = Sizes::of(network);
    let (plan, u, touched) = (&memory.plan, sizes.units, &mut [false]);
    let (nodes, edges) = ([plan.nodes()], [plan.edges.len()]);
    let (mut dh, mut dc, mut de) = (Vec::new(), Vec::new(), Vec::new());
    zeros(&mut dh, nodes[0] * u);
    zeros(&mut dc, memory.c.len());
    zeros(&mut de, edges[0] * sizes.edge[1]);

    let (over, chain) = head(network, sizes.head());
    match over {
        Some(over) => {
            let n = [plan.graphs.len() - 1];
            let mut dread = vec![F::ZERO; n[0] * u];
            let below = Below { gradient: &mut dread, touched, size: n[0], width: u };
            chain.backward(step(&memory.read, &n, u), &mut memory.head, gradient, Some(below));
            segment::backward(over, &dread, u, &plan.graphs, &memory.of, &mut dh);
        }
        None => {
            let below = Below { gradient: &mut dh, touched, size: nodes[0], width: u };
            chain.backward(step(&memory.h, &nodes, u), &mut memory.head, gradient, Some(below));
        }
    }

    let (mut dpooled, mut dmessages, mut dx) = (Vec::new(), Vec::new(), Vec::new());
    let rounds = memory.rounds.len();
    for (k, round) in memory.rounds.iter_mut().enumerate().rev() {
        let chain = network.chain(sizes.update(k));
        states(rounds - 1 - k, &dh);
        enter(&chain, &mut round.update, &dh, &dc);
        let width = round.pooled.len() / nodes[0].max(1);
        zeros(&mut dpooled, round.pooled.len());
        let below = Below { gradient: &mut dpooled, touched, size: nodes[0], width };
        chain.backward(step(&round.pooled, &nodes, width), &mut round.update, gradient, Some(below));
        if let Some(states) = chain.states(&mut round.update) {
            dh.copy_from_slice(states.h_0_gradient());
            let n = dc.len();
            dc.copy_from_slice(&states.c_0_gradient()[..n]);
        }
        if edges[0] == 0 {
            continue;
        }
        let (map, over) = message(network, sizes.message(k));
        segment::backward(over, &dpooled, width, &plan.offsets, &round.of, &mut dmessages);
        if map.layers().is_empty() {
            std::mem::swap(&mut dx, &mut dmessages);
        } else {
            enter(&map, &mut round.message, &dmessages, &[]);
            zeros(&mut dx, round.x.len());
            let below = Below { gradient: &mut dx, touched, size: edges[0], width: sizes.ends() };
            map.backward(step(&round.x, &edges, sizes.ends()), &mut round.message, gradient, Some(below));
        }
        for (edge, ([v, w], d)) in plan.edges.iter().zip(dx.chunks_exact(sizes.ends())).enumerate() {
            let (to_v, d) = d.split_at(u);
            let (to_w, to_e) = d.split_at(u);
            add(&mut dh[v * u..], to_v);
            add(&mut dh[w * u..], to_w);
            add(&mut de[edge * sizes.edge[1]..], to_e);
        }
    }

    states(rounds, &dh);
    let chain = network.chain(EDGE);
    if edges[0] > 0 && !chain.layers().is_empty() {
        enter(&chain, &mut memory.edge, &de, &[]);
        chain.backward(step(&memory.features, &edges, sizes.edge[0]), &mut memory.edge, gradient, None);
    }
    let chain = network.chain(NODE);
    enter(&chain, &mut memory.node, &dh, &[]);
    chain.backward(step(&memory.frames, &nodes, sizes.inputs), &mut memory.node, gradient, None);
}

/// Adds a row.
fn add<F: Float>(to: &mut [F], from: &[F]) {
    to.iter_mut().zip(from).for_each(|(to, d)| *to += *d);
}

/// Hands ∂L/∂output and ∂L/∂c of a step to the chain that computed it.
fn enter<F: Float>(chain: &Chain<'_, F>, tapes: &mut Vec<Tape<F>>, d: &[F], dc: &[F]) {
    tapes.iter_mut().for_each(|tape| tape.output.clear_gradient());
    if let Some(top) = tapes.last_mut() {
        top.output.gradient.copy_from_slice(d);
        top.output.touched.fill(true);
    }
    if let Some(states) = chain.states(tapes) {
        states.last_c_gradient.clear();
        states.last_c_gradient.extend_from_slice(dc);
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
    let memory = &mut workspace.graph;
    forward(network, items, memory, if gradient.is_some() { pass.mode } else { Mode::Evaluate });
    let every_node = network.spec().per_step();
    let of_nodes = if every_node { node_targets(&memory.plan, items, network.spec().outputs()) } else { Vec::new() };
    let targets: Vec<&Target> = match every_node {
        true => of_nodes.iter().collect(),
        false => items.iter().map(|i| i.target).collect(),
    };
    memory.head.iter_mut().for_each(|tape| tape.output.clear_gradient());
    let top = memory.head.last_mut().map(|top| top.output.score(&targets, pass)).unwrap_or_default();
    if let Some(gradient) = gradient {
        backward(network, memory, gradient, |_, _| {});
    }
    Score { sequences: items.len() as u64, ..top }
}

/// As [`super::probe`]: of all answers, by rounds before the last; of the nodes their mean.
pub(super) fn probe<F: Float>(network: &Network<F>, item: Item<'_>, pass: Pass<'_>) -> Vec<Reach> {
    let mut memory = Memory::default();
    forward(network, &[item], &mut memory, Mode::Evaluate);
    let outputs = network.spec().outputs();
    let wanted = if network.spec().per_step() { node_targets(&memory.plan, &[item], outputs) } else { Vec::new() };
    let targets: Vec<&Target> = if network.spec().per_step() { wanted.iter().collect() } else { vec![item.target] };
    memory.head.iter_mut().for_each(|tape| tape.output.clear_gradient());
    if let Some(top) = memory.head.last_mut() {
        top.output.score(&targets, pass);
    }
    let (units, mut states) = (Sizes::of(network).units, Vec::new());
    backward(network, &mut memory, &mut vec![F::ZERO; network.values().len()], |round, d| {
        states.extend(d.chunks_exact(units).map(|d| (round, d.to_vec())));
    });
    let update = Sizes::of(network).update(0);
    let name = super::cells(&network.spec().layers[network.spec().chain(update)]).pop().unwrap_or_default();
    vec![Reach { name: format!("update {name}"), norms: super::means(states.iter().map(|(k, d)| (*k, &d[..]))) }]
}

/// As [`super::run`].
pub(super) fn run<F: Float>(network: &Network<F>, item: Item<'_>, mode: Mode) -> Vec<F> {
    let mut memory = Memory::default();
    forward(network, &[item], &mut memory, mode);
    let outputs = Sizes::of(network).outputs;
    let rows = if network.spec().per_step() { memory.plan.nodes() } else { 1 };
    memory.head.last().map(|tape| tape.output.frames().data[..rows * outputs].to_vec()).unwrap_or_default()
}

/// What a pool gave, as a trace.
fn of_pool<F: Float>(out: Vec<F>, steps: usize) -> Trace<F> {
    Trace { steps, width: out.len() / steps.max(1), out, ..Trace::default() }
}

/// As [`super::trace`]: rows are nodes, or edges in the order of their rows; of shared weights, round after round.
pub(super) fn trace<F: Float>(network: &Network<F>, item: Item<'_>) -> Vec<Trace<F>> {
    let mut memory = Memory::default();
    forward(network, &[item], &mut memory, Mode::Trace);
    let (sizes, nodes) = (Sizes::of(network), memory.plan.nodes());
    let mut chains = vec![Vec::new(); sizes.chains];
    chains[NODE] = network.chain(NODE).trace(&mut memory.node);
    chains[EDGE] = network.chain(EDGE).trace(&mut memory.edge);
    with_input(&mut chains[EDGE], memory.features);
    for (k, round) in memory.rounds.into_iter().enumerate() {
        let Round { x, mut message, pooled, mut update, .. } = round;
        let at = sizes.message(k);
        let mut traces = self::message(network, at).0.trace(&mut message);
        traces.push(of_pool(pooled.clone(), nodes));
        with_input(&mut traces, x);
        extend(&mut chains[at], traces);
        let mut traces = network.chain(sizes.update(k)).trace(&mut update);
        with_input(&mut traces, pooled);
        extend(&mut chains[sizes.update(k)], traces);
    }
    let (over, head) = head(network, sizes.head());
    let mut traces = head.trace(&mut memory.head);
    if over.is_some() {
        traces.insert(0, of_pool(memory.read, 1));
    }
    with_input(&mut traces, memory.h);
    chains[sizes.head()] = traces;
    network.of_recipe(chains.concat())
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
