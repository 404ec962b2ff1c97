//! Which node is computed where: the order validated once, and slots for states that are still to be read.

use crate::kernel::put;
use crate::net::RunError;

/// A node of a tree or of a directed acyclic graph. Nodes are in a slice, each after its children: what a topological
/// order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Node {
    /// Reads the frame of this number.
    Leaf(u16),
    /// Joins two earlier nodes, by their places in the slice; both may be the same.
    Inner {
        /// h_left
        left: u16,
        /// h_right
        right: u16,
    },
}

/// The reader of a root: after all nodes.
const NEVER: u32 = u16::MAX as u32;

/// Validates nodes over `frames` frames, of which the last `roots` are read at the end, and gives how many states there are
/// at a time: the slots that they need. `table` has a word for each node; where it is shorter, there are too many.
///
/// ```
/// use elman::net::{Node, slots_needed};
///
/// let nodes = [Node::Leaf(0), Node::Leaf(1), Node::Inner { left: 0, right: 1 }];
/// assert_eq!(slots_needed(&nodes, 2, 1, &mut [0; 3]), Ok(2));
/// ```
///
/// # Errors
/// [`RunError::Nodes`] for more nodes than words, or fewer than roots; [`RunError::Child`] for a child that does not stand
/// before its node, as in every cycle one does; [`RunError::LeafFrame`] for a frame that is not there.
pub fn slots_needed(nodes: &[Node], frames: usize, roots: usize, table: &mut [u32]) -> Result<usize, RunError> {
    let (count, most) = (nodes.len(), table.len().min(NEVER as usize));
    if count == 0 || count < roots || count > most {
        return Err(RunError::Nodes { nodes: count, least: roots.max(1), most });
    }
    // The last reader of each node: itself, where there is none.
    for (k, node) in nodes.iter().enumerate() {
        match *node {
            Node::Leaf(frame) if frame as usize >= frames => {
                return Err(RunError::LeafFrame { node: k, frame, frames });
            }
            Node::Leaf(_) => {}
            Node::Inner { left, right } => {
                for child in [left, right] {
                    match table.get_mut(child as usize).filter(|_| (child as usize) < k) {
                        Some(word) => *word = (k as u32) << 16,
                        None => return Err(RunError::Child { node: k, child }),
                    }
                }
            }
        }
        if let Some(word) = table.get_mut(k) {
            *word = (k as u32) << 16;
        }
    }
    for word in table.iter_mut().take(count).skip(count.saturating_sub(roots)) {
        *word = NEVER << 16;
    }
    let (mut live, mut required) = (0usize, 0);
    for (k, node) in nodes.iter().enumerate() {
        each_freed(table, k, *node, |_| live = live.saturating_sub(1));
        live = live.saturating_add(1);
        required = live.max(required);
        if last_reader(table, k) == k {
            live = live.saturating_sub(1);
        }
    }
    Ok(required)
}

/// The last node that reads node `k`.
#[inline(always)]
fn last_reader(table: &[u32], k: usize) -> usize {
    table.get(k).map_or(0, |word| (*word >> 16) as usize)
}

/// The children that node `k` is the last to read.
#[inline(always)]
fn each_freed(table: &[u32], k: usize, node: Node, mut each: impl FnMut(usize)) {
    let Node::Inner { left, right } = node else { return };
    for child in [Some(left), Some(right).filter(|_| left != right)].into_iter().flatten() {
        if last_reader(table, child as usize) == k {
            each(child as usize);
        }
    }
}

/// The states of the nodes of a run.
pub(super) struct Schedule<'t> {
    /// For each node the last reader in the high half, the slot in the low one.
    table: &'t mut [u32],
    /// Slot after slot; the first word of a free one is the next free one.
    states: &'t mut [u32],
    /// Words of a slot.
    words: usize,
    free: usize,
}

impl<'t> Schedule<'t> {
    /// All slots free; `states` holds as many as there are, `words` each.
    ///
    /// # Errors
    /// As of [`slots_needed`], and [`RunError::Slots`].
    pub(super) fn new(
        nodes: &[Node],
        frames: usize,
        roots: usize,
        (table, states, words): (&'t mut [u32], &'t mut [u32], usize),
    ) -> Result<Self, RunError> {
        let required = slots_needed(nodes, frames, roots, table)?;
        let provided = states.len().checked_div(words).unwrap_or(0);
        if required > provided {
            return Err(RunError::Slots { required, provided });
        }
        for (slot, state) in states.chunks_exact_mut(words.max(1)).enumerate() {
            if let Some(next) = state.first_mut() {
                *next = slot.wrapping_add(1) as u32;
            }
        }
        Ok(Schedule { table, states, words, free: 0 })
    }

    /// Where a slot begins and ends.
    #[inline(always)]
    fn range(&self, slot: usize) -> core::ops::Range<usize> {
        let at = slot.wrapping_mul(self.words);
        at..at.wrapping_add(self.words)
    }

    /// The state of a node that is still to be read.
    pub(super) fn state(&self, k: u16) -> &[u32] {
        let slot = self.table.get(k as usize).map_or(0, |word| *word as u16);
        self.states.get(self.range(slot as usize)).unwrap_or_default()
    }

    /// Frees the children that node `k` was the last to read, and keeps its own state: the words of h and of c, and
    /// 0 where c is short.
    pub(super) fn keep(&mut self, k: usize, node: Node, h: &[u32], c: &[u32]) {
        let Schedule { table, states, words, free } = self;
        each_freed(table, k, node, |child| free_slot(table, states, *words, free, child));
        let slot = self.free;
        let range = self.range(slot);
        let state = self.states.get_mut(range).unwrap_or_default();
        self.free = state.first().map_or(0, |next| *next as usize);
        let (to_h, to_c) = state.split_at_mut(h.len().min(state.len()));
        put(to_h, h);
        to_c.fill(0);
        put(to_c, c);
        if let Some(word) = self.table.get_mut(k) {
            *word = (*word & !0xFFFF) | (slot as u32 & 0xFFFF);
        }
    }

    /// Frees node `k` where nothing reads it.
    pub(super) fn free_unread(&mut self, k: usize) {
        if last_reader(self.table, k) == k {
            free_slot(self.table, self.states, self.words, &mut self.free, k);
        }
    }
}

/// Makes the slot of node `k` the next free one.
fn free_slot(table: &[u32], states: &mut [u32], words: usize, free: &mut usize, k: usize) {
    let slot = table.get(k).map_or(0, |word| *word as u16 as usize);
    if let Some(next) = states.get_mut(slot.wrapping_mul(words)) {
        *next = *free as u32;
        *free = slot;
    }
}

#[cfg(test)]
mod tests;
