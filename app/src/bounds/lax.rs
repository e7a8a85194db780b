//! Numbers and truths as clients of the former service send them: also as text, and whole numbers also with a zero fraction.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};

/// The problem's words; `extract` knows them.
pub(super) const NO_INTEGER: &str =
    "Input should be a valid integer, unable to parse string as an integer";
const FRACTION: &str = "Input should be a valid integer, got a number with a fractional part";
const NO_NUMBER: &str = "Input should be a valid number, unable to parse string as a number";
const NO_BOOLEAN: &str = "Input should be a valid boolean, unable to interpret input";
/// 2⁶³; the greatest whole number is one less.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

/// A whole number, or the side on which it lies beyond all that can be stored.
pub(super) enum Whole {
    Fits(i64),
    TooSmall,
    TooLarge,
}

pub(super) fn whole<'de, D: Deserializer<'de>>(d: D) -> Result<Whole, D::Error> {
    d.deserialize_any(WholeVisitor)
}

pub(super) fn number<'de, D: Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    d.deserialize_any(NumberVisitor)
}

pub(super) fn truth<'de, D: Deserializer<'de>>(d: D) -> Result<bool, D::Error> {
    d.deserialize_any(TruthVisitor)
}

/// Digits may be grouped by single underscores.
fn ungrouped(text: &str) -> Option<String> {
    let text = text.trim();
    let odd = text.starts_with('_') || text.ends_with('_') || text.contains("__");
    (!odd).then(|| text.replace('_', ""))
}

fn whole_of(text: &str) -> Option<Whole> {
    let text = ungrouped(text)?;
    let digits = match text.split_once('.') {
        None => text.as_str(),
        Some((before, zeros)) => zeros.bytes().all(|b| b == b'0').then_some(before)?,
    };
    use std::num::IntErrorKind::{NegOverflow, PosOverflow};
    match digits.parse() {
        Ok(value) => Some(Whole::Fits(value)),
        Err(error) if *error.kind() == PosOverflow => Some(Whole::TooLarge),
        Err(error) if *error.kind() == NegOverflow => Some(Whole::TooSmall),
        Err(_) => None,
    }
}

fn truth_of(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "t" | "y" => Some(true),
        "false" | "0" | "no" | "off" | "f" | "n" => Some(false),
        _ => None,
    }
}

struct WholeVisitor;

impl Visitor<'_> for WholeVisitor {
    type Value = Whole;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer")
    }
    fn visit_i64<E>(self, v: i64) -> Result<Whole, E> {
        Ok(Whole::Fits(v))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Whole, E> {
        Ok(i64::try_from(v).map_or(Whole::TooLarge, Whole::Fits))
    }
    #[allow(clippy::cast_possible_truncation)] // it has no fraction and lies between the bounds
    fn visit_f64<E: Error>(self, v: f64) -> Result<Whole, E> {
        if v.fract() != 0.0 {
            return Err(E::custom(FRACTION));
        }
        Ok(match v {
            v if v >= BEYOND => Whole::TooLarge,
            v if v < -BEYOND => Whole::TooSmall,
            v => Whole::Fits(v as i64),
        })
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<Whole, E> {
        whole_of(v).ok_or_else(|| E::custom(NO_INTEGER))
    }
}

struct NumberVisitor;

impl Visitor<'_> for NumberVisitor {
    type Value = f64;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }
    fn visit_f64<E>(self, v: f64) -> Result<f64, E> {
        Ok(v)
    }
    #[allow(clippy::cast_precision_loss)] // bounds are checked after; no bound needs more than 53 bits
    fn visit_i64<E>(self, v: i64) -> Result<f64, E> {
        Ok(v as f64)
    }
    #[allow(clippy::cast_precision_loss)]
    fn visit_u64<E>(self, v: u64) -> Result<f64, E> {
        Ok(v as f64)
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<f64, E> {
        let value = ungrouped(v).and_then(|text| text.parse().ok());
        value.ok_or_else(|| E::custom(NO_NUMBER))
    }
}

struct TruthVisitor;

impl Visitor<'_> for TruthVisitor {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean")
    }
    fn visit_bool<E>(self, v: bool) -> Result<bool, E> {
        Ok(v)
    }
    fn visit_i64<E: Error>(self, v: i64) -> Result<bool, E> {
        self.visit_str(&v.to_string())
    }
    fn visit_u64<E: Error>(self, v: u64) -> Result<bool, E> {
        self.visit_str(&v.to_string())
    }
    fn visit_f64<E: Error>(self, v: f64) -> Result<bool, E> {
        // `1.0` is written `1`.
        self.visit_str(&v.to_string())
    }
    fn visit_str<E: Error>(self, v: &str) -> Result<bool, E> {
        truth_of(v).ok_or_else(|| E::custom(NO_BOOLEAN))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bool, Id, Int, Num};
    use serde::Deserialize;
    use serde_json::{Value, json};

    fn reads<T: for<'de> Deserialize<'de>>(value: &Value) -> Result<T, String> {
        T::deserialize(value).map_err(|e| e.to_string())
    }

    #[test]
    fn whole_numbers_are_read_from_text_and_from_a_zero_fraction() {
        for good in [
            json!(5),
            json!(5.0),
            json!("5"),
            json!(" +5 "),
            json!("5.00"),
            json!("0_5"),
        ] {
            assert_eq!(*reads::<Int<1, 9>>(&good).unwrap(), 5, "{good}");
        }
        for (bad, part) in [
            (json!(5.5), "fractional part"),
            (json!("5.5"), "unable to parse"),
            (json!("five"), "unable to parse"),
            (json!("5__0"), "unable to parse"),
            (json!(""), "unable to parse"),
            (json!(true), "expected an integer"),
            (json!(null), "expected an integer"),
            (json!([5]), "expected an integer"),
            (json!(10), "less than or equal to 9"),
            (json!(1e300), "less than or equal to 9"),
            (json!("-1"), "greater than or equal to 1"),
            (json!("99999999999999999999"), "less than or equal to 9"),
        ] {
            let told = reads::<Int<1, 9>>(&bad).unwrap_err();
            assert!(told.contains(part), "{bad}: {told}");
        }
        let unbounded = reads::<Id>(&json!(u64::MAX)).unwrap_err();
        assert!(unbounded.contains("less than or equal to"), "{unbounded}");
    }

    #[test]
    fn numbers_are_read_from_text_and_are_finite() {
        for good in [json!(1.5), json!("1.5"), json!(" 1.5 "), json!("15e-1")] {
            assert!((*reads::<Num<0, 5>>(&good).unwrap() - 1.5).abs() < 1e-9);
        }
        for bad in [
            json!("nan"),
            json!("inf"),
            json!("north"),
            json!(true),
            json!("6"),
            json!(""),
        ] {
            assert!(reads::<Num<0, 5>>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn truths_are_read_from_words_and_from_one_and_zero() {
        for (text, truth) in [("TRUE", true), ("1", true), ("Yes", true), ("on", true)] {
            assert_eq!(*reads::<Bool>(&json!(text)).unwrap(), truth, "{text}");
        }
        for text in ["false", "0", "NO", "off", "f", "n"] {
            assert!(!*reads::<Bool>(&json!(text)).unwrap(), "{text}");
        }
        assert!(*reads::<Bool>(&json!(1)).unwrap() && !*reads::<Bool>(&json!(0.0)).unwrap());
        for bad in [
            json!(2),
            json!("perhaps"),
            json!(""),
            json!(0.5),
            json!(" true"),
            json!([]),
        ] {
            assert!(reads::<Bool>(&bad).is_err(), "{bad}");
        }
    }
}
