//! What runs a network, compiled in this crate.
//!
//! Networks are generic in their scalar, and generic code is compiled again in every crate that calls it, unless a function of
//! one scalar stands between. [`Compiled`] has these functions; [`Network`] and [`structure`] go through them.
//! So only this crate needs the settings that fast loops need, and the crates above it compile soon. The functions of `f64`, with
//! which gradients are checked, are compiled where they are called: in tests.

use crate::batch::{Batch, Frames};
use crate::check::SpecError;
use crate::layer::Mode;
use crate::loss::{Loss, Score, Target};
use crate::network::{Network, Pass, Workspace};
use crate::spec::NetworkSpec;
use crate::structure::{self, Item, Prepared, seq2seq};
use crate::trace::Trace;
use crate::weights::WeightsError;

/// Functions of one scalar; each is called by the method or function of the same name.
pub trait Compiled: Sized {
    /// [`Network::new`]
    fn network(spec: &NetworkSpec, seed: u64) -> Result<Network<Self>, SpecError>;
    /// Packs the parameters, after a change.
    fn pack(network: &mut Network<Self>);
    /// [`Network::forward`]
    fn forward<'w>(
        network: &Network<Self>,
        input: Frames<'w, Self>,
        workspace: &'w mut Workspace<Self>,
        mode: Mode,
    ) -> Frames<'w, Self>;
    /// [`Network::gradient`]
    fn gradient(
        network: &Network<Self>,
        batch: &Batch<Self>,
        targets: &[&Target],
        pass: Pass<'_>,
        workspace: &mut Workspace<Self>,
        gradient: &mut [Self],
    ) -> Score;
    /// [`Network::score`]
    fn score(
        network: &Network<Self>,
        batch: &Batch<Self>,
        targets: &[&Target],
        loss: Loss,
        workspace: &mut Workspace<Self>,
    ) -> Score;
    /// [`Network::trace`], of a batch of one sequence.
    fn trace(network: &Network<Self>, batch: &Batch<Self>) -> Vec<Trace<Self>>;
    /// [`Network::probe`], of a batch of one sequence.
    fn probe(network: &Network<Self>, batch: &Batch<Self>, target: &Target, loss: Loss) -> Vec<Vec<f64>>;
    /// [`Network::read_safetensors`]
    fn read_safetensors(network: &mut Network<Self>, file: &[u8]) -> Result<(), WeightsError>;
    /// [`Prepared::fill`]
    fn prepare(prepared: &mut Prepared<Self>, spec: &NetworkSpec, items: &[Item<'_>]);
    /// [`structure::learn_prepared`]
    fn learn(
        network: &Network<Self>,
        prepared: &Prepared<Self>,
        items: &[Item<'_>],
        pass: Pass<'_>,
        workspace: &mut Workspace<Self>,
        gradient: Option<&mut [Self]>,
    ) -> Score;
    /// [`structure::run`]
    fn run_item(network: &Network<Self>, item: Item<'_>, mode: Mode) -> Vec<Self>;
    /// [`structure::trace`]
    fn trace_item(network: &Network<Self>, item: Item<'_>) -> Vec<Trace<Self>>;
    /// [`structure::probe`]
    fn probe_item(network: &Network<Self>, item: Item<'_>, loss: Loss) -> Vec<structure::Reach>;
    /// [`structure::decode`]
    fn decode(network: &Network<Self>, sources: &[&[f32]], limit: usize) -> Vec<Vec<u32>>;
    /// [`structure::search`]
    fn search(network: &Network<Self>, source: &[f32], limit: usize, beams: usize) -> Vec<u32>;
}

/// The functions of a scalar. An inline function is compiled in the crates that call it, another one here.
macro_rules! compiled {
    ($scalar:ty $(, #[$inline:meta])?) => {
        impl Compiled for $scalar {
            $(#[$inline])?
            fn network(spec: &NetworkSpec, seed: u64) -> Result<Network<Self>, SpecError> {
                Network::new_here(spec, seed)
            }
            $(#[$inline])?
            fn pack(network: &mut Network<Self>) {
                network.pack_here();
            }
            $(#[$inline])?
            fn forward<'w>(
                network: &Network<Self>,
                input: Frames<'w, Self>,
                workspace: &'w mut Workspace<Self>,
                mode: Mode,
            ) -> Frames<'w, Self> {
                network.forward_here(input, workspace, mode)
            }
            $(#[$inline])?
            fn gradient(
                network: &Network<Self>,
                batch: &Batch<Self>,
                targets: &[&Target],
                pass: Pass<'_>,
                workspace: &mut Workspace<Self>,
                gradient: &mut [Self],
            ) -> Score {
                network.gradient_here(batch, targets, pass, workspace, gradient)
            }
            $(#[$inline])?
            fn score(
                network: &Network<Self>,
                batch: &Batch<Self>,
                targets: &[&Target],
                loss: Loss,
                workspace: &mut Workspace<Self>,
            ) -> Score {
                network.score_here(batch, targets, loss, workspace)
            }
            $(#[$inline])?
            fn trace(network: &Network<Self>, batch: &Batch<Self>) -> Vec<Trace<Self>> {
                network.trace_here(batch)
            }
            $(#[$inline])?
            fn probe(network: &Network<Self>, batch: &Batch<Self>, target: &Target, loss: Loss) -> Vec<Vec<f64>> {
                network.probe_here(batch, target, loss)
            }
            $(#[$inline])?
            fn read_safetensors(network: &mut Network<Self>, file: &[u8]) -> Result<(), WeightsError> {
                network.read_here(file)
            }
            $(#[$inline])?
            fn prepare(prepared: &mut Prepared<Self>, spec: &NetworkSpec, items: &[Item<'_>]) {
                prepared.fill_here(spec, items);
            }
            $(#[$inline])?
            fn learn(
                network: &Network<Self>,
                prepared: &Prepared<Self>,
                items: &[Item<'_>],
                pass: Pass<'_>,
                workspace: &mut Workspace<Self>,
                gradient: Option<&mut [Self]>,
            ) -> Score {
                structure::learn_here(network, prepared, items, pass, workspace, gradient)
            }
            $(#[$inline])?
            fn run_item(network: &Network<Self>, item: Item<'_>, mode: Mode) -> Vec<Self> {
                structure::run_here(network, item, mode)
            }
            $(#[$inline])?
            fn trace_item(network: &Network<Self>, item: Item<'_>) -> Vec<Trace<Self>> {
                structure::trace_here(network, item)
            }
            $(#[$inline])?
            fn probe_item(network: &Network<Self>, item: Item<'_>, loss: Loss) -> Vec<structure::Reach> {
                structure::probe_here(network, item, loss)
            }
            $(#[$inline])?
            fn decode(network: &Network<Self>, sources: &[&[f32]], limit: usize) -> Vec<Vec<u32>> {
                seq2seq::decode_here(network, sources, limit)
            }
            $(#[$inline])?
            fn search(network: &Network<Self>, source: &[f32], limit: usize, beams: usize) -> Vec<u32> {
                seq2seq::search_here(network, source, limit, beams)
            }
        }
    };
}

compiled!(f32);
compiled!(f64, #[inline]);
