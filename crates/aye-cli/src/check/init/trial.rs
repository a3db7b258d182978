//! Trials under systemd: a transient service is started with some settings, reloaded where it can be, and stopped.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::page::Page;
use super::seen::Reload;

/// A trial that was left alone ends by itself after this, besides its timeout.
const LEFT_ALONE: Duration = Duration::from_secs(120);

/// Since when systemd knows `OpenFile=` and `Type=notify-reload`.
const OPEN_FILE: u32 = 253;

/// What is the same in all trials of a program.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) version: u32,
    properties: Vec<String>,
    command: Vec<String>,
    reloads: bool,
}

impl Trial {
    /// Why there can be none, where systemd does not run or root is needed.
    pub(super) fn new(page: &Page) -> Result<Self, String> {
        if !Path::new("/run/systemd/system").is_dir() {
            return Err("systemd does not run here".to_owned());
        }
        if !rustix::process::geteuid().is_root() {
            return Err("to try it takes root".to_owned());
        }
        let version = version(&systemctl(&["--version"])?.0)?;
        let mut properties = page.settings();
        if version < OPEN_FILE {
            properties.retain(|setting| !setting.starts_with("OpenFile=") && setting != "Type=notify-reload");
        }
        properties.push(format!("WorkingDirectory={}", page.folder.display()));
        properties.push(format!("RuntimeMaxSec={}s", LEFT_ALONE.as_secs()));
        let reloads = page.seen.reload == Reload::Answered && version >= OPEN_FILE;
        if page.seen.reload == Reload::Answered && !reloads {
            properties.push("Type=notify".to_owned());
        }
        Ok(Self { version, properties, command: page.arguments().collect(), reloads })
    }

    /// What came of it with these settings, too.
    pub(super) fn run(&self, settings: &[&str]) -> Result<(), String> {
        let unit = format!("aye-check-{}.service", std::process::id());
        let ended = self.play(&unit, settings);
        let _ = systemctl(&["stop", &unit]);
        let _ = systemctl(&["reset-failed", &unit]);
        ended
    }

    fn play(&self, unit: &str, settings: &[&str]) -> Result<(), String> {
        let mut run = Command::new("systemd-run");
        run.args(["--quiet", "--no-ask-password", &format!("--unit={unit}")]);
        let own = self.properties.iter().map(String::as_str);
        run.args(own.chain(settings.iter().copied()).map(|setting| format!("--property={setting}")));
        run.arg("--").args(&self.command);
        let (_, started) = output(&mut run)?;
        if let Err(why) = started {
            return Err(result(unit).unwrap_or(why));
        }
        if self.reloads
            && let (_, Err(why)) = systemctl(&["reload", unit])?
        {
            return Err(format!("the reload failed: {}", result(unit).unwrap_or(why)));
        }
        systemctl(&["stop", unit])?.1?;
        result(unit).map_or(Ok(()), Err)
    }
}

/// What a unit came to, unless that is well, as systemd has it.
fn result(unit: &str) -> Option<String> {
    let ask = |name: &str| {
        let shown = systemctl(&["show", "--value", &format!("--property={name}"), unit]).ok()?;
        Some(shown.0.trim().to_owned())
    };
    let result = ask("Result").filter(|result| result != "success" && !result.is_empty())?;
    Some(match ask("ExecMainStatus") {
        Some(status) if status != "0" => format!("{result}, {status}"),
        _ => result,
    })
}

fn systemctl(words: &[&str]) -> Result<(String, Result<(), String>), String> {
    output(Command::new("systemctl").arg("--no-ask-password").args(words))
}

/// What a command wrote, and whether it ended well; if not, the last it complained of.
fn output(command: &mut Command) -> Result<(String, Result<(), String>), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output =
        command.stdin(Stdio::null()).output().map_err(|error| format!("cannot run {name}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    let first = errors.lines().next().unwrap_or_default().to_owned();
    Ok((text, if output.status.success() { Ok(()) } else { Err(first) }))
}

/// From the first line of `systemctl --version`: systemd 257 (257.9-1).
fn version(text: &str) -> Result<u32, String> {
    let number = text.split_whitespace().nth(1).and_then(|word| {
        let digits = word.split(|letter: char| !letter.is_ascii_digit()).next()?;
        digits.parse().ok()
    });
    number.ok_or_else(|| "systemctl does not say which version of systemd runs".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_whatever_a_distribution_adds_to_it() {
        assert_eq!(version("systemd 257 (257.9-1)\n+PAM"), Ok(257));
        assert_eq!(version("systemd 262~rc2 (262~rc2-1)"), Ok(262));
        assert!(version("").is_err());
    }
}
