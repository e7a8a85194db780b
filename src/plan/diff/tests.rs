use super::*;
use crate::model::Expr;

fn none(_: &SecretRef) -> Option<SecretText> {
    None
}

fn eq(ty: &Type, a: Value, b: Value) -> bool {
    same(ty, &a, &b, &none)
}

#[test]
fn equality_belongs_to_the_type() {
    assert!(eq(
        &Type::Cidr,
        "100.68.0.18/18".into(),
        "100.68.0.0/18".into()
    ));
    assert!(!eq(&Type::Cidr, "10.0.0.0/16".into(), "10.1.0.0/16".into()));
    assert!(eq(&Type::Cidr, "0.0.0.0/0".into(), "0.0.0.0/0".into()));
    assert!(eq(&Type::Version, "15".into(), "15.7".into()));
    assert!(!eq(&Type::Version, "15".into(), "150.1".into()));
    assert!(!eq(&Type::Version, "16".into(), "15.7".into()));
    let set = Type::Set(&Type::Text);
    assert!(eq(&set, vec!["a", "b"].into(), vec!["b", "a"].into()));
    assert!(!eq(&set, vec!["a"].into(), vec!["b", "a"].into()));
    assert!(eq(&set, Value::List(vec![]), Value::Null));
    assert!(!eq(
        &Type::List(&Type::Text),
        vec!["a", "b"].into(),
        vec!["b", "a"].into()
    ));
}

const SAID: &[Field] = &[
    Field::new("cidr", Type::Cidr, ".").required().replace(),
    Field::new("exceptions", Type::Set(&Type::Text), ".").always_said(),
    Field::new("policy", Type::Policy, "."),
];

#[test]
fn what_an_answer_leaves_out_is_no_difference_where_it_cannot_be_gone() {
    let wished = Attributes::new([
        ("cidr", Value::text("10.0.0.0/16")),
        ("exceptions", vec!["release-*"].into()),
        ("policy", "{}".into()),
    ]);
    let names = |observed: &Attributes| -> Vec<&str> {
        let found = differences(SAID, &wished, observed, &none);
        found
            .iter()
            .map(|difference| difference.field.name)
            .collect()
    };
    assert_eq!(names(&Attributes::default()), ["policy"]);
    let empty = Attributes::new([
        ("cidr", Value::text("")),
        ("exceptions", Value::List(vec![])),
    ]);
    assert_eq!(names(&empty), ["exceptions", "policy"]);
    let other = Attributes::new([("cidr", Value::text("10.1.0.0/16"))]);
    assert_eq!(names(&other), ["cidr", "policy"]);
}

#[test]
fn a_policy_is_its_meaning() {
    let a = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"Resource":"*","Principal":{"AWS":"111122223333"}}]}"#;
    let b = r#"{"Statement":{"Resource":["*"],"Action":"S3:getobject","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"}},"Version":"2012-10-17"}"#;
    assert!(eq(&Type::Policy, a.into(), b.into()));
    let c = a.replace("s3:GetObject", "s3:PutObject");
    assert!(!eq(&Type::Policy, a.into(), c.into()));
}

const KEYS: Type = Type::Map(&Type::Object(&[
    Field::new("generate", Type::Int { min: 16, max: 128 }, "."),
    Field::new("operator", Type::Text, "."),
    Field::new("value", Type::Any, "."),
]));

#[test]
fn a_secret_is_compared_by_what_it_comes_to() {
    let secret = |key: &str| SecretRef {
        address: "s".into(),
        key: key.into(),
    };
    let live = |key: &str| Value::Expr(Expr(vec![Part::Secret(secret(key))]));
    let values = |s: &SecretRef| match s.key.as_str() {
        "pw" => Some(SecretText::new("hunter2".into())),
        "url" => Some(SecretText::new("pg://u:hunter2@h".into())),
        _ => None,
    };
    let url = Value::Expr(Expr(vec![
        Part::Text("pg://u:".into()),
        Part::Secret(secret("pw")),
        Part::Text("@h".into()),
    ]));
    let want = Value::map([
        ("url", Value::map([("value", url)])),
        ("gen", Value::map([("generate", Value::Int(48))])),
        ("opt", Value::map([("operator", Value::text("optional"))])),
    ]);
    let there = Value::map([("url", live("url")), ("gen", live("gen"))]);
    assert!(same(&KEYS, &want, &there, &values));
    let missing = Value::map([("url", live("url"))]);
    assert!(!same(&KEYS, &want, &missing, &values));
    let stale = Value::map([("url", live("pw")), ("gen", live("gen"))]);
    assert!(!same(&KEYS, &want, &stale, &values));
    static FIELD: Field = Field::new("keys", KEYS, ".");
    let unlike = |from: Value| {
        let to = want.clone();
        unlike_keys(
            &Difference {
                field: &FIELD,
                from,
                to,
            },
            &values,
        )
    };
    assert_eq!(unlike(stale), Some(vec!["url".to_owned()]));
    assert_eq!(unlike(missing), Some(vec!["gen".to_owned()]));
}
