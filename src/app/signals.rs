//! SIGHUP, SIGINT and SIGTERM: the first stops a run gracefully, the second ends it at once.

use std::sync::Arc;

use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::fetch::GRACE;
use crate::fs::discard_unfinished;
use crate::storage;
use crate::threads::{local_runtime, run_blocking, spawn};

use super::exit::{Exit, Failure};
use super::{on_finish, run_end};

/// A shutdown signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(unix), expect(dead_code, reason = "some signals do not exist there"))]
pub(crate) enum Signal {
    HangUp,
    Interrupt,
    Terminate,
}

impl Signal {
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::HangUp => Exit::HungUp,
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }

    /// The failure of a command that a signal stopped.
    pub(crate) fn failure(self, message: &str) -> Failure {
        let name = match self {
            Self::HangUp => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        };
        Failure::new(self.exit(), format!("stopped by {name}{message}"))
    }
}

/// Receives the signals of the process while it runs.
///
/// A signal that no [`Stop`] waits for, and every one after the first, ends the process: complete outputs stay,
/// unfinished ones are removed.
pub(crate) struct Signals(Arc<watch::Sender<Option<Signal>>>);

impl Signals {
    /// Starts to listen. Where the system has no such signals, its defaults apply.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let sender = Arc::new(watch::Sender::new(None));
        let runtime = local_runtime().map_err(Failure::stopped)?;
        let streams = {
            let _entered = runtime.enter();
            SignalStreams::listen()
        };
        let first = Arc::clone(&sender);
        if let Ok(streams) = streams {
            spawn(move || runtime.block_on(handle(streams, &first))).map_err(Failure::stopped)?;
        }
        Ok(Self(sender))
    }

    /// Until the returned handle is dropped, the first signal resolves it instead of ending the process.
    pub(crate) fn stop(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

async fn handle(mut streams: SignalStreams, sender: &watch::Sender<Option<Signal>>) {
    loop {
        let signal = streams.next().await;
        let first = *sender.borrow();
        if first.is_none() && sender.send(Some(signal)).is_ok() {
            continue;
        }
        let exit = first.unwrap_or(signal).exit();
        if on_finish::is_running() {
            end(exit);
        }
        discard_unfinished();
        storage::abort_uploads();
        // On a thread of its own, so that a further signal ends the command too.
        if spawn(move || end(on_finish::run(exit))).is_err() {
            end(on_finish::run(exit));
        }
    }
}

#[expect(clippy::exit, reason = "nothing else can stop what the main thread does")]
fn end(exit: Exit) -> ! {
    run_end::log(exit);
    std::process::exit(exit.code().into())
}

/// Handle that resolves at the first shutdown signal.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Option<Signal>>);

impl Stop {
    /// The signal, if one was received.
    pub(crate) fn received(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for the signal.
    pub(crate) async fn wait(&self) -> Signal {
        let mut receiver = self.0.clone();
        loop {
            if let Some(signal) = *receiver.borrow_and_update() {
                return signal;
            }
            if receiver.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Runs `work`, and drops it at the signal.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            signal = self.wait() => Err(signal),
        }
    }

    /// Runs `work`, for at most [`GRACE`] after the signal.
    pub(crate) async fn grace<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        let expired = async {
            let signal = self.wait().await;
            tokio::time::sleep(GRACE).await;
            signal
        };
        tokio::select! {
            done = work => Ok(done),
            signal = expired => Err(signal),
        }
    }

    /// Runs `work`, which changes files, on a thread of its own. At the signal complete outputs stay, unfinished
    /// ones are removed, and the thread is detached.
    ///
    /// # Errors
    /// When the thread cannot be started, or panicked.
    pub(crate) fn run_or_detach<T: Send + 'static>(
        &self,
        runtime: &Runtime,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, Signal>, Failure> {
        match runtime.block_on(self.or(run_blocking(work))) {
            Ok(Ok(done)) => Ok(Ok(done)),
            Ok(Err(error)) => Err(Failure::stopped(error)),
            Err(signal) => {
                discard_unfinished();
                storage::abort_uploads();
                Ok(Err(signal))
            }
        }
    }
}

#[cfg(unix)]
struct SignalStreams {
    hang_up: Option<tokio::signal::unix::Signal>,
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl SignalStreams {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // With a handler for SIGXFSZ, a write above the file size limit is an error and does not end the process.
        // Rust ignores SIGPIPE itself.
        let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
        Ok(Self {
            // Under nohup SIGHUP must not stop the run.
            hang_up: if ignores_hang_up() { None } else { Some(signal(SignalKind::hangup())?) },
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> Signal {
        let hang_up = async {
            match &mut self.hang_up {
                Some(hang_up) => hang_up.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hang_up => Signal::HangUp,
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

/// Whether the process was started with SIGHUP ignored; known on Linux only.
#[cfg(unix)]
fn ignores_hang_up() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).is_ok_and(|mask| mask & 1 == 1))
}

#[cfg(not(unix))]
struct SignalStreams;

#[cfg(not(unix))]
impl SignalStreams {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}
