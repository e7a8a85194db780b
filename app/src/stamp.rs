//! A point in time as clients see it: RFC 3339, UTC, microseconds.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

/// Ends in `Z`: the form of REST answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::Type)]
#[sqlx(transparent)]
pub struct Stamp(pub DateTime<Utc>);

impl Stamp {
    #[must_use]
    pub fn now() -> Stamp {
        Stamp(Utc::now())
    }
}

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.0.to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl PartialSchema for Stamp {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::KnownFormat(KnownFormat::DateTime);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(format))
            .build()
            .into()
    }
}

impl ToSchema for Stamp {
    fn name() -> std::borrow::Cow<'static, str> {
        "Timestamp".into()
    }
}

/// Now, ending in `+00:00`: the form of WebSocket frames.
#[must_use]
pub fn frame_now() -> String {
    frame(Utc::now())
}

/// `at` in the form of WebSocket frames.
#[must_use]
pub fn frame(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// Reads a client's ISO 8601 time; one without an offset is taken as UTC.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    let (day, rest) = text.split_at_checked(10).unwrap_or((text, ""));
    // A space may stand before the time; a `+` in a query string arrives as one.
    let time = rest.strip_prefix(['T', 't', ' ']).unwrap_or(rest);
    let text = format!("{day}T{}", time.replace(' ', "+"));
    for format in ["%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z"] {
        if let Ok(at) = DateTime::parse_from_str(&text, format) {
            return in_range(at.with_timezone(&Utc));
        }
    }
    for format in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"] {
        if let Ok(at) = chrono::NaiveDateTime::parse_from_str(&text, format) {
            return in_range(at.and_utc());
        }
    }
    if !rest.is_empty() {
        return None;
    }
    let day = chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    in_range(day.and_hms_opt(0, 0, 0)?.and_utc())
}

/// PostgreSQL stores years to 294276; clients mean years of four digits.
fn in_range(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    use chrono::Datelike;
    (1..=9999).contains(&at.year()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_carry_microseconds() {
        let at = parse("2026-01-02T03:04:05Z").unwrap();
        assert_eq!(
            serde_json::to_string(&Stamp(at)).unwrap(),
            "\"2026-01-02T03:04:05.000000Z\""
        );
        assert_eq!(frame(at), "2026-01-02T03:04:05.000000+00:00");
    }

    #[test]
    fn offsets_are_read_as_people_write_them() {
        let at = parse("2026-01-02T00:04:05Z");
        assert!(at.is_some());
        for text in [
            "2026-01-02T03:04:05+03:00",
            "2026-01-02 03:04:05+03:00",
            "2026-01-02 03:04:05 03:00",
            "2026-01-02T03:04:05.000+0300",
            "2026-01-02T03:04:05+03",
            "2026-01-01T19:04:05-05:00",
            "2026-01-02t00:04:05z",
            "2026-01-02 00:04:05",
        ] {
            assert_eq!(parse(text), at, "{text}");
        }
        assert_eq!(parse("2026-01-02T03:04+03:00"), parse("2026-01-02T00:04Z"));
    }

    #[test]
    fn times_without_offset_or_with_a_space_for_plus_are_read() {
        assert_eq!(
            parse("2026-01-02T03:04:05"),
            parse("2026-01-02T03:04:05 00:00")
        );
        assert_eq!(parse("2026-01-02"), parse("2026-01-02T00:00:00Z"));
        for bad in ["yesterday", "", "2026-01-02T", "2026-01-02 +", "2026-01-0é"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
