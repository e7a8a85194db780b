//! Distances. With PostGIS a geography column and its spatial index; without, a bounding box and haversine. Both measure on the
//! sphere of radius 6371 km (PostGIS: 6371.0088 km), so they agree far within one per cent.

use std::f64::consts::PI;

/// Mean radius of the Earth in metres.
const EARTH_RADIUS_M: f64 = 6_371_000.0;
/// The radius of PostGIS's sphere: the mean of WGS 84's axes.
const POSTGIS_RADIUS_M: f64 = 6_371_008.771_415;
/// Metres of one degree of latitude.
const DEGREE_M: f64 = 111_194.93;

/// Metres between two points given in degrees.
#[must_use]
pub fn haversine_m(lat1: f64, lng1: f64, lat2: f64, lng2: f64) -> f64 {
    let (a1, a2) = (lat1.to_radians(), lat2.to_radians());
    let half_lat = ((lat2 - lat1).to_radians() / 2.0).sin();
    let half_lng = ((lng2 - lng1).to_radians() / 2.0).sin();
    let h = half_lat * half_lat + a1.cos() * a2.cos() * half_lng * half_lng;
    2.0 * EARTH_RADIUS_M * h.sqrt().clamp(0.0, 1.0).asin()
}

/// A point on the sphere of radius one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spot([f64; 3]);

impl Spot {
    /// The point of these degrees.
    #[must_use]
    pub fn at(lat: f64, lng: f64) -> Spot {
        let (lat, lng) = (lat.to_radians(), lng.to_radians());
        let across = lat.cos();
        Spot([across * lng.cos(), across * lng.sin(), lat.sin()])
    }

    /// How far north it is: -1 at the south pole, 1 at the north pole.
    #[must_use]
    pub fn north(&self) -> f64 {
        self.0[2]
    }
}

/// What lies within some distance of a point. Straight lines through the sphere tell the same as haversine, without a sine for every
/// place that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Circle {
    centre: Spot,
    /// The square of the straight line to its edge.
    reach: f64,
    /// How far south and north it comes.
    band: (f64, f64),
}

impl Circle {
    /// Around a point, by the angle seen from the Earth's centre.
    fn around(lat: f64, lng: f64, angle: f64) -> Circle {
        let half = (angle.min(PI) / 2.0).sin();
        let north = |degrees: f64| degrees.clamp(-90.0, 90.0).to_radians().sin();
        // A hair wider, for rounding.
        let wide = angle.to_degrees() * 1.000_001;
        Circle {
            centre: Spot::at(lat, lng),
            reach: 4.0 * half * half,
            band: (north(lat - wide) - 1e-12, north(lat + wide) + 1e-12),
        }
    }

    /// Whether the point lies in it: on either side of the date line, and around a pole, as anywhere.
    #[must_use]
    pub fn holds(&self, spot: &Spot) -> bool {
        let squares = self.centre.0.iter().zip(&spot.0);
        squares.map(|(a, b)| (a - b) * (a - b)).sum::<f64>() <= self.reach
    }

    /// Between which two values of [`Spot::north`] all of it lies. East and west have no such ends: they meet at the date line and at the
    /// poles.
    #[must_use]
    pub fn band(&self) -> (f64, f64) {
        self.band
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
        Circle::around(lat, lng, metres / radius)
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
