//! Running services: one or two on one database.

use std::collections::HashMap;
use std::net::SocketAddr;

use circles_app::config::{Config, Source};
use circles_app::serve;
use sqlx::PgPool;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::client::Client;
use super::postgres::Database;

/// One task of the service, on a port of its own.
pub struct Service {
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    running: JoinHandle<()>,
}

/// Settings good for tests, with `more` on top.
pub fn settings(db_url: &str, more: &[(&str, &str)]) -> Config {
    Config::read(Source::new(variables(db_url, more))).expect("good settings")
}

/// The same as environment variables.
pub fn variables(db_url: &str, more: &[(&str, &str)]) -> HashMap<String, String> {
    let base = [
        ("APP_DEBUG", "true"),
        ("APP_STORAGE_BACKEND", "memory"),
        ("APP_DATABASE_URL", db_url),
        ("APP_USE_POSTGIS", "true"),
        ("APP_USE_OPENSTREETMAP", "false"),
        (
            "APP_OTP_SECRET_KEY",
            "an otp secret only tests may use, 32+",
        ),
        (
            "APP_JWT_SECRET_KEY",
            "a jwt secret only tests may use, 32++",
        ),
        ("APP_DM_MESSAGES_PER_MIN", "1000"),
        ("APP_DM_REQUESTS_PER_MIN", "1000"),
        // Everybody in a test calls from one address, and often; tests of the limits set their own.
        ("APP_ROUTE_LIMIT_SCALE", "1000"),
        ("APP_OTP_CODES_PER_ADDRESS_HOUR", "10000"),
        ("APP_OTP_CODES_PER_ADDRESS_DAY", "10000"),
        ("APP_OTP_GUESSES_PER_ADDRESS_HOUR", "10000"),
        ("APP_OTP_CODES_PER_TASK_MINUTE", "10000"),
        ("APP_OTP_GUESSES_PER_TASK_MINUTE", "10000"),
        ("APP_DB_POOL_SIZE", "8"),
        // A machine busy with other tests is slow, not away; tests of a full pool set their own.
        ("APP_DB_ACQUIRE_TIMEOUT_SECONDS", "30"),
        ("APP_METRICS_TOKEN", "metrics-token"),
    ];
    base.iter()
        .chain(more)
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

impl Service {
    pub async fn start(config: Config) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopping) = watch::channel(false);
        let running = tokio::spawn(async move {
            serve::on(listener, config, stopping)
                .await
                .expect("the service runs");
        });
        Service {
            address,
            stop,
            running,
        }
    }

    pub fn client(&self) -> Client {
        Client::new(self.address)
    }

    /// Stops as on SIGTERM, and waits for the end.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        self.running.await.expect("a clean end");
    }

    /// Stops without waiting.
    pub fn begin_stop(&self) {
        let _ = self.stop.send(true);
    }

    /// Dies as on SIGKILL, as far as a task can.
    pub fn kill(&self) {
        self.running.abort();
    }
}

/// A database and a service on it.
pub struct World {
    pub service: Service,
    pub db: PgPool,
    pub database: Database,
}

impl World {
    pub async fn new() -> World {
        World::with(&[]).await
    }

    pub async fn with(more: &[(&str, &str)]) -> World {
        World::over(Database::new().await, more).await
    }

    /// A service on a database that is there already.
    pub async fn over(database: Database, more: &[(&str, &str)]) -> World {
        let service = Service::start(settings(&database.url, more)).await;
        let db = PgPool::connect(&database.url)
            .await
            .expect("the database answers");
        World {
            service,
            db,
            database,
        }
    }

    /// A second task on the same database.
    pub async fn second(&self, more: &[(&str, &str)]) -> Service {
        Service::start(settings(&self.database.url, more)).await
    }

    /// Somebody without a token.
    pub fn nobody(&self) -> Client {
        self.service.client()
    }

    /// A new person, signed up by one-time code.
    pub async fn person(&self, name: &str) -> Client {
        self.service.client().sign_up(name).await
    }

    /// A place at the centre of Riyadh, or `metres` north of it.
    pub async fn place(&self, name: &str, metres: f64) -> i64 {
        let sql = "insert into places (name, latitude, longitude, city, country, neighborhood, categories, price_tier) \
                   values ($1, 24.7136 + $2 / 111194.93, 46.6753, 'Riyadh', 'Saudi Arabia', 'Olaya', 'Cafe,Coffee Shop', '$$') returning id";
        sqlx::query_scalar(sql)
            .bind(name)
            .bind(metres)
            .fetch_one(&self.db)
            .await
            .expect("a place is stored")
    }

    pub async fn execute(&self, sql: &str) {
        sqlx::query(sql)
            .execute(&self.db)
            .await
            .expect("the statement runs");
    }

    /// Waits until `sql` counts so many; what is done on a schedule takes its time.
    pub async fn counts(&self, sql: &str, wanted: i64) {
        for _ in 0..100 {
            if self.count(sql).await == wanted {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        }
        panic!("never {wanted}: {sql}");
    }

    pub async fn count(&self, sql: &str) -> i64 {
        sqlx::query_scalar(sql)
            .fetch_one(&self.db)
            .await
            .expect("a number")
    }
}
