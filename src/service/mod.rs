//! The embedded SMS service: the three operations, for trying the program out and for testing it.
//!
//! ```text
//! connection ─► gate (body · latency · auth · limit · faults) ─► routes (validate) ─► store (SQLite)
//! ```
//!
//! Every answer says that it is sample data, in [`SAMPLE_HEADER`].

mod answers;
mod auth;
mod connection;
mod errors;
mod export;
mod fault_responses;
mod faults;
mod gate;
mod listing;
mod routes;
mod sample;
mod store;
mod throttle;
mod validate;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use crate::threads::run_blocking;
use axum::middleware;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub use auth::{AccessKey, Auth, Iam};
pub use faults::{Faults, FaultsError};
pub use gate::SAMPLE_HEADER;
pub use sample::{generated_tasks, sample_tasks};
pub use store::StoreError;

use crate::model::{Rate, Shape, TaskList};
use auth::{Guard, Tokens};
use faults::FaultSampler;
use gate::{Gate, RequestIds};
use routes::App;
use store::Store;
use throttle::Throttle;

/// How long a stopping service waits for the requests under way.
const GRACE: Duration = Duration::from_secs(5);

/// The time for a request's header, and then for its body, to arrive.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How the service behaves. By default: in memory, with the sample data, and without a fault.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file that keeps the data; memory if there is none.
    pub data: Option<PathBuf>,
    /// The form of all answers; each task's own if there is none.
    pub shape: Option<Shape>,
    /// How callers show who they are.
    pub auth: Auth,
    /// Who gets a token, and for how long.
    pub iam: Iam,
    /// The rate above which requests are refused.
    pub limit: Option<Rate>,
    /// How long each answer waits.
    pub latency: Duration,
    /// What goes wrong on purpose.
    pub faults: Faults,
    /// How many tasks to make up instead of the sample data, when there are no tasks yet.
    pub generate: usize,
    /// Tasks to register, instead of the sample data. The labels are not used.
    pub tasks: TaskList,
    /// What a batch export answers with.
    pub export_body: ExportBody,
    /// The time for a request's header to arrive, and then for its body; the connection is closed beyond it.
    pub read_timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: None,
            shape: None,
            auth: Auth::default(),
            iam: Iam::default(),
            limit: None,
            latency: Duration::ZERO,
            faults: Faults::default(),
            generate: 0,
            tasks: TaskList::default(),
            export_body: ExportBody::default(),
            read_timeout: READ_TIMEOUT,
        }
    }
}

/// What a batch export answers with: the pages and the SDKs disagree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportBody {
    /// A workbook as a download, as the SDKs expect.
    #[default]
    Workbook,
    /// An empty object, as the page's example shows.
    Empty,
}

/// A text that is no [`ExportBody`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a body for exports; there are workbook and empty")]
pub struct ExportBodyError(String);

impl FromStr for ExportBody {
    type Err = ExportBodyError;

    fn from_str(text: &str) -> Result<Self, ExportBodyError> {
        match text {
            "workbook" => Ok(Self::Workbook),
            "empty" => Ok(Self::Empty),
            _ => Err(ExportBodyError(text.to_owned())),
        }
    }
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The address cannot be listened at.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running service. Dropping it ends it without waiting.
pub struct Service {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    server: JoinHandle<()>,
    cut: Arc<Notify>,
    store: Arc<Store>,
}

impl Service {
    /// Starts to listen; once this returns, requests are answered.
    pub async fn start(listen: SocketAddr, settings: Settings) -> Result<Self, ServiceError> {
        let unheard = |source| ServiceError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(unheard)?;
        let address = listener.local_addr().map_err(unheard)?;
        let (data, generate, tasks) = (settings.data, settings.generate, settings.tasks);
        let opened = run_blocking(move || {
            let now = jiff::Timestamp::now().as_millisecond();
            let is_sample = tasks.tasks.is_empty();
            let fill = |connection: &_| match generate {
                0 if is_sample => sample::fill(connection, now),
                count => sample::generate(connection, count, now),
            };
            Store::open(data.as_deref(), fill, &tasks.tasks)
        });
        let store = Arc::new(opened.await.map_err(StoreError::Thread)??);
        let cut = Arc::new(Notify::new());
        let tokens = Arc::new(Tokens::new(settings.iam.token_life));
        let gate = Gate {
            body_timeout: settings.read_timeout,
            latency: settings.latency,
            guard: Guard::new(settings.auth, Arc::clone(&tokens)),
            throttle: settings.limit.map(Throttle::new),
            fault_sampler: FaultSampler::new(settings.faults),
            request_ids: RequestIds::new(),
            cut: Arc::clone(&cut),
        };
        let app = App {
            store: Arc::clone(&store),
            shape: settings.shape,
            export_body: settings.export_body,
            iam: settings.iam,
            tokens,
        };
        let router = routes::router(app).layer(middleware::from_fn_with_state(Arc::new(gate), gate::pass));
        let (end, ended) = oneshot::channel::<()>();
        let ended = async {
            // A dropped service ends as well.
            let _ = ended.await;
        };
        let server = tokio::spawn(connection::serve(listener, router, settings.read_timeout, ended));
        Ok(Self { address, end, server, cut, store })
    }

    /// Where it listens, with the port that was given to it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops gracefully: no new connections, up to five seconds for the requests under way, then the data
    /// file is closed.
    pub async fn stop(self) {
        let Self { end, mut server, cut, store, .. } = self;
        let _ = end.send(());
        if tokio::time::timeout(GRACE, &mut server).await.is_err() {
            cut.notify_waiters();
            server.abort();
        }
        store.close().await;
    }
}
