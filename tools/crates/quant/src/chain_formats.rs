//! Formats between chains of layers: what a chain reads, and outputs that must have one format because they are
//! concatenated.

use elman::cell::OutRange;
use elman::wiring::{Chain, Input};
use elman_nn::{LayerSpec, NetworkSpec, StructureSpec};

use crate::ptq::RangeStats;

/// Numbers of all chains of a role.
fn numbers(spec: &NetworkSpec, chain: Chain) -> Vec<usize> {
    (0..spec.chains()).filter(|k| spec.structure.wire(*k).chain == chain).collect()
}

/// Whether a layer's output has a format that no calibration chooses.
fn fixed(layer: &LayerSpec) -> bool {
    let range = layer.device().last().and_then(|name| elman::layer::named(name)).map(|(_, _, spec)| spec.out);
    matches!(range, None | Some(OutRange::Input | OutRange::OneHot))
}

/// Whether a layer reads its own last output, and so begins with a state that another chain may give.
fn recurrent(layer: &LayerSpec) -> bool {
    layer.device().iter().any(|name| elman::layer::named(name).is_some_and(|(_, _, spec)| spec.recurrent()))
}

/// Layers whose outputs are read side by side, added, or begin as one another's states: each group has one format.
fn groups(spec: &NetworkSpec) -> Vec<Vec<usize>> {
    let of_chain = |chain: &Chain| -> Vec<usize> {
        let layers = |k: usize| {
            let starts = |layer: &usize| *chain == Chain::Decoder && recurrent(&spec.layers[*layer]);
            let last = spec.chain(k).next_back();
            spec.chain(k).filter(move |layer| Some(*layer) == last || starts(layer))
        };
        numbers(spec, *chain).into_iter().flat_map(layers).collect()
    };
    spec.structure.wiring().shared_formats().iter().map(|group| group.iter().flat_map(of_chain).collect()).collect()
}

/// For each group the format that holds all of its layers, the coarsest of those that they have alone; `None` where a layer of it
/// has a format that no one chooses. `ends` are the fraction bits of each layer's output.
pub fn shared(spec: &NetworkSpec, ends: &[u8]) -> Vec<Option<u8>> {
    let of_group = |group: Vec<usize>| {
        let free = group.len() > 1 && !group.iter().any(|k| fixed(&spec.layers[*k]));
        group.iter().map(|k| ends[*k]).min().filter(|_| free)
    };
    groups(spec).into_iter().map(of_group).collect()
}

/// Gives the layers of each group one format: that of `wanted`, or the one that holds them all; whether any had another.
pub fn share(spec: &NetworkSpec, ends: &[u8], wanted: &[Option<u8>], seen: &mut [RangeStats]) -> bool {
    let mut changed = false;
    for (n, group) in groups(spec).into_iter().enumerate() {
        let given = group.iter().filter(|k| fixed(&spec.layers[**k])).map(|k| ends[*k]).min();
        let wanted = wanted.get(n).copied().flatten();
        let Some(frac) = given.or(wanted).or(group.iter().map(|k| ends[*k]).min()) else { continue };
        for k in group.into_iter().filter(|k| !fixed(&spec.layers[*k])) {
            changed |= ends[k] != frac;
            seen[k].out_frac = Some(frac);
        }
    }
    changed
}

/// What was seen, with the carried states that one chain takes from another.
pub fn joined(spec: &NetworkSpec, seen: &[RangeStats]) -> Vec<RangeStats> {
    let mut seen = seen.to_vec();
    let last = |chain: &Chain| -> Vec<usize> {
        numbers(spec, *chain).into_iter().filter_map(|k| spec.chain(k).next_back()).collect()
    };
    if let ([leaf], [compose]) = (&last(&Chain::Leaf)[..], &last(&Chain::Compose)[..]) {
        // A leaf's cell state is read where a composed one is.
        let long = seen[*leaf].long.max(seen[*compose].long);
        (seen[*leaf].long, seen[*compose].long) = (long, long);
    }
    if let [node] = last(&Chain::Node)[..] {
        // Carried states go from round to round, and those that are h begin as h_0.
        let updates = last(&Chain::Update);
        let long = updates.iter().fold(seen[node].out, |long, k| seen[*k].long.max(long));
        updates.iter().for_each(|k| seen[*k].long = long);
    }
    seen
}

/// Where chains begin among the layers of the blob, and what each reads.
pub struct ChainFormats<'a> {
    spec: &'a NetworkSpec,
    /// Fraction bits of a frame.
    frame: u8,
    /// Fraction bits of each chain's output so far.
    ends: Vec<u8>,
    /// Layers of the blob before each chain.
    starts: Vec<usize>,
}

impl<'a> ChainFormats<'a> {
    /// Before the first layer; `frame` is the format of the network's input.
    pub fn new(spec: &'a NetworkSpec, frame: u8) -> Self {
        ChainFormats { spec, frame, ends: Vec::new(), starts: vec![0] }
    }

    /// Fraction bits that layer `k` of the recipe reads; `frac` is the format of the layer before, and `done` how many
    /// layers the blob has so far.
    pub fn before(&mut self, k: usize, frac: u8, done: usize) -> u8 {
        if self.spec.structure == StructureSpec::Sequence {
            return frac;
        }
        let mut frac = frac;
        // The chains that end before this layer: the last of them with layers, and empty ones after it.
        while self.ends.len() < self.spec.chains() && self.spec.chain(self.ends.len()).end <= k {
            let chain = self.ends.len();
            let end = if self.spec.chain(chain).is_empty() { self.given(chain) } else { frac };
            self.ends.push(end);
            self.starts.push(done);
            frac = self.given(self.ends.len().min(self.spec.chains() - 1));
        }
        frac
    }

    /// Fraction bits of what chain `k` reads.
    fn given(&self, k: usize) -> u8 {
        let structure = &self.spec.structure;
        match structure.wire(k).inputs {
            [Input::Frame, ..] => self.frame,
            [Input::Symbol, ..] => 0,
            // Raw features are in the format of the states that they are read with.
            [Input::EdgeFeatures, ..] if self.spec.chain(k).is_empty() => self.end(Chain::Node, k),
            [Input::EdgeFeatures, ..] => 0,
            [Input::Tanh(_), ..] => 15,
            [Input::Output(chain) | Input::Roots(chain) | Input::Context(chain), ..] => self.end(*chain, k),
            [Input::EdgeOutput, ..] | [] => 0,
        }
    }

    /// Fraction bits of the output of `chain`, which chain number `k` reads.
    fn end(&self, chain: Chain, k: usize) -> u8 {
        self.ends.get(self.spec.structure.number(chain, k)).copied().unwrap_or(0)
    }

    /// Layers of each chain, where there are several; `all` is how many the blob has.
    pub fn counts(&self, all: usize) -> Vec<u8> {
        if self.spec.structure == StructureSpec::Sequence {
            return Vec::new();
        }
        let ends = self.starts.iter().skip(1).copied().chain([all]);
        self.starts.iter().zip(ends).map(|(start, end)| (end - start).min(255) as u8).collect()
    }
}
