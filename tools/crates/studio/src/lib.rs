//! elman in a browser: a server on this machine over a project folder of plain files, and the page that it serves.
//!
//! The page records and lists clips, starts commands of `elman` as child processes, shows what they write, and computes with the
//! device's own code what can be computed at once. Nothing is kept that the command line does not read.
//!
//! [`serve`] runs it. [`access`] decides who may ask, `accept` bounds connections; [`project`] knows which files there are,
//! [`index`] what is in them, [`journal`] what was changed; [`jobs`] runs commands, [`runs`] reads what they write; [`feed`] tells all tabs.
#![forbid(unsafe_code)]

mod accept;
pub mod access;
pub mod error;
pub mod feed;
pub mod index;
pub mod jobs;
pub mod journal;
pub mod measure;
mod pages;
pub mod project;
pub mod recipes;
mod routes;
pub mod runs;
pub mod sound;
pub mod tradeoff;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::sync::{Semaphore, oneshot};

use access::Access;
use feed::Feed;
use index::Index;
use jobs::Jobs;
use journal::Journal;
use project::{Area, Kind, Project};
use runs::Runs;
use tradeoff::Plays;

/// How to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// The project folder.
    pub folder: PathBuf,
    /// The port; 0 for one that is free.
    pub port: u16,
    /// Whether other machines may connect.
    pub lan: bool,
    /// The program whose commands are run: `elman` itself.
    pub exe: PathBuf,
    /// Folder with the firmware of boards; by default where `elman flash` looks.
    pub firmware: Option<PathBuf>,
    /// How long a client may take to send the head of a request.
    pub patience: Duration,
}

/// [`Options::patience`], where nothing is said against it.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// All that requests share.
#[derive(Debug)]
pub(crate) struct Studio {
    pub(crate) project: Project,
    pub(crate) access: Access,
    pub(crate) feed: Arc<Feed>,
    pub(crate) index: Index,
    pub(crate) journal: Journal,
    pub(crate) jobs: Arc<Jobs>,
    pub(crate) runs: Runs,
    pub(crate) plays: Plays,
    pub(crate) lan: bool,
    pub(crate) firmware: Option<PathBuf>,
    /// Large bodies that may be in memory at a time.
    pub(crate) bodies: Semaphore,
    /// Requests that compute for long, at a time.
    pub(crate) computing: Semaphore,
    closing: AtomicBool,
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    studio: Arc<Studio>,
    stop: Option<oneshot::Sender<()>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

/// How often run folders are looked at.
const RUNS_EVERY: Duration = Duration::from_millis(300);
/// How often the folders of examples are.
const EXAMPLES_EVERY: Duration = Duration::from_secs(1);
/// Threads for what waits for a disk or computes.
const BLOCKING: usize = 16;

/// Begins to serve, in threads of its own.
///
/// # Errors
/// Where the folder cannot be used, or the port is taken.
pub fn serve(options: &Options) -> Result<Server> {
    let project = Project::open(&options.folder)?;
    let ip = if options.lan { Ipv4Addr::UNSPECIFIED } else { Ipv4Addr::LOCALHOST };
    let wanted = SocketAddr::new(IpAddr::V4(ip), options.port);
    let listener = std::net::TcpListener::bind(wanted).with_context(|| {
        format!("cannot listen on {wanted}: another program may use the port; --port names another")
    })?;
    listener.set_nonblocking(true)?;
    // Commands run in the project folder.
    let firmware =
        options.firmware.as_ref().map(|folder| folder.canonicalize().with_context(|| folder.display().to_string()));
    let firmware = firmware.transpose()?;
    let feed = Arc::new(Feed::default());
    let journal = Journal::open(&project).map_err(|fault| anyhow::anyhow!("{}", fault.text()))?;
    let studio = Arc::new(Studio {
        access: Access::new(listener.local_addr()?, options.lan),
        jobs: Jobs::new(options.exe.clone(), project.clone(), Arc::clone(&feed)),
        index: Index::default(),
        runs: Runs::default(),
        plays: Plays::default(),
        lan: options.lan,
        firmware,
        bodies: Semaphore::new(8),
        computing: Semaphore::new(4),
        closing: AtomicBool::new(false),
        project,
        feed,
        journal,
    });
    for area in Area::ALL {
        studio.index.scan(&studio.project, area);
    }
    studio.index.remember(&studio.project);
    studio.runs.look(&studio.project, &studio.jobs, &studio.feed);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(BLOCKING)
        .enable_io()
        .enable_time()
        .thread_name("studio")
        .build()?;
    let (stop, stopped) = oneshot::channel();
    let (router, patience) = (routes::router(Arc::clone(&studio)), options.patience);
    let network = std::thread::Builder::new().name("network".into()).spawn(move || {
        runtime.block_on(async {
            let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
            tokio::spawn(accept::accept(listener, router, patience));
            // The sender is dropped where the server is.
            let _ = stopped.await;
        });
        runtime.shutdown_timeout(Duration::from_millis(300));
    })?;
    let watched = Arc::clone(&studio);
    let watching = std::thread::Builder::new().name("watching".into()).spawn(move || watch(&watched))?;
    let measured = Arc::clone(&studio);
    let measuring = std::thread::Builder::new().name("measuring".into()).spawn(move || measure(&measured))?;
    Ok(Server { studio, stop: Some(stop), threads: vec![network, watching, measuring] })
}

/// Looks at the folders again and again.
fn watch(studio: &Studio) {
    let mut last = Instant::now();
    while !studio.closing.load(Ordering::SeqCst) {
        studio.runs.look(&studio.project, &studio.jobs, &studio.feed);
        if last.elapsed() > EXAMPLES_EVERY {
            for kind in [Kind::Clips, Kind::Tables] {
                studio.index.refresh(&studio.project, kind, &studio.feed);
            }
            last = Instant::now();
        }
        std::thread::sleep(RUNS_EVERY);
    }
}

/// Measures what is new.
fn measure(studio: &Studio) {
    let mut unkept = false;
    while !studio.closing.load(Ordering::SeqCst) {
        if studio.index.measure(&studio.project, &studio.feed) {
            unkept = true;
            continue;
        }
        if unkept {
            studio.index.keep(&studio.project);
            unkept = false;
        }
        std::thread::sleep(RUNS_EVERY);
    }
}

impl Server {
    /// The address to open, with the token.
    pub fn address(&self) -> String {
        self.studio.access.address()
    }

    /// The token.
    pub fn token(&self) -> &str {
        self.studio.access.token()
    }

    /// Ends it: children are asked to end first, so that what trains can be resumed.
    pub fn close(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.studio.closing.store(true, Ordering::SeqCst);
        self.studio.jobs.close();
        drop(self.stop.take());
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}
