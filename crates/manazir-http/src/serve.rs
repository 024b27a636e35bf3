//! Connections: accepted, bounded in time, and ended in order when the service is to stop.

use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_service::Service;

use crate::Peer;

/// How long the head of a request may take, counted from the last answer: a connection that sends nothing more, or
/// half a head, is closed. As long as nginx keeps one.
const HEAD_MAX: Duration = Duration::from_secs(75);

/// When the service is to stop, a connection without a request at work is looked after for so long: what is left is
/// the end of an answer, or a head that may never be whole.
const GRACE: Duration = Duration::from_secs(2);

/// Answers until `shutdown`, then finishes what runs and returns.
///
/// However its callers behave, it returns: a request is at work for as long as [`crate::guarded`] lets it, and
/// whatever has none is let go after a moment.
pub async fn serve(
    mut listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let (stop, stopping) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            // What fails on the way is tried again by the trait.
            (stream, address) = Listener::accept(&mut listener) => {
                connections.spawn(answer(stream, Peer(address.ip()), router.clone(), stopping.clone()));
            }
            Some(ended) = connections.join_next() => told(ended),
            () = &mut shutdown => break,
        }
    }
    // Whoever comes now is refused, not kept waiting.
    drop(listener);
    drop(stop);
    while let Some(ended) = connections.join_next().await {
        told(ended);
    }
    Ok(())
}

fn told(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a connection ended by a panic");
    }
}

/// Answers the requests of one connection.
async fn answer(stream: TcpStream, peer: Peer, router: Router, mut stopping: watch::Receiver<()>) {
    let at_work = Arc::new(AtomicUsize::new(0));
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        let (mut router, working) = (router.clone(), Working::begin(&at_work));
        async move {
            let answer: Result<Response, Infallible> = router.call(request).await;
            drop(working);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    tokio::select! {
        // What went wrong on the wire is its caller's to know.
        _ = &mut connection => return,
        // Nothing is ever sent: it is closed.
        _ = stopping.changed() => connection.as_mut().graceful_shutdown(),
    }
    while tokio::time::timeout(GRACE, &mut connection).await.is_err() {
        if at_work.load(Ordering::Acquire) == 0 {
            return;
        }
    }
}

/// A request at work; dropping it, at the answer or when its caller has gone, ends that.
struct Working(Arc<AtomicUsize>);

impl Working {
    fn begin(at_work: &Arc<AtomicUsize>) -> Self {
        at_work.fetch_add(1, Ordering::AcqRel);
        Self(Arc::clone(at_work))
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
