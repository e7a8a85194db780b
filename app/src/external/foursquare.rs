//! Foursquare: what trends (v2 `venues/trending`), and search by popularity (`places/search` of the newer API).

use serde_json::json;

use super::foreign::{Foreign, ForeignJson};
use super::shared::Provider;
use super::venue::Venue;
use super::{External, ExternalError, good};
use crate::config::FoursquareConfig;
use crate::secret::Secret;

/// The version dates the two interfaces are asked for.
const V2_DATE: &str = "20250601";
const SEARCH_DATE: &str = "2025-06-17";
/// What is read of a venue ([`venue_of`]). Unasked, the newer API gives no rating, price, photos or hours.
const FIELDS: &str = "fsq_place_id,name,latitude,longitude,location,categories,tel,website,rating,price,photos,hours,popularity,\
    verified,attributes";
const MOST: i64 = 50;
const PHOTOS: usize = 5;

/// Where to look.
#[derive(Debug, Clone, Copy)]
pub enum Around<'a> {
    Point { lat: f64, lng: f64, radius_m: f64 },
    City(&'a str),
}

impl Around<'_> {
    fn params(self) -> Vec<(&'static str, String)> {
        match self {
            Around::City(city) => vec![("near", city.to_owned())],
            Around::Point { lat, lng, radius_m } => {
                vec![
                    ("ll", format!("{lat:.4},{lng:.4}")),
                    ("radius", format!("{radius_m:.0}")),
                ]
            }
        }
    }

    /// The same for all points a few metres apart, as they are asked for: rounded.
    fn key(self) -> String {
        let params = self.params().into_iter();
        params
            .map(|(name, value)| format!("{name}={value}&"))
            .collect()
    }
}

/// What is looked for there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    pub text: Option<&'a str>,
    pub place_type: Option<&'a str>,
    /// `$` to `$$$$`.
    pub price_tier: Option<&'a str>,
    pub min_rating: Option<f64>,
    pub limit: i64,
}

impl Wanted<'_> {
    /// 1 to 4.
    fn price(&self) -> Option<usize> {
        let tier = self.price_tier?.trim();
        let known = tier.bytes().all(|b| b == b'$') && (1..=4).contains(&tier.len());
        known.then_some(tier.len())
    }

    /// The text, or a kind of place the provider has no category of.
    fn query(&self) -> Option<&str> {
        let other_kind = self.place_type.filter(|kind| category(kind).is_none());
        let given = self.text.filter(|text| !text.trim().is_empty());
        given.or(other_kind.filter(|kind| !kind.trim().is_empty()))
    }

    /// Whether the venue is what is looked for, where the provider was not asked to look.
    fn is(&self, venue: &Venue) -> bool {
        let tells = |text: &str| {
            let text = text.trim().to_lowercase();
            let categories = venue.categories.as_deref().unwrap_or_default();
            [venue.name.as_str(), categories]
                .iter()
                .any(|of| of.to_lowercase().contains(&text))
        };
        self.text.is_none_or(tells)
            && self.place_type.is_none_or(tells)
            && self
                .price()
                .is_none_or(|price| venue.price() == Some(price))
            && self.is_good(venue)
    }

    /// What the provider cannot be asked for. A price it was asked for and does not show is taken as right.
    fn is_good(&self, venue: &Venue) -> bool {
        let price = self.price().zip(venue.price());
        price.is_none_or(|(wanted, is)| wanted == is)
            && self
                .min_rating
                .is_none_or(|min| venue.rating.is_some_and(|rating| rating >= min))
    }
}

/// The provider's category of a kind of place.
fn category(place_type: &str) -> Option<&'static str> {
    let known = [
        ("restaurant", "4d4b7105d754a06374d81259"),
        ("coffee shop", "4bf58dd8d48988d1e0931735"),
        ("cafe", "4bf58dd8d48988d16d941735"),
        ("shopping mall", "4bf58dd8d48988d1fd941735"),
        ("hotel", "4bf58dd8d48988d1fa931735"),
        ("park", "4bf58dd8d48988d163941735"),
        ("gym", "4bf58dd8d48988d176941735"),
    ];
    let wanted = place_type.trim().to_lowercase();
    known
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, id)| *id)
}

