use super::*;
use crate::model::Attributes;

fn spec(value: Value) -> ActionSpec {
    #[derive(Deserialize)]
    struct Holder {
        action: ActionSpec,
    }
    Attributes::new([("action", value)])
        .decode::<Holder>()
        .unwrap()
        .action
}

fn groups(weights: &[(&str, i64)]) -> Value {
    let groups = weights
        .iter()
        .map(|(arn, weight)| Value::map([("arn", Value::text(*arn)), ("weight", (*weight).into())]))
        .collect::<Vec<_>>();
    Value::map([
        ("type", Value::text("forward")),
        ("target_groups", Value::List(groups)),
    ])
}

#[test]
fn forward_to_one_group_reads_the_same_in_all_three_of_awss_forms() {
    let tuple = TargetGroupTuple::builder()
        .target_group_arn("tg")
        .weight(1)
        .build();
    let config = ForwardActionConfig::builder().target_groups(tuple).build();
    let bare = Action::builder().r#type(ActionTypeEnum::Forward);
    for form in [
        bare.clone().target_group_arn("tg").build(),
        bare.clone().forward_config(config.clone()).build(),
        bare.target_group_arn("tg")
            .forward_config(config)
            .order(1)
            .build(),
    ] {
        assert_eq!(observed(&[form]), groups(&[("tg", 1)]));
    }
}

#[test]
fn weights_survive_the_way_to_aws_and_back() {
    let wish = groups(&[("blue", 90), ("green", 10)]);
    let action = spec(wish.clone())
        .to_aws("elasticloadbalancing:CreateListener")
        .unwrap();
    assert_eq!(observed(&[action]), wish);
}

#[test]
fn redirect_parts_nobody_gave_read_as_the_defaults() {
    let wish = Value::map([
        ("type", Value::text("redirect")),
        (
            "redirect",
            Value::map([
                ("protocol", Value::text("HTTPS")),
                ("port", Value::text("443")),
                ("status", Value::text("HTTP_301")),
            ]),
        ),
    ]);
    let action = spec(wish)
        .to_aws("elasticloadbalancing:CreateListener")
        .unwrap();
    let read = observed(&[action]);
    let redirect = read
        .as_map()
        .unwrap()
        .get("redirect")
        .unwrap()
        .as_map()
        .unwrap();
    let part = |name: &str| redirect.get(name).and_then(Value::as_text).unwrap();
    assert_eq!(part("protocol"), "HTTPS");
    assert_eq!(part("port"), "443");
    assert_eq!(part("status"), "HTTP_301");
    assert_eq!(
        (part("host"), part("path"), part("query")),
        ("#{host}", "/#{path}", "#{query}")
    );
}

#[test]
fn an_action_without_its_part_is_refused_before_it_is_sent() {
    let error = spec(Value::map([("type", Value::text("forward"))]))
        .to_aws("elasticloadbalancing:CreateListener")
        .unwrap_err();
    assert!(error.is(Class::Invalid));
    assert!(error.message.contains("target_groups"), "{error}");
}

#[test]
fn a_login_step_put_in_front_by_hand_is_a_difference() {
    let login = Action::builder()
        .r#type(ActionTypeEnum::AuthenticateOidc)
        .build();
    let forward = Action::builder()
        .r#type(ActionTypeEnum::Forward)
        .target_group_arn("tg")
        .build();
    let read = observed(&[login, forward]);
    let kind = read.as_map().unwrap().get("type").and_then(Value::as_text);
    assert_eq!(kind, Some("authenticate-oidc+forward"));
}
