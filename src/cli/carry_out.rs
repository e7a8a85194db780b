//! What `apply` and `destroy` have in common: show the plan, ask, run it under the right view, say what came of it.

use clap::Args;

use super::ask::Applied;
use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::permitted::permitted;
use super::session::Session;
use super::ui::Ui;
use crate::event::{Event, Outcome, Sink};
use crate::plan::{Header, Mode, Plan};
use crate::render::closing::closing;
use crate::render::json::{self, EventLines};
use crate::render::lines::Lines;
use crate::render::live::Live;
use crate::render::{outputs, plan_text, plan_words};
use crate::session::RunAsk;

/// How to be sure, and how to report.
#[derive(Args, Clone, Debug, Default)]
pub struct Consent {
    /// Do not ask
    #[arg(long, short, visible_alias = "auto-approve")]
    pub yes: bool,

    /// Do not wait until services are steady
    #[arg(long)]
    pub no_wait: bool,

    /// One event a line on standard output, for programs; needs --yes
    #[arg(long, requires = "yes")]
    pub json: bool,

    /// The caller prints the outputs when they have become what they will be.
    #[arg(skip)]
    pub outputs_later: bool,
}

/// Carries a plan out. An empty plan is not asked about, and still lets the session remember what was found.
pub async fn carry_out(
    mut session: Session,
    plan: Plan,
    consent: &Consent,
    global: &Global,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let mode = plan.header.mode;
    let empty = plan.steps.is_empty();
    show(&plan, consent, ui)?;
    permitted(&plan)?;
    // Waiting for what an earlier run made changes nothing that could be asked about.
    if !plan.is_empty() {
        confirm(&plan.header, consent.yes, ui)?;
    }
    let run = RunAsk {
        parallelism: global.parallelism.into(),
        no_wait: consent.no_wait,
        doing: match mode {
            Mode::Apply => "apply".into(),
            Mode::Destroy => "destroy".into(),
        },
        confirmed: false,
    };
    let applied = session.apply(plan, run, sink(consent, empty, ui)).await?;
    report(&applied, mode, empty, consent, ui)
}

/// To standard error, for standard output is for what comes of it; with `--json` the first line of the stream.
fn show(plan: &Plan, consent: &Consent, ui: &mut Ui) -> Result<(), Failure> {
    if consent.json {
        return ui.result_line(&json::planned(plan));
    }
    if ui.quiet && plan.refusals.is_empty() && consent.yes {
        ui.say(&plan_words::total(plan));
    } else {
        let text = plan_text::plan_text(plan, ui.err_palette);
        ui.tell(&text);
    }
    Ok(())
}

/// Asks for a yes, or for a protected environment's name.
fn confirm(header: &Header, yes: bool, ui: &mut Ui) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    let nothing = "nothing was changed";
    if !ui.interactive {
        return Err(Failure::new(
            FailureKind::Refused,
            "there is no terminal to ask on, and --yes was not given",
        )
        .hint("look at the plan, then run the same command with --yes")
        .hint(nothing));
    }
    let verb = match header.mode {
        Mode::Apply => "Carry this out?",
        Mode::Destroy => "Delete all of this?",
    };
    let (question, wanted) = if header.protect {
        (
            format!(
                "{verb} {} is protected: type its name to go on:",
                header.environment
            ),
            header.environment.as_str(),
        )
    } else {
        (format!("{verb} Only yes goes on:"), "yes")
    };
    match ui.ask(&question) {
        Some(answer) if answer == wanted => Ok(()),
        _ => Err(Failure::new(FailureKind::Refused, "not confirmed").hint(nothing)),
    }
}

/// The view that suits whoever is watching.
fn sink(consent: &Consent, empty: bool, ui: &Ui) -> Box<dyn Sink> {
    if consent.json {
        Box::new(EventLines::new(ui.out.clone()))
    } else if ui.quiet || empty {
        Box::new(Silent)
    } else if ui.live {
        Box::new(Live::new(ui.err_palette))
    } else {
        Box::new(Lines::new(ui.err.clone(), ui.err_palette).detailed(ui.verbose > 1))
    }
}

/// Shows nothing and goes on.
struct Silent;

impl Sink for Silent {
    fn take(&mut self, _: &Event) -> bool {
        true
    }
}

