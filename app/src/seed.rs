//! Sample data: places around major cities, people, follows and check-ins, so that a first try shows something and a load run has
//! something to work on. Made by the database itself, so a million rows take seconds.

use std::time::Duration;

use clap::Args;
use sqlx::PgPool;

use crate::config::Config;
use crate::db::{self, DbError};

/// How much to make.
#[derive(Debug, Clone, Args)]
pub struct Amount {
    #[arg(long, default_value_t = 600)]
    pub places: i64,
    #[arg(long, default_value_t = 40)]
    pub users: i64,
    #[arg(long, default_value_t = 900)]
    pub check_ins: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the sample data could not be stored: {0}")]
    Store(#[from] sqlx::Error),
}

const PLACES: &str = "insert into places (name, address, country, city, neighborhood, latitude, longitude, categories, rating, price_tier, \
    description, external_id, data_source, seed_source, created_at) \
    select (array['Blue Door', 'Palm Court', 'Old Gate', 'Sunrise', 'Corner', 'Garden', 'Harbour', 'Silver Spoon'])[1 + n % 8] || ' ' \
        || k.kind || ' ' || n, n || ' ' || c.city || ' Road', c.country, c.city, c.city || ' District ' || (1 + n % 12), \
        c.lat + (random() - 0.5) * 0.36, c.lng + (random() - 0.5) * 0.36, k.kind || ',' || k.more, null, \
        (array['$', '$$', '$$$', '$$$$'])[1 + n % 4], 'A ' || lower(k.kind) || ' in ' || c.city, 'sample_' || n, 'sample', 'sample', \
        now() - random() * interval '300 days' \
    from generate_series(1, $1) as n \
    cross join lateral (select * from (values ('Riyadh', 'Saudi Arabia', 24.7136, 46.6753), ('Jeddah', 'Saudi Arabia', 21.4858, 39.1925), \
        ('Dammam', 'Saudi Arabia', 26.4207, 50.0888), ('Dubai', 'United Arab Emirates', 25.2048, 55.2708), ('Doha', 'Qatar', 25.2854, 51.531), \
        ('Cairo', 'Egypt', 30.0444, 31.2357), ('Amman', 'Jordan', 31.9454, 35.9284), ('Istanbul', 'Turkey', 41.0082, 28.9784)) \
        as v (city, country, lat, lng) offset n % 8 limit 1) c \
    cross join lateral (select * from (values ('Cafe', 'Coffee Shop'), ('Restaurant', 'Food'), ('Gym', 'Fitness'), ('Park', 'Outdoors'), \
        ('Shopping Mall', 'Shop'), ('Hotel', 'Travel'), ('Bakery', 'Food'), ('Museum', 'Culture')) as v (kind, more) offset (n / 8) % 8 limit 1) k \
    on conflict on constraint places_external_key do nothing";

const USERS: &str = "insert into users (phone, username, name, bio, is_verified, checkins_default_visibility, created_at) \
    select '+9665' || lpad(n::text, 9, '0'), 'sample_' || n, (array['Sara', 'Omar', 'Lina', 'Yousef', 'Noor', 'Faisal'])[1 + n % 6] || ' ' \
        || (array['Haddad', 'Nasser', 'Khalil', 'Saleh', 'Amin'])[1 + n % 5], 'Sample person ' || n, true, 'public', \
        now() - random() * interval '200 days' from generate_series(1, $1) as n on conflict do nothing";

const FOLLOWS: &str = "insert into follows (follower_id, followee_id) select u.id, o.id from users u \
    cross join lateral generate_series(1, 8) as g join lateral (select id from users x where x.username like 'sample\\_%' \
        and lower(x.username) = 'sample_' || (1 + (u.id * 31 + g * 97) % $1) limit 1) o on o.id <> u.id \
    where u.username like 'sample\\_%' on conflict do nothing";

const CHECK_INS: &str = "insert into check_ins (user_id, place_id, note, visibility, created_at, expires_at, latitude, longitude) \
    select u.ids[1 + (random() * (array_length(u.ids, 1) - 1))::int], p.ids[1 + (power(random(), 2) * (array_length(p.ids, 1) - 1))::int], \
        'Sample visit', (array['public', 'public', 'public', 'friends', 'private'])[1 + n % 5], t.at, t.at + interval '24 hours', null, null \
    from generate_series(1, $1) as n \
    cross join (select array_agg(id order by id) as ids from users where username like 'sample\\_%') u \
    cross join (select array_agg(id order by id) as ids from places where data_source = 'sample') p \
    cross join lateral (select now() - power(random(), 1.5) * (case when n > 0 then interval '30 days' end) as at) t \
    where u.ids is not null and p.ids is not null";

const REVIEWS: &str = "insert into reviews (user_id, place_id, rating, text) select distinct on (c.user_id, c.place_id) c.user_id, c.place_id, \
    2.5 + (c.id % 6) * 0.5, 'A sample review' from check_ins c where c.note = 'Sample visit' and c.id % 7 = 0 on conflict do nothing";

const RATINGS: &str = "update places p set rating = r.mean from (select place_id, avg(rating) as mean from reviews group by place_id) r \
    where r.place_id = p.id and p.rating is distinct from r.mean";

/// Makes the sample data; what is there already stays.
///
/// # Errors
/// When the database is away or refuses.
pub async fn run(config: &Config, amount: &Amount) -> Result<String, SeedError> {
    let db = db::pool(&db::patient(&config.db, Duration::from_secs(1800)))?;
    let places = step(&db, PLACES, amount.places).await?;
    let users = step(&db, USERS, amount.users).await?;
    step(&db, FOLLOWS, amount.users).await?;
    let check_ins = step(&db, CHECK_INS, amount.check_ins).await?;
    for sql in [REVIEWS, RATINGS, "vacuum analyze"] {
        sqlx::query(sql).execute(&db).await?;
    }
    db.close().await;
    Ok(format!(
        "stored {places} places, {users} people, {check_ins} check-ins"
    ))
}

async fn step(db: &PgPool, sql: &str, amount: i64) -> Result<u64, sqlx::Error> {
    Ok(sqlx::query(sql)
        .bind(amount)
        .execute(db)
        .await?
        .rows_affected())
}
