//! The proxy itself: HTTP/1.1 in, HTTP/1.1 out, one connection to the server for each of the program's.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::call::Call;
use super::script::{Deed, Moment, Script};

/// By the key that a run signs with.
type Scripts = Arc<Mutex<HashMap<String, Arc<Script>>>>;
type Answer = Response<Full<Bytes>>;

pub struct Proxy {
    address: SocketAddr,
    scripts: Scripts,
    task: JoinHandle<()>,
}

/// The connection closes without an answer.
#[derive(Debug, thiserror::Error)]
#[error("closed on purpose")]
struct Closed;

impl Proxy {
    /// In front of `server`, on a free port of 127.0.0.1. What has no script passes.
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("an address");
        let scripts = Scripts::default();
        let current = scripts.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, server, current.clone()));
            }
        });
        Self {
            address,
            scripts,
            task,
        }
    }

    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For the calls that are signed with its key.
    pub fn play(&self, script: &Arc<Script>) {
        let mut scripts = self.scripts.lock().unwrap_or_else(|e| e.into_inner());
        scripts.insert(script.key().to_owned(), script.clone());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(stream: TcpStream, server: SocketAddr, scripts: Scripts) {
    let upstream = Arc::new(tokio::sync::Mutex::new(None));
    let service = service_fn(move |request| {
        let (scripts, upstream) = (scripts.clone(), upstream.clone());
        async move { handle(request, server, &scripts, &upstream).await }
    });
    // An error here is a client that went away or a connection that was closed on purpose.
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Upstream = tokio::sync::Mutex<Option<SendRequest<Full<Bytes>>>>;

async fn handle(
    request: Request<Incoming>,
    server: SocketAddr,
    scripts: &Scripts,
    upstream: &Upstream,
) -> Result<Answer, Closed> {
    let (head, body) = request.into_parts();
    // Cut off in the middle: it never was a call.
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    let target = head.uri.path_and_query().map_or("/", |all| all.as_str());
    let call = Call::of(&head.method, target, &head.headers, &body);
    let script = {
        let scripts = scripts.lock().unwrap_or_else(|e| e.into_inner());
        scripts.get(&call.key).cloned()
    };
    let pass = |head, body| forward(Request::from_parts(head, Full::new(body)), server, upstream);
    let Some(script) = script else {
        return pass(head, body).await;
    };
    match script.strike(&call) {
        None => pass(head, body).await,
        Some(Deed::Kill(Moment::Before)) => {
            script.kill().await;
            Err(Closed)
        }
        Some(Deed::Kill(Moment::After)) => {
            pass(head, body).await?;
            script.kill().await;
            Err(Closed)
        }
        Some(Deed::Lose) => {
            pass(head, body).await?;
            Err(Closed)
        }
        Some(Deed::Fail(failings)) => {
            let (failing, done) = script.choose(failings);
            if done {
                pass(head, body).await?;
            }
            Ok(failing.answer(&call))
        }
        Some(Deed::KillAndDelay(time)) => {
            script.kill().await;
            // Its own task: this one ends with the program's connection.
            tokio::spawn(async move {
                tokio::time::sleep(time).await;
                let upstream = Upstream::default();
                let request = Request::from_parts(head, Full::new(body));
                // Nobody is there to read the answer.
                let _ = forward(request, server, &upstream).await;
                script.land();
            });
            Err(Closed)
        }
        Some(Deed::Hold(Moment::Before, held)) => {
            held.pass().await;
            pass(head, body).await
        }
        Some(Deed::Hold(Moment::After, held)) => {
            let answer = pass(head, body).await?;
            held.pass().await;
            Ok(answer)
        }
    }
}

async fn forward(
    mut request: Request<Full<Bytes>>,
    server: SocketAddr,
    upstream: &Upstream,
) -> Result<Answer, Closed> {
    // The body was read whole, so it goes out with its length.
    request.headers_mut().remove("transfer-encoding");
    let mut connection = upstream.lock().await;
    let mut sender = match connection.take().filter(|sender| !sender.is_closed()) {
        Some(sender) => sender,
        None => connect(server).await?,
    };
    sender.ready().await.map_err(|_| Closed)?;
    let answer = sender.send_request(request).await.map_err(|_| Closed)?;
    let (mut head, body) = answer.into_parts();
    let body = body.collect().await.map_err(|_| Closed)?.to_bytes();
    head.headers.remove("transfer-encoding");
    *connection = Some(sender);
    Ok(Response::from_parts(head, Full::new(body)))
}

/// A dead run's last call may find that its server has ended too.
async fn connect(server: SocketAddr) -> Result<SendRequest<Full<Bytes>>, Closed> {
    let stream = TcpStream::connect(server).await.map_err(|_| Closed)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|_| Closed)?;
    tokio::spawn(async move {
        // It ends when either side closes it.
        let _ = connection.await;
    });
    Ok(sender)
}
