//! Places scored by check-ins, reviews, photos and people within a window.
//!
//! A window's ranking of all places is kept as long as it was dear to make. So a small database is always up to date, and a large one
//! is not asked to count a day's check-ins for every request.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use sqlx::PgPool;

pub mod kept;

use crate::error::{ApiError, Result};
use crate::geo::{Circle, Spot};
use kept::Kept;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    Hour,
    SixHours,
    Day,
    Week,
    Month,
}

impl Window {
    pub fn parse(text: Option<&str>) -> Result<Window> {
        match text.unwrap_or("24h") {
            "1h" => Ok(Window::Hour),
            "6h" => Ok(Window::SixHours),
            "24h" => Ok(Window::Day),
            "7d" => Ok(Window::Week),
            "30d" => Ok(Window::Month),
            _ => Err(ApiError::bad(
                "time_window must be one of 1h, 6h, 24h, 7d, 30d",
            )),
        }
    }

    pub const fn hours(self) -> i32 {
        match self {
            Window::Hour => 1,
            Window::SixHours => 6,
            Window::Day => 24,
            Window::Week => 7 * 24,
            Window::Month => 30 * 24,
        }
    }
}

/// A place with any signal in a window, and the people checked in there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked {
    pub id: i64,
    pub people: i64,
}

/// A row of [`RANKED`]. Small, since there are as many as places: the memory they took is not given back between two rankings.
#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    score: i32,
    people: i32,
    latest: DateTime<Utc>,
    /// Both not a number where the place has none.
    latitude: f64,
    longitude: f64,
}

/// Places with any signal in a window, best first.
#[derive(Debug, Default)]
pub struct Ranking {
    pub places: Vec<Ranked>,
    /// Where they lay when they were ranked, from south to north, each with its position above: what is near a point is found among a
    /// few, and without asking the database.
    spots: Vec<(Spot, u32)>,
}

impl Ranking {
    /// Puts the rows in order: here, because the database takes ten times as long for it.
    fn new(mut rows: Vec<Row>) -> Ranking {
        rows.sort_unstable_by_key(|row| (Reverse(row.score), Reverse(row.latest), row.id));
        // Of their size from the start: collected in place they would keep the rows' memory.
        let mut places = Vec::with_capacity(rows.len());
        places.extend(rows.iter().map(|row| Ranked {
            id: row.id,
            people: i64::from(row.people),
        }));
        let spot = |(position, row): (u32, &Row)| {
            let known = !row.latitude.is_nan() && !row.longitude.is_nan();
            known.then(|| (Spot::at(row.latitude, row.longitude), position))
        };
        let mut spots = Vec::with_capacity(rows.len());
        spots.extend((0..).zip(&rows).filter_map(spot));
        spots.sort_unstable_by(|(a, _): &(Spot, u32), (b, _)| a.north().total_cmp(&b.north()));
        Ranking { places, spots }
    }

    /// The places of the circle, best first.
    #[must_use]
    pub fn within(&self, circle: &Circle) -> Vec<Ranked> {
        let (south, north) = circle.band();
        let from = self.spots.partition_point(|(spot, _)| spot.north() < south);
        let band = self.spots[from..].iter();
        let mut near: Vec<u32> = band
            .take_while(|(spot, _)| spot.north() <= north)
            .filter(|(spot, _)| circle.holds(spot))
            .map(|(_, position)| *position)
            .collect();
        near.sort_unstable();
        let place = |position| self.places.get(position as usize).copied();
        near.into_iter().filter_map(place).collect()
    }
}

/// Check-ins, as the database estimates them, from which on a ranking takes its time.
const MANY: f32 = 100_000.0;
/// And places, from which on their words do.
const MANY_PLACES: f32 = 10_000.0;

/// The rankings of this task, one a window, and the number of people who can chat.
#[derive(Default)]
pub struct Rankings {
    windows: [Kept<Arc<Ranking>>; 5],
    chatting: Kept<i64>,
    visits: Kept<Arc<HashMap<i64, i64>>>,
}

/// 3 a check-in, 2 a review, 1 a photo of a review, 2 a person; each signal counted by itself. Private check-ins do not count.
const RANKED: &str = "with c as (select place_id, count(*) as n, count(distinct user_id) as people, max(created_at) as latest from check_ins \
        where created_at > now() - make_interval(hours => $1) and expires_at > now() and visibility <> 'private' group by place_id), \
    r as (select place_id, count(*) as n, max(created_at) as latest from reviews \
        where created_at > now() - make_interval(hours => $1) group by place_id), \
    f as (select place_id, count(*) as n from photos where review_id is not null \
        and created_at > now() - make_interval(hours => $1) group by place_id) \
    select p.id, (3 * coalesce(c.n, 0) + 2 * coalesce(r.n, 0) + coalesce(f.n, 0) + 2 * coalesce(c.people, 0))::int as score, \
        greatest(c.latest, r.latest) as latest, coalesce(c.people, 0)::int as people, \
        coalesce(p.latitude, 'nan') as latitude, coalesce(p.longitude, 'nan') as longitude from c full join r on r.place_id = c.place_id \
        join places p on p.id = coalesce(c.place_id, r.place_id) left join f on f.place_id = p.id";

impl Rankings {
    /// People who can chat somewhere now; kept by the same rule as the rankings.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn chatting(&self, db: &PgPool, hours: i64) -> Result<i64> {
        let db = db.clone();
        let count = || async move {
            let sql = "select count(distinct user_id) from check_ins \
                       where created_at > now() - make_interval(hours => $1::int) and expires_at > now()";
            let people = sqlx::query_scalar(sql).bind(hours);
            Ok(people.fetch_one(&db).await?)
        };
        self.chatting.get(count).await
    }

    /// The ranking of a window.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn of(&self, db: &PgPool, window: Window) -> Result<Arc<Ranking>> {
        let db = db.clone();
        let rank = || async move {
            let ids = sqlx::query_as(RANKED).bind(window.hours());
            Ok(Arc::new(Ranking::new(ids.fetch_all(&db).await?)))
        };
        self.windows[window as usize].get(rank).await
    }

    /// Check-ins of all time that are not private, by place.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn visits(&self, db: &PgPool) -> Result<Arc<HashMap<i64, i64>>> {
        let db = db.clone();
        let count = || async move {
            let sql = "select place_id, count(*) from check_ins where visibility <> 'private' group by place_id";
            let rows: Vec<(i64, i64)> = sqlx::query_as(sql).fetch_all(&db).await?;
            Ok(Arc::new(rows.into_iter().collect()))
        };
        self.visits.get_if_large(count).await
    }

    /// Makes the rankings that are not fresh, so that nobody waits for them.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn warm(&self, db: &PgPool, windows: &[Window]) -> Result<()> {
        for window in windows {
            self.of(db, *window).await?;
        }
        self.visits(db).await.map(drop)
    }

    /// Whether the database holds so much that its rankings take their time, by its own estimate; noted for the answers kept.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn look_at_size(&self, db: &PgPool) -> Result<bool> {
        let sql = "select exists (select 1 from pg_class where (oid = to_regclass('check_ins') and reltuples >= $1) \
                   or (oid = to_regclass('places') and reltuples >= $2))";
        let large = sqlx::query_scalar(sql)
            .bind(MANY)
            .bind(MANY_PLACES)
            .fetch_one(db)
            .await?;
        for window in &self.windows {
            window.set_large(large);
        }
        self.visits.set_large(large);
        self.chatting.set_large(large);
        Ok(large)
    }
}
