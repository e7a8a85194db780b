//! The region's availability zones, which stack files name by index.
//!
//! A zone's name means another place in each account, its id the same one in all. Some old zones lack what a stack needs: Fargate does not
//! run there, or no instance class with a Graviton processor does (ECS developer guide, "Fargate availability zones"; EKS user guide,
//! "Subnet requirements"). A network that names no zones passes over them as long as there are others.

use aws_sdk_ec2::types::Filter;

use super::{Aws, aws_error};
use crate::kind::CloudError;

impl Aws {
    /// The ordinary zones that are open to this account (`DescribeAvailabilityZones`).
    pub async fn zones(&self) -> Result<Zones, CloudError> {
        let filter = |name: &str, value: &str| Filter::builder().name(name).values(value).build();
        let answer = self
            .read("ec2:DescribeAvailabilityZones", || async {
                self.ec2
                    .describe_availability_zones()
                    .filters(filter("state", "available"))
                    .filters(filter("zone-type", "availability-zone"))
                    .send()
                    .await
                    .map_err(|e| aws_error("ec2:DescribeAvailabilityZones", e))
            })
            .await?;
        let zones = answer.availability_zones().iter();
        Ok(Zones::new(zones.filter_map(|zone| {
            Some((zone.zone_name()?, zone.zone_id().unwrap_or_default()))
        })))
    }
}

/// A region's zones by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    /// All of them, sorted. Names differ between accounts.
    pub names: Vec<String>,
    /// Those among them that are passed over, sorted.
    pub limited: Vec<String>,
}

/// Ids of zones without Fargate, or without the instance classes that are in use today.
const LIMITED: &[&str] = &["use1-az3", "usw1-az2", "cac1-az3", "apne1-az3", "cnn1-az3"];

impl Zones {
    /// Of (name, id) pairs.
    fn new<'a>(zones: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let mut all = Self::default();
        for (name, id) in zones {
            all.names.push(name.to_owned());
            if LIMITED.contains(&id) {
                all.limited.push(name.to_owned());
            }
        }
        all.names.sort();
        all.limited.sort();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_zones_are_known_by_their_ids() {
        let zones = Zones::new(
            [
                ("us-east-1c", "use1-az2"),
                ("us-east-1a", "use1-az3"),
                ("us-east-1b", "use1-az1"),
            ]
            .into_iter(),
        );
        assert_eq!(zones.names, ["us-east-1a", "us-east-1b", "us-east-1c"]);
        assert_eq!(zones.limited, ["us-east-1a"]);
        // Of a server that says no ids, nothing is known.
        let unnamed = Zones::new([("eu-west-1a", "")].into_iter());
        assert!(unnamed.limited.is_empty());
    }
}
