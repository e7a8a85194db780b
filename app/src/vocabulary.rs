//! The words places are found by: countries, cities, neighborhoods and categories, and how many places have each.
//!
//! They are gathered from all places, so a large database is asked for them now and then only, and what is asked of them is answered
//! from memory.

use std::collections::HashMap;
use std::sync::Arc;

use sqlx::PgPool;

use crate::error::Result;
use crate::rankings::kept::Kept;

/// A neighborhood of a city of a country; any of them may be missing.
#[derive(Debug, sqlx::FromRow)]
pub struct Area {
    pub country: Option<String>,
    pub city: Option<String>,
    pub neighborhood: Option<String>,
    pub places: i64,
    /// Places with coordinates, and the sums of those.
    pub located: i64,
    pub latitudes: f64,
    pub longitudes: f64,
}

/// A word as most write it, and how many places have it.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    pub name: String,
    pub places: i64,
    /// The middle of its places.
    pub point: Option<(f64, f64)>,
}

/// Ratings of all places.
#[derive(Debug, Clone, Copy, sqlx::FromRow)]
pub struct Ratings {
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub average: Option<f64>,
}

#[derive(Debug)]
pub struct Areas {
    all: Vec<Area>,
    cities: Vec<Term>,
    neighborhoods: Vec<Term>,
}

#[derive(Default)]
pub struct Vocabulary {
    areas: Kept<Arc<Areas>>,
    categories: Kept<Arc<Vec<Term>>>,
    ratings: Kept<Ratings>,
}

const AREAS: &str = "select country, city, neighborhood, count(*) as places, count(latitude + longitude) as located, \
    coalesce(sum(latitude) filter (where longitude is not null), 0) as latitudes, \
    coalesce(sum(longitude) filter (where latitude is not null), 0) as longitudes from places group by 1, 2, 3";
const CATEGORIES: &str =
    "select categories, count(*) from places where categories is not null group by 1";
const RATINGS: &str = "select min(rating), max(rating), avg(rating) as average from places";

impl Vocabulary {
    /// # Errors
    /// The database's failure.
    pub async fn areas(&self, db: &PgPool) -> Result<Arc<Areas>> {
        let db = db.clone();
        let ask = || async move {
            let all = sqlx::query_as(AREAS).fetch_all(&db).await?;
            Ok(Arc::new(Areas::new(all)))
        };
        self.areas.get_if_large(ask).await
    }

    /// Categories, most frequent first.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn categories(&self, db: &PgPool) -> Result<Arc<Vec<Term>>> {
        let db = db.clone();
        let ask = || async move {
            let lists: Vec<(String, i64)> = sqlx::query_as(CATEGORIES).fetch_all(&db).await?;
            let each = lists.iter().flat_map(|(list, places)| {
                list.split(',')
                    .map(|category| (category, Counted::of(*places)))
            });
            Ok(Arc::new(terms(each)))
        };
        self.categories.get_if_large(ask).await
    }

    /// # Errors
    /// The database's failure.
    pub async fn ratings(&self, db: &PgPool) -> Result<Ratings> {
        let db = db.clone();
        let ask = || async move { Ok(sqlx::query_as(RATINGS).fetch_one(&db).await?) };
        self.ratings.get_if_large(ask).await
    }

    /// Gathers all words again that are not fresh, so that nobody waits for them.
    ///
    /// # Errors
    /// The database's failure.
    pub async fn warm(&self, db: &PgPool) -> Result<()> {
        self.areas(db).await?;
        self.categories(db).await?;
        self.ratings(db).await?;
        Ok(())
    }

    /// Keeps answers even while they are old, for a database that is large.
    pub fn set_large(&self, large: bool) {
        self.areas.set_large(large);
        self.categories.set_large(large);
        self.ratings.set_large(large);
    }
}

impl Areas {
    fn new(all: Vec<Area>) -> Areas {
        let named = |name: fn(&Area) -> &Option<String>| {
            let each = all.iter().map(|area| {
                let name = name(area).as_deref().unwrap_or_default();
                (name, Counted::in_area(area))
            });
            terms(each)
        };
        let (cities, neighborhoods) = (named(|a| &a.city), named(|a| &a.neighborhood));
        Areas {
            all,
            cities,
            neighborhoods,
        }
    }

    /// All cities, most frequent first.
    #[must_use]
    pub fn cities(&self) -> &[Term] {
        &self.cities
    }

