//! What each layer computes at each step: its table's step, with a note of vectors and states.

use std::cell::RefCell;
use std::sync::LazyLock;

use elman::Model;
use elman::cell::LayerView;
use elman::kernel::word;
use elman::operations::{LayerOperation, Operations};

/// A step of a layer.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Where the layer is in memory: a model's layers do not move while it runs.
    address: usize,
    /// Its input.
    pub x: Vec<i16>,
    /// Its output.
    pub h: Vec<i16>,
    /// Its carried state after the step.
    pub carried: Vec<i32>,
}

thread_local! {
    static RECORDS: RefCell<Vec<Record>> = const { RefCell::new(Vec::new()) };
}

/// All operations, with steps that leave a record.
static RECORDING: LazyLock<Operations> = LazyLock::new(|| {
    let layers: Vec<LayerOperation> = Operations::ALL.layers().iter().map(|l| l.with_step(step)).collect();
    Operations::ALL.with_layers(layers.leak())
});

/// The operations that a model is loaded with whose steps are recorded.
pub(super) fn operations() -> &'static Operations {
    &RECORDING
}

/// A layer's own step, recorded.
fn step(layer: &LayerView<'_>, memory: &mut [u32], out: &mut [u32]) {
    let x = word::halves(memory)[..layer.inputs()].to_vec();
    (layer.spec().step)(layer, memory, out);
    let h = word::halves(out)[..layer.units()].to_vec();
    let carried = &memory[layer.vector_words()..][layer.p_words()..layer.carried_words()];
    let carried = word::signed(carried).to_vec();
    RECORDS.with_borrow_mut(|all| all.push(Record { address: address(layer), x, h, carried }));
}

fn address(layer: &LayerView<'_>) -> usize {
    std::ptr::from_ref(layer).addr()
}

/// The records of this thread since the last call, each with the number of its layer.
pub(super) fn take(model: &Model<'_>) -> Vec<(usize, Record)> {
    let addresses: Vec<usize> = model.layers().iter().map(address).collect();
    let records = RECORDS.take().into_iter();
    records.filter_map(|r| Some((addresses.iter().position(|a| *a == r.address)?, r))).collect()
}
