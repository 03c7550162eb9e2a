//! SIGINT and SIGTERM: the first lets a run end in order, the second ends it at once.

use std::sync::Arc;
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{oneshot, watch};

use crate::fetch::GRACE;
use crate::fs::discard_unfinished;
use crate::storage;

use super::exit::{Exit, Failure};

/// A request to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Interrupt,
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal"))]
    Terminate,
}

impl Signal {
    pub(crate) fn exit(self) -> Exit {
        match self {
            Self::Interrupt => Exit::Interrupted,
            Self::Terminate => Exit::Terminated,
        }
    }

    /// The end of a command that was asked to end.
    pub(crate) fn failure(self, message: &str) -> Failure {
        let name = match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        };
        Failure { exit: self.exit(), message: format!("stopped by {name}{message}") }
    }
}

/// Hears the signals of the process for as long as it lives.
///
/// A signal that no [`Stop`] waits for, and every one after the first, ends the process: outputs that
/// are whole stay, and what is not is removed.
pub(crate) struct Signals(Arc<watch::Sender<Option<Signal>>>);

impl Signals {
    /// Starts to listen. Where that is not possible, the system's own ways apply.
    pub(crate) fn listen() -> Self {
        let sender = Arc::new(watch::Sender::new(None));
        if let Ok(runtime) = Builder::new_current_thread().enable_all().build() {
            let heard = {
                let _entered = runtime.enter();
                Heard::listen()
            };
            let told = Arc::clone(&sender);
            if let Ok(heard) = heard {
                thread::spawn(move || runtime.block_on(attend(heard, &told)));
            }
        }
        Self(sender)
    }

    /// From now on, and until this is dropped, the first signal is told instead of ending the process.
    pub(crate) fn stop(&self) -> Stop {
        Stop(self.0.subscribe())
    }
}

async fn attend(mut heard: Heard, told: &watch::Sender<Option<Signal>>) {
    loop {
        let signal = heard.next().await;
        let first = *told.borrow();
        if first.is_none() && told.send(Some(signal)).is_ok() {
            continue;
        }
        discard_unfinished();
        storage::abandon();
        end(first.unwrap_or(signal).exit());
    }
}

#[expect(clippy::exit, reason = "the main thread may be at work that nothing can stop")]
fn end(exit: Exit) -> ! {
    std::process::exit(exit.code().into())
}

/// A command's ear for the first signal.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Receiver<Option<Signal>>);

impl Stop {
    /// The signal, if it has come.
    pub(crate) fn came(&self) -> Option<Signal> {
        *self.0.borrow()
    }

    /// Waits for the signal.
    pub(crate) async fn asked(&self) -> Signal {
        let mut told = self.0.clone();
        loop {
            if let Some(signal) = *told.borrow_and_update() {
                return signal;
            }
            if told.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// Gives `work` up when the signal comes.
    pub(crate) async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        tokio::select! {
            biased;
            done = work => Ok(done),
            signal = self.asked() => Err(signal),
        }
    }

    /// Lets `work` end, but for [`GRACE`] at most once the signal has come.
    pub(crate) async fn grace<T>(&self, work: impl Future<Output = T>) -> Result<T, Signal> {
        let expired = async {
            let signal = self.asked().await;
            tokio::time::sleep(GRACE).await;
            signal
        };
        tokio::select! {
            done = work => Ok(done),
            signal = expired => Err(signal),
        }
    }

    /// Does `work` that writes outputs on a thread of its own. When the signal comes, those that are whole
    /// stay, what is not is removed, and the thread is left behind.
    ///
    /// # Errors
    /// The signal; or that `work` broke down, which it has told itself.
    pub(crate) fn or_leave<T: Send + 'static>(
        &self,
        runtime: &Runtime,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, Signal>, Failure> {
        let (done, ended) = oneshot::channel();
        thread::spawn(move || done.send(work()).is_ok());
        match runtime.block_on(self.or(ended)) {
            Ok(Ok(done)) => Ok(Ok(done)),
            Ok(Err(_)) => Err(Failure::stopped("the reports could not be written")),
            Err(signal) => {
                discard_unfinished();
                storage::abandon();
                Ok(Err(signal))
            }
        }
    }
}

#[cfg(unix)]
struct Heard {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Heard {
    fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        // Who listens lives on: a write beyond a limit on file sizes is then an error with a path, and not
        // the end of the process. That of SIGPIPE is no matter, for Rust ignores it.
        let _ = signal(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()));
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Heard;

#[cfg(not(unix))]
impl Heard {
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
