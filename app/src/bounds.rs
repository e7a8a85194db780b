//! Input values that cannot be out of bounds: a wrong one is an input error of its field, and the bounds stand in the document.

use std::borrow::Cow;
use std::ops::Deref;

use serde::de::{Deserialize, Deserializer, Error};
use serde::{Serialize, Serializer};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

mod lax;

use lax::Whole;

/// Text of MIN..=MAX characters.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text<const MIN: usize, const MAX: usize>(String);

/// A list of MIN..=MAX items. The document cannot tell its bounds by itself: fields repeat them (`max_items`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MIN: usize, const MAX: usize>(Vec<T>);

/// A whole number MIN..=MAX.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Int<const MIN: i64, const MAX: i64>(i64);

/// A number MIN..=MAX, never NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Num<const MIN: i64, const MAX: i64>(f64);

/// Yes or no, in any of the words for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bool(bool);

pub type Lat = Num<-90, 90>;
pub type Lng = Num<-180, 180>;
pub type Rating = Num<0, 5>;
/// A row's key.
pub type Id = Int<{ i64::MIN }, { i64::MAX }>;

impl<const MIN: usize, const MAX: usize> Text<MIN, MAX> {
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl<const MIN: usize, const MAX: usize> Deref for Text<MIN, MAX> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl<T, const MIN: usize, const MAX: usize> List<T, MIN, MAX> {
    #[must_use]
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

/// For a list that may be left out.
impl<T, const MAX: usize> Default for List<T, 0, MAX> {
    fn default() -> Self {
        List(Vec::new())
    }
}

impl<T, const MIN: usize, const MAX: usize> Deref for List<T, MIN, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<const MIN: i64, const MAX: i64> Deref for Int<MIN, MAX> {
    type Target = i64;
    fn deref(&self) -> &i64 {
        &self.0
    }
}

impl<const MIN: i64, const MAX: i64> Int<MIN, MAX> {
    /// For defaults: `value` is brought inside the bounds.
    #[must_use]
    pub const fn clamped(value: i64) -> Self {
        if value < MIN {
            Int(MIN)
        } else if value > MAX {
            Int(MAX)
        } else {
            Int(value)
        }
    }
}

impl<const MIN: i64, const MAX: i64> Deref for Num<MIN, MAX> {
    type Target = f64;
    fn deref(&self) -> &f64 {
        &self.0
    }
}

/// Text that says something: `#[serde(deserialize_with = "not_blank")]`.
///
/// # Errors
/// The input error of the field.
pub fn not_blank<'de, D: Deserializer<'de>, const MAX: usize>(
    d: D,
) -> Result<Text<1, MAX>, D::Error> {
    let text = Text::deserialize(d)?;
    if text.trim().is_empty() {
        return Err(D::Error::custom("String should not be blank"));
    }
    Ok(text)
}

impl<'de, const MIN: usize, const MAX: usize> Deserialize<'de> for Text<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        if text.contains('\0') {
            return Err(D::Error::custom(
                "String should not contain null characters",
            ));
        }
        let length = text.chars().count();
        if length < MIN {
            return Err(D::Error::custom(format!(
                "String should have at least {MIN} character{}",
                plural(MIN)
            )));
        }
        if length > MAX {
            return Err(D::Error::custom(format!(
                "String should have at most {MAX} character{}",
                plural(MAX)
            )));
        }
        Ok(Text(text))
    }
}

impl<'de, T: Deserialize<'de>, const MIN: usize, const MAX: usize> Deserialize<'de>
    for List<T, MIN, MAX>
{
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let items = Vec::deserialize(d)?;
        let count = items.len();
        if count < MIN {
            return Err(D::Error::custom(format!(
                "List should have at least {MIN} items, not {count}"
            )));
        }
        if count > MAX {
            return Err(D::Error::custom(format!(
                "List should have at most {MAX} items, not {count}"
            )));
        }
        Ok(List(items))
    }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Int<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = match lax::whole(d)? {
            Whole::Fits(value) if (MIN..=MAX).contains(&value) => return Ok(Int(value)),
            beyond => beyond,
        };
        let low = matches!(value, Whole::TooSmall) || matches!(value, Whole::Fits(v) if v < MIN);
        Err(D::Error::custom(if low {
            format!("Input should be greater than or equal to {MIN}")
        } else {
            format!("Input should be less than or equal to {MAX}")
        }))
    }
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

impl<'de, const MIN: i64, const MAX: i64> Deserialize<'de> for Num<MIN, MAX> {
    #[allow(clippy::cast_precision_loss)]
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let value = lax::number(d)?;
        if !value.is_finite() {
            return Err(D::Error::custom("Input should be a finite number"));
        }
        if value < MIN as f64 {
            return Err(D::Error::custom(format!(
                "Input should be greater than or equal to {MIN}"
            )));
        }
        if value > MAX as f64 {
            return Err(D::Error::custom(format!(
                "Input should be less than or equal to {MAX}"
            )));
        }
        Ok(Num(value))
    }
}

impl Deref for Bool {
    type Target = bool;
    fn deref(&self) -> &bool {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Bool {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        lax::truth(d).map(Bool)
    }
}

impl Serialize for Bool {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bool(self.0)
    }
}

impl<const MIN: usize, const MAX: usize> PartialSchema for Text<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(MIN))
            .max_length(Some(MAX));
        object.build().into()
    }
}

impl<const MIN: usize, const MAX: usize> ToSchema for Text<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("Text{MIN}to{MAX}"))
    }
}

fn bounded(object: ObjectBuilder, min: i64, max: i64) -> ObjectBuilder {
    let object = if min == i64::MIN {
        object
    } else {
        object.minimum(Some(min))
    };
    if max == i64::MAX {
        object
    } else {
        object.maximum(Some(max))
    }
}

fn bound_name(base: &str, min: i64, max: i64) -> Cow<'static, str> {
    if min == i64::MIN && max == i64::MAX {
        return Cow::Owned(base.to_owned());
    }
    Cow::Owned(format!("{base}{min}to{max}").replace('-', "Minus"))
}

impl<const MIN: i64, const MAX: i64> PartialSchema for Int<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)));
        bounded(object, MIN, MAX).build().into()
    }
}

impl<const MIN: i64, const MAX: i64> ToSchema for Int<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        bound_name("Integer", MIN, MAX)
    }
}

impl<const MIN: i64, const MAX: i64> PartialSchema for Num<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .schema_type(Type::Number)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Double)));
        bounded(object, MIN, MAX).build().into()
    }
}

impl<const MIN: i64, const MAX: i64> ToSchema for Num<MIN, MAX> {
    fn name() -> Cow<'static, str> {
        bound_name("Number", MIN, MAX)
    }
}

impl PartialSchema for Bool {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .build()
            .into()
    }
}

impl ToSchema for Bool {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Boolean")
    }
}
