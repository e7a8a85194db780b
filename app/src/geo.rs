//! Distances. With PostGIS a geography column and its spatial index; without, a bounding box and haversine. Both measure on the
//! sphere of radius 6371 km (PostGIS: 6371.0088 km), so they agree far within one per cent.

/// Mean radius of the Earth in metres.
const EARTH_RADIUS_M: f64 = 6_371_000.0;
/// The radius of PostGIS's sphere: the mean of WGS 84's axes.
const POSTGIS_RADIUS_M: f64 = 6_371_008.771_415;
/// Metres of one degree of latitude.
const DEGREE_M: f64 = 111_194.93;

/// Metres between two points given in degrees.
#[must_use]
pub fn haversine_m(lat1: f64, lng1: f64, lat2: f64, lng2: f64) -> f64 {
    EARTH_RADIUS_M * angle(lat1, lng1, lat2, lng2)
}

/// The angle between two points as seen from the Earth's centre.
fn angle(lat1: f64, lng1: f64, lat2: f64, lng2: f64) -> f64 {
    let (a1, a2) = (lat1.to_radians(), lat2.to_radians());
    let half_lat = ((lat2 - lat1).to_radians() / 2.0).sin();
    let half_lng = ((lng2 - lng1).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + a1.cos() * a2.cos() * half_lng * half_lng;
    2.0 * h.sqrt().clamp(0.0, 1.0).asin()
}

/// What lies within some distance of a point.
#[derive(Debug, Clone, Copy)]
pub struct Circle {
    lat: f64,
    lng: f64,
    /// As seen from the Earth's centre.
    angle: f64,
}

impl Circle {
    /// Whether a point lies in it. On either side of the date line, and around a pole, as anywhere.
    #[must_use]
    pub fn holds(&self, lat: f64, lng: f64) -> bool {
        angle(self.lat, self.lng, lat, lng) <= self.angle
    }

    /// The southernmost and the northernmost latitude it reaches, a hair farther for rounding. Longitudes have no such ends: they meet at
    /// the date line and at the poles.
    #[must_use]
    pub fn latitudes(&self) -> (f64, f64) {
        let reach = self.angle.to_degrees() * 1.000_001;
        (self.lat - reach, self.lat + reach)
    }
}

/// How this service measures; decided once at start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Geo {
    PostGis,
    Haversine,
}

impl Geo {
    /// What [`Geo::within`] finds, for coordinates that are at hand.
    #[must_use]
    pub fn circle(self, (lat, lng): (f64, f64), metres: f64) -> Circle {
        let radius = match self {
            Geo::PostGis => POSTGIS_RADIUS_M,
            Geo::Haversine => EARTH_RADIUS_M,
        };
        Circle {
            lat,
            lng,
            angle: metres / radius,
        }
    }

    /// SQL: metres from the place aliased `p` to the point (`lat`, `lng`); null when the place has no coordinates.
    #[must_use]
    pub fn distance(self, p: &str, lat: &str, lng: &str) -> String {
        match self {
            Geo::PostGis => format!("st_distance({p}.geog, {}, false)", point(lat, lng)),
            Geo::Haversine => format!(
                "({diameter} * asin(least(1, sqrt(power(sin(radians({p}.latitude - {lat}::float8) / 2), 2) + \
                 cos(radians({lat}::float8)) * cos(radians({p}.latitude)) * \
                 power(sin(radians({p}.longitude - {lng}::float8) / 2), 2)))))",
                diameter = 2.0 * EARTH_RADIUS_M
            ),
        }
    }

    /// SQL: the place aliased `p` lies within `metres` of the point; uses the index of either form.
    #[must_use]
    pub fn within(self, p: &str, lat: &str, lng: &str, metres: &str) -> String {
        match self {
            Geo::PostGis => format!(
                "st_dwithin({p}.geog, {}, {metres}::float8, false)",
                point(lat, lng)
            ),
            Geo::Haversine => format!(
                "({p}.latitude between {lat}::float8 - {metres}::float8 / {DEGREE_M} and {lat}::float8 + {metres}::float8 / {DEGREE_M} \
                 and {} <= {metres}::float8)",
                self.distance(p, lat, lng)
            ),
        }
    }

    /// SQL to order by for nearest first: with PostGIS the index's own nearest-neighbour walk.
    #[must_use]
    pub fn nearest(self, p: &str, lat: &str, lng: &str) -> String {
        match self {
            Geo::PostGis => format!("{p}.geog <-> {}", point(lat, lng)),
            Geo::Haversine => self.distance(p, lat, lng),
        }
    }
}

fn point(lat: &str, lng: &str) -> String {
    format!("st_setsrid(st_makepoint({lng}::float8, {lat}::float8), 4326)::geography")
}

#[cfg(test)]
mod tests {
    use super::haversine_m;

    #[test]
    fn riyadh_to_jeddah_is_about_849_km() {
        let metres = haversine_m(24.7136, 46.6753, 21.4858, 39.1925);
        assert!((840_000.0..860_000.0).contains(&metres), "{metres}");
    }
}
