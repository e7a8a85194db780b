//! Read-only look-ups of what belongs to somebody else (`existing:`): a network with its subnets, a cluster, a certificate, a zone.

mod certificate;
mod cluster;
mod network;
mod zone;

use std::collections::BTreeMap;

use futures::future::try_join_all;

use super::Aws;
use crate::kind::{Class, CloudError};
use crate::model::{Address, Attributes, Value};

/// One thing to look up.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// Where the stack names it.
    pub address: Address,
    /// `network`, `ecs.cluster`, `certificate` or `zone`.
    pub kind: String,
    /// All of them have to fit exactly one.
    pub criteria: BTreeMap<String, Value>,
}

impl Lookup {
    /// The IAM actions that looking it up takes.
    pub fn permissions(kind: &str) -> &'static [&'static str] {
        match kind {
            "ecs.cluster" => &["ecs:DescribeClusters"],
            "certificate" => &["acm:ListCertificates"],
            "zone" => &["route53:ListHostedZones"],
            _ => &[
                "ec2:DescribeVpcs",
                "ec2:DescribeSubnets",
                "ec2:DescribeRouteTables",
            ],
        }
    }
}

impl Aws {
    /// Finds each, by criteria that must fit exactly one.
    pub async fn existing(
        &self,
        wanted: &[Lookup],
    ) -> Result<BTreeMap<Address, Attributes>, CloudError> {
        let all = wanted.iter().map(|lookup| async move {
            let attributes = match lookup.kind.as_str() {
                "ecs.cluster" => self.existing_cluster(lookup).await?,
                "certificate" => self.existing_certificate(lookup).await?,
                "zone" => self.existing_zone(lookup).await?,
                _ => self.existing_network(lookup).await?,
            };
            Ok::<_, CloudError>((lookup.address.clone(), attributes))
        });
        Ok(try_join_all(all).await?.into_iter().collect())
    }
}

fn exactly_one<T>(lookup: &Lookup, action: &str, mut found: Vec<T>) -> Result<T, CloudError> {
    let number = found.len();
    match (number, found.pop()) {
        (1, Some(one)) => Ok(one),
        _ => Err(CloudError::new(
            action,
            Class::Invalid,
            if number == 0 { "NotFound" } else { "Ambiguous" },
            format!(
                "{} what `{}` asks for; exactly one must",
                match number {
                    0 => format!("no {} fits", lookup.kind),
                    n => format!("{n} of kind {} fit", lookup.kind),
                },
                lookup.address
            ),
        )),
    }
}
