//! The way of the text of entries from the thread that writes it to the one that deflates it.

use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use rust_xlsxwriter::XlsxError;

/// What is handed on at once, in bytes, and how often before the other thread takes it.
const SIZE: usize = 1 << 16;
const WAITING: usize = 4;

/// Takes what is written.
pub(super) struct Pipe {
    sender: SyncSender<Chunk>,
    /// Where chunks come back to be filled anew: memory stays in one piece for the rows of large tasks.
    emptied: Receiver<String>,
    /// Where entries begin in what was not handed on yet, and their names.
    begun: Vec<(usize, String)>,
    /// What was not handed on yet.
    pub(super) text: String,
}

/// The end of an entry, and others after it: sheets are short, and each thread would wait at every one.
pub(super) struct Chunk {
    pub(super) begun: Vec<(usize, String)>,
    pub(super) text: String,
}

impl Pipe {
    /// A pipe, what comes out of it, and where its chunks go back.
    pub(super) fn new() -> (Self, Receiver<Chunk>, Sender<String>) {
        let (sender, chunks) = sync_channel(WAITING);
        let (back, emptied) = channel();
        (Self { sender, emptied, begun: Vec::new(), text: String::new() }, chunks, back)
    }

    pub(super) fn begin(&mut self, name: String) -> Result<(), XlsxError> {
        self.begun.push((self.text.len(), name));
        self.pass_on()
    }

    /// Hands the text on, if there is enough of it.
    pub(super) fn pass_on(&mut self) -> Result<(), XlsxError> {
        if self.text.len() < SIZE { Ok(()) } else { self.hand_on() }
    }

    /// Hands the text on.
    pub(super) fn hand_on(&mut self) -> Result<(), XlsxError> {
        let mut next = self.emptied.try_recv().unwrap_or_else(|_| String::with_capacity(2 * SIZE));
        next.clear();
        let text = std::mem::replace(&mut self.text, next);
        let chunk = Chunk { begun: std::mem::take(&mut self.begun), text };
        // The other thread says what went wrong.
        self.sender.send(chunk).map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe).into())
    }
}
