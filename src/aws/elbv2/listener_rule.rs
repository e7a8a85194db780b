//! `elbv2.listener_rule`: what a listener does with requests that meet conditions.
//!
//! A rule is one call to make, so a crash leaves none half made; it is found by its tags, or by listener and priority.
//!
//! Left out: URL rewrites, regular expressions and more than one action (sign-in), because no stack here needs them; the rules that others
//! put beside it on its listener, because two stacks may share one.

use std::collections::BTreeSet;

use aws_sdk_elasticloadbalancingv2::types::{Rule, RulePriorityPair};
use futures::TryFutureExt;
use futures::future::try_join_all;
use serde::Deserialize;

use super::action::{self, ActionSpec};
use super::condition::{self, ConditionSpec};
use super::{reads, tags};
use crate::aws::elbv2::text_rules;
use crate::aws::{Aws, aws_error, pages};
use crate::kind::{
    Asked, AskedItem, Class, CloudError, Collision, Cx, Field, Identity, Kind, Patience, Readiness,
    Step, TAGS, Type, Verb, Wanted,
};
use crate::model::{Attributes, KindName, Ownership, PhysicalId, Tags, Value};

pub struct ListenerRule;

#[derive(Deserialize)]
pub struct Spec {
    listener: String,
    priority: i32,
    conditions: Vec<ConditionSpec>,
    action: ActionSpec,
}

#[derive(Clone)]
pub struct Live {
    arn: String,
    rule: Rule,
    tags: Tags,
}

const RULES: &str = "elasticloadbalancing:DescribeRules";
const SET_PRIORITIES: &str = "elasticloadbalancing:SetRulePriorities";
const LAST_PRIORITY: i32 = 50_000;

const FIELDS: &[Field] = &[
    Field::new("listener", Type::Text, "The listener's ARN.")
        .rule(&text_rules::LISTENER_ARN)
        .required()
        .replace(),
    Field::new(
        "priority",
        Type::Int {
            min: 1,
            max: LAST_PRIORITY as i64,
        },
        "Its place among the listener's rules, lowest first; each is taken once.",
    )
    .required(),
    Field::new(
        "conditions",
        Type::Set(&condition::CONDITION),
        "All of them must hold.",
    )
    .required(),
    Field::new("action", action::ACTION, "What happens to the request.").required(),
    Field::computed("id", Type::Text, "Its ARN."),
    Field::computed("arn", Type::Text, "Its ARN."),
];

impl Kind<Aws> for ListenerRule {
    const NAME: KindName = KindName::new("elbv2.listener_rule");
    const DOC: &'static str = "What a listener does with requests that meet some conditions.";
    const FIELDS: &'static [Field] = FIELDS;
    const IDENTITY: Identity = Identity {
        natural_key: &["listener", "priority"],
        collision: Collision::DeleteFirst,
    };
    const PATIENCE: Patience = Patience::quick().not_yet(&[
        ("ListenerNotFound", ""),
        ("TargetGroupNotFound", ""),
        ("RuleNotFound", ""),
    ]);

    type Spec = Spec;
    type Live = Live;

