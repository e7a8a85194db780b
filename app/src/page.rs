//! Paging: `limit` and `offset` in, `{"items", "total", "limit", "offset"}` out.

use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::{IntoParams, ToSchema};

use crate::bounds::Int;

#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub total: i64,
    pub limit: i64,
    pub offset: i64,
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
        Page {
            items,
            total,
            limit: self.limit(),
            offset: self.offset(),
        }
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
