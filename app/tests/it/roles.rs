//! Two logins of one role, as a password change by alternating users needs them: each may take up what the other made.

use circles_app::config::Source;
use circles_app::config::login::LoginConfig;
use circles_app::login;
use sqlx::{Connection, Executor, PgConnection};
use uuid::Uuid;

use crate::harness::Service;
use crate::harness::postgres::{Database, server_url};
use crate::harness::server::settings;

#[tokio::test(flavor = "multi_thread")]
async fn the_next_login_serves_and_migrates_what_the_last_one_made() {
    let database = Database::empty().await;
    let mut admin = PgConnection::connect(&database.url).await.unwrap();
    // Roles belong to the server, which other tests use too.
    let tag = Uuid::new_v4().simple().to_string();
    let (owner, one, two) = (
        format!("owner_{tag}"),
        format!("one_{tag}"),
        format!("two_{tag}"),
    );
    let name = database.url.rsplit('/').next().unwrap();
    let setup = format!(
        "create role {owner} nologin; create role {one} login in role {owner}; create role {two} login in role {owner}; \
         grant all on database {name} to {owner}; grant create, usage on schema public to {owner}; \
         create extension postgis"
    );
    admin.execute(setup.as_str()).await.unwrap();
    let url_of = |login: &str| database.url.replace("postgres@", &format!("{login}@"));
    let role = [("APP_DB_ROLE", owner.as_str())];

    let first = settings(&url_of(&one), &role);
    circles_app::db::migrate(&first.db)
        .await
        .expect("the first login migrates");
    let running = Service::start(first).await;
    let sara = running.client().sign_up("Sara").await;

    let second = settings(&url_of(&two), &role);
    circles_app::db::migrate(&second.db)
        .await
        .expect("the second login may migrate");
    let mut as_two = PgConnection::connect_with(&circles_app::db::options(&second.db).unwrap())
        .await
        .unwrap();
    as_two
        .execute("alter table users add column shoe_size integer")
        .await
        .expect("the second login may change what the first one made");
    let next = Service::start(second).await;
    let there = next.client().sign_up("Omar").await;
    // Both serve side by side, and the old login can go once its tasks have.
    sara.get("/auth/me").await.expect(200);
    sara.at(next.address).get("/auth/me").await.expect(200);
    running.stop().await;
    admin
        .execute(format!("drop role {one}").as_str())
        .await
        .expect("the first login owns nothing");
    there.get("/auth/me").await.expect(200);
    there
        .at(next.address)
        .get("/collections/")
        .await
        .expect(200);

    // Without the role a login of its own right is a stranger to the tables.
    let stranger = settings(&url_of(&two), &[]);
    let mut plain = PgConnection::connect_with(&circles_app::db::options(&stranger.db).unwrap())
        .await
        .unwrap();
    let current: String = sqlx::query_scalar("select current_user::text")
        .fetch_one(&mut plain)
        .await
        .unwrap();
    assert_eq!(current, two);
    drop((plain, as_two));
    next.stop().await;
    drop(database);
    let mut server = PgConnection::connect(server_url()).await.unwrap();
    server
        .execute(format!("drop role {two}; drop role {owner}").as_str())
        .await
        .expect("nothing is left of them");
}

/// A master user as RDS has it: no superuser, who may make roles and databases.
async fn as_in_rds(tag: &str, database: &Database) -> String {
    let admin = format!("master_{tag}");
    let mut server = PgConnection::connect(&database.url).await.unwrap();
    let name = database.url.rsplit('/').next().unwrap();
    let setup = format!(
        "create extension postgis; create role {admin} login createdb createrole password 'first'; \
         alter database {name} owner to {admin}"
    );
    server.execute(setup.as_str()).await.unwrap();
    admin
}

fn rotation(database: &Database, admin: &str, login: &str, password: &str) -> LoginConfig {
    let url = database
        .url
        .replace("postgres@", &format!("{login}:{password}@"));
    let owner = format!("{admin}_owner");
    let settings = [
        ("APP_DATABASE_URL", url.as_str()),
        ("APP_DB_ROLE", owner.as_str()),
        ("APP_DB_ADMIN_USER", admin),
        ("APP_DB_ADMIN_PASSWORD", "first"),
    ];
    let found = settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    LoginConfig::read(Source::new(found.collect())).expect("good settings")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_gets_its_password_and_takes_up_what_the_master_made() {
    let database = Database::empty().await;
    let tag = Uuid::new_v4().simple().to_string()[..12].to_owned();
    let admin = as_in_rds(&tag, &database).await;
    let as_admin = database
        .url
        .replace("postgres@", &format!("{admin}:first@"));
    let first = settings(&as_admin, &[]);
    circles_app::db::migrate(&first.db)
        .await
        .expect("the master user migrates");
    let running = Service::start(first).await;
    let sara = running.client().sign_up("Sara").await;

    let (a, b) = (format!("{admin}_a"), format!("{admin}_b"));
    for (login, password) in [(&a, "one"), (&a, "two"), (&b, "three")] {
        let config = rotation(&database, &admin, login, password);
        let told = login::rotate(&config).await.expect("a new password");
        assert!(told.contains(login.as_str()) && !told.contains(password));
    }
    // The task that runs as the master goes on, and new ones do as either of the two.
    sara.get("/auth/me").await.expect(200);
    let config = rotation(&database, &admin, &b, "three");
    let next = settings(config.db.url.expose(), &[]);
    circles_app::db::migrate(&next.db)
        .await
        .expect("it may migrate");
    let next = Service::start(next).await;
    sara.at(next.address).get("/auth/me").await.expect(200);
    next.client().sign_up("Omar").await;
    let mut as_b = PgConnection::connect(config.db.url.expose()).await.unwrap();
    as_b.execute("alter table users add column shoe_size integer")
        .await
        .expect("what the master made belongs to both");

    // Whoever is logged in keeps his password.
    let refused = login::rotate(&rotation(&database, &admin, &b, "four"))
        .await
        .expect_err("it is in use");
    assert!(refused.to_string().contains("still in use"), "{refused}");
    assert!(refused.to_string().contains("redeploy"), "{refused}");
    PgConnection::connect(config.db.url.expose())
        .await
        .expect("the password is as it was");
    let wrong = rotation(&database, &admin, &admin, "five");
    assert!(
        login::rotate(&wrong).await.is_err(),
        "never the master's own"
    );
    drop(as_b);
    running.stop().await;
    next.stop().await;
    drop(database);
    let mut server = PgConnection::connect(server_url()).await.unwrap();
    server
        .execute(
            format!("drop role {a}; drop role {b}; drop role {admin}_owner; drop role {admin}")
                .as_str(),
        )
        .await
        .expect("nothing is left of them");
}
