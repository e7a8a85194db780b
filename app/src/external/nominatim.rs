//! OpenStreetMap's text search, and the names of where a point lies.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::shared::Provider;
use super::{External, ExternalError, good};

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
            Ok(body) => body
                .as_array()
                .map(|all| all.iter().filter_map(hit).collect())
                .unwrap_or_default(),
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
        Ok(whereabouts_of(&body["address"]))
    }
}

fn whereabouts_of(address: &Value) -> Whereabouts {
    let first = |names: &[&str]| {
        let found = names.iter().find_map(|name| address[*name].as_str());
        found.map(str::to_owned)
    };
    Whereabouts {
        country: first(&["country"]),
        city: first(&["city", "town", "village", "municipality", "county"]),
        neighborhood: first(&["neighbourhood", "suburb", "quarter", "city_district"]),
    }
}

fn hit(v: &Value) -> Option<TextHit> {
    let types: Vec<String> = ["type", "category", "class"]
        .iter()
        .filter_map(|k| v[*k].as_str())
        .map(str::to_owned)
        .collect();
    if !types.iter().any(|t| KEPT.contains(&t.as_str())) {
        return None;
    }
    let address = v["display_name"].as_str()?.to_owned();
    let name = v["name"]
        .as_str()
        .filter(|n| !n.is_empty())
        .or_else(|| address.split(',').next())?
        .to_owned();
    Some(TextHit {
        name,
        latitude: v["lat"].as_str()?.parse().ok()?,
        longitude: v["lon"].as_str()?.parse().ok()?,
        place_id: v["place_id"].as_i64(),
        data_source: "osm",
        external_id: format!("osm_{}_{}", v["osm_type"].as_str()?, v["osm_id"].as_i64()?),
        types,
        address,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_village_is_a_city_where_there_is_none() {
        let found = whereabouts_of(&json!({ "village": "Ushaiger", "country": "Saudi Arabia" }));
        assert_eq!(found.city.as_deref(), Some("Ushaiger"));
        assert_eq!(found.neighborhood, None);
        assert_eq!(whereabouts_of(&Value::Null), Whereabouts::default());
    }
}
