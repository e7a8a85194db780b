//! The real AWS: clients, errors, reads, and below that one file per kind.

mod ca_bundle;
mod clients;
mod connect_error;
mod credentials;
mod error;
mod existing;
mod foreign_answer;
pub mod glance;
mod http;
mod lock_table;
mod paging;
mod profiles;
mod read;
mod scan;
mod state_bucket;
mod tag_change;
mod tagged;
pub mod told;
mod user_agent;
mod zones;

pub mod ec2;
pub mod ecr;
pub mod ecs;
pub mod elbv2;
pub mod iam;
pub mod logs;
pub mod rds;
pub mod s3;
pub mod secretsmanager;

use std::sync::Arc;

pub use clients::{Aws, Connect};
pub use connect_error::ConnectError;
pub use error::{aws_error, refine};
pub use existing::Lookup;
pub use lock_table::LockTable;
pub use paging::pages;
pub use state_bucket::StateBucket;
pub use user_agent::user_agent;
pub use zones::Zones;

use crate::kind::{AnyKind, Kinds, World, erase};

impl World for Aws {}

/// Every kind, one line each. This list is all there is to registering one.
pub fn kinds(aws: &Arc<Aws>) -> Kinds {
    fn all(aws: &Arc<Aws>) -> Vec<Arc<dyn AnyKind>> {
        vec![
            erase::<ec2::elastic_ip::ElasticIp, _>(aws),
            erase::<ec2::internet_gateway::InternetGateway, _>(aws),
            erase::<ec2::nat_gateway::NatGateway, _>(aws),
            erase::<ec2::route_table::RouteTable, _>(aws),
            erase::<ec2::security_group::SecurityGroup, _>(aws),
            erase::<ec2::subnet::Subnet, _>(aws),
            erase::<ec2::vpc::Vpc, _>(aws),
            erase::<ec2::vpc_endpoint::VpcEndpoint, _>(aws),
            erase::<ecr::repository::Repository, _>(aws),
            erase::<ecs::cluster::Cluster, _>(aws),
            erase::<ecs::service::Service, _>(aws),
            erase::<ecs::task_definition::TaskDefinition, _>(aws),
            erase::<elbv2::listener::Listener, _>(aws),
            erase::<elbv2::listener_rule::ListenerRule, _>(aws),
            erase::<elbv2::load_balancer::LoadBalancer, _>(aws),
            erase::<elbv2::target_group::TargetGroup, _>(aws),
            erase::<iam::policy::Policy, _>(aws),
            erase::<iam::role::Role, _>(aws),
            erase::<logs::log_group::LogGroup, _>(aws),
            erase::<rds::db_instance::DbInstance, _>(aws),
            erase::<rds::db_parameter_group::DbParameterGroup, _>(aws),
            erase::<rds::db_subnet_group::DbSubnetGroup, _>(aws),
            erase::<s3::bucket::Bucket, _>(aws),
            erase::<secretsmanager::secret::Secret, _>(aws),
        ]
    }
    Kinds::new(all(aws))
}

/// The kinds' tables alone: names, fields, permissions. Nothing of it can be called to any effect.
pub fn tables() -> Kinds {
    kinds(&Arc::new(Aws::offline()))
}
