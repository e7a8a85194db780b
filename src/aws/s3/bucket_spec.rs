//! A bucket as the stack says it.

use serde::Deserialize;

use super::{cors, lifecycle};
use crate::model::{KindName, Value};

pub const NAME: KindName = KindName::new("s3.bucket");

#[derive(Deserialize)]
pub struct Spec {
    pub name: String,
    pub versioning: bool,
    pub public_access_block: bool,
    pub encryption: String,
    pub kms_key: Option<String>,
    pub ownership: String,
    pub policy: Option<Value>,
    #[serde(default)]
    pub lifecycle: Vec<lifecycle::Rule>,
    #[serde(default)]
    pub cors: Vec<cors::Rule>,
}
