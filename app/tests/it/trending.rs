//! What trends near a point: the radius is judged here, as the database would judge it.

use std::collections::BTreeSet;
use std::f64::consts::TAU;

use circles_app::geo::{Geo, Spot};
use serde_json::Value;
use sqlx::PgPool;

use crate::harness::World;

const RADIUS: f64 = 5000.0;
/// Metres the two ways to compute may differ by at the very edge.
const ROUNDING: f64 = 0.001;
/// A city, the date line from both sides, the poles and beside them, and where both coordinates change their sign.
const POINTS: [(f64, f64); 9] = [
    (24.7136, 46.6753),
    (-17.0, 179.99),
    (65.0, -179.98),
    (0.0, 180.0),
    (89.98, 10.0),
    (-89.96, -120.0),
    (90.0, 0.0),
    (-90.0, 77.0),
    (0.0, 0.0),
];

/// Where one gets to from the point, by an angle of direction and an angle seen from the Earth's centre.
fn away((lat, lng): (f64, f64), direction: f64, angle: f64) -> (f64, f64) {
    let (lat, lng) = (lat.to_radians(), lng.to_radians());
    let up = lat.sin() * angle.cos() + lat.cos() * angle.sin() * direction.cos();
    let there = up.clamp(-1.0, 1.0).asin();
    let east = direction.sin() * angle.sin() * lat.cos();
    let lng = lng + east.atan2(angle.cos() - lat.sin() * there.sin());
    let turned = (lng.to_degrees() + 540.0).rem_euclid(360.0) - 180.0;
    (there.to_degrees(), turned)
}

/// Places in a spiral around every point, out to twice the radius, and one without coordinates.
async fn scatter(db: &PgPool) {
    let sql = "insert into places (name, latitude, longitude) select 'Scattered', * from unnest($1::float8[], $2::float8[])";
    for point in POINTS {
        let spiral = (0..400).map(|n| {
            let metres = RADIUS * 2.0 * f64::from(n) / 400.0;
            away(point, TAU * f64::from(n) * 0.618, metres / 6_371_000.0)
        });
        let (lats, lngs): (Vec<f64>, Vec<f64>) = spiral.unzip();
        sqlx::query(sql)
            .bind(lats)
            .bind(lngs)
            .execute(db)
            .await
            .expect("places are stored");
    }
    sqlx::query("insert into places (name) values ('Nowhere')")
        .execute(db)
        .await
        .expect("a place is stored");
}

type Found = (i64, Option<f64>, Option<f64>, Option<f64>, Option<bool>);

#[tokio::test(flavor = "multi_thread")]
async fn the_radius_is_judged_as_by_the_database() {
    let world = World::new().await;
    scatter(&world.db).await;
    for geo in [Geo::PostGis, Geo::Haversine] {
        let sql = format!(
            "select p.id, p.latitude, p.longitude, {}, {} from places p",
            geo.distance("p", "$1", "$2"),
            geo.within("p", "$1", "$2", "$3"),
        );
        for point in POINTS {
            let circle = geo.circle(point, RADIUS);
            let rows: Vec<Found> = sqlx::query_as(&sql)
                .bind(point.0)
                .bind(point.1)
                .bind(RADIUS)
                .fetch_all(&world.db)
                .await
                .expect("the database measures");
            let (mut inside, mut edge) = (0, 0);
            for (id, lat, lng, metres, by_database) in rows {
                let (Some(lat), Some(lng), Some(metres)) = (lat, lng, metres) else {
                    assert_ne!(by_database, Some(true), "nowhere is near nothing");
                    continue;
                };
                if (metres - RADIUS).abs() < ROUNDING {
                    edge += 1;
                    continue;
                }
                let spot = Spot::at(lat, lng);
                let told = circle.holds(&spot);
                let (south, north) = circle.band();
                let among = (south..=north).contains(&spot.north());
                assert!(!told || among, "{lat}: {circle:?}");
                let context =
                    format!("{geo:?}: place {id} at {lat}, {lng}, {metres} m from {point:?}");
                assert_eq!(Some(told), by_database, "{context}");
                inside += usize::from(told);
            }
            assert!(inside >= 190, "{geo:?}: {inside} around {point:?}");
            assert!(edge <= 2, "{geo:?}: {edge} at the edge around {point:?}");
        }
    }
}

fn named(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().expect("a list");
    items.iter().filter_map(|p| p["name"].as_str()).collect()
}

