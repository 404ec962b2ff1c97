//! Ranks over MPI.
//!
//! One thread owns MPI and does what the trainer, on whichever thread, asks for: MPI is then called by the thread that started it, which every
//! MPI library allows.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use elman_train::Ranks;
use mpi::Threading;
use mpi::datatype::{Partition, PartitionMut};
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Equivalence};

/// What the thread is asked for, and where the answer goes.
enum Request {
    Gather(Vec<u8>, Sender<Vec<Vec<u8>>>),
    Exchange(Vec<Vec<f32>>, Vec<usize>, Sender<Vec<Vec<f32>>>),
}

/// The processes that `mpirun` started.
#[derive(Debug)]
pub struct Mpi {
    rank: usize,
    count: usize,
    /// Both are there until the end.
    thread: Mutex<Option<(Sender<Request>, JoinHandle<()>)>>,
}

/// Most elements of one message: MPI counts them in 31 bits.
const MOST: usize = i32::MAX as usize;

impl Mpi {
    /// Starts MPI.
    ///
    /// # Errors
    /// Where it does not start.
    pub fn start() -> Result<Self> {
        let (requests, queue) = channel();
        let (say, said) = channel();
        let serve = move || {
            let Some((universe, threading)) = mpi::initialize_with_threading(Threading::Funneled) else { return };
            if threading < Threading::Funneled {
                return;
            }
            let all = universe.world();
            // One that has gone away needs no answer.
            let _ = say.send((all.rank(), all.size()));
            serve(&all, &queue);
        };
        let thread = std::thread::Builder::new().name("mpi".to_owned()).spawn(serve).context("no thread for MPI")?;
        let (rank, count) = said.recv().context("MPI does not start, or does not allow threads")?;
        let number = |n: i32| usize::try_from(n).context("MPI counts below 0");
        Ok(Mpi { rank: number(rank)?, count: number(count)?, thread: Mutex::new(Some((requests, thread))) })
    }

    fn ask<T>(&self, request: impl FnOnce(Sender<T>) -> Request) -> Result<T, String> {
        let gone = || "MPI has ended".to_owned();
        let (answer, answered) = channel();
        {
            let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
            let (requests, _) = thread.as_ref().ok_or_else(gone)?;
            requests.send(request(answer)).map_err(|_| gone())?;
        }
        answered.recv().map_err(|_| gone())
    }
}

impl Ranks for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.count
    }

    fn gather(&self, own: Vec<u8>) -> Result<Vec<Vec<u8>>, String> {
        self.ask(|answer| Request::Gather(own, answer))
    }

    fn exchange(&self, parts: Vec<Vec<f32>>, lengths: &[usize]) -> Result<Vec<Vec<f32>>, String> {
        let all = lengths.iter().sum::<usize>().max(parts.iter().map(Vec::len).sum());
        if all > MOST {
            return Err(format!(
                "{all} numbers are more than MPI sends at once; take a smaller batch or larger shards"
            ));
        }
        let lengths = lengths.to_vec();
        self.ask(|answer| Request::Exchange(parts, lengths, answer))
    }

    fn end(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((requests, thread)) = thread {
            drop(requests);
            // It has ended MPI, or panicked and said so.
            let _ = thread.join();
        }
    }
}

fn serve(all: &SimpleCommunicator, queue: &Receiver<Request>) {
    while let Ok(request) = queue.recv() {
        match request {
            Request::Gather(own, answer) => {
                let mut lengths = vec![0u64; all.size() as usize];
                all.all_gather_into(&(own.len() as u64), &mut lengths[..]);
                let lengths: Vec<usize> = lengths.into_iter().map(|n| n as usize).collect();
                let (counts, places) = layout(&lengths);
                let mut found = vec![0u8; lengths.iter().sum()];
                let mut to = PartitionMut::new(&mut found[..], &counts[..], &places[..]);
                all.all_gather_varcount_into(&own[..], &mut to);
                let _ = answer.send(split(&found, &lengths));
            }
            Request::Exchange(parts, lengths, answer) => {
                let sizes: Vec<usize> = parts.iter().map(Vec::len).collect();
                let (counts, places) = layout(&sizes);
                let own = parts.concat();
                let from = Partition::new(&own[..], &counts[..], &places[..]);
                let (counts, places) = layout(&lengths);
                let mut found = vec![0f32; lengths.iter().sum()];
                let mut to = PartitionMut::new(&mut found[..], &counts[..], &places[..]);
                all.all_to_all_varcount_into(&from, &mut to);
                let _ = answer.send(split(&found, &lengths));
            }
        }
    }
}

/// Counts and places of parts that follow one another.
fn layout(lengths: &[usize]) -> (Vec<i32>, Vec<i32>) {
    let counts: Vec<i32> = lengths.iter().map(|n| i32::try_from(*n).unwrap_or(i32::MAX)).collect();
    let places = counts.iter().scan(0i32, |at, n| Some(std::mem::replace(at, at.saturating_add(*n)))).collect();
    (counts, places)
}

fn split<T: Clone + Equivalence>(all: &[T], lengths: &[usize]) -> Vec<Vec<T>> {
    let mut rest = all;
    let part = |n: &usize| {
        let (part, after) = rest.split_at(*n);
        rest = after;
        part.to_vec()
    };
    lengths.iter().map(part).collect()
}
