//! Clusters as AWS has them: for their own kind, and for services, which are found through them.

use std::sync::Arc;

use aws_sdk_ecs::types::{Cluster as Inner, ClusterField, ClusterSettingName};
use futures::TryFutureExt;
use futures::future::try_join_all;

use super::tags;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Asked, Class, CloudError};
use crate::model::{Ownership, Tags};

#[derive(Clone)]
pub struct Live {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) status: String,
    pub(super) container_insights: Option<String>,
    pub(super) tags: Tags,
}

pub(super) const DESCRIBE: &str = "ecs:DescribeClusters";
pub(super) const LIST: &str = "ecs:ListClusters";
/// The most clusters one `DescribeClusters` takes (API reference).
const PER_CALL: usize = 100;

pub(super) fn name_in(cluster: &str) -> &str {
    cluster.rsplit('/').next().unwrap_or(cluster)
}

/// ARNs of the clusters that carry this stack's tags, out of all there are.
pub(super) async fn our_clusters(aws: &Aws, asked: &Asked) -> Result<Vec<String>, CloudError> {
    let all = everything(aws, asked).await?;
    Ok(all
        .iter()
        .filter(|live| Ownership::read(&live.tags).is_some_and(|owner| owner.is_of(&asked.scope)))
        .map(|live| live.arn.clone())
        .collect())
}

pub(super) fn read(cluster: Inner) -> Live {
    let container_insights = cluster
        .settings()
        .iter()
        .find(|setting| setting.name() == Some(&ClusterSettingName::ContainerInsights))
        .and_then(|setting| setting.value().map(str::to_owned));
    Live {
        container_insights,
        tags: tags::read(cluster.tags()),
        arn: cluster.cluster_arn.unwrap_or_default(),
        name: cluster.cluster_name.unwrap_or_default(),
        status: cluster.status.unwrap_or_default(),
    }
}

/// Those of the named clusters that are there; `INACTIVE` is what AWS calls deleted.
pub(super) async fn describe(aws: &Aws, names: Vec<String>) -> Result<Vec<Live>, CloudError> {
    let pages = try_join_all(names.chunks(PER_CALL).map(|chunk| async move {
        let request = aws
            .ecs
            .describe_clusters()
            .set_clusters(Some(chunk.to_vec()))
            .include(ClusterField::Tags)
            .include(ClusterField::Settings);
        aws.read(DESCRIBE, || {
            request.clone().send().map_err(|e| aws_error(DESCRIBE, e))
        })
        .await
    }))
    .await?;
    Ok(pages
        .into_iter()
        .flat_map(|page| page.clusters.unwrap_or_default())
        .map(read)
        .filter(|live| live.status != "INACTIVE")
        .collect())
}

/// Every cluster in the region, read once per look.
pub(super) async fn everything(aws: &Aws, asked: &Asked) -> Result<Arc<Vec<Live>>, CloudError> {
    asked
        .memo
        .get("all", || async {
            let list = |token| {
                let request = aws.ecs.list_clusters().max_results(100);
                let request = request.set_next_token(token);
                request.send().map_err(|e| aws_error(LIST, e))
            };
            let pages = pages(aws, LIST, list, |page| page.next_token()).await?;
            let arns = pages
                .into_iter()
                .flat_map(|page| page.cluster_arns.unwrap_or_default());
            describe(aws, arns.collect()).await
        })
        .await
}

/// ARNs of a cluster's services, whoever made them; none when there is no such cluster.
pub async fn services_in(aws: &Aws, cluster: &str) -> Result<Vec<String>, CloudError> {
    const LIST_SERVICES: &str = "ecs:ListServices";
    let list = |token| {
        let request = aws.ecs.list_services().cluster(cluster).max_results(100);
        let request = request.set_next_token(token);
        request.send().map_err(|e| aws_error(LIST_SERVICES, e))
    };
    match pages(aws, LIST_SERVICES, list, |page| page.next_token()).await {
        Ok(pages) => Ok(pages
            .into_iter()
            .flat_map(|page| page.service_arns.unwrap_or_default())
            .collect()),
        Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}
