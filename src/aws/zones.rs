//! The region's availability zones, which stack files name by index.

use aws_sdk_ec2::types::Filter;

use super::{Aws, aws_error};
use crate::kind::CloudError;

impl Aws {
    /// The names of the ordinary zones that are open to this account, sorted (`DescribeAvailabilityZones`). Names differ between accounts.
    pub async fn zones(&self) -> Result<Vec<String>, CloudError> {
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
        let mut zones: Vec<String> = answer
            .availability_zones()
            .iter()
            .filter_map(|zone| zone.zone_name().map(str::to_owned))
            .collect();
        zones.sort();
        Ok(zones)
    }
}
