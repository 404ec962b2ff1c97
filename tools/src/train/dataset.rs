//! Where sequences come from.

use crate::nn::{Loss, NO_CLASS, NetworkSpec, Target};

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// `[steps, inputs]`: the frames, at least one.
    pub frames: Vec<f32>,
    /// What is wanted.
    pub target: Target,
}

/// Examples, by index. They are made where they are needed, on the threads that train.
pub trait Dataset: Sync {
    /// How many there are.
    fn len(&self) -> usize;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Example `index`. With `epoch_seed` it may be augmented: from this seed and the index alone, so that the
    /// same epoch always sees the same examples. Without it is as it is.
    fn get(&self, index: usize, epoch_seed: Option<u64>) -> Sequence;
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

impl Sequence {
    /// Why this example does not fit a network, if it does not.
    pub(crate) fn misfit(&self, spec: &NetworkSpec, loss: Loss) -> Option<String> {
        let (values, outputs) = (self.frames.len(), spec.outputs());
        if values == 0 {
            return Some("it has no frames".into());
        }
        if !values.is_multiple_of(spec.inputs) {
            return Some(format!("its {values} values are no whole number of frames of {}", spec.inputs));
        }
        let steps = if spec.per_step() { values / spec.inputs } else { 1 };
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
            Target::Steps(wanted) if wanted.len() != steps => {
                Some(format!("it has {} classes for {steps} frames", wanted.len()))
            }
            Target::Steps(wanted) => wanted.iter().find_map(|&c| class(c)),
            Target::Values(_) if loss == Loss::CrossEntropy => {
                Some("it has values as its target, which need the loss \"squared-error\"".into())
            }
            Target::Values(wanted) if wanted.len() != steps * outputs => {
                Some(format!("it has {} wanted values for {steps} outputs of {outputs}", wanted.len()))
            }
            Target::Values(_) => None,
        }
    }
}
