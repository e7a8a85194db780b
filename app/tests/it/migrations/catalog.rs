//! What each migration does to a database that is there: nothing the version before uses goes, and nothing it writes is refused.

use std::borrow::Cow;
use std::collections::BTreeSet;

use sqlx::migrate::Migrator;
use sqlx::{Connection, Executor, PgConnection};

use crate::harness::postgres::Database;

/// What the version before relies on, and what may refuse its writes, each with the table (or `table.column`) it belongs to.
const FACTS: &str = "with t as (select c.oid, c.relname::text as name, c.relkind, c.relrowsecurity from pg_class c \
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S')), \
    a as (select t.oid, t.name as relation, t.name || '.' || a.attname as name, format_type(a.atttypid, a.atttypmod) as type, \
        a.attnotnull as required, a.atthasdef or a.attidentity <> '' as filled \
        from t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped) \
    select true as used, name as owner, 'relation of kind ' || relkind::text as fact from t \
    union all select true, name, 'column of type ' || type from a \
    union all select true, name, 'column filled by itself' from a where filled \
    union all select true, p.oid::regprocedure::text, 'function' from pg_proc p where p.pronamespace = current_schema()::regnamespace \
    union all select true, y.typname::text, 'label ' || e.enumlabel from pg_enum e join pg_type y on y.oid = e.enumtypid \
    union all select false, name, 'not null' from a where required \
    union all select false, relation, 'not null and not filled by itself: ' || name from a where required and not filled \
    union all select false, t.name, k.conname || ' ' || pg_get_constraintdef(k.oid) from pg_constraint k join t on t.oid = k.conrelid \
    union all select false, t.name, pg_get_indexdef(i.indexrelid) from pg_index i join t on t.oid = i.indrelid where i.indisunique \
    union all select false, t.name, 'trigger ' || g.tgname from pg_trigger g join t on t.oid = g.tgrelid where not g.tgisinternal \
    union all select false, t.name, 'rule ' || r.rulename from pg_rewrite r join t on t.oid = r.ev_class where r.rulename <> '_RETURN' \
    union all select false, name, 'row security' from t where relrowsecurity";

#[derive(Default)]
struct Catalog {
    used: BTreeSet<(String, String)>,
    limits: BTreeSet<(String, String)>,
}

impl Catalog {
    async fn of(connection: &mut PgConnection) -> Catalog {
        let rows: Vec<(bool, String, String)> = sqlx::query_as(FACTS)
            .fetch_all(connection)
            .await
            .expect("the catalog");
        let mut catalog = Catalog::default();
        for (used, owner, fact) in rows {
            let kind = if used {
                &mut catalog.used
            } else {
                &mut catalog.limits
            };
            kind.insert((owner, fact));
        }
        catalog
    }

    /// What is missing of before, and what is newly refused of something that was there before.
    fn broken_by(&self, after: &Catalog) -> Vec<String> {
        let owners: BTreeSet<&String> = self.used.iter().map(|(owner, _)| owner).collect();
        let gone = self.used.difference(&after.used);
        let gone = gone.map(|(owner, fact)| format!("{owner} is no longer {fact}"));
        let refused = after.limits.difference(&self.limits);
        let refused = refused.filter(|(owner, _)| owners.contains(owner));
        let refused = refused.map(|(owner, fact)| format!("{owner} is now limited: {fact}"));
        gone.chain(refused).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_migration_takes_from_the_schema_before_it() {
    let database = Database::empty().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let all = sqlx::migrate!("./migrations");
    let mut before = Catalog::default();
    for n in 1..=all.migrations.len() {
        let until = Migrator {
            migrations: Cow::Owned(all.migrations[..n].to_vec()),
            ..Migrator::DEFAULT
        };
        until.run(&mut connection).await.expect("it runs");
        let after = Catalog::of(&mut connection).await;
        let which = &all.migrations[n - 1].description;
        assert_ne!(before.used, after.used, "{which} does nothing");
        assert_eq!(before.broken_by(&after), Vec::<String>::new(), "{which}");
        before = after;
    }
    assert!(before.used.len() > 200 && before.limits.len() > 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_takes_from_the_schema_is_noticed() {
    let database = Database::new().await;
    let mut connection = PgConnection::connect(&database.url).await.unwrap();
    let before = Catalog::of(&mut connection).await;
    for (sql, expands) in [
        ("drop table activities cascade", false),
        ("alter table users drop column bio", false),
        ("alter table users rename column bio to about", false),
        ("alter table users alter column bio type varchar(10)", false),
        ("alter table users alter column bio set not null", false),
        (
            "alter table users alter column created_at drop default",
            false,
        ),
        ("alter table users add column shoe integer not null", false),
        (
            "alter table users add constraint short check (length(bio) < 9)",
            false,
        ),
        (
            "do $$ begin execute 'create unique index on users (bio)'; end $$",
            false,
        ),
        ("alter table users enable row level security", false),
        (
            "create rule none as on delete to follows do instead nothing",
            false,
        ),
        ("alter table users add column shoe integer", true),
        (
            "alter table users add column shoe integer not null default 0",
            true,
        ),
        (
            "create table shoes (id bigint primary key, size integer not null check (size > 0))",
            true,
        ),
        (
            "create index on users (bio); create view names as select name from users",
            true,
        ),
        (
            "alter table check_ins alter column visibility set default 'friends'",
            true,
        ),
    ] {
        connection.execute("begin").await.unwrap();
        connection.execute(sqlx::raw_sql(sql)).await.unwrap();
        let broken = before.broken_by(&Catalog::of(&mut connection).await);
        assert_eq!(broken.is_empty(), expands, "{sql}: {broken:?}");
        connection.execute("rollback").await.unwrap();
    }
}
