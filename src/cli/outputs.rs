//! `outputs`.

use clap::Args;

use super::failure::{Exit, Failure, FailureKind};
use super::global::Global;
use super::suggest::nearest;
use super::ui::Ui;
use crate::plan::Outputs;
use crate::render::{json, outputs as render};

/// Print the stack's outputs; with a name the bare value alone, for `$(…)`
#[derive(Args, Clone, Debug)]
pub struct OutputsArgs {
    /// Just this one
    pub name: Option<String>,

    /// As JSON: an object, or the one value
    #[arg(long)]
    pub json: bool,

    /// The bare value of NAME, which is what is printed anyway
    #[arg(long, hide = true, requires = "name", conflicts_with = "json")]
    pub raw: bool,
}

pub async fn run(args: &OutputsArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let mut session = super::open(global, ui).await?;
    let mut outputs = session.outputs().await?;
    if args.name.is_some() {
        // Before the first apply nothing is known of them yet, but they are the stack's.
        for name in session.output_names() {
            outputs.entry(name).or_default();
        }
    }
    ui.result(&answer(&outputs, args)?)?;
    Ok(Exit::FINE)
}

fn answer(outputs: &Outputs, args: &OutputsArgs) -> Result<String, Failure> {
    let Some(name) = &args.name else {
        return Ok(if args.json {
            json::pretty(&render::json(outputs))
        } else {
            render::text(outputs)
        });
    };
    let value = outputs.get(name).ok_or_else(|| unknown(name, outputs))?;
    if args.json {
        return Ok(json::pretty(&render::json_value(value)));
    }
    let bare = if value.is_null() {
        None
    } else {
        render::bare(value)
    };
    bare.map(|text| format!("{text}\n")).ok_or_else(|| {
        if value.is_secret() {
            Failure::new(FailureKind::Refused, format!("output {name} is secret"))
        } else {
            Failure::new(
                FailureKind::Refused,
                format!("output {name} is not known yet"),
            )
            .hint("it is known after circles-infra apply")
        }
    })
}

fn unknown(name: &str, outputs: &Outputs) -> Failure {
    let failure = Failure::new(
        FailureKind::Usage,
        format!("the stack has no output {name}"),
    );
    let names: Vec<&str> = outputs.keys().map(String::as_str).collect();
    match nearest(name, names.iter().copied()) {
        Some(near) => failure.hint(format!("is {near} meant?")),
        None if names.is_empty() => failure.hint("it has none at all"),
        None => failure.hint(format!("it has {}", names.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Address, Value};

    fn ask(name: Option<&str>, json: bool) -> Result<String, Failure> {
        let outputs = Outputs::from([
            ("alb_dns_name".into(), "x.example".into()),
            ("url".into(), Value::reference(&Address::new("db"), "url")),
        ]);
        let args = OutputsArgs {
            name: name.map(str::to_owned),
            json,
            raw: false,
        };
        answer(&outputs, &args)
    }

    #[test]
    fn a_name_gives_the_bare_value() {
        assert_eq!(ask(Some("alb_dns_name"), false).unwrap(), "x.example\n");
        assert_eq!(ask(Some("alb_dns_name"), true).unwrap(), "\"x.example\"\n");
    }

    #[test]
    fn what_cannot_be_said_fails_instead_of_printing_something_else() {
        let pending = ask(Some("url"), false).unwrap_err();
        assert_eq!(pending.message, "output url is not known yet");
        let unknown = ask(Some("alb_dns"), false).unwrap_err();
        assert_eq!(unknown.hints, ["is alb_dns_name meant?"]);
        assert_eq!(unknown.kind, FailureKind::Usage);
    }
}
