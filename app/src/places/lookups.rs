//! Names of countries, cities and neighborhoods: from the stored places, and from a list of major cities.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::filter::Filter;
use super::search;
use crate::app::App;
use crate::bounds::{Int, Lat, Lng, Text};
use crate::error::Result;
use crate::extract::{Json, Query};

#[derive(Deserialize, IntoParams)]
pub struct LookupQuery {
    #[param(inline)]
    country: Option<Text<0, 100>>,
    #[param(inline)]
    city: Option<Text<0, 100>>,
    #[param(inline)]
    q: Option<Text<0, 100>>,
    #[param(inline)]
    limit: Option<Int<1, 100>>,
}

async fn names(
    app: &App,
    column: &'static str,
    query: &LookupQuery,
    within: &[(&str, Option<&str>)],
) -> Result<Vec<String>> {
    let mut filter = Filter::default();
    filter.and(format!("trim({column}) <> ''"));
    filter.contains(&[column], query.q.as_deref());
    for (column, value) in within {
        filter.equals(column, *value);
    }
    let limit = filter.bind(query.limit.map_or(50, |l| *l));
    let sql = format!(
        "select min(trim({column})) as name from places p{{where}} group by lower(trim({column})) order by 1 limit {limit}"
    );
    let rows: Vec<(String,)> = filter.rows(&app.db, &sql).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Countries of the stored places.
#[utoipa::path(get, path = "/places/lookups/countries", tag = "lookups", params(LookupQuery), responses((status = 200, body = Vec<String>)))]
pub async fn countries(
    State(app): State<App>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<Vec<String>>> {
    Ok(Json(names(&app, "p.country", &query, &[]).await?))
}

/// Cities of the stored places.
#[utoipa::path(get, path = "/places/lookups/cities", tag = "lookups", params(LookupQuery), responses((status = 200, body = Vec<String>)))]
pub async fn cities(
    State(app): State<App>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<Vec<String>>> {
    Ok(Json(
        names(
            &app,
            "p.city",
            &query,
            &[("p.country", query.country.as_deref())],
        )
        .await?,
    ))
}

/// Neighborhoods of the stored places.
#[utoipa::path(get, path = "/places/lookups/neighborhoods", tag = "lookups", params(LookupQuery), responses((status = 200, body = Vec<String>)))]
pub async fn neighborhoods(
    State(app): State<App>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<Vec<String>>> {
    let within = [
        ("p.city", query.city.as_deref()),
        ("p.country", query.country.as_deref()),
    ];
    Ok(Json(names(&app, "p.neighborhood", &query, &within).await?))
}

/// A major city of the bundled list.
struct Major {
    name: &'static str,
    country: &'static str,
    region: &'static str,
    population: i64,
    latitude: f64,
    longitude: f64,
}

/// `name;country;region;population;latitude;longitude` a line. Figures of the cities' own statistics, rounded.
const MAJOR: &str = include_str!("major_cities.csv");

fn majors() -> impl Iterator<Item = Major> {
    MAJOR.lines().filter_map(|line| {
        let mut parts = line.split(';');
        Some(Major {
            name: parts.next()?,
            country: parts.next()?,
            region: parts.next()?,
            population: parts.next()?.parse().ok()?,
            latitude: parts.next()?.parse().ok()?,
            longitude: parts.next()?.parse().ok()?,
        })
    })
}

#[derive(Deserialize, IntoParams)]
pub struct CitiesQuery {
    /// Two letters.
    #[param(inline)]
    country: Option<Text<2, 2>>,
    #[param(inline)]
    limit: Option<Int<1, 200>>,
}

#[derive(Serialize, ToSchema)]
pub struct City {
    name: String,
    country: String,
    region: Option<String>,
    population: Option<i64>,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

/// A country's cities: the largest first, then those of the stored places.
#[utoipa::path(get, path = "/lookups/cities", tag = "lookups", params(CitiesQuery), responses((status = 200, body = Vec<City>)))]
pub async fn major_cities(
    State(app): State<App>,
    Query(query): Query<CitiesQuery>,
) -> Result<Json<Vec<City>>> {
    let country = query.country.as_deref().unwrap_or("SA").to_uppercase();
    let mut cities: Vec<City> = majors()
        .filter(|m| m.country == country)
        .map(|m| City {
            name: m.name.to_owned(),
            country: country.clone(),
            region: Some(m.region.to_owned()),
            population: Some(m.population),
            latitude: Some(m.latitude),
            longitude: Some(m.longitude),
        })
        .collect();
    cities.sort_by_key(|c| std::cmp::Reverse(c.population));
    let stored = "select min(trim(city)), avg(latitude), avg(longitude) from places where upper(country) = $1 and trim(city) <> '' \
                  group by lower(trim(city)) order by count(*) desc, 1 limit 200";
    let stored: Vec<(String, Option<f64>, Option<f64>)> = sqlx::query_as(stored)
        .bind(&country)
        .fetch_all(&app.db)
        .await?;
    for (name, latitude, longitude) in stored {
        if !cities.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
            cities.push(City {
                name,
                country: country.clone(),
                region: None,
                population: None,
                latitude,
                longitude,
            });
        }
    }
    cities.truncate(usize::try_from(query.limit.map_or(50, |l| *l)).unwrap_or(50));
    Ok(Json(cities))
}

#[derive(Deserialize, IntoParams)]
pub struct AllCitiesQuery {
    /// Two letters.
    #[param(inline)]
    country: Option<Text<2, 2>>,
}

/// All known cities' names.
#[utoipa::path(get, path = "/lookups/cities/all", tag = "lookups", params(AllCitiesQuery), responses((status = 200, body = Vec<String>)))]
pub async fn all_cities(
    State(app): State<App>,
    Query(query): Query<AllCitiesQuery>,
) -> Result<Json<Vec<String>>> {
    let country = query.country.as_deref().map(str::to_uppercase);
    let sql = "select distinct trim(city) from places where trim(city) <> '' and ($1::text is null or upper(country) = $1) limit 5000";
    let stored: Vec<String> = sqlx::query_scalar(sql)
        .bind(&country)
        .fetch_all(&app.db)
        .await?;
    let bundled = majors()
        .filter(|m| country.as_deref().is_none_or(|c| c == m.country))
        .map(|m| m.name.to_owned());
    let mut all: Vec<String> = bundled.chain(stored).collect();
    all.sort_by_key(|name| name.to_lowercase());
    all.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    Ok(Json(all))
}

#[derive(Deserialize, IntoParams)]
pub struct NeighborhoodsQuery {
    #[param(inline)]
    city: Text<1, 100>,
    #[param(inline)]
    lat: Option<Lat>,
    #[param(inline)]
    lng: Option<Lng>,
}

#[derive(Serialize, ToSchema)]
pub struct Neighborhood {
    name: String,
    /// Metres from the point given.
    distance: Option<f64>,
    population: Option<i64>,
}

/// A city's neighborhoods, nearest first when a point is given.
#[utoipa::path(get, path = "/lookups/neighborhoods", tag = "lookups", params(NeighborhoodsQuery), responses((status = 200, body = Vec<Neighborhood>)))]
pub async fn near_neighborhoods(
    State(app): State<App>,
    Query(query): Query<NeighborhoodsQuery>,
) -> Result<Json<Vec<Neighborhood>>> {
    let point = search::point(query.lat, query.lng)?;
    let sql = "select min(trim(neighborhood)), avg(latitude), avg(longitude) from places \
               where lower(city) = lower($1) and trim(neighborhood) <> '' group by lower(trim(neighborhood)) order by 1 limit 500";
    let rows: Vec<(String, Option<f64>, Option<f64>)> = sqlx::query_as(sql)
        .bind(query.city.trim())
        .fetch_all(&app.db)
        .await?;
    let mut found: Vec<Neighborhood> = rows
        .into_iter()
        .map(|(name, lat, lng)| {
            let distance = point
                .zip(lat.zip(lng))
                .map(|(p, c)| crate::geo::haversine_m(p.0, p.1, c.0, c.1));
            Neighborhood {
                name,
                distance,
                population: None,
            }
        })
        .collect();
    if point.is_some() {
        found.sort_by(|a, b| {
            a.distance
                .unwrap_or(f64::MAX)
                .total_cmp(&b.distance.unwrap_or(f64::MAX))
        });
    }
    Ok(Json(found))
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_bundled_line_is_read() {
        assert_eq!(super::majors().count(), super::MAJOR.lines().count());
    }
}
