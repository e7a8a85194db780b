//! The parameters of a group: read them, tell what differs, set and put back.

use std::collections::BTreeMap;

use aws_sdk_rds::types::{ApplyMethod, Parameter};

use crate::aws::{Aws, aws_error, pages};
use crate::kind::{Asked, CloudError, Cx, IntentVerb};

/// Names (lower case) and values, as text.
pub(super) type Parameters = BTreeMap<String, String>;

/// What one `ModifyDBParameterGroup` or `ResetDBParameterGroup` takes (API reference).
const PER_CALL: usize = 20;

/// The parameters that the stack wishes for the group of that name.
pub(super) fn wished(asked: &Asked, name: &str) -> Parameters {
    asked
        .items
        .iter()
        .filter_map(|item| item.desired.as_ref())
        .filter(|desired| desired.text("name") == Some(name))
        .filter_map(|desired| desired.get("parameters").as_map())
        .flatten()
        .filter_map(|(name, value)| Some((name.clone(), value.as_text()?.to_owned())))
        .collect()
}

/// A wished parameter that the user's list lacks but that has the wished value all the same counts as set.
pub(super) fn add_defaults(user: &mut Parameters, wished: &Parameters, effective: &Parameters) {
    for (name, value) in wished {
        if !user.contains_key(name) && effective.get(name) == Some(value) {
            user.insert(name.clone(), value.clone());
        }
    }
}

/// All parameters of a group, or those of one source (`user`), 100 a page.
pub(super) async fn described(
    aws: &Aws,
    name: &str,
    source: Option<&str>,
) -> Result<Vec<Parameter>, CloudError> {
    let pages = pages(
        aws,
        "rds:DescribeDBParameters",
        |marker| {
            let request = aws
                .rds
                .describe_db_parameters()
                .db_parameter_group_name(name)
                .set_source(source.map(str::to_owned))
                .max_records(100)
                .set_marker(marker);
            async move {
                request
                    .send()
                    .await
                    .map_err(|e| aws_error("rds:DescribeDBParameters", e))
            }
        },
        |page| page.marker(),
    )
    .await?;
    let all = pages
        .into_iter()
        .flat_map(|page| page.parameters.unwrap_or_default());
    Ok(all.collect())
}

pub(super) fn values(parameters: &[Parameter]) -> Parameters {
    parameters
        .iter()
        .filter_map(|parameter| {
            Some((
                parameter.parameter_name()?.to_owned(),
                parameter.parameter_value()?.to_owned(),
            ))
        })
        .collect()
}

/// Names to set with their values, and names to put back to the engine's default.
fn difference(live: &Parameters, wished: &Parameters) -> (Parameters, Vec<String>) {
    let set = wished
        .iter()
        .filter(|(name, value)| live.get(*name) != Some(*value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let reset = live
        .keys()
        .filter(|name| !wished.contains_key(*name))
        .cloned()
        .collect();
    (set, reset)
}

pub(super) async fn set_parameters(
    aws: &Aws,
    cx: &Cx,
    group: &str,
    live: &mut Parameters,
    wished: &Parameters,
) -> Result<(), CloudError> {
    let (set, reset) = difference(live, wished);
    if set.is_empty() && reset.is_empty() {
        return Ok(());
    }
    // AWS refuses `immediate` for static parameters, and a dynamic one sent as `pending-reboot` would wait for a reboot in vain.
    let dynamic: Vec<String> = described(aws, group, None)
        .await?
        .into_iter()
        .filter(|parameter| parameter.apply_type() == Some("dynamic"))
        .filter_map(|parameter| parameter.parameter_name)
        .collect();
    let parameter = |name: &String, value: Option<&String>| {
        Parameter::builder()
            .parameter_name(name)
            .set_parameter_value(value.cloned())
            .apply_method(if dynamic.contains(name) {
                ApplyMethod::Immediate
            } else {
                ApplyMethod::PendingReboot
            })
            .build()
    };
    let set: Vec<Parameter> = set
        .iter()
        .map(|(name, value)| parameter(name, Some(value)))
        .collect();
    let reset: Vec<Parameter> = reset.iter().map(|name| parameter(name, None)).collect();
    for some in set.chunks(PER_CALL) {
        modify(aws, cx, group, some).await?;
        live.extend(values(some));
    }
    for some in reset.chunks(PER_CALL) {
        put_back(aws, cx, group, some).await?;
        live.retain(|name, _| !some.iter().any(|p| p.parameter_name() == Some(name)));
    }
    let waiting: Vec<&str> = set
        .iter()
        .chain(&reset)
        .filter(|p| p.apply_method() == Some(&ApplyMethod::PendingReboot))
        .filter_map(Parameter::parameter_name)
        .collect();
    // Instances that come later start with what is set now.
    if !waiting.is_empty() && cx.verb != IntentVerb::Create {
        cx.note(format!(
            "{}: at the instances' next reboot",
            waiting.join(", ")
        ));
    }
    Ok(())
}

async fn modify(aws: &Aws, cx: &Cx, group: &str, some: &[Parameter]) -> Result<(), CloudError> {
    cx.call("rds:ModifyDBParameterGroup", async {
        aws.rds
            .modify_db_parameter_group()
            .db_parameter_group_name(group)
            .set_parameters(Some(some.to_vec()))
            .send()
            .await
            .map_err(|e| aws_error("rds:ModifyDBParameterGroup", e))
    })
    .await
    .map(|_| ())
}

async fn put_back(aws: &Aws, cx: &Cx, group: &str, some: &[Parameter]) -> Result<(), CloudError> {
    cx.call("rds:ResetDBParameterGroup", async {
        aws.rds
            .reset_db_parameter_group()
            .db_parameter_group_name(group)
            .reset_all_parameters(false)
            .set_parameters(Some(some.to_vec()))
            .send()
            .await
            .map_err(|e| aws_error("rds:ResetDBParameterGroup", e))
    })
    .await
    .map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(entries: &[(&str, &str)]) -> Parameters {
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn what_differs_is_set_and_what_nobody_names_is_put_back() {
        let live = parameters(&[
            ("rds.force_ssl", "1"),
            ("work_mem", "4096"),
            ("by_hand", "x"),
        ]);
        let wished = parameters(&[
            ("rds.force_ssl", "1"),
            ("work_mem", "8192"),
            ("log_statement", "ddl"),
        ]);
        let (set, reset) = difference(&live, &wished);
        assert_eq!(
            set,
            parameters(&[("log_statement", "ddl"), ("work_mem", "8192")])
        );
        assert_eq!(reset, ["by_hand"]);
        assert_eq!(difference(&wished, &wished), (Parameters::new(), vec![]));
    }

    #[test]
    fn a_wish_that_equals_the_engines_default_counts_as_set() {
        let wished = parameters(&[("work_mem", "4096"), ("rds.force_ssl", "1")]);
        let effective = parameters(&[("work_mem", "4096"), ("rds.force_ssl", "0"), ("other", "1")]);
        let mut user = Parameters::new();
        add_defaults(&mut user, &wished, &effective);
        assert_eq!(user, parameters(&[("work_mem", "4096")]));
    }
}