    /// All neighborhoods, most frequent first.
    #[must_use]
    pub fn neighborhoods(&self) -> &[Term] {
        &self.neighborhoods
    }

    /// The names of the areas that `wanted` chooses, most frequent first.
    #[must_use]
    pub fn named<'a>(
        &'a self,
        name: impl Fn(&'a Area) -> &'a Option<String>,
        wanted: impl Fn(&Area) -> bool,
    ) -> Vec<Term> {
        let chosen = self.all.iter().filter(|area| wanted(area));
        terms(chosen.map(|area| {
            let name = name(area).as_deref().unwrap_or_default();
            (name, Counted::in_area(area))
        }))
    }
}

/// Whether the texts are the same, ignoring case and the blanks around them.
#[must_use]
pub fn is_same(one: Option<&str>, other: &str) -> bool {
    one.is_some_and(|one| one.trim().to_lowercase() == other.trim().to_lowercase())
}

#[derive(Default)]
struct Counted {
    places: i64,
    located: i64,
    latitudes: f64,
    longitudes: f64,
}

impl Counted {
    fn of(places: i64) -> Counted {
        Counted {
            places,
            ..Counted::default()
        }
    }

    fn in_area(area: &Area) -> Counted {
        Counted {
            places: area.places,
            located: area.located,
            latitudes: area.latitudes,
            longitudes: area.longitudes,
        }
    }

    #[allow(clippy::cast_precision_loss)] // a number of places
    fn middle(&self) -> Option<(f64, f64)> {
        let located = self.located as f64;
        (self.located > 0).then(|| (self.latitudes / located, self.longitudes / located))
    }
}

/// Names that differ in case or in the blanks around them count as one. Most frequent first, then by name.
fn terms<'a>(each: impl Iterator<Item = (&'a str, Counted)>) -> Vec<Term> {
    let mut found: HashMap<String, (&str, Counted)> = HashMap::new();
    for (name, counted) in each {
        let name = name.trim();
        if name.is_empty() {
            continue;
        }
        let (shown, sum) = found
            .entry(name.to_lowercase())
            .or_insert_with(|| (name, Counted::default()));
        *shown = name.min(shown);
        sum.places += counted.places;
        sum.located += counted.located;
        sum.latitudes += counted.latitudes;
        sum.longitudes += counted.longitudes;
    }
    let mut terms: Vec<Term> = found
        .into_values()
        .map(|(name, counted)| Term {
            name: name.to_owned(),
            places: counted.places,
            point: counted.middle(),
        })
        .collect();
    terms.sort_unstable_by(|a, b| b.places.cmp(&a.places).then_with(|| a.name.cmp(&b.name)));
    terms
}

/// The first of the terms that contain the text, ignoring case.
#[must_use]
pub fn containing<'a>(terms: &'a [Term], text: &str, limit: usize) -> Vec<&'a Term> {
    let text = text.trim().to_lowercase();
    let contain = |term: &&Term| term.name.to_lowercase().contains(&text);
    terms.iter().filter(contain).take(limit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_written_differently_are_one_and_the_frequent_come_first() {
        let each = [("Cafe", 2), (" cafe ", 3), ("Gym", 4), ("", 9), (" ", 9)];
        let terms = terms(each.map(|(name, n)| (name, Counted::of(n))).into_iter());
        let found: Vec<(&str, i64)> = terms.iter().map(|t| (t.name.as_str(), t.places)).collect();
        assert_eq!(found, [("Cafe", 5), ("Gym", 4)]);
        assert_eq!(containing(&terms, " AF", 10).len(), 1);
        assert_eq!(containing(&terms, "", 1).len(), 1);
    }

    #[test]
    fn the_middle_is_of_the_places_with_coordinates() {
        let area = |neighborhood: &str, located, latitudes| Area {
            country: Some("SA".into()),
            city: Some("Riyadh".into()),
            neighborhood: Some(neighborhood.into()),
            places: 3,
            located,
            latitudes,
            longitudes: 0.0,
        };
        let areas = Areas::new(vec![area("A", 2, 10.0), area("B", 0, 0.0)]);
        assert_eq!(areas.cities()[0].point, Some((5.0, 0.0)));
        let named = areas.named(
            |a| &a.neighborhood,
            |a| is_same(a.city.as_deref(), " riyadh"),
        );
        assert_eq!(named.len(), 2);
        assert_eq!(named[1].point, None);
    }
}
