//! What of a target group takes calls of its own: its settings and its health check.

use aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute;

use super::*;

pub fn observed_stickiness(settings: &Settings) -> Value {
    if is_on(settings, STICKY) != Some(true) {
        return Value::Null;
    }
    if settings
        .get(STICKY_TYPE)
        .is_some_and(|kind| kind == "app_cookie")
    {
        return Value::map([
            ("duration", int(settings, APP_DURATION).into()),
            ("cookie", text(settings, APP_COOKIE).into()),
        ]);
    }
    Value::map([("duration", Value::from(int(settings, LB_DURATION)))])
}

pub fn wished(spec: &Spec) -> Settings {
    let mut wished = settings([
        (DELAY, &spec.deregistration_delay.to_string()),
        (STICKY, &spec.stickiness.is_some().to_string()),
    ]);
    if let Some(seconds) = spec.slow_start {
        wished.insert(SLOW_START.into(), seconds.to_string());
    }
    match &spec.stickiness {
        Some(Stickiness {
            duration,
            cookie: Some(cookie),
        }) => wished.extend(settings([
            (STICKY_TYPE, "app_cookie"),
            (APP_COOKIE, cookie),
            (APP_DURATION, &duration.to_string()),
        ])),
        Some(Stickiness {
            duration,
            cookie: None,
        }) => wished.extend(settings([
            (STICKY_TYPE, "lb_cookie"),
            (LB_DURATION, &duration.to_string()),
        ])),
        None => {}
    }
    wished
}

pub async fn read_settings(aws: &Aws, arn: &str) -> Result<Settings, CloudError> {
    const READ: &str = "elasticloadbalancing:DescribeTargetGroupAttributes";
    let request = aws
        .elb
        .describe_target_group_attributes()
        .target_group_arn(arn);
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
pub async fn modify_settings(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    wished: &Settings,
) -> Result<(), CloudError> {
    let differing = differing(&live.settings, wished);
    if differing.is_empty() {
        return Ok(());
    }
    let list = differing
        .iter()
        .map(|(key, value)| {
            TargetGroupAttribute::builder()
                .key(key)
                .value(value)
                .build()
        })
        .collect();
    let request = aws
        .elb
        .modify_target_group_attributes()
        .target_group_arn(&live.arn)
        .set_attributes(Some(list));
    cx.call(
        MODIFY_ATTRIBUTES,
        request.send().map_err(|e| aws_error(MODIFY_ATTRIBUTES, e)),
    )
    .await?;
    live.settings.extend(differing);
    Ok(())
}

pub async fn modify_check(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    check: &HealthCheck,
) -> Result<(), CloudError> {
    let request = aws
        .elb
        .modify_target_group()
        .target_group_arn(&live.arn)
        .health_check_path(&check.path)
        .health_check_interval_seconds(check.interval)
        .health_check_timeout_seconds(check.timeout)
        .healthy_threshold_count(check.healthy_threshold)
        .unhealthy_threshold_count(check.unhealthy_threshold)
        .matcher(check.matcher());
    let answer = cx
        .call(MODIFY, request.send().map_err(|e| aws_error(MODIFY, e)))
        .await?;
    if let Some(group) = answer.target_groups.unwrap_or_default().into_iter().next() {
        live.group = group;
    }
    Ok(())
}
