//! OpenStreetMap's text search.

use serde::Serialize;
use serde_json::Value;

use super::{External, good};

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