impl External {
    /// Venues around a place, most popular first. Without a key, or when the provider fails: none.
    pub async fn trending(&self, around: Around<'_>, wanted: &Wanted<'_>) -> Vec<Venue> {
        let Some(config) = &self.config.foursquare else {
            return Vec::new();
        };
        let key = format!("{}{wanted:?}", around.key());
        if let Some(kept) = self.cached(&key) {
            return kept;
        }
        let mut venues = Vec::new();
        if self.config.use_real_trending && matches!(around, Around::Point { .. }) {
            venues = self
                .foursquare
                .call(self.real_trending(config, around, wanted.limit))
                .await
                .unwrap_or_else(told);
            // This call knows no filters.
            venues.retain(|venue| wanted.is(venue));
        }
        if venues.is_empty() {
            venues = self
                .foursquare
                .call(self.popular(config, around, wanted))
                .await
                .unwrap_or_else(told);
            venues.retain(|venue| wanted.is_good(venue));
        }
        venues.truncate(usize::try_from(wanted.limit).unwrap_or(0));
        if !venues.is_empty() {
            self.keep(key, &venues);
        }
        venues
    }

    async fn real_trending(
        &self,
        config: &FoursquareConfig,
        around: Around<'_>,
        limit: i64,
    ) -> Result<Vec<Venue>, ExternalError> {
        let (id, secret) = config.client.as_ref().ok_or(ExternalError::Off)?;
        let mut params = around.params();
        let question = format!("trending {params:?} {limit}");
        params.push(("client_id", id.clone()));
        params.push(("client_secret", secret.expose().to_owned()));
        params.push(("v", V2_DATE.to_owned()));
        params.push(("limit", limit.min(MOST).to_string()));
        let url = format!("{}/v2/venues/trending", config.api_url);
        let ask = async { good(self.http.get(url).query(&params).send().await?).await };
        let body = self.shared(Provider::Foursquare, &question, ask).await?;
        Ok(venues_of(body.root().at(&["response", "venues"])))
    }

    async fn popular(
        &self,
        config: &FoursquareConfig,
        around: Around<'_>,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<Venue>, ExternalError> {
        let key = config.api_key.as_ref().ok_or(ExternalError::Off)?;
        let mut params = around.params();
        let most = wanted.limit.saturating_mul(2).min(MOST);
        params.push(("limit", most.to_string()));
        params.extend(wanted.query().map(|text| ("query", text.to_owned())));
        let category = wanted.place_type.and_then(category);
        params.extend(category.map(|id| ("fsq_category_ids", id.to_owned())));
        if let Some(price) = wanted.price() {
            params.push(("min_price", price.to_string()));
            params.push(("max_price", price.to_string()));
        }
        let ask = async |sorted: bool| {
            let url = format!("{}/places/search", config.search_url);
            let sort = sorted.then_some(("sort", "POPULARITY".to_owned()));
            let params: Vec<_> = params.iter().cloned().chain(sort).collect();
            let question = format!("search {params:?}");
            let ask = self.newer(key, &url, &params);
            self.shared(Provider::Foursquare, &question, ask).await
        };
        let body = match ask(true).await {
            // Some plans do not sort.
            Err(ExternalError::Status { status: 400, text })
                if text.to_lowercase().contains("sort") =>
            {
                ask(false).await?
            }
            other => other?,
        };
        Ok(venues_of(body.root().get("results")))
    }

    /// Asks the newer API for the fields that are read. A plan that does not have them all gives those it has when none is named.
    async fn newer(
        &self,
        key: &Secret,
        url: &str,
        params: &[(&str, String)],
    ) -> Result<ForeignJson, ExternalError> {
        let request = || {
            let request = self.http.get(url).query(params).bearer_auth(key.expose());
            request.header("X-Places-Api-Version", SEARCH_DATE)
        };
        let named = request().query(&[("fields", FIELDS)]);
        match good(named.send().await?).await {
            Err(ExternalError::Status { status, text })
                if matches!(status, 402 | 403)
                    || (status == 400 && text.to_lowercase().contains("field")) =>
            {
                good(request().send().await?).await
            }
            other => other,
        }
    }

    /// One venue by its id; `None` when the provider does not know it, fails, or there is no key.
    pub async fn venue(&self, id: &str) -> Option<Venue> {
        let config = self.config.foursquare.as_ref()?;
        let key = config.api_key.as_ref()?;
        let plain = id.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plain {
            return None;
        }
        let url = format!("{}/places/{id}", config.search_url);
        let ask = self.newer(key, &url, &[]);
        let question = format!("venue {id}");
        let fetch = self.shared(Provider::Foursquare, &question, ask);
        let body = self
            .foursquare
            .call(fetch)
            .await
            .map_err(|e| tracing::warn!(cause = %e, "foursquare"))
            .ok()?;
        venue_of(body.root())
    }
}

fn told(error: ExternalError) -> Vec<Venue> {
    if !matches!(error, ExternalError::Off) {
        tracing::warn!(cause = %error, "foursquare gave nothing");
    }
    Vec::new()
}

fn text(value: Foreign<'_>) -> Option<String> {
    value.text().map(str::to_owned)
}

