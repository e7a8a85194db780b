//! OpenStreetMap by area, through Overpass: several mirrors, tried in turn.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::shared::Provider;
use super::venue::Venue;
use super::{External, ExternalError, good};

/// What is taken: keys and their values.
const KINDS: [(&str, &str); 3] = [
    (
        "amenity",
        "cafe|restaurant|fast_food|bank|atm|pharmacy|hospital|school|university|fuel",
    ),
    ("shop", "supermarket|mall"),
    ("leisure", "park|fitness_centre"),
];

/// An area to look in.
#[derive(Debug, Clone, Copy)]
pub enum Area {
    /// South, west, north, east.
    Box([f64; 4]),
    Circle {
        lat: f64,
        lng: f64,
        radius_m: f64,
    },
}

impl Area {
    fn clause(self) -> String {
        match self {
            Area::Box([south, west, north, east]) => format!("({south},{west},{north},{east})"),
            Area::Circle { lat, lng, radius_m } => format!("(around:{radius_m},{lat},{lng})"),
        }
    }
}

#[derive(Deserialize)]
struct Element {
    r#type: String,
    id: i64,
    lat: Option<f64>,
    lon: Option<f64>,
    center: Option<Center>,
    #[serde(default)]
    tags: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Center {
    lat: f64,
    lon: f64,
}

impl External {
    /// Venues of the area.
    ///
    /// # Errors
    /// When OSM is off, or no mirror answered.
    pub async fn area(&self, area: Area) -> Result<Vec<Venue>, ExternalError> {
        if !self.config.use_osm {
            return Err(ExternalError::Off);
        }
        let seconds = self.config.overpass_timeout.as_secs();
        let parts: String = KINDS
            .iter()
            .map(|(key, values)| format!("nwr[\"{key}\"~\"^({values})$\"]{};", area.clause()))
            .collect();
        let query = format!("[out:json][timeout:{seconds}];({parts});out center 2000;");
        let mut last = ExternalError::Off;
        for endpoint in &self.config.overpass_endpoints {
            let ask = async {
                let request = self
                    .http
                    .post(endpoint)
                    .timeout(self.config.overpass_timeout);
                good(request.form(&[("data", &query)]).send().await?).await
            };
            let key = format!("{endpoint} {query}");
            let ask = self.shared(Provider::Overpass, &key, ask);
            match self.overpass.call(ask).await {
                Ok(body) => {
                    let elements: Vec<Element> = body.into_elements("elements");
                    return Ok(elements.into_iter().filter_map(venue_of).collect());
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

fn venue_of(e: Element) -> Option<Venue> {
    let tag = |key: &str| {
        e.tags
            .get(key)
            .map(|v| v.trim().to_owned())
            .filter(|v| !v.is_empty())
    };
    let (latitude, longitude) = match (&e.center, e.lat.zip(e.lon)) {
        (_, Some(point)) => point,
        (Some(center), None) => (center.lat, center.lon),
        (None, None) => return None,
    };
    let category = KINDS
        .iter()
        .find_map(|(key, _)| tag(key).map(|value| format!("{key}:{value}")));
    let street = tag("addr:street")
        .map(|s| tag("addr:housenumber").map_or(s.clone(), |n| format!("{n} {s}")));
    let venue = Venue {
        source: "osm_overpass",
        external_id: format!("osm_{}_{}", e.r#type, e.id),
        name: tag("name")
            .or_else(|| tag("brand"))
            .or_else(|| tag("operator"))?,
        latitude,
        longitude,
        address: street,
        country: tag("addr:country"),
        city: tag("addr:city"),
        neighborhood: tag("addr:suburb").or_else(|| tag("addr:neighbourhood")),
        categories: category,
        phone: tag("phone").or_else(|| tag("contact:phone")),
        website: tag("website").or_else(|| tag("contact:website")),
        metadata: json!({ "opening_hours": tag("opening_hours") }),
        ..Venue::default()
    };
    venue.is_valid().then_some(venue)
}

#[cfg(test)]
mod tests {
    use super::super::foreign;
    use super::*;

    fn element(tags: serde_json::Value) -> Element {
        serde_json::from_value(
            json!({ "type": "node", "id": 7, "lat": 24.7, "lon": 46.7, "tags": tags }),
        )
        .unwrap()
    }

    #[test]
    fn a_name_falls_back_to_brand_and_operator() {
        let bank = venue_of(element(json!({ "amenity": "bank", "operator": "First" }))).unwrap();
        assert_eq!(
            (bank.name.as_str(), bank.categories.as_deref()),
            ("First", Some("amenity:bank"))
        );
        assert_eq!(bank.external_id, "osm_node_7");
        assert!(venue_of(element(json!({ "amenity": "cafe" }))).is_none());
    }

    const KEYS: [&str; 14] = [
        "elements",
        "type",
        "id",
        "lat",
        "lon",
        "center",
        "tags",
        "name",
        "brand",
        "amenity",
        "shop",
        "addr:city",
        "addr:street",
        "opening_hours",
    ];

    proptest::proptest! {
        #[test]
        fn any_json_gives_venues_that_can_be_stored(value in foreign::arbitrary::json(&KEYS)) {
            let body = serde_json::to_vec(&json!({ "elements": [value.clone(), value] })).unwrap();
            let body = foreign::ForeignJson::parse(&body).unwrap();
            let elements: Vec<Element> = body.into_elements("elements");
            for venue in elements.into_iter().filter_map(venue_of) {
                proptest::prop_assert!(venue.is_valid());
            }
        }
    }
}
