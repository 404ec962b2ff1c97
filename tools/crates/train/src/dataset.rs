//! Where sequences come from.

use elman::net::Node;

use elman_data::ExampleStructure;
use elman_nn::{Item, Loss, NO_CLASS, Network, NetworkSpec, StructureSpec, Target};

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// `[steps, inputs]`: the frames, at least one.
    pub frames: Vec<f32>,
    /// Their structure: sequence, tree or graph.
    pub joints: ExampleStructure,
    /// The target.
    pub target: Target,
}

/// Examples, by index. They are made when they are needed, on the threads that train.
pub trait Dataset: Sync {
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Example `index`. With `epoch_seed` it may be augmented: from this seed and the index alone, so that the
    /// same epoch always sees the same examples. Without a seed it is not changed.
    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence;
    /// Called before each epoch (from 0) with the network as it is, for training data that depend on its mistakes.
    fn before_epoch(&self, _network: &Network<f32>, _epoch: usize) {}
    /// Share of the examples that are made again for an epoch; the others are as they were in the one before.
    fn renewed(&self) -> f64 {
        1.0
    }
    /// Does a part of what [`Dataset::before_epoch`] searches with the network. The result is how many such parts are done
    /// before an epoch, the mean over all epochs: 0 where nothing is searched.
    fn search_share(&self, _network: &Network<f32>) -> f64 {
        0.0
    }
    /// Bytes of examples that are kept for later epochs, and were not made yet.
    fn kept_later(&self) -> usize {
        0
    }
    /// What a sequence needs memory for, values of its frames, and targets with edges, where that is known without making it.
    fn extent(&self, _index: usize) -> Option<[usize; 2]> {
        None
    }
    /// Of validation data, a figure by which epochs are chosen where the configuration asks for it; smaller is better.
    fn validation_metric(&self, _network: &Network<f32>) -> Option<f64> {
        None
    }
}

impl Dataset for [Sequence] {
    fn len(&self) -> usize {
        <[Sequence]>::len(self)
    }
    fn get(&self, index: usize, _: Option<u64>) -> Sequence {
        self[index].clone()
    }
}

impl Dataset for Vec<Sequence> {
    fn len(&self) -> usize {
        Vec::len(self)
    }
    fn get(&self, index: usize, _: Option<u64>) -> Sequence {
        self[index].clone()
    }
}

/// Roots: nodes that no other node reads.
fn roots_of(nodes: &[Node]) -> usize {
    let mut read = vec![false; nodes.len()];
    for node in nodes {
        if let Node::Inner { left, right } = node {
            read[usize::from(*left)] = true;
            read[usize::from(*right)] = true;
        }
    }
    read.iter().filter(|read| !**read).count()
}

impl Sequence {
    /// A sequence of frames and its target.
    pub fn new(frames: Vec<f32>, target: Target) -> Self {
        Sequence { frames, joints: ExampleStructure::None, target }
    }

    /// As the network reads it.
    pub fn item(&self) -> Item<'_> {
        Item { frames: &self.frames, joints: &self.joints, target: &self.target }
    }

    /// Outputs that a network has for it; `None` where any number is possible, or the structure is another.
    fn outputs(&self, spec: &NetworkSpec) -> Result<Option<usize>, String> {
        let frames = self.frames.len() / spec.inputs;
        let steps = match (&spec.structure, &self.joints) {
            (StructureSpec::Sequence, ExampleStructure::None) => frames,
            (StructureSpec::Seq2seq { .. }, ExampleStructure::None) => return Ok(None),
            (StructureSpec::Tree { roots, every_node, .. }, ExampleStructure::Tree(nodes)) => {
                let found = roots_of(nodes);
                if !every_node && found != *roots {
                    let way_out = format!("set roots = {found} in [network.tree], or look at the data");
                    return Err(format!("it has {found} roots, the network reads {roots}; {way_out}"));
                }
                nodes.len()
            }
            (StructureSpec::Graph { .. }, ExampleStructure::Graph(rows)) if rows.offsets.len() == frames + 1 => frames,
            (StructureSpec::Tree { .. }, _) => return Err("it is no tree".into()),
            (StructureSpec::Graph { .. }, _) => return Err("it is no graph of as many nodes as frames".into()),
            (_, _) => return Err("it is a tree or graph, but the network reads sequences".into()),
        };
        Ok(Some(if spec.per_step() { steps } else { 1 }))
    }

    /// Why this example does not fit a network, if so.
    pub fn validation_error(&self, spec: &NetworkSpec, loss: Loss) -> Option<String> {
        let (values, outputs) = (self.frames.len(), spec.outputs());
        if values == 0 {
            return Some("it has no frames".into());
        }
        if !values.is_multiple_of(spec.inputs) {
            return Some(format!("its {values} values are no whole number of frames of {}", spec.inputs));
        }
        let steps = match self.outputs(spec) {
            Ok(steps) => steps,
            Err(reason) => return Some(reason),
        };
        let class = |class: u32| {
            (class != NO_CLASS && class as usize >= outputs)
                .then(|| format!("its class {class} is not among the network's {outputs} outputs"))
        };
        match &self.target {
            Target::Class(_) if spec.per_step() => {
                Some("it has one class, but the network has an output per step; add a pool".into())
            }
            Target::Class(wanted) => class(*wanted),
            Target::Steps(_) if !spec.per_step() => {
                Some("it has a class per step, but the network pools its steps into one output".into())
            }
            Target::Steps(wanted) if steps.is_some_and(|steps| wanted.len() != steps) => {
                Some(format!("it has {} classes for {} frames", wanted.len(), steps.unwrap_or(0)))
            }
            Target::Steps(wanted) => wanted.iter().find_map(|&c| class(c)),
            Target::Values(_) if loss == Loss::CrossEntropy => {
                Some("it has values as its target, which need the loss \"squared-error\"".into())
            }
            Target::Values(wanted) if steps.is_none_or(|steps| wanted.len() != steps * outputs) => {
                Some(format!("it has {} target values for {} outputs of {outputs}", wanted.len(), steps.unwrap_or(0)))
            }
            Target::Values(_) => None,
        }
    }
}
