//! The real AWS: clients, errors, reads, and below that one file per kind.

mod clients;
mod error;
mod read;
mod tagged;

pub mod ec2;
pub mod rds;
pub mod s3;
pub mod secretsmanager;

use std::sync::Arc;

pub use clients::{Aws, Connect, ConnectError};
pub use error::{aws_error, refine};

use crate::kind::{AnyKind, Kinds, World, erase};

impl World for Aws {}

/// Every kind, one line each. This list is all there is to registering one.
pub fn kinds(aws: &Arc<Aws>) -> Kinds {
    fn all(aws: &Arc<Aws>) -> Vec<Arc<dyn AnyKind>> {
        vec![
            erase::<ec2::vpc::Vpc, _>(aws),
            erase::<rds::db_instance::DbInstance, _>(aws),
            erase::<rds::db_parameter_group::DbParameterGroup, _>(aws),
            erase::<rds::db_subnet_group::DbSubnetGroup, _>(aws),
            erase::<s3::bucket::Bucket, _>(aws),
            erase::<secretsmanager::secret::Secret, _>(aws),
        ]
    }
    Kinds::new(all(aws))
}
