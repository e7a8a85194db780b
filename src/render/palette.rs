//! Colours by meaning, and none where they are not wanted.

use anstyle::{AnsiColor, Style};

/// What a piece of text means; the palette knows what that looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Create,
    Update,
    Replace,
    Delete,
    Forget,
    /// A heading.
    Strong,
    /// Beside the point.
    Faint,
    Warning,
    Error,
}

/// Paints text, or leaves it as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    colour: bool,
}

impl Palette {
    pub const PLAIN: Self = Self { colour: false };
    pub const COLOUR: Self = Self { colour: true };

    pub fn new(colour: bool) -> Self {
        Self { colour }
    }

    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let style = style(tone);
        format!("{style}{text}{style:#}")
    }
}

fn style(tone: Tone) -> Style {
    match tone {
        Tone::Create => AnsiColor::Green.on_default(),
        Tone::Update => AnsiColor::Yellow.on_default(),
        Tone::Replace => AnsiColor::Magenta.on_default(),
        Tone::Delete => AnsiColor::Red.on_default(),
        Tone::Forget => AnsiColor::Cyan.on_default(),
        Tone::Strong => Style::new().bold(),
        Tone::Faint => Style::new().dimmed(),
        Tone::Warning => AnsiColor::Yellow.on_default().bold(),
        Tone::Error => AnsiColor::Red.on_default().bold(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_added_and_taken_back() {
        assert_eq!(
            Palette::COLOUR.paint(Tone::Create, "+ a"),
            "\u{1b}[32m+ a\u{1b}[0m"
        );
        assert_eq!(Palette::PLAIN.paint(Tone::Create, "+ a"), "+ a");
        assert_eq!(Palette::COLOUR.paint(Tone::Create, ""), "");
    }
}
