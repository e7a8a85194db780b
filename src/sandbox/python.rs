//! Which Python to use, and what to type when there is none that fits.

use std::path::Path;
use std::process::Stdio;

use tokio::process::Command;

use super::error::SandboxError;

/// moto needs it.
const OLDEST: (u32, u32) = (3, 10);
/// The plain name first; then newer ones that stand beside an old system Python.
const NAMES: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python3.10",
];
/// Prints the version, then whether virtual environments with pip can be made.
const QUESTION: &str = "import sys
print(sys.version_info[0], sys.version_info[1], sys.version_info[2])
import ensurepip, venv
print('venv')";

#[derive(Debug, PartialEq, Eq)]
struct Found {
    version: (u32, u32),
    shown: String,
    venv: bool,
}

/// The name of a Python that is new enough and can make virtual environments.
///
/// # Errors
/// The three `SandboxError`s about Python, for the best that was found.
pub async fn choose() -> Result<&'static str, SandboxError> {
    let mut best: Option<(&'static str, Found)> = None;
    for name in NAMES {
        let Some(found) = look_at(name).await else {
            continue;
        };
        if found.version >= OLDEST && found.venv {
            return Ok(name);
        }
        if best
            .as_ref()
            .is_none_or(|(_, known)| known.version < found.version)
        {
            best = Some((name, found));
        }
    }
    Err(match best {
        None => SandboxError::NoPython {
            line: lines().python,
        },
        Some((python, found)) if found.version < OLDEST => SandboxError::OldPython {
            python: python.to_owned(),
            version: found.shown,
            line: lines().python,
        },
        Some((python, _)) => SandboxError::NoVenv {
            python: python.to_owned(),
            line: lines().venv,
        },
    })
}

async fn look_at(name: &str) -> Option<Found> {
    let output = Command::new(name)
        .args(["-c", QUESTION])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    read(&String::from_utf8_lossy(&output.stdout))
}

fn read(answer: &str) -> Option<Found> {
    let mut lines = answer.lines();
    let numbers: Vec<u32> = lines
        .next()?
        .split(' ')
        .map_while(|n| n.parse().ok())
        .collect();
    let [major, minor, patch] = numbers[..] else {
        return None;
    };
    Some(Found {
        version: (major, minor),
        shown: format!("{major}.{minor}.{patch}"),
        venv: lines.next() == Some("venv"),
    })
}

/// What to type, for this system.
struct Lines {
    python: &'static str,
    venv: &'static str,
}

fn lines() -> Lines {
    if cfg!(target_os = "macos") {
        return lines_for("macos");
    }
    let release = std::fs::read_to_string(Path::new("/etc/os-release")).unwrap_or_default();
    lines_for(family(&release))
}

fn lines_for(family: &str) -> Lines {
    match family {
        "macos" => Lines {
            python: "brew install python",
            venv: "brew reinstall python",
        },
        "debian" => Lines {
            python: "sudo apt-get install python3 python3-venv",
            venv: "sudo apt-get install python3-venv",
        },
        "fedora" => Lines {
            python: "sudo dnf install python3",
            venv: "sudo dnf install python3 python3-pip",
        },
        "arch" => Lines {
            python: "sudo pacman -S python",
            venv: "sudo pacman -S python",
        },
        "alpine" => Lines {
            python: "sudo apk add python3 py3-pip",
            venv: "sudo apk add python3 py3-pip",
        },
        _ => Lines {
            python: "Python 3 from your system's packages or https://www.python.org/downloads/",
            venv: "the modules venv and ensurepip of Python, from your system's packages",
        },
    }
}

/// The family of a Linux, from the ID and ID_LIKE of its os-release.
fn family(release: &str) -> &'static str {
    let said: Vec<&str> = release
        .lines()
        .filter_map(|line| {
            line.strip_prefix("ID=")
                .or_else(|| line.strip_prefix("ID_LIKE="))
        })
        .flat_map(|value| value.trim_matches('"').split(' '))
        .collect();
    ["debian", "fedora", "arch", "alpine"]
        .into_iter()
        .find(|family| said.contains(family) || (*family == "debian" && said.contains(&"ubuntu")))
        .unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read() {
        let found = read("3 11 7\nvenv\n").unwrap();
        assert_eq!(
            (found.version, found.shown.as_str(), found.venv),
            ((3, 11), "3.11.7", true)
        );
        assert!(!read("3 12 1\n").unwrap().venv);
        assert_eq!(read(""), None);
        assert_eq!(read("Python was not found; run without arguments"), None);
    }

    #[test]
    fn the_line_to_type_fits_the_system() {
        assert_eq!(family("NAME=x\nID=ubuntu\nID_LIKE=debian\n"), "debian");
        assert_eq!(
            family("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"),
            "fedora"
        );
        assert_eq!(family("ID=nixos\n"), "");
        assert_eq!(
            lines_for("debian").venv,
            "sudo apt-get install python3-venv"
        );
        assert_eq!(lines_for("macos").python, "brew install python");
    }
}
