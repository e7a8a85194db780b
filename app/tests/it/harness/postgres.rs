//! One PostgreSQL for many tests: that of `CIRCLES_TEST_DATABASE_URL`, or one of this process's own. Each test gets a copy of a
//! migrated template.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use circles_app::config::DbConfig;
use circles_app::secret::Secret;
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

const TEMPLATE: &str = "circles_template";

/// The server's address. A server of our own ends when this process does: its script waits on our end of a pipe.
pub fn server_url() -> &'static str {
    static URL: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (url, _) = URL.get_or_init(|| match std::env::var("CIRCLES_TEST_DATABASE_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let (url, child) = start(&[]);
            (url, Some(child))
        }
    });
    url
}

/// Starts a server with the script and returns its address; it ends with the child's standard input.
pub fn start(env: &[(&str, &str)]) -> (String, Child) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/with-postgres.sh");
    let mut child = Command::new(script)
        .args([
            "sh",
            "-c",
            "echo \"$CIRCLES_TEST_DATABASE_URL ${CIRCLES_TEST_CA:-}\"; exec cat >/dev/null",
        ])
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the script starts");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("a pipe"))
        .read_line(&mut line)
        .expect("the address");
    (line.trim().to_owned(), child)
}

/// The same server, another database.
pub fn with_database(url: &str, name: &str) -> String {
    let (before, _) = url.rsplit_once('/').expect("an address ends in a database");
    format!("{before}/{name}")
}

pub fn db_config(url: &str) -> DbConfig {
    DbConfig {
        url: Secret::new(url.to_owned()),
        role: None,
        pool_size: 8,
        acquire_timeout: Duration::from_secs(30),
        statement_timeout: Duration::from_secs(15),
        lock_timeout: Duration::from_secs(5),
    }
}

/// A database of one test, dropped with it.
pub struct Database {
    pub url: String,
    name: String,
}

impl Database {
    /// A copy of the migrated template.
    pub async fn new() -> Database {
        let mut admin = PgConnection::connect(server_url())
            .await
            .expect("the server answers");
        ensure_template(&mut admin).await;
        Database::create(&mut admin, &format!("template {TEMPLATE}")).await
    }

    /// A database without anything.
    pub async fn empty() -> Database {
        let mut admin = PgConnection::connect(server_url())
            .await
            .expect("the server answers");
        Database::create(&mut admin, "").await
    }

    async fn create(admin: &mut PgConnection, from: &str) -> Database {
        let name = format!("t_{}", Uuid::new_v4().simple());
        admin
            .execute(format!("create database {name} {from}").as_str())
            .await
            .expect("a database is made");
        Database {
            url: with_database(server_url(), &name),
            name,
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let sql = format!("drop database if exists {} with (force)", self.name);
        let drop = move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                if let Ok(mut admin) = PgConnection::connect(server_url()).await {
                    let _ = admin.execute(sql.as_str()).await;
                }
            });
        };
        let _ = std::thread::spawn(drop).join();
    }
}

/// Makes the template, once for all processes that share the server.
async fn ensure_template(admin: &mut PgConnection) {
    admin
        .execute("select pg_advisory_lock(4711)")
        .await
        .expect("the lock");
    let ready = format!(
        "select exists (select 1 from pg_database where datname = '{TEMPLATE}' and datistemplate)"
    );
    let ready: bool = sqlx::query_scalar(&ready)
        .fetch_one(&mut *admin)
        .await
        .expect("an answer");
    if !ready {
        admin
            .execute(format!("drop database if exists {TEMPLATE}").as_str())
            .await
            .expect("a clean start");
        admin
            .execute(format!("create database {TEMPLATE}").as_str())
            .await
            .expect("a database is made");
        let url = with_database(server_url(), TEMPLATE);
        circles_app::db::migrate(&db_config(&url))
            .await
            .expect("migrations run");
        admin
            .execute(format!("alter database {TEMPLATE} is_template true").as_str())
            .await
            .expect("marked");
    }
    admin
        .execute("select pg_advisory_unlock(4711)")
        .await
        .expect("the lock is freed");
}
