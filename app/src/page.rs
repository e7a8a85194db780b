//! Paging: `limit` and `offset` in, `{"items", "total", "limit", "offset"}` out.

use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use crate::bounds::Int;

/// Rows are counted up to here; a count of one more stands for any number above.
pub const COUNTED: i64 = 10_000;

#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// How many there are, exact up to 10 000; 10 000 when there are more.
    pub total: i64,
    /// True when there are more than `total`; left out otherwise.
    #[serde(skip_serializing_if = "is_false")]
    #[schema(required = false)]
    pub total_is_minimum: bool,
    pub limit: i64,
    pub offset: i64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // serde's form
pub fn is_false(value: &bool) -> bool {
    !value
}

impl<T> Page<T> {
    /// A page of `counted` rows, where more than [`COUNTED`] stands for any number above.
    #[must_use]
    pub fn new(items: Vec<T>, counted: i64, limit: i64, offset: i64) -> Page<T> {
        Page {
            items,
            total: counted.min(COUNTED),
            total_is_minimum: counted > COUNTED,
            limit,
            offset,
        }
    }
}

/// SQL: how many rows `from` (`from … where …`) has, up to one more than is counted.
#[must_use]
pub fn count_of(from: &str) -> String {
    format!("(select count(*) from (select 1 {from} limit {COUNTED} + 1) counted)")
}

/// The query's `limit` (1..=MAX, DEFAULT when absent) and `offset`.
#[derive(Debug, Deserialize)]
pub struct Paging<const MAX: i64 = 100, const DEFAULT: i64 = 20> {
    limit: Option<Int<1, MAX>>,
    offset: Option<Int<0, { i64::MAX }>>,
}

impl<const MAX: i64, const DEFAULT: i64> Paging<MAX, DEFAULT> {
    #[must_use]
    pub fn limit(&self) -> i64 {
        self.limit.map_or(DEFAULT, |l| *l)
    }

    #[must_use]
    pub fn offset(&self) -> i64 {
        self.offset.map_or(0, |o| *o)
    }

    pub fn page<T>(&self, items: Vec<T>, total: i64) -> Page<T> {
        Page::new(items, total, self.limit(), self.offset())
    }
}

impl<const MAX: i64, const DEFAULT: i64> IntoParams for Paging<MAX, DEFAULT> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let number = || ObjectBuilder::new().schema_type(Type::Integer);
        let limit = number()
            .minimum(Some(1))
            .maximum(Some(MAX))
            .default(Some(DEFAULT.into()));
        let offset = number()
            .minimum(Some(0))
            .maximum(Some(i64::MAX))
            .default(Some(0.into()));
        [("limit", limit), ("offset", offset)]
            .map(|(name, schema)| {
                ParameterBuilder::new()
                    .name(name)
                    .parameter_in(ParameterIn::Query)
                    .schema(Some(schema))
                    .build()
            })
            .into()
    }
}
