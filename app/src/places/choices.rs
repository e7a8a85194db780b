//! The words some inputs are chosen from, for the document alone: what else is sent is refused, or finds nothing, where it is read.

use utoipa::ToSchema;

/// What a visit may cost.
#[derive(ToSchema)]
#[allow(dead_code)]
pub enum PriceBudget {
    #[schema(rename = "$")]
    Low,
    #[schema(rename = "$$")]
    Medium,
    #[schema(rename = "$$$")]
    High,
}

/// How dear a place is.
#[derive(ToSchema)]
#[allow(dead_code)]
pub enum PriceTier {
    #[schema(rename = "$")]
    Low,
    #[schema(rename = "$$")]
    Medium,
    #[schema(rename = "$$$")]
    High,
    #[schema(rename = "$$$$")]
    Highest,
}

/// How far back a ranking looks.
#[derive(ToSchema)]
#[allow(dead_code)]
pub enum TimeWindow {
    #[schema(rename = "1h")]
    Hour,
    #[schema(rename = "6h")]
    Hours,
    #[schema(rename = "24h")]
    Day,
    #[schema(rename = "7d")]
    Week,
    #[schema(rename = "30d")]
    Month,
}
