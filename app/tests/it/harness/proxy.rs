//! Stands between the service and its database: cuts the wire, freezes it, and counts the statements that pass.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub struct Proxy {
    pub address: SocketAddr,
    cut: watch::Sender<bool>,
    frozen: watch::Sender<bool>,
    statements: Arc<AtomicU64>,
}

impl Proxy {
    /// Forwards to the server of `url`.
    pub async fn to(url: &str) -> Proxy {
        let host = url
            .split('@')
            .nth(1)
            .and_then(|rest| rest.split('/').next())
            .expect("a host")
            .replace("localhost", "127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (cut, is_cut) = watch::channel(false);
        let (frozen, is_frozen) = watch::channel(false);
        let statements = Arc::new(AtomicU64::new(0));
        let counter = statements.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if *is_cut.borrow() {
                    continue;
                }
                let (host, is_cut, counter) = (host.clone(), is_cut.clone(), counter.clone());
                let mut frozen = is_frozen.clone();
                tokio::spawn(async move {
                    let server = TcpStream::connect(host)
                        .await
                        .expect("the database answers");
                    let mut cut = is_cut.clone();
                    // Kept open by us when it freezes, so that neither side hears of an end.
                    let mut ends = (client, server);
                    tokio::select! {
                        () = forward(&mut ends, &counter) => return,
                        _ = cut.wait_for(|cut| *cut) => return,
                        _ = frozen.wait_for(|frozen| *frozen) => {}
                    }
                    std::future::pending::<()>().await;
                });
            }
        });
        Proxy {
            address,
            cut,
            frozen,
            statements,
        }
    }

    /// The same database through this proxy.
    pub fn url(&self, url: &str) -> String {
        let (_, database) = url.rsplit_once('/').expect("a database");
        format!(
            "postgresql://postgres@{}/{database}?sslmode=disable",
            self.address
        )
    }

    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.cut.send_replace(false);
    }

    /// No connection carries anything any more, nor is closed; new ones are like that from their start.
    pub fn freeze(&self) {
        self.frozen.send_replace(true);
    }

    /// New connections carry again; those that froze stay as they are.
    pub fn thaw(&self) {
        self.frozen.send_replace(false);
    }

    /// Statements executed so far, on all connections.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::SeqCst)
    }
}

async fn forward((client, server): &mut (TcpStream, TcpStream), counter: &AtomicU64) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = async {
        let mut pending = Vec::new();
        let mut started = false;
        let mut buffer = [0; 16 * 1024];
        while let Ok(n @ 1..) = from_client.read(&mut buffer).await {
            pending.extend_from_slice(&buffer[..n]);
            count(&mut pending, &mut started, counter);
            if to_server.write_all(&buffer[..n]).await.is_err() {
                break;
            }
        }
    };
    let down = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! {
        () = up => {}
        _ = down => {}
    }
}

/// Counts `Execute` and `Query` messages of the frontend protocol; the first message has no type byte.
fn count(pending: &mut Vec<u8>, started: &mut bool, counter: &AtomicU64) {
    loop {
        let head = usize::from(*started);
        let Some(length) = pending.get(head..head + 4) else {
            return;
        };
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        if pending.len() < head + length {
            return;
        }
        if *started {
            // Transaction bounds and the like are no queries of a handler.
            let simple = pending[0] == b'Q' && !is_bound(&pending[5..head + length]);
            if pending[0] == b'E' || simple {
                counter.fetch_add(1, Ordering::SeqCst);
            }
        }
        *started = true;
        pending.drain(..head + length);
    }
}

fn is_bound(sql: &[u8]) -> bool {
    let sql = String::from_utf8_lossy(sql).to_uppercase();
    ["BEGIN", "COMMIT", "ROLLBACK"]
        .iter()
        .any(|word| sql.starts_with(word))
}
