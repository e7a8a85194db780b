//! Migrations: from nothing, again, at once, and without PostGIS. (On the schema of a later version: `older.rs`.)

use circles_app::db;
use sqlx::{Connection, Executor, PgConnection};

use crate::harness::Service;
use crate::harness::postgres::{Database, db_config};
use crate::harness::server::settings;

#[tokio::test(flavor = "multi_thread")]
async fn two_tasks_migrate_an_empty_database_at_once() {
    let database = Database::empty().await;
    let config = db_config(&database.url);
    let (one, two) = tokio::join!(db::migrate(&config), db::migrate(&config));
    one.expect("the first runs");
    two.expect("the second waits");
    db::migrate(&config).await.expect("and again");
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let applied: i64 = sqlx::query_scalar("select count(*) from _sqlx_migrations")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert!(applied >= 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_postgis_the_service_measures_by_itself_and_refuses_to_pretend() {
    let database = Database::new().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    connection
        .execute("alter table places drop column geog; drop extension postgis")
        .await
        .unwrap();
    let refused = circles_app::app::App::new(settings(&database.url, &[]))
        .await
        .err()
        .expect("a refusal");
    assert!(refused.to_string().contains("APP_USE_POSTGIS"), "{refused}");
    let service = Service::start(settings(&database.url, &[("APP_USE_POSTGIS", "false")])).await;
    let sara = service.client().sign_up("Sara").await;
    sara.get("/places/nearby?lat=1&lng=1").await.expect(200);
}
