//! A thread that owns a database connection, so that no query blocks an async worker.

use std::sync::mpsc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::threads::refused;

/// A handle to the thread, which ends with its last handle or when it is closed.
#[derive(Clone)]
pub(super) struct Worker {
    messages: mpsc::Sender<Message>,
}

enum Message {
    Job(Box<dyn FnOnce(&mut Connection) + Send>),
    Close(oneshot::Sender<()>),
}

/// The thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closed;

impl Worker {
    /// Starts the thread that owns `connection`.
    pub(super) fn start(mut connection: Connection) -> std::io::Result<Self> {
        let (messages, inbox) = mpsc::channel();
        let started = thread::Builder::new().name("service-store".to_owned()).spawn(move || {
            for message in inbox {
                match message {
                    Message::Job(job) => job(&mut connection),
                    Message::Close(closed) => {
                        // Close the file before reporting that it is closed.
                        drop(connection);
                        let _ = closed.send(());
                        return;
                    }
                }
            }
        });
        started.map_err(|error| refused(&error))?;
        Ok(Self { messages })
    }

    /// Runs `job` on the thread and waits for its result.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        let (give, given) = oneshot::channel();
        let job = Box::new(move |connection: &mut Connection| {
            // The request may have been dropped; the job is complete anyway.
            let _ = give.send(job(connection));
        });
        self.messages.send(Message::Job(job)).map_err(|_| Closed)?;
        given.await.map_err(|_| Closed)
    }

    /// Ends the thread after the jobs sent before, and waits until the file is closed.
    pub(super) async fn close(&self) {
        let (close, closed) = oneshot::channel();
        if self.messages.send(Message::Close(close)).is_ok() {
            let _ = closed.await;
        }
    }
}
