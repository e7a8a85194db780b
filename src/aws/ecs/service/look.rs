//! Finding services: by name in their clusters, ten a call.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types::ServiceField;
use futures::future::try_join_all;

use super::super::clusters::{name_in, our_clusters, services_in};
use super::super::still;
use super::*;
use crate::aws::scan::needs_scan;
use crate::kind::Class;

/// The most services one `DescribeServices` takes (API reference).
const PER_CALL: usize = 10;

/// Names by cluster name.
type Places = BTreeMap<String, BTreeSet<String>>;

pub async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
    let named = places(asked);
    let (known, strays) = tokio::try_join!(describe_all(aws, &named), strays(aws, asked, &named))?;
    let mut found: Vec<Live> = known
        .into_iter()
        .chain(strays)
        .filter(|live| asked.wants(&live.arn, &live.tags) || has_place(asked, live))
        .collect();
    for live in &mut found {
        live.wished = wished(asked, live);
        // For planning it is what it is, whatever this process began.
        live.begun = live
            .wished
            .as_ref()
            .and_then(|_| aws.deployments.of(&live.arn));
        if let Some(definition) = &live.wished
            && live.rollout().may_be_rolled_back()
        {
            live.wished_at = registered_at(aws, definition).await?;
        }
        if live.rollout().stands_still() {
            live.still = still::stays(aws, || stands_still(aws, live)).await?;
        }
    }
    Ok(found)
}

/// Whether it still does, at another look.
async fn stands_still(aws: &Aws, live: &Live) -> Result<bool, CloudError> {
    let Some((cluster, name)) = place_in(&live.arn) else {
        return Ok(false);
    };
    let again = describe(aws, cluster, vec![name.to_owned()]).await?;
    Ok(again.into_iter().any(|mut now| {
        now.wished.clone_from(&live.wished);
        now.begun.clone_from(&live.begun);
        now.rollout().stands_still()
    }))
}

async fn registered_at(aws: &Aws, definition: &str) -> Result<Option<i64>, CloudError> {
    let request = aws
        .ecs
        .describe_task_definition()
        .task_definition(definition);
    let answer = aws
        .read(REGISTERED, || {
            request.clone().send().map_err(|e| aws_error(REGISTERED, e))
        })
        .await?;
    let definition = answer.task_definition();
    Ok(definition.and_then(|definition| definition.registered_at().map(|at| at.secs())))
}

/// Cluster and name of every item, as far as its id, the stack or the state says them.
fn places(asked: &Asked) -> Places {
    let mut places = Places::new();
    for item in &asked.items {
        let of_id = item.id.as_ref().and_then(|id| place_in(id.as_str()));
        let named = [&item.desired, &item.last]
            .into_iter()
            .flatten()
            .filter_map(|attributes| {
                Some((
                    name_in(attributes.text("cluster")?),
                    attributes.text("name")?,
                ))
            });
        for (cluster, name) in of_id.into_iter().chain(named) {
            places
                .entry(cluster.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }
    places
}

/// `arn:…:service/cluster/name` → (cluster, name). ARNs of the old short form name no cluster.
pub fn place_in(arn: &str) -> Option<(&str, &str)> {
    let (_, path) = arn.split_once(":service/")?;
    path.split_once('/')
}

/// Services in our clusters that no item leads to.
async fn strays(aws: &Aws, asked: &Asked, known: &Places) -> Result<Vec<Live>, CloudError> {
    let nowhere = asked.items.iter().any(|item| {
        item.id.is_none()
            && [&item.desired, &item.last]
                .into_iter()
                .flatten()
                .all(|attributes| attributes.text("cluster").is_none())
    });
    if !nowhere && !needs_scan(asked, "name") {
        return Ok(Vec::new());
    }
    let clusters = our_clusters(aws, asked).await?;
    let lists = try_join_all(clusters.iter().map(|cluster| services_in(aws, cluster))).await?;
    let mut others = Places::new();
    for (cluster, name) in lists.iter().flatten().filter_map(|arn| place_in(arn)) {
        if !known.get(cluster).is_some_and(|names| names.contains(name)) {
            others
                .entry(cluster.to_owned())
                .or_default()
                .insert(name.to_owned());
        }
    }
    describe_all(aws, &others).await
}

async fn describe_all(aws: &Aws, places: &Places) -> Result<Vec<Live>, CloudError> {
    let calls = places.iter().flat_map(|(cluster, names)| {
        let names: Vec<String> = names.iter().cloned().collect();
        let chunks: Vec<Vec<String>> = names.chunks(PER_CALL).map(<[String]>::to_vec).collect();
        chunks
            .into_iter()
            .map(move |chunk| describe(aws, cluster, chunk))
    });
    Ok(try_join_all(calls).await?.into_iter().flatten().collect())
}

/// Those of the services that are there: `INACTIVE` is what AWS calls deleted, and missing ones are told as failures with HTTP 200.
pub async fn describe(
    aws: &Aws,
    cluster: &str,
    names: Vec<String>,
) -> Result<Vec<Live>, CloudError> {
    let request = aws
        .ecs
        .describe_services()
        .cluster(cluster)
        .set_services(Some(names))
        .include(ServiceField::Tags);
    let answer = aws
        .read(DESCRIBE, || {
            request.clone().send().map_err(|e| aws_error(DESCRIBE, e))
        })
        .await;
    let services = match answer {
        Ok(answer) => answer.services.unwrap_or_default(),
        // The cluster is gone, and its services with it.
        Err(error) if error.is(Class::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(services
        .into_iter()
        .filter(|service| service.status() != Some("INACTIVE"))
        .map(|service| {
            let tags = tags::read(service.tags());
            Live::new(service, tags, None)
        })
        .collect())
}

/// Whether an item asks for this name in this cluster, whoever has it.
fn has_place(asked: &Asked, live: &Live) -> bool {
    let cluster = live.service.cluster_arn().map(name_in);
    asked
        .items
        .iter()
        .flat_map(|item| [&item.desired, &item.last])
        .flatten()
        .any(|attributes| {
            attributes.text("name") == live.service.service_name()
                && attributes.text("cluster").map(name_in) == cluster
        })
}

/// The task definition that is waited for. For planning there is none: what a plan will change is no failure of what is there.
fn wished(asked: &Asked, live: &Live) -> Option<String> {
    if asked.extent.is_wide() {
        return None;
    }
    asked
        .items
        .iter()
        .filter(|item| item.id.as_ref().is_none_or(|id| id.as_str() == live.arn))
        .filter_map(|item| item.desired.as_ref())
        .find(|desired| desired.text("name") == live.service.service_name())
        .and_then(|desired| desired.text("task_definition").map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_holds_cluster_and_name() {
        assert_eq!(
            place_in("arn:aws:ecs:r:1:service/circles/app"),
            Some(("circles", "app"))
        );
        assert_eq!(place_in("arn:aws:ecs:r:1:service/app"), None);
        assert_eq!(name_in("arn:aws:ecs:r:1:cluster/circles"), "circles");
        assert_eq!(name_in("circles"), "circles");
    }
}
