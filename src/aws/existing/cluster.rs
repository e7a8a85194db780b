//! An ECS cluster of somebody else's.

use super::{Lookup, exactly_one};
use crate::aws::{Aws, aws_error};
use crate::kind::CloudError;
use crate::model::{Attributes, Value};

impl Aws {
    pub(super) async fn existing_cluster(&self, lookup: &Lookup) -> Result<Attributes, CloudError> {
        const ACTION: &str = "ecs:DescribeClusters";
        let name = lookup
            .criteria
            .get("name")
            .and_then(Value::as_text)
            .unwrap_or("default");
        let answer = self
            .read(ACTION, || async {
                self.ecs
                    .describe_clusters()
                    .clusters(name)
                    .send()
                    .await
                    .map_err(|e| aws_error(ACTION, e))
            })
            .await?;
        let found: Vec<_> = answer
            .clusters()
            .iter()
            .filter(|cluster| cluster.status() == Some("ACTIVE"))
            .cloned()
            .collect();
        let cluster = exactly_one(lookup, ACTION, found)?;
        let arn = cluster.cluster_arn().unwrap_or_default();
        Ok(Attributes::new([
            ("id", Value::text(arn)),
            ("arn", Value::text(arn)),
            (
                "name",
                Value::from(cluster.cluster_name().map(str::to_owned)),
            ),
        ]))
    }
}
