//! What of a load balancer takes calls of its own: its settings, subnets and security groups.

use aws_sdk_elasticloadbalancingv2::types::LoadBalancerAttribute;

use super::*;

pub fn wished(spec: &Spec) -> Settings {
    let mut wished = settings([
        (IDLE_TIMEOUT, &spec.idle_timeout.to_string()),
        (DELETION_PROTECTION, &spec.deletion_protection.to_string()),
        (DROP_INVALID, &spec.drop_invalid_headers.to_string()),
        (LOGS, &spec.access_logs.is_some().to_string()),
    ]);
    if let Some(http2) = spec.http2 {
        wished.insert(HTTP2.into(), http2.to_string());
    }
    if let Some(logs) = &spec.access_logs {
        wished.insert(LOGS_BUCKET.into(), logs.bucket.clone());
        wished.insert(LOGS_PREFIX.into(), logs.prefix.clone().unwrap_or_default());
    }
    wished
}

pub async fn read_settings(aws: &Aws, arn: &str) -> Result<Settings, CloudError> {
    const READ: &str = "elasticloadbalancing:DescribeLoadBalancerAttributes";
    let request = aws
        .elb
        .describe_load_balancer_attributes()
        .load_balancer_arn(arn);
    let answer = aws
        .read(READ, || {
            request.clone().send().map_err(|e| aws_error(READ, e))
        })
        .await;
    let attributes = match answer {
        Ok(answer) => answer.attributes.unwrap_or_default(),
        // Deleted since the list was read; whoever needs it will notice.
        Err(error) if error.is(Class::NotFound) => Vec::new(),
        Err(error) => return Err(error),
    };
    Ok(attributes
        .into_iter()
        .filter_map(|one| Some((one.key?, one.value.unwrap_or_default())))
        .collect())
}

/// Sends the settings that differ, in one call; none when all are as wished.
pub async fn modify(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    wished: &Settings,
) -> Result<(), CloudError> {
    let mut differing = differing(&live.settings, wished);
    // Absent is off. Sent all the same, it would be the one trace by which a balancer that was made in two runs differs (moto keeps it).
    let unheard = !live.settings.is_empty() && !live.settings.contains_key(LOGS);
    if unheard && is_on(&differing, LOGS) == Some(false) {
        differing.remove(LOGS);
    }
    if differing.is_empty() {
        return Ok(());
    }
    let list = differing
        .iter()
        .map(|(key, value)| {
            LoadBalancerAttribute::builder()
                .key(key)
                .value(value)
                .build()
        })
        .collect();
    let request = aws
        .elb
        .modify_load_balancer_attributes()
        .load_balancer_arn(&live.arn)
        .set_attributes(Some(list));
    cx.call(MODIFY, request.send().map_err(|e| aws_error(MODIFY, e)))
        .await?;
    live.settings.extend(differing);
    Ok(())
}

/// A protection that the stack does not ask for is drift and goes; one that it asks for, or of which nobody knows, is respected.
pub async fn unprotect(aws: &Aws, cx: &Cx, live: &Live) -> Result<(), CloudError> {
    if is_on(&live.settings, DELETION_PROTECTION) != Some(true) {
        return Ok(());
    }
    if cx.last.get("deletion_protection").as_bool() != Some(false) {
        return Err(CloudError::new(
            "elasticloadbalancing:DeleteLoadBalancer",
            Class::Invalid,
            "DeletionProtected",
            "deletion protection is on; set `deletion_protection: false`, apply that, and delete it then",
        ));
    }
    let off = settings([(DELETION_PROTECTION, "false")]);
    modify(aws, cx, &mut live.clone(), &off).await
}

pub async fn set_subnets(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    subnets: &[String],
) -> Result<(), CloudError> {
    const SET: &str = "elasticloadbalancing:SetSubnets";
    let request = aws
        .elb
        .set_subnets()
        .load_balancer_arn(&live.arn)
        .set_subnets(Some(subnets.to_vec()));
    let answer = cx
        .call(SET, request.send().map_err(|e| aws_error(SET, e)))
        .await?;
    live.balancer.availability_zones = answer.availability_zones;
    Ok(())
}

pub async fn set_security_groups(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    groups: &[String],
) -> Result<(), CloudError> {
    const SET: &str = "elasticloadbalancing:SetSecurityGroups";
    let request = aws
        .elb
        .set_security_groups()
        .load_balancer_arn(&live.arn)
        .set_security_groups(Some(groups.to_vec()));
    cx.call(SET, request.send().map_err(|e| aws_error(SET, e)))
        .await?;
    live.balancer.security_groups = Some(groups.to_vec());
    Ok(())
}
