//! `serve`: the embedded service in a process of its own.

use crate::cli::ServeArgs;
use crate::service::{Service, Settings};

use super::console;
use super::exit::{Exit, Failure};

pub(super) fn run(args: ServeArgs) -> Result<Exit, Failure> {
    let settings = Settings {
        data: args.data,
        shape: args.shape,
        limit: args.limit,
        latency: args.latency,
        faults: args.faults,
        generate: args.generate,
        export_body: args.export_body,
    };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::stopped)?;
    runtime.block_on(async {
        let service = Service::start(args.listen, settings).await.map_err(Failure::stopped)?;
        console::out(&format!("listening on http://{}", service.address()))?;
        asked_to_stop().await.map_err(Failure::stopped)?;
        service.stop().await;
        Ok(Exit::Done)
    })
}

/// Waits for SIGINT or SIGTERM.
async fn asked_to_stop() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            _ = terminate.recv() => Ok(()),
            interrupted = tokio::signal::ctrl_c() => interrupted,
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