    fn permissions(verb: Verb) -> &'static [&'static str] {
        match verb {
            Verb::Read => &[
                RULES,
                reads::LISTENERS,
                reads::LOAD_BALANCERS,
                reads::TARGET_GROUPS,
                "elasticloadbalancing:DescribeTags",
                "tag:GetResources",
            ],
            Verb::Create => &[
                "elasticloadbalancing:CreateRule",
                "elasticloadbalancing:AddTags",
            ],
            Verb::Update => &[
                "elasticloadbalancing:ModifyRule",
                SET_PRIORITIES,
                RULES,
                "elasticloadbalancing:DescribeTags",
                "elasticloadbalancing:AddTags",
                "elasticloadbalancing:RemoveTags",
            ],
            Verb::Delete => &["elasticloadbalancing:DeleteRule"],
        }
    }

    /// Rules cost a call per listener, so they are read only where one is asked for; strays among them are found beside those.
    async fn find(aws: &Aws, asked: &Asked) -> Result<Vec<Live>, CloudError> {
        if asked.items.is_empty() {
            return Ok(Vec::new());
        }
        let mut listeners: BTreeSet<String> = asked.items.iter().flat_map(listeners_of).collect();
        if asked.items.iter().any(|item| listeners_of(item).is_empty()) {
            listeners.extend(our_listeners(aws, asked).await?);
        }
        let all = try_join_all(listeners.iter().map(|listener| rules(aws, listener))).await?;
        let all: Vec<Rule> = all.into_iter().flatten().collect();
        let arns: Vec<String> = all.iter().map(|rule| arn(rule).to_owned()).collect();
        let all_tags = tags::describe(aws, &arns).await?;
        Ok(all
            .into_iter()
            .filter_map(|rule| {
                let tags = all_tags.get(arn(&rule)).cloned().unwrap_or_default();
                let live = Live {
                    arn: arn(&rule).to_owned(),
                    rule,
                    tags,
                };
                (asked.wants(&live.arn, &live.tags) || has_place(asked, &live)).then_some(live)
            })
            .collect())
    }

    async fn create(aws: &Aws, cx: &Cx, spec: &Spec) -> Result<Live, CloudError> {
        const CREATE: &str = "elasticloadbalancing:CreateRule";
        let request = aws
            .elb
            .create_rule()
            .listener_arn(&spec.listener)
            .priority(spec.priority)
            .set_conditions(Some(spec.conditions()))
            .actions(spec.action.to_aws(CREATE)?)
            .set_tags(Some(tags::list(&cx.tags)));
        let made = async {
            let answer = request.send().await.map_err(|e| aws_error(CREATE, e))?;
            first(answer.rules, "CreateRule answered without one")
        };
        let rule = cx
            .send(CREATE, made, |made| Some(PhysicalId::new(arn(made))))
            .await?;
        Ok(Live {
            arn: arn(&rule).to_owned(),
            rule,
            tags: cx.tags.clone(),
        })
    }

    async fn update(
        aws: &Aws,
        cx: &Cx,
        live: &Live,
        wanted: &Wanted<Spec>,
    ) -> Result<Step<Live>, CloudError> {
        const MODIFY: &str = "elasticloadbalancing:ModifyRule";
        let mut live = live.clone();
        let spec = &wanted.spec;
        if wanted.changes("conditions") || wanted.changes("action") {
            let request = aws
                .elb
                .modify_rule()
                .rule_arn(&live.arn)
                .set_conditions(Some(spec.conditions()))
                .actions(spec.action.to_aws(MODIFY)?);
            let answer = cx
                .call(MODIFY, request.send().map_err(|e| aws_error(MODIFY, e)))
                .await?;
            live.rule = first(answer.rules, "ModifyRule answered without one")?;
        }
        if wanted.changes("priority")
            && let Step::Again(why) = prioritise(aws, cx, &mut live, spec).await?
        {
            return Ok(Step::Again(why));
        }
        if wanted.changes(TAGS) {
            tags::change(aws, cx, &live.arn, &live.tags).await?;
            live.tags = cx.tags.clone();
        }
        Ok(Step::Done(live))
    }

    async fn delete(aws: &Aws, cx: &Cx, live: &Live) -> Result<Step<()>, CloudError> {
        const DELETE: &str = "elasticloadbalancing:DeleteRule";
        let request = aws.elb.delete_rule().rule_arn(&live.arn);
        let answer = cx
            .call(DELETE, request.send().map_err(|e| aws_error(DELETE, e)))
            .await;
        match answer {
            Err(error) if !error.is(Class::NotFound) => Err(error),
            _ => Ok(Step::Done(())),
        }
    }

    fn id(live: &Live) -> PhysicalId {
        PhysicalId::new(&live.arn)
    }

    fn tags(live: &Live) -> Tags {
        live.tags.clone()
    }

    fn observed(live: &Live) -> Attributes {
        Attributes::new([
            ("listener", reads::parent(&live.arn).into()),
            ("priority", priority(&live.rule).into()),
            ("conditions", condition::observed(live.rule.conditions())),
            ("action", action::observed(live.rule.actions())),
            ("arn", Value::text(&live.arn)),
        ])
    }

    fn readiness(_live: &Live) -> Readiness {
        Readiness::Ready
    }
}

impl Spec {
    fn conditions(&self) -> Vec<aws_sdk_elasticloadbalancingv2::types::RuleCondition> {
        self.conditions.iter().map(ConditionSpec::to_aws).collect()
    }
}

fn arn(rule: &Rule) -> &str {
    rule.rule_arn().unwrap_or_default()
}

/// A number, but for the listener's own `default` rule.
fn priority(rule: &Rule) -> Option<i32> {
    rule.priority()?.parse().ok()
}

