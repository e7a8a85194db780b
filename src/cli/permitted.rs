//! What stands against carrying a plan out: data it would lose, guards of the environment.

use super::failure::{Failure, FailureKind};
use crate::plan::Plan;

/// Says why a plan is not carried out; `Ok` when nothing stands against it.
pub fn permitted(plan: &Plan) -> Result<(), Failure> {
    let refusals = crate::render::plan_words::refusals(plan);
    let [first, rest @ ..] = refusals.as_slice() else {
        return Ok(());
    };
    let message = match rest.len() {
        0 => first.text.clone(),
        n => format!("{} (and {n} more, listed above)", first.text),
    };
    let failure = Failure::new(FailureKind::Refused, message);
    Err(refusals
        .into_iter()
        .fold(failure, |failure, refused| failure.hint(refused.help))
        .hint("nothing was changed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Refusal;
    use crate::render::samples;

    #[test]
    fn refusals_end_it_with_what_permits_them() {
        let mut plan = samples::every_act();
        let failure = permitted(&plan).unwrap_err();
        assert_eq!(
            failure.message,
            "db is protected, and would be replaced (and 4 more, listed above)"
        );
        assert_eq!(failure.hints.len(), 6);
        plan.refusals = vec![Refusal::LosesData {
            address: "media".into(),
            replace: false,
        }];
        let failure = permitted(&plan).unwrap_err();
        assert_eq!(failure.hints[0], "if that is meant: --allow-delete media");
        plan.refusals.clear();
        assert!(permitted(&plan).is_ok());
    }
}
