//! Environment variables of containers: names that ECS or a shell cannot take, and one name that stands in both `environment` and
//! `secrets`, which ECS refuses ("The secret name must be unique and not shared with any new or existing environment variables").

use super::Seen;
use crate::diagnostic::code;
use crate::stack::desk::Desk;

pub fn check(desk: &mut Desk<'_>, seen: &Seen<'_>) {
    for definition in seen.of_kind("ecs.task_definition") {
        let containers = definition.attributes.get("containers").as_list();
        for container in containers.into_iter().flatten() {
            let Some(fields) = container.as_map() else {
                continue;
            };
            let names = |field: &str| {
                let variables = fields.get(field).and_then(|value| value.as_map());
                variables.into_iter().flat_map(|map| map.keys())
            };
            for name in names("environment").chain(names("secrets")) {
                let Some(reason) = refusal(name) else {
                    continue;
                };
                desk.error(
                    code::NAME_RULE,
                    seen.span(definition, "containers"),
                    format!("`{name}` cannot be an environment variable: {reason}"),
                )
                .help("use letters, digits, `_`, `.` and `-`; start with a letter or `_`");
            }
            for name in names("secrets").filter(|name| names("environment").any(|one| one == *name))
            {
                desk.error(
                    code::CONTRADICTION,
                    seen.span(definition, "containers"),
                    format!("`{name}` is in both `environment` and `secrets`"),
                )
                .help("keep one of the two: a container has one variable of a name");
            }
        }
    }
}

fn refusal(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let first = name.chars().next();
    match (first, name.chars().find(|c| !fits(*c))) {
        (None, _) => Some("the name is empty".into()),
        (_, Some(wrong)) => Some(format!("it contains `{wrong}`")),
        (Some(first), None) if !(first.is_ascii_alphabetic() || first == '_') => {
            Some(format!("it starts with `{first}`"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::refusal;

    #[test]
    fn names_are_those_that_a_shell_can_set() {
        for name in ["", "A=B", "with space", "1ST", "-x", ".x", "Ü", "a\n"] {
            assert!(refusal(name).is_some(), "{name}");
        }
        for name in ["A", "_x", "spring.url", "A_1", "x-y"] {
            assert_eq!(refusal(name), None, "{name}");
        }
    }
}