fn first(rules: Option<Vec<Rule>>, otherwise: &str) -> Result<Rule, CloudError> {
    rules
        .unwrap_or_default()
        .into_iter()
        .next()
        .ok_or_else(|| CloudError::malformed(&ListenerRule::NAME, otherwise))
}

/// The listeners an item's rule may be on: its ARN holds one, and the stack or the state names it (another one, when it moves).
fn listeners_of(item: &AskedItem) -> Vec<String> {
    let of_id = item.id.as_ref().and_then(|id| reads::parent(id.as_str()));
    let named = [&item.desired, &item.last]
        .into_iter()
        .flatten()
        .filter_map(|attributes| attributes.text("listener").map(str::to_owned));
    of_id.into_iter().chain(named).collect()
}

/// Whether an item asks for this listener's priority, whoever has it.
fn has_place(asked: &Asked, live: &Live) -> bool {
    let listener = reads::parent(&live.arn);
    asked
        .items
        .iter()
        .flat_map(|item| [&item.desired, &item.last])
        .flatten()
        .any(|attributes| {
            attributes.text("listener") == listener.as_deref()
                && attributes.get("priority").as_int() == priority(&live.rule).map(i64::from)
        })
}

async fn our_listeners(aws: &Aws, asked: &Asked) -> Result<Vec<String>, CloudError> {
    let balancers = reads::our_load_balancers(aws, asked).await?;
    let listeners = try_join_all(
        balancers
            .iter()
            .map(|balancer| reads::listeners(aws, asked, balancer)),
    )
    .await?;
    Ok(listeners
        .iter()
        .flat_map(|listeners| listeners.iter())
        .filter_map(|listener| listener.listener_arn.clone())
        .collect())
}

/// The rules of one listener without its default one; none when it is gone.
async fn rules(aws: &Aws, listener: &str) -> Result<Vec<Rule>, CloudError> {
    let list = |marker| {
        let request = aws.elb.describe_rules().page_size(reads::PAGE);
        let request = request.listener_arn(listener).set_marker(marker);
        request.send().map_err(|e| aws_error(RULES, e))
    };
    match pages(aws, RULES, list, |page| page.next_marker()).await {
        Ok(pages) => Ok(pages
            .into_iter()
            .flat_map(|page| page.rules.unwrap_or_default())
            .filter(|rule| priority(rule).is_some())
            .collect()),
        Err(error) if error.is(Class::NotFound) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Gives the rule its new priority. When another rule of this stack still has it, that one is to move too, and perhaps to this one's
/// place: then this one steps aside to the end, so that the other can go first.
async fn prioritise(
    aws: &Aws,
    cx: &Cx,
    live: &mut Live,
    spec: &Spec,
) -> Result<Step<()>, CloudError> {
    let taken = match set_priority(aws, cx, live, spec.priority).await {
        Ok(()) => return Ok(Step::Done(())),
        Err(error) if error.is(Class::Exists) => error,
        Err(error) => return Err(error),
    };
    let all = rules(aws, &spec.listener).await?;
    let Some(holder) = all
        .iter()
        .find(|rule| priority(rule) == Some(spec.priority) && arn(rule) != live.arn)
    else {
        return Ok(Step::Again(format!(
            "priority {} has just become free",
            spec.priority
        )));
    };
    let holder_tags = tags::describe(aws, &[arn(holder).to_owned()]).await?;
    let ours = holder_tags
        .get(arn(holder))
        .and_then(Ownership::read)
        .is_some_and(|owner| owner.is_of(&cx.scope));
    if !ours {
        return Err(taken);
    }
    if cx.round == 0 {
        let used: BTreeSet<i32> = all.iter().filter_map(priority).collect();
        if let Some(free) = (1..=LAST_PRIORITY)
            .rev()
            .find(|place| !used.contains(place))
        {
            set_priority(aws, cx, live, free).await?;
        }
    }
    Ok(Step::Again(format!(
        "priority {} is still held by another rule of this stack",
        spec.priority
    )))
}

async fn set_priority(aws: &Aws, cx: &Cx, live: &mut Live, to: i32) -> Result<(), CloudError> {
    let pair = RulePriorityPair::builder()
        .rule_arn(&live.arn)
        .priority(to)
        .build();
    let request = aws.elb.set_rule_priorities().rule_priorities(pair);
    cx.call(
        SET_PRIORITIES,
        request.send().map_err(|e| aws_error(SET_PRIORITIES, e)),
    )
    .await?;
    live.rule.priority = Some(to.to_string());
    Ok(())
}
