//! Names of countries, cities and neighborhoods: from the stored places, and from a list of major cities.

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::search;
use crate::app::App;
use crate::bounds::{Int, Lat, Lng, Text};
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::vocabulary::{self, Area, Areas, Term, is_same};

/// Names in one answer, at most.
const MOST_CITIES: usize = 200;
const MOST_NAMES: usize = 5000;
const MOST_NEIGHBORHOODS: usize = 500;

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

/// The names of the areas that lie within and contain the text asked for, by name.
fn names<'a>(
    areas: &'a Areas,
    name: fn(&'a Area) -> &'a Option<String>,
    query: &LookupQuery,
    within: impl Fn(&Area) -> bool,
) -> Vec<String> {
    let terms = areas.named(name, within);
    let text = query.q.as_deref().unwrap_or_default();
    let found = vocabulary::containing(&terms, text, usize::MAX);
    let mut names: Vec<String> = found.into_iter().map(|term| term.name.clone()).collect();
    names.sort_unstable();
    names.truncate(usize::try_from(query.limit.map_or(50, |l| *l)).unwrap_or(50));
    names
}

/// Whether the value is the one asked for, if one is.
fn is_asked(asked: Option<&str>, value: Option<&str>) -> bool {
    let asked = asked.filter(|a| !a.trim().is_empty());
    asked.is_none_or(|asked| is_same(value, asked))
}

/// Countries of the stored places.
#[utoipa::path(get, path = "/places/lookups/countries", tag = "lookups", params(LookupQuery), responses((status = 200, body = Vec<String>)))]
pub async fn countries(
    State(app): State<App>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<Vec<String>>> {
    let areas = app.vocabulary.areas(&app.db).await?;
    Ok(Json(names(&areas, |a| &a.country, &query, |_| true)))
}

/// Cities of the stored places.
#[utoipa::path(get, path = "/places/lookups/cities", tag = "lookups", params(LookupQuery), responses((status = 200, body = Vec<String>)))]
pub async fn cities(
    State(app): State<App>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<Vec<String>>> {
    let areas = app.vocabulary.areas(&app.db).await?;
    let within = |a: &Area| is_asked(query.country.as_deref(), a.country.as_deref());
    Ok(Json(names(&areas, |a| &a.city, &query, within)))
}

/// Neighborhoods of the stored places.
#[utoipa::path(get, path = "/places/lookups/neighborhoods", tag = "lookups", params(LookupQuery), responses((status = 200, body = Vec<String>)))]
pub async fn neighborhoods(
    State(app): State<App>,
    Query(query): Query<LookupQuery>,
) -> Result<Json<Vec<String>>> {
    let areas = app.vocabulary.areas(&app.db).await?;
    let within = |a: &Area| {
        is_asked(query.country.as_deref(), a.country.as_deref())
            && is_asked(query.city.as_deref(), a.city.as_deref())
    };
    Ok(Json(names(&areas, |a| &a.neighborhood, &query, within)))
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
    let areas = app.vocabulary.areas(&app.db).await?;
    let stored = areas.named(
        |a| &a.city,
        |a| is_asked(Some(&country), a.country.as_deref()),
    );
    for Term { name, point, .. } in stored.into_iter().take(MOST_CITIES) {
        if !cities.iter().any(|c| c.name.eq_ignore_ascii_case(&name)) {
            cities.push(City {
                name,
                country: country.clone(),
                region: None,
                population: None,
                latitude: point.map(|p| p.0),
                longitude: point.map(|p| p.1),
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
    let areas = app.vocabulary.areas(&app.db).await?;
    let within = |a: &Area| is_asked(country.as_deref(), a.country.as_deref());
    let stored = areas.named(|a| &a.city, within).into_iter();
    let stored = stored.take(MOST_NAMES).map(|term| term.name);
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
    let areas = app.vocabulary.areas(&app.db).await?;
    let within = |a: &Area| is_same(a.city.as_deref(), &query.city);
    let mut terms = areas.named(|a| &a.neighborhood, within);
    terms.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    terms.truncate(MOST_NEIGHBORHOODS);
    let mut found: Vec<Neighborhood> = terms
        .into_iter()
        .map(
            |Term {
                 name,
                 point: middle,
                 ..
             }| {
                let distance = point
                    .zip(middle)
                    .map(|(p, c)| crate::geo::haversine_m(p.0, p.1, c.0, c.1));
                Neighborhood {
                    name,
                    distance,
                    population: None,
                }
            },
        )
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
