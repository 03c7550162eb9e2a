//! The embedded SMS service, to try the program out and to test it.
//!
//! ```text
//! connection ─► gate (body · latency · auth · limit · faults) ─► routes (validate) ─► store (SQLite)
//! ```
//!
//! Every response is marked as sample data, in [`SAMPLE_HEADER`].

mod answers;
mod auth;
mod connection;
mod context;
mod errors;
mod export;
mod export_body;
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
use std::sync::Arc;
use std::time::Duration;

use crate::threads::run_blocking;
use axum::middleware;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

pub use auth::{AccessKey, Auth, Iam};
pub use export_body::{ExportBody, ExportBodyError};
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

/// How long a stopping service waits for running requests.
const GRACE: Duration = Duration::from_secs(5);

/// Timeout for a request's header, and then for its body.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Settings of the service. Default: in memory, with sample data, without faults.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data file; none for memory.
    pub data: Option<PathBuf>,
    /// The shape of all responses; none for each task's own.
    pub shape: Option<Shape>,
    /// How clients authenticate.
    pub auth: Auth,
    /// The login that gets a token, and the token's lifetime.
    pub iam: Iam,
    /// The rate limit.
    pub limit: Option<Rate>,
    /// Delay of each response.
    pub latency: Duration,
    /// Injected faults.
    pub faults: Faults,
    /// Number of tasks to generate instead of the sample data, if there are no tasks yet.
    pub generate: usize,
    /// Tasks to register, instead of the sample data. The labels are not used.
    pub tasks: TaskList,
    /// The body of a batch export.
    pub export_body: ExportBody,
    /// Timeout for a request's header, and then for its body; then the connection is closed.
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

/// Why the service cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// Cannot listen at the address.
    #[error("cannot listen at {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The data cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A running service. Dropping it stops it without waiting.
pub struct Service {
    address: SocketAddr,
    end: oneshot::Sender<()>,
    server: JoinHandle<()>,
    cut: Arc<Notify>,
    store: Arc<Store>,
}

impl Service {
    /// Starts the service; it accepts requests when this returns.
    pub async fn start(listen: SocketAddr, settings: Settings) -> Result<Self, ServiceError> {
        let listen_error = |source| ServiceError::Listen { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
        let address = listener.local_addr().map_err(listen_error)?;
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
            // A dropped service stops as well.
            let _ = ended.await;
        };
        let server = tokio::spawn(connection::serve(listener, router, settings.read_timeout, ended));
        Ok(Self { address, end, server, cut, store })
    }

    /// Its address, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops gracefully: accepts no new connections, waits up to five seconds for running requests, then closes the
    /// data file.
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
