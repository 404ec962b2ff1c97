//! Graph networks on integers: against their definition, layer by layer; and what is refused of models and graphs.

use elman::arith::round_shift;
use elman::blob::{Blob, Model, Readout, Structure};
use elman::cell::CarriedState;
use elman::net::CsrRows;
use elman::{LoadError, MemoryError, RunError};
use elman_quant::synthetic::graph::{Graph, MOST, Shape, graph, model};
use elman_quant::synthetic::{self, Drive};
use elman_quant::{IntegerLayer, IntegerModel, words_of};

fn words(model: &IntegerModel) -> Vec<u32> {
    words_of(&model.to_blob().unwrap()).unwrap()
}

/// A layer alone, one step from the state h; the output and the state after it: h and the long state.
fn step(layer: &IntegerLayer, x: &[i16], state: Option<(&[i16], &[i32])>) -> (Vec<i16>, Vec<i32>) {
    let words = words(&IntegerModel { layers: vec![layer.clone()], ..IntegerModel::default() });
    let model = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; model.memory_words()];
    let mut net = model.stream(&mut memory).unwrap();
    if let Some((h, long)) = state {
        let mut snapshot = vec![0; net.snapshot_words()];
        net.snapshot(&mut snapshot).unwrap();
        let view = &model.layers()[0];
        for (k, h) in h.iter().enumerate() {
            let word = &mut snapshot[1 + view.input_words() + k / 2];
            *word |= u32::from(*h as u16) << (16 * (k % 2));
        }
        snapshot[1 + view.vector_words()..][..long.len()]
            .copy_from_slice(&long.iter().map(|l| *l as u32).collect::<Vec<_>>());
        net.restore(&snapshot).unwrap();
    }
    let y = net.step(x).logits.to_vec();
    (y, net.carried_state(0).to_vec())
}

/// Layers one after the other.
fn through(layers: &[IntegerLayer], x: &[i16]) -> Vec<i16> {
    layers.iter().fold(x.to_vec(), |x, layer| step(layer, &x, None).0)
}

/// What a pool makes of some vectors, in exact arithmetic.
fn pooled(layer: &IntegerLayer, vectors: &[Vec<i16>]) -> Vec<i16> {
    (0..layer.units)
        .map(|k| {
            let column = vectors.iter().map(|v| i64::from(v[k]));
            let (sum, n) = (column.clone().sum::<i64>(), vectors.len() as i64);
            let y = match layer.variant.as_str() {
                _ if n == 0 => 0,
                "sum" => i64::from(round_shift(sum as i32, u32::from(layer.in_frac - layer.out_frac))),
                "mean" => (2 * sum + n).div_euclid(2 * n),
                _ => column.max().unwrap(),
            };
            y.clamp(-32_768, 32_767) as i16
        })
        .collect()
}

/// The whole network by its equations: all messages of a round, then all updates.
fn by_definition(model: &IntegerModel, graph: &Graph, features: usize) -> Vec<Vec<i16>> {
    let Structure::Graph { rounds, .. } = model.structure else { panic!("a graph network") };
    let mut start = 0;
    let chains: Vec<&[IntegerLayer]> = model
        .chains
        .iter()
        .map(|n| {
            start += usize::from(*n);
            &model.layers[start - usize::from(*n)..start]
        })
        .collect();
    let mut h: Vec<Vec<i16>> = graph.frames.chunks(chains[0][0].inputs).map(|x| through(chains[0], x)).collect();
    let cell = &chains[3][0];
    let (_, _, spec) = elman::layer::named(&cell.variant).unwrap();
    let wide = |h: &i16| match spec.carried {
        CarriedState::Hidden | CarriedState::Wide => i32::from(*h) << (cell.carried_frac - cell.out_frac),
        _ => 0,
    };
    let mut long: Vec<Vec<i32>> = h.iter().map(|h| h.iter().map(wide).collect()).collect();
    for round in 0..usize::from(rounds) {
        let k = if chains.len() > 5 { 2 * round + 2 } else { 2 };
        let (pool, map) = chains[k].split_last().unwrap();
        let before = h.clone();
        for v in 0..h.len() {
            let edges = graph.offsets[v] as usize..graph.offsets[v + 1] as usize;
            let message = |edge: usize| {
                let e = &graph.edges[edge * features..][..features];
                let u = usize::from(graph.neighbours[edge]);
                through(map, &[before[v].clone(), before[u].clone(), through(chains[1], e)].concat())
            };
            let m = pooled(pool, &edges.map(message).collect::<Vec<_>>());
            let state = if spec.carried == CarriedState::None { &[][..] } else { &long[v] };
            let (y, l) = step(&chains[k + 1][0], &m, Some((&before[v], state)));
            h[v] = y;
            if !l.is_empty() {
                long[v] = l;
            }
        }
    }
    let head = chains[chains.len() - 1];
    match model.readout {
        Readout::EveryStep => h.iter().map(|h| through(head, h)).collect(),
        Readout::Last => vec![through(&head[1..], &pooled(&head[0], &h))],
    }
}

