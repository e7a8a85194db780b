//! A database that refuses plain connections.

use circles_app::db;
use sqlx::Connection;

use crate::harness::Process;
use crate::harness::postgres::{db_config, start, with_database};

#[tokio::test(flavor = "multi_thread")]
async fn the_service_speaks_tls_and_checks_the_authority() {
    let (line, mut server) = start(&[("TLS_ONLY", "1")]);
    let (by_address, authority) = line.split_once(' ').expect("an address and an authority");
    // The certificate is for this name.
    let url = &by_address.replace("127.0.0.1", "localhost");
    let with = |query: String| format!("{}?{query}", with_database(url, "postgres"));

    let plain = db_config(&with("sslmode=disable".to_owned()));
    let refused = db::options(&plain).expect("options");
    assert!(
        sqlx::PgConnection::connect_with(&refused).await.is_err(),
        "the server takes no plain connection"
    );

    let unknown = db_config(&with("sslmode=verify-full".to_owned()));
    let refused = db::options(&unknown).expect("options");
    assert!(
        sqlx::PgConnection::connect_with(&refused).await.is_err(),
        "an unknown authority is refused"
    );

    let trusting = |mode: &str| {
        let address = with_database(by_address, "postgres");
        db_config(&format!("{address}?sslmode={mode}&sslrootcert={authority}"))
    };
    let elsewhere = db::options(&trusting("verify-full")).expect("options");
    assert!(
        sqlx::PgConnection::connect_with(&elsewhere).await.is_err(),
        "a good certificate for another host is refused"
    );
    let anywhere = db::options(&trusting("require")).expect("options");
    sqlx::PgConnection::connect_with(&anywhere)
        .await
        .expect("who does not ask for the name takes the same server");

    let good = db_config(&with(format!(
        "sslmode=verify-full&sslrootcert={authority}"
    )));
    db::migrate(&good).await.expect("migrations run over TLS");
    let mut connection = sqlx::PgConnection::connect_with(&db::options(&good).expect("options"))
        .await
        .expect("a connection");
    let encrypted: bool =
        sqlx::query_scalar("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert!(encrypted);

    // The suffix and the parameter deployments write.
    let written = url.replace("postgresql://", "postgresql+asyncpg://");
    let asyncpg = db_config(&format!(
        "{}?ssl=require",
        with_database(&written, "postgres")
    ));
    sqlx::PgConnection::connect_with(&db::options(&asyncpg).expect("options"))
        .await
        .expect("a connection");
    drop(connection);

    // The program as the image starts it: the authority by environment, the mode in the address.
    let verified = with("sslmode=verify-full".to_owned());
    let task = Process::start(&verified, &[("PGSSLROOTCERT", authority)]).await;
    let sara = task.client().sign_up("Sara").await;
    sara.get("/auth/me").await.expect(200);
    let mut admin = sqlx::PgConnection::connect_with(&db::options(&good).expect("options"))
        .await
        .expect("a connection");
    let plain: i64 = sqlx::query_scalar(
        "select count(*) from pg_stat_activity a join pg_stat_ssl s using (pid) \
         where a.application_name = 'circles-app' and not s.ssl",
    )
    .fetch_one(&mut admin)
    .await
    .unwrap();
    assert_eq!(plain, 0, "pool and listener alike are encrypted");
    drop((task, admin));
    drop(server.stdin.take());
    server.wait().expect("the server ends");
}
