//! `completions`.

use clap::{Args, CommandFactory};
use clap_complete::{Shell, generate};

use super::failure::{Exit, Failure};
use super::ui::Ui;

/// Print a completion script for a shell
///
/// For bash: `source <(circles-infra completions bash)`; for zsh and fish write it where they look for completions.
#[derive(Args, Clone, Debug)]
pub struct CompletionsArgs {
    pub shell: Shell,
}

pub fn run(args: &CompletionsArgs, ui: &mut Ui) -> Result<Exit, Failure> {
    ui.result(&script(args.shell))?;
    Ok(Exit::FINE)
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut super::Cli::command(), super::NAME, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        let command = super::super::Cli::command();
        for shell in Shell::value_variants() {
            let script = script(*shell);
            for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
                assert!(
                    script.contains(verb.get_name()),
                    "{shell}: {}",
                    verb.get_name()
                );
            }
        }
    }
}