fn report(
    applied: &Applied,
    mode: Mode,
    empty: bool,
    consent: &Consent,
    ui: &mut Ui,
) -> Result<Exit, Failure> {
    let command = match mode {
        Mode::Apply => "circles-infra apply",
        Mode::Destroy => "circles-infra destroy",
    };
    let text = closing(&applied.view, mode, command, ui.err_palette);
    match applied.outcome {
        Outcome::Done if empty => {}
        Outcome::Done => ui.say(&text),
        Outcome::Failed | Outcome::Stopped => ui.tell(&text),
    }
    if mode == Mode::Apply && applied.outcome == Outcome::Done {
        if consent.json {
            ui.result_line(&json::outputs(&applied.outputs))?;
        } else if !consent.outputs_later {
            ui.result(&outputs::text(&applied.outputs))?;
        }
    }
    Ok(match applied.outcome {
        Outcome::Done => Exit::FINE,
        Outcome::Failed => Exit::ERROR,
        Outcome::Stopped => Exit::INTERRUPTED,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cli::ui::testing::ui;
    use crate::event::RunView;
    use crate::plan::Outputs;
    use crate::render::samples;

    fn header(protect: bool) -> Header {
        Header {
            protect,
            environment: "prod".into(),
            ..samples::header()
        }
    }

    #[test]
    fn only_yes_goes_on() {
        for (answer, goes_on) in [
            ("yes\n", true),
            ("y\n", false),
            ("prod\n", false),
            ("", false),
        ] {
            let (mut ui, _, _) = ui(answer, true);
            assert_eq!(
                confirm(&header(false), false, &mut ui).is_ok(),
                goes_on,
                "{answer:?}"
            );
        }
    }

    #[test]
    fn a_protected_environment_wants_its_name() {
        for (answer, goes_on) in [("prod\n", true), ("yes\n", false), ("dev\n", false)] {
            let (mut ui, _, err) = ui(answer, true);
            assert_eq!(
                confirm(&header(true), false, &mut ui).is_ok(),
                goes_on,
                "{answer:?}"
            );
            assert_eq!(
                err.text(),
                "Carry this out? prod is protected: type its name to go on: "
            );
        }
    }

    #[test]
    fn without_a_terminal_it_takes_the_option() {
        let (mut ui, _, err) = ui("yes\n", false);
        let failure = confirm(&header(false), false, &mut ui).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Refused);
        assert!(failure.hints[0].contains("--yes"));
        assert_eq!(err.text(), "");
        assert!(confirm(&header(true), true, &mut ui).is_ok());
    }

    fn applied(outcome: Outcome) -> Applied {
        let mut view = RunView::default();
        for event in samples::a_good_run() {
            view.apply(&event);
        }
        view.outcome = Some(outcome);
        view.took = Duration::from_secs(3);
        Applied {
            outcome,
            outputs: Outputs::from([("a".into(), "b".into())]),
            view,
        }
    }

    #[test]
    fn outcomes_become_exit_codes_and_outputs_results() {
        for (outcome, exit, result) in [
            (Outcome::Done, Exit::FINE, "a = \"b\"\n"),
            (Outcome::Failed, Exit::ERROR, ""),
            (Outcome::Stopped, Exit::INTERRUPTED, ""),
        ] {
            let (mut ui, out, err) = ui("", false);
            let consent = Consent::default();
            let got = report(&applied(outcome), Mode::Apply, false, &consent, &mut ui).unwrap();
            assert_eq!(got, exit);
            assert_eq!(out.text(), result);
            assert!(!err.text().is_empty());
        }
    }

    #[test]
    fn json_is_one_line_each_and_the_only_thing_on_standard_output() {
        let (mut ui, out, _) = ui("", false);
        let consent = Consent {
            yes: true,
            json: true,
            ..Consent::default()
        };
        show(&samples::every_act(), &consent, &mut ui).unwrap();
        let mut events = sink(&consent, false, &ui);
        for event in samples::a_good_run() {
            assert!(events.take(&event));
        }
        report(
            &applied(Outcome::Done),
            Mode::Apply,
            false,
            &consent,
            &mut ui,
        )
        .unwrap();
        let text = out.text();
        let names: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|line| line["event"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(
            names,
            [
                "planned",
                "run_started",
                "step_done",
                "run_finished",
                "outputs"
            ]
        );
    }

    #[test]
    fn quiet_says_nothing_of_a_run_that_goes_well() {
        let (mut ui, out, err) = ui("", false);
        ui.quiet = true;
        let consent = Consent {
            yes: true,
            ..Consent::default()
        };
        let mut plan = samples::every_act();
        plan.refusals.clear();
        show(&plan, &consent, &mut ui).unwrap();
        report(
            &applied(Outcome::Done),
            Mode::Apply,
            false,
            &consent,
            &mut ui,
        )
        .unwrap();
        assert_eq!(
            (out.text().as_str(), err.text().as_str()),
            ("a = \"b\"\n", "")
        );
    }
}