fn price(value: Foreign<'_>) -> Option<String> {
    let tier = value.integer().or_else(|| value.get("tier").integer())?;
    (1..=4)
        .contains(&tier)
        .then(|| "$".repeat(usize::try_from(tier).unwrap_or(1)))
}

fn photos(venue: Foreign<'_>) -> Vec<String> {
    let direct = venue.get("photos");
    let grouped = direct.get("groups").first().get("items");
    let url = |p: Foreign<'_>| {
        let (prefix, suffix) = (p.get("prefix").text()?, p.get("suffix").text()?);
        Some(format!("{prefix}300x300{suffix}"))
    };
    let urls = |list: Foreign<'_>| {
        let all = list.list()?;
        Some(all.filter_map(url).take(PHOTOS).collect())
    };
    urls(direct).or_else(|| urls(grouped)).unwrap_or_default()
}

fn venues_of(list: Foreign<'_>) -> Vec<Venue> {
    list.list()
        .map(|all| all.filter_map(venue_of).collect())
        .unwrap_or_default()
}

/// Reads a venue in either interface's form.
fn venue_of(v: Foreign<'_>) -> Option<Venue> {
    let location = v.get("location");
    let point = |direct: &str, short: &str| {
        v.get(direct)
            .number()
            .or_else(|| location.get(short).number())
            .or_else(|| v.at(&["geocodes", "main", direct]).number())
    };
    let categories: Vec<String> = v
        .get("categories")
        .list()
        .map(|all| all.filter_map(|c| text(c.get("name"))).collect())
        .unwrap_or_default();
    let neighborhood = location.get("neighborhood");
    let attributes = v.get("attributes");
    let amenities = if attributes.is_null() {
        v.at(&["features", "amenities"])
    } else {
        attributes
    };
    let venue = Venue {
        source: "foursquare",
        external_id: ["fsq_place_id", "fsq_id", "id"]
            .iter()
            .find_map(|k| text(v.get(k)))?,
        name: text(v.get("name"))?,
        latitude: point("latitude", "lat")?,
        longitude: point("longitude", "lng")?,
        address: text(location.get("formatted_address")).or_else(|| text(location.get("address"))),
        country: text(location.get("country")),
        city: text(location.get("locality")).or_else(|| text(location.get("city"))),
        neighborhood: text(neighborhood).or_else(|| text(neighborhood.first())),
        categories: (!categories.is_empty()).then(|| categories.join(", ")),
        // The provider rates to ten.
        rating: v.get("rating").number().map(|r| (r / 2.0).clamp(0.0, 5.0)),
        price_tier: price(v.get("price")),
        phone: text(v.get("tel")).or_else(|| text(v.at(&["contact", "phone"]))),
        website: text(v.get("website")).or_else(|| text(v.get("url"))),
        photos: photos(v),
        metadata: json!({
            "hours": v.get("hours").to_value(), "popularity": v.get("popularity").to_value(),
            "verified": v.get("verified").to_value(), "amenities": amenities.to_value(),
        }),
    };
    venue.is_valid().then_some(venue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_venue_are_read() {
        let old = json!({ "id": "abc", "name": "Cafe", "location": { "lat": 24.7, "lng": 46.6, "city": "Riyadh" },
            "categories": [{ "name": "Café" }], "price": { "tier": 2 } });
        let new = json!({ "fsq_place_id": "abc", "name": "Cafe", "latitude": 24.7, "longitude": 46.6, "rating": 9.0,
            "photos": [{ "prefix": "https://p/", "suffix": "/x.jpg" }] });
        let read = |value| venue_of(Foreign::of(value));
        let (old, new) = (read(&old).unwrap(), read(&new).unwrap());
        assert_eq!(
            (old.city.as_deref(), old.price_tier.as_deref()),
            (Some("Riyadh"), Some("$$"))
        );
        assert_eq!(
            (new.rating, new.photos[0].as_str()),
            (Some(4.5), "https://p/300x300/x.jpg")
        );
        assert!(read(&json!({ "name": "nowhere" })).is_none());
    }

    const KEYS: [&str; 20] = [
        "id",
        "name",
        "location",
        "lat",
        "lng",
        "latitude",
        "longitude",
        "categories",
        "photos",
        "groups",
        "items",
        "prefix",
        "suffix",
        "price",
        "tier",
        "rating",
        "geocodes",
        "main",
        "neighborhood",
        "locality",
    ];

    proptest::proptest! {
        #[test]
        fn any_json_can_be_read(value in super::super::foreign::arbitrary::json(&KEYS)) {
            let read = venues_of(Foreign::of(&value));
            let one = venue_of(Foreign::of(&value));
            proptest::prop_assert!(read.iter().chain(&one).all(Venue::is_valid));
        }
    }
}