const NEAR: &str = "/places/trending?lat=24.7136&lng=46.6753";

/// Asks while the reviews are locked for a while, so that the ranking is dear and therefore kept.
async fn keep_a_ranking(world: &World, path: &str) -> Value {
    let mut holder = world.db.begin().await.expect("a transaction");
    sqlx::query("lock table reviews in access exclusive mode")
        .execute(&mut *holder)
        .await
        .expect("the lock");
    let nobody = world.nobody();
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
        holder.rollback().await.expect("the lock is freed");
    };
    let (answer, ()) = tokio::join!(nobody.get(path), release);
    answer.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_ranking_shows_no_place_that_is_gone_or_elsewhere() {
    for postgis in ["true", "false"] {
        let world = World::with(&[("APP_USE_POSTGIS", postgis)]).await;
        let sara = world.person("Sara").await;
        let names = ["Stays", "Moves", "Goes", "Late"];
        for (n, name) in (0_u8..).zip(names) {
            let place = world.place(name, f64::from(n) * 100.0).await;
            sara.check_in(place, "public").await;
        }
        let page = keep_a_ranking(&world, NEAR).await;
        assert_eq!(named(&page), names);
        // Not counted anew: the ranking is the one that was kept.
        let place = world.place("Unranked", 0.0).await;
        sara.check_in(place, "public").await;
        assert_eq!(named(&sara.get(NEAR).await.expect(200)), names);
        for sql in [
            "update places set latitude = latitude + 1 where name = 'Moves'",
            "delete from places where name = 'Goes'",
        ] {
            world.execute(sql).await;
        }
        let page = sara.get(NEAR).await.expect(200);
        assert_eq!(
            (named(&page), page["total"].as_i64()),
            (vec!["Stays", "Late"], Some(2))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn near_a_point_the_best_come_first_page_by_page_and_filters_hold() {
    let world = World::new().await;
    let (sara, omar) = (world.person("Sara").await, world.person("Omar").await);
    // The farther the busier, but for the last, which is too far.
    let mut all = Vec::new();
    for n in 0..6_u32 {
        let metres = if n == 5 { 5100.0 } else { f64::from(n) * 100.0 };
        let place = world.place(&format!("Cafe {n}"), metres).await;
        all.push(place);
        if n == 5 {
            // Nobody standing in the middle could check in there.
            for person in [sara.id, omar.id] {
                let sql = "insert into check_ins (user_id, place_id, expires_at) values ({person}, {place}, now() + interval '1 day')";
                let sql = sql.replace("{person}", &person.to_string());
                world
                    .execute(&sql.replace("{place}", &place.to_string()))
                    .await;
            }
            continue;
        }
        sara.check_in(place, "public").await;
        if n >= 3 {
            omar.check_in(place, "public").await;
        }
    }
    let sql = format!(
        "update places set categories = 'Bakery' where id in ({}, {})",
        all[0], all[4]
    );
    world.execute(&sql).await;
    for (query, expected, total) in [
        (
            "",
            vec!["Cafe 0", "Cafe 1", "Cafe 2", "Cafe 3", "Cafe 4"],
            5,
        ),
        // The newest of the equals first; within the page the nearest.
        ("&limit=2", vec!["Cafe 3", "Cafe 4"], 5),
        ("&limit=2&offset=2", vec!["Cafe 1", "Cafe 2"], 5),
        ("&limit=2&offset=4", vec!["Cafe 0"], 5),
        ("&offset=5", vec![], 5),
        ("&cuisine=bak", vec!["Cafe 0", "Cafe 4"], 2),
        ("&cuisine=bak&limit=1", vec!["Cafe 4"], 2),
        ("&q=cafe%203&city=riy&price_budget=$$", vec!["Cafe 3"], 1),
        ("&country=egypt", vec![], 0),
        ("&time_window=7d&min_rating=1", vec![], 0),
    ] {
        let page = sara.get(&format!("{NEAR}{query}")).await.expect(200);
        let told = (named(&page), page["total"].as_i64());
        assert_eq!(told, (expected, Some(total)), "{query}");
    }
    let page = sara.get(NEAR).await.expect(200);
    let ids: BTreeSet<i64> = page["items"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|p| p["id"].as_i64())
        .collect();
    assert_eq!(ids, all[..5].iter().copied().collect());
    assert_eq!(page["items"][3]["recent_checkins_count"], 2);
}
