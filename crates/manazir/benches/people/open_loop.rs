//! Requests at a fixed rate, whatever the service does.
//!
//! Each request has its moment, and its time counts from that moment, not from when a connection was free: a service
//! that stalls cannot hide it by being asked less. Timers have a resolution of a millisecond, which is counted in.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::plan::{Request, What};

/// Connections that share the rate.
const CONNECTIONS: usize = 64;

/// What became of a request.
#[derive(Clone, Debug)]
pub(crate) struct Answered {
    /// Its place in the plan.
    pub(crate) place: usize,
    pub(crate) what: What,
    /// From the moment at which it was due until the whole answer was there.
    pub(crate) took: Duration,
    /// 0 if the connection broke.
    pub(crate) status: u16,
    pub(crate) is_right: bool,
    /// The answer if it is wrong, and those that say where a job is.
    pub(crate) body: Vec<u8>,
}

struct Load {
    address: String,
    token: String,
    requests: Vec<Request>,
    next: AtomicUsize,
    begin: Instant,
    pause: Duration,
}

/// Asks all of these, `rate` a second, from one thread.
pub(crate) fn ask(address: &str, token: &str, requests: Vec<Request>, rate: usize) -> Vec<Answered> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let load = Arc::new(Load {
            address: address.to_owned(),
            token: format!("Bearer {token}"),
            requests,
            next: AtomicUsize::new(0),
            begin: Instant::now() + Duration::from_millis(200),
            pause: Duration::from_secs(1).div_f64(rate as f64),
        });
        let callers: Vec<_> = (0..CONNECTIONS).map(|_| tokio::spawn(call(Arc::clone(&load)))).collect();
        let mut answered = Vec::new();
        for caller in callers {
            answered.extend(caller.await.unwrap());
        }
        answered.sort_unstable_by_key(|answered: &Answered| answered.place);
        answered
    })
}

/// One connection: takes whichever request is next.
async fn call(load: Arc<Load>) -> Vec<Answered> {
    let mut sender = connect(&load.address).await;
    let mut answered = Vec::new();
    loop {
        let place = load.next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = load.requests.get(place) else { return answered };
        let due = load.begin + load.pause.mul_f64(place as f64);
        tokio::time::sleep_until(due).await;
        let (status, body) = match exchange(&mut sender, &load, request).await {
            Ok(answer) => answer,
            Err(why) => {
                sender = connect(&load.address).await;
                (0, why.to_string().into_bytes())
            }
        };
        let is_right = request.right.contains(&status);
        answered.push(Answered { place, what: request.what, took: due.elapsed(), status, is_right, body });
    }
}

async fn connect(address: &str) -> SendRequest<String> {
    let stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn exchange(
    sender: &mut SendRequest<String>,
    load: &Load,
    request: &Request,
) -> Result<(u16, Vec<u8>), hyper::Error> {
    let asked = hyper::Request::builder()
        .method(request.method)
        .uri(&request.path)
        .header("Host", "localhost")
        .header("Authorization", &load.token)
        .header("Content-Type", "application/json")
        .body(request.body.clone())
        .unwrap();
    sender.ready().await?;
    let answer = sender.send_request(asked).await?;
    let status = answer.status().as_u16();
    let is_kept = request.what == What::Batch || !request.right.contains(&status);
    Ok((status, read(answer.into_body(), is_kept).await?))
}

/// Reads to the end.
async fn read(mut body: Incoming, is_kept: bool) -> Result<Vec<u8>, hyper::Error> {
    let mut kept = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Some(data) = frame?.data_ref().filter(|_| is_kept) {
            kept.extend_from_slice(data);
        }
    }
    Ok(kept)
}