/// The network as the device runs it.
fn run(model: &Model<'_>, memory: &mut [u32], graph: &Graph) -> Result<Vec<Vec<i16>>, RunError> {
    let mut net = model.graph(memory)?;
    let rows = CsrRows::new(&graph.offsets, &graph.neighbours)?;
    let outputs = net.run(&graph.frames, rows, &graph.edges)?;
    Ok(outputs.iter().map(|y| y.logits.to_vec()).collect())
}

/// Every recurrent cell, each way to aggregate and to read out, with and without what edges carry, over several graphs
/// in the same memory.
#[test]
fn the_device_computes_the_equations() {
    let base = Shape::default();
    let shapes = [
        Shape { cell: "srn", ..base },
        Shape { cell: "srn-relu", aggregate: "mean", readout: Some("sum"), ..base },
        Shape { cell: "gru", aggregate: "max", features: 2, readout: Some("mean"), ..base },
        Shape { cell: "gru-before", features: 3, edge_layer: true, ..base },
        Shape { cell: "lstm", shared: false, readout: Some("max"), ..base },
        Shape { cell: "lstm-peephole", rounds: 1, ..base },
        Shape { cell: "residual-2", features: 1, edge_layer: true, shared: false, rounds: 2, ..base },
        Shape { cell: "lstm-coupled", rounds: 6, ..base },
    ];
    for (seed, shape) in (1..).zip(shapes) {
        let model = model(shape, seed);
        let words = words(&model);
        let loaded = Model::load(Blob::new(&words)).unwrap();
        let mut memory = vec![0xAAAA_AAAA; loaded.memory_words()];
        for (nodes, degree) in [(40, 10), (1, 0), (1, 3), (7, 12), (0, 0), (25, 3)] {
            let graph = graph(nodes, degree, 3, shape.features, seed + 100);
            let mut want = by_definition(&model, &graph, shape.features);
            want.truncate(if nodes == 0 { 0 } else { want.len() });
            assert_eq!(run(&loaded, &mut memory, &graph).unwrap(), want, "{shape:?}, {nodes} nodes");
            // Another seed would not do: outputs move.
            assert!(want.iter().flatten().any(|y| *y != 0) || nodes == 0);
        }
    }
}

/// A path on which each node hears its predecessor alone is a chain of updates: after as many rounds as there are
/// nodes, nothing changes.
#[test]
fn nodes_hear_only_their_neighbours() {
    let shape = Shape { cell: "srn", ..Shape::default() };
    let words = words(&model(shape, 5));
    let loaded = Model::load(Blob::new(&words)).unwrap();
    let mut memory = vec![0; loaded.memory_words()];
    let mut path = graph(8, 0, 3, 0, 9);
    (path.offsets, path.neighbours) = (vec![0, 0, 1, 2, 3, 4, 5, 6, 7], (0..7).collect());
    let before = run(&loaded, &mut memory, &path).unwrap();
    // What node 2 is reaches as many nodes as there are rounds, and none before it.
    path.frames[6..9].copy_from_slice(&[20_000, -20_000, 20_000]);
    let after = run(&loaded, &mut memory, &path).unwrap();
    let moved: Vec<usize> = (0..8).filter(|v| before[*v] != after[*v]).collect();
    assert_eq!(moved, [2, 3, 4, 5]);
}

