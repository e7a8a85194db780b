//! The field tables and the samples, looked at as a whole.

use std::collections::BTreeSet;

use circles_infra::kind::{AnyKind, Change, Collision, Field, Literal, Type, Verb};

use super::samples;
use super::stage::Stage;
use crate::local_aws::LocalAws;

#[tokio::test]
async fn tables_are_well_formed_and_every_kind_has_a_sample() {
    let local = LocalAws::shared();
    let stage = Stage::open(&local).await;
    let mut wrong = Vec::new();
    for kind in stage.kinds.iter() {
        check_kind(&**kind, &mut wrong);
        let name = kind.name();
        let sampled = samples::all()
            .iter()
            .any(|s| s.kind == name.as_str() && s.tested);
        if !sampled {
            wrong.push(format!("{name}: no sample takes it through the contract"));
        }
    }
    for sample in samples::all() {
        let kind = stage.kind(sample.kind);
        for field in kind.fields() {
            let compared = !field.computed && field.change != Change::Ignore;
            let values = sample.changes.iter().chain(&sample.compared);
            let said = values.into_iter().any(|(name, _)| *name == field.name)
                || sample.unchanged.iter().any(|(name, _)| *name == field.name);
            if sample.tested && compared && !said {
                wrong.push(format!(
                    "{}: no other value for {}",
                    sample.address, field.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn check_kind(kind: &dyn AnyKind, wrong: &mut Vec<String>) {
    let name = kind.name();
    let mut say = |text: String| wrong.push(format!("{name}: {text}"));
    if !kind.doc().ends_with('.') {
        say(format!("its doc is not a sentence: {:?}", kind.doc()));
    }
    check_fields(kind.fields(), "", &mut say);
    if !kind.fields().iter().any(|f| f.name == "id" && f.computed) {
        say("no computed field id".into());
    }
    let identity = kind.identity();
    let known = |field: &str| kind.fields().iter().any(|f| f.name == field);
    for field in identity.natural_key {
        if !known(field) {
            say(format!("its natural key names {field}, which is no field"));
        }
    }
    if let Collision::Suffix { field, longest } = identity.collision
        && (!known(field) || longest < 16)
    {
        say(format!("nothing can be added to {field}"));
    }
    for verb in [Verb::Read, Verb::Create, Verb::Update, Verb::Delete] {
        let actions = kind.permissions(verb);
        let distinct: BTreeSet<_> = actions.iter().collect();
        let named = actions.iter().all(|action| {
            action
                .split_once(':')
                .is_some_and(|(s, a)| !s.is_empty() && !a.is_empty())
        });
        if actions.is_empty() || distinct.len() != actions.len() || !named {
            say(format!("its permissions to {verb:?} are {actions:?}"));
        }
    }
    let patience = kind.patience();
    if patience.budget < patience.typical || patience.poll.0 > patience.poll.1 {
        say("its patience ends before it begins".into());
    }
}

fn check_fields(fields: &'static [Field], within: &str, say: &mut dyn FnMut(String)) {
    let names: BTreeSet<_> = fields.iter().map(|field| field.name).collect();
    if names.len() != fields.len() {
        say(format!("two fields of one name in {within:?}"));
    }
    for field in fields {
        let name = format!("{within}{}", field.name);
        if !field.doc.ends_with('.') {
            say(format!(
                "{name}: its doc is not a sentence: {:?}",
                field.doc
            ));
        }
        if field.required && (field.default.is_some() || field.computed) {
            say(format!("{name}: required, and yet not to be given"));
        }
        if let Some(default) = field.default
            && !fits(&field.ty, default)
        {
            say(format!("{name}: its default is of another type"));
        }
        if let Type::Object(parts)
        | Type::List(Type::Object(parts))
        | Type::Set(Type::Object(parts))
        | Type::Map(Type::Object(parts)) = &field.ty
        {
            check_fields(parts, &format!("{name}."), say);
        }
    }
}

fn fits(ty: &Type, default: Literal) -> bool {
    match (ty, default) {
        (_, Literal::Unset) | (Type::Bool, Literal::Bool(_)) => true,
        (Type::Int { min, max } | Type::Floor { min, max }, Literal::Int(int)) => {
            (*min..=*max).contains(&int)
        }
        (Type::IntOf(numbers), Literal::Int(int)) => numbers.contains(&int),
        (Type::OneOf(words), Literal::Text(word)) => words.contains(&word),
        (Type::Text | Type::Cidr | Type::Version, Literal::Text(_)) => true,
        (Type::List(_) | Type::Set(_), Literal::EmptyList) => true,
        (Type::Map(_) | Type::Object(_), Literal::EmptyMap) => true,
        _ => false,
    }
}
