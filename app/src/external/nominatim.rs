//! OpenStreetMap's text search, and the names of where a point lies.

use std::time::Duration;

use super::foreign::Foreign;
use super::shared::Provider;
use super::{External, ExternalError, good};
use serde::Serialize;

const KEPT: [&str; 5] = ["restaurant", "cafe", "bar", "shop", "amenity"];

/// A place found by text.
#[derive(Debug, Serialize)]
pub struct TextHit {
    name: String,
    address: String,
    latitude: f64,
    longitude: f64,
    place_id: Option<i64>,
    data_source: &'static str,
    external_id: String,
    types: Vec<String>,
}

impl External {
    /// Places by text; none when OSM is off or fails.
    pub async fn text_search(&self, query: &str, limit: i64) -> Vec<TextHit> {
        if !self.config.use_osm {
            return Vec::new();
        }
        let search = async {
            let url = format!("{}/search", self.config.nominatim_url);
            let params = [
                ("q", query),
                ("format", "jsonv2"),
                ("limit", &limit.to_string()),
            ];
            good(self.http.get(url).query(&params).send().await?).await
        };
        let key = format!("search {limit} {}", query.trim().to_lowercase());
        let search = self.shared(Provider::Nominatim, &key, search);
        match self.nominatim.call(search).await {
            Ok(body) => {
                let list = body.root().list();
                list.map(|all| all.filter_map(hit).collect())
                    .unwrap_or_default()
            }
            Err(error) => {
                tracing::warn!(cause = %error, "nominatim gave nothing");
                Vec::new()
            }
        }
    }
}

/// Where a point lies.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Whereabouts {
    pub country: Option<String>,
    pub city: Option<String>,
    pub neighborhood: Option<String>,
}

/// Longer than a good answer takes: the names can wait for another time.
const REVERSE_LIMIT: Duration = Duration::from_secs(5);

impl External {
    /// The names of where a point lies, in English as the provider's.
    ///
    /// # Errors
    /// When OSM is off, paused or fails.
    pub async fn whereabouts(&self, lat: f64, lng: f64) -> Result<Whereabouts, ExternalError> {
        if !self.config.use_osm {
            return Err(ExternalError::Off);
        }
        let ask = async {
            let url = format!("{}/reverse", self.config.nominatim_url);
            let params = [
                ("lat", lat.to_string()),
                ("lon", lng.to_string()),
                ("format", "jsonv2".to_owned()),
                ("accept-language", "en".to_owned()),
            ];
            let limit = self.config.http_timeout.min(REVERSE_LIMIT);
            let request = self.http.get(url).query(&params).timeout(limit);
            good(request.send().await?).await
        };
        let key = format!("reverse {lat} {lng}");
        let ask = self.shared(Provider::Nominatim, &key, ask);
        let body = self.nominatim.call(ask).await?;
        Ok(whereabouts_of(body.root().get("address")))
    }
}

/// Longer names are not names of areas, and beyond what an index of the database can hold.
const MAX_NAME: usize = 200;

fn whereabouts_of(address: Foreign<'_>) -> Whereabouts {
    let first = |names: &[&str]| {
        let mut found = names.iter().filter_map(|name| address.get(name).text());
        found
            .find(|name| name.chars().count() <= MAX_NAME)
            .map(str::to_owned)
    };
    Whereabouts {
        country: first(&["country"]),
        city: first(&["city", "town", "village", "municipality", "county"]),
        neighborhood: first(&["neighbourhood", "suburb", "quarter", "city_district"]),
    }
}

fn hit(v: Foreign<'_>) -> Option<TextHit> {
    let types: Vec<String> = ["type", "category", "class"]
        .iter()
        .filter_map(|k| v.get(k).text())
        .map(str::to_owned)
        .collect();
    if !types.iter().any(|t| KEPT.contains(&t.as_str())) {
        return None;
    }
    let address = v.get("display_name").text()?.to_owned();
    let name = v.get("name").text();
    let name = name.or_else(|| address.split(',').next())?.to_owned();
    let degrees = |key: &str| {
        let degrees: f64 = v.get(key).text()?.parse().ok()?;
        degrees.is_finite().then_some(degrees)
    };
    Some(TextHit {
        name,
        latitude: degrees("lat")?,
        longitude: degrees("lon")?,
        place_id: v.get("place_id").integer(),
        data_source: "osm",
        external_id: format!(
            "osm_{}_{}",
            v.get("osm_type").text()?,
            v.get("osm_id").integer()?
        ),
        types,
        address,
    })
}

#[cfg(test)]
mod tests {
    use super::super::foreign::arbitrary;
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_village_is_a_city_where_there_is_none() {
        let address = json!({ "village": "Ushaiger", "country": "Saudi Arabia" });
        let found = whereabouts_of(Foreign::of(&address));
        assert_eq!(found.city.as_deref(), Some("Ushaiger"));
        assert_eq!(found.neighborhood, None);
        let nothing = whereabouts_of(Foreign::of(&Value::Null));
        assert_eq!(nothing, Whereabouts::default());
    }

    const KEYS: [&str; 12] = [
        "type",
        "category",
        "display_name",
        "name",
        "lat",
        "lon",
        "place_id",
        "osm_type",
        "osm_id",
        "country",
        "city",
        "suburb",
    ];

    proptest::proptest! {
        #[test]
        fn any_json_can_be_read(value in arbitrary::json(&KEYS)) {
            if let Some(hit) = hit(Foreign::of(&value)) {
                proptest::prop_assert!(hit.latitude.is_finite() && hit.longitude.is_finite());
            }
            let named = whereabouts_of(Foreign::of(&value));
            let names = [named.country, named.city, named.neighborhood];
            proptest::prop_assert!(names.iter().flatten().all(|n| n.chars().count() <= MAX_NAME));
        }
    }
}