#[test]
fn graphs_that_do_not_fit_are_refused() {
    let shape = Shape { features: 2, ..Shape::default() };
    let words = words(&model(shape, 1));
    let loaded = Model::load(Blob::new(&words)).unwrap();
    let need = loaded.memory_words();
    assert_eq!(loaded.graph(&mut [0; 8]).unwrap_err(), RunError::Memory(MemoryError { required: need, provided: 8 }));
    assert!(matches!(loaded.stream(&mut vec![0; need]).unwrap_err(), RunError::WrongRunner { .. }));
    assert!(matches!(loaded.sequence(&mut vec![0; need]).unwrap_err(), RunError::WrongRunner { .. }));
    let mut memory = vec![0; need];
    let good = graph(10, 4, 3, 2, 1);
    assert!(run(&loaded, &mut memory, &good).is_ok());
    let refusal = |change: &dyn Fn(&mut Graph)| {
        let mut graph = good.clone();
        change(&mut graph);
        run(&loaded, &mut vec![0; need], &graph).unwrap_err()
    };
    assert!(matches!(
        refusal(&|g| g.neighbours[3] = 10),
        RunError::GraphNeighbour { edge: 3, neighbour: 10, nodes: 10 }
    ));
    assert!(matches!(refusal(&|g| g.offsets[0] = 1), RunError::GraphOffset { node: 0, offset: 1, .. }));
    let features = refusal(&|g| g.edges.truncate(5));
    assert!(matches!(features, RunError::GraphFeatures { edge_elements: 5, node_elements: 30, node_required: 30, .. }));
    assert!(matches!(refusal(&|g| g.frames.push(0)), RunError::GraphFeatures { node_elements: 31, .. }));
    let large = |nodes, degree| refusal(&|g: &mut Graph| *g = graph(nodes, degree, 3, 2, 1));
    assert!(matches!(large(41, 0), RunError::GraphTooLarge { nodes: 41, max_nodes: 40, .. }));
    let star = refusal(&|g| {
        *g = Graph { offsets: vec![0, 13], neighbours: vec![0; 13], frames: vec![0; 3], edges: vec![0; 26] };
    });
    assert!(matches!(star, RunError::GraphTooLarge { degree: 13, max_degree: 12, .. }));
    let full = refusal(&|g| {
        g.offsets = (0..=40).map(|v| 11 * v).collect();
        (g.neighbours, g.frames, g.edges) = (vec![0; 440], vec![0; 120], vec![0; 880]);
    });
    assert!(matches!(full, RunError::GraphTooLarge { edges: 440, max_edges: 400, .. }), "{full:?}");
}

#[test]
fn models_that_do_not_hang_together_are_refused() {
    let shape = Shape { features: 2, aggregate: "mean", readout: Some("sum"), shared: false, ..Shape::default() };
    let refusal = |change: &dyn Fn(&mut IntegerModel)| {
        let mut model = model(shape, 3);
        change(&mut model);
        model.to_blob().unwrap_err().to_string()
    };
    let [max_nodes, max_edges, _] = MOST;
    let structure = |rounds, max_nodes, max_edges, max_degree| {
        move |m: &mut IntegerModel| m.structure = Structure::Graph { rounds, max_nodes, max_edges, max_degree }
    };
    let chain = |chain: u8| LoadError::ChainShape { chain }.to_string();
    let count = LoadError::ChainCount { chains: 9, layers: 12 }.to_string();
    assert!(refusal(&structure(2, max_nodes, max_edges, 12)).contains(&count));
    assert!(refusal(&structure(3, 0, max_edges, 12)).contains(&chain(0)));
    assert!(refusal(&structure(3, max_nodes, 11, 12)).contains(&chain(1)));
    assert!(refusal(&|m| m.readout = Readout::EveryStep).contains(&chain(8)));
    let format = |layer, out_frac| LoadError::Format { layer, out_frac, carried_frac: 0 }.to_string();
    // Layers: node; map, pool, update of each round; pool, dense.
    assert!(refusal(&|m| m.layers[0].out_frac = 16).contains(&format(0, 16)));
    assert!(refusal(&|m| m.layers[0].out_frac = 14).len() > 3);
    let mismatch = |layer, inputs: u16, given: u16| {
        LoadError::ShapeMismatch { layer, inputs, given, frac: 15, given_frac: 15 }.to_string()
    };
    let map = |inputs| synthetic::layer("dense-relu", inputs, 5, 15, Drive::Ordinary, 1);
    assert!(refusal(&|m| m.layers[1] = map(11)).contains(&mismatch(1, 11, 12)));
    // All rounds read as much of an edge.
    assert!(refusal(&|m| m.layers[4] = map(15)).contains(&chain(4)));
    assert!(refusal(&|m| m.layers.swap(1, 2)).contains("layer 1 reads 5 elements"));
    assert!(refusal(&|m| m.layers[0].variant = "srn".into()).len() > 3);
}
