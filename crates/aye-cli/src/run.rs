//! `aye run`: the embedded manager in the foreground. What services write goes to standard output under their names;
//! what happens to them goes to standard error.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use aye_manager::service::Report;
use aye_manager::unit::{FindError, Warning};
use aye_manager::{Ended, Observer, RuntimeError, Setup, StartError, UnitError, What};
use serde_json::json;

use crate::exit::Exit;
use crate::output::{Output, Stream, short};

/// Run units as systemd would, without systemd and without root, until they end or Ctrl-C.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "aye run [OPTIONS] UNIT...\n       aye run [OPTIONS] DIR\n       aye run [OPTIONS] -- CMD...",
    after_help = "\
Exit status: 0 when all services ended well, 1 when one failed, 2 when a unit file cannot be read as one, 5 when \
there is no such unit, 75 when another aye run serves the same runtime directory, 130 after SIGINT, 143 after \
SIGTERM or a closed terminal, when everything was stopped.\n\n\
As a Type=notify service itself, it is ready when all its units are. While it runs, the machine's own systemctl drives it:\n  \
XDG_RUNTIME_DIR=$AYE_RUNTIME_DIR systemctl --user list-units\n\n\
Examples:\n  aye run web@1 web@2\n  aye run ./units\n  aye run -- node server.js"
)]
pub(crate) struct Args {
    /// Unit names, or one folder of which every unit that can start is started
    #[arg(value_name = "UNIT|DIR", required_unless_present = "command", conflicts_with = "command")]
    units: Vec<String>,
    /// Find unit files in this folder instead of the current one
    #[arg(short = 'C', value_name = "DIR")]
    directory: Option<PathBuf>,
    /// One JSON object per line on standard output instead of text
    #[arg(long)]
    json: bool,
    /// A command to run as a Type=notify service
    #[arg(value_name = "CMD", last = true)]
    command: Vec<String>,
}

pub(crate) fn run(args: Args) -> Exit {
    let observer: Box<dyn Observer> =
        if args.json { Box::new(Json(Output::new())) } else { Box::new(Console::new()) };
    let setup = match what(args) {
        Ok(what) => Setup { runtime_dir: aye_bus::runtime_dir(), what },
        Err(message) => {
            crate::complain(format_args!("aye run: {message}"));
            return Exit::Usage;
        }
    };
    match aye_manager::run(setup, observer) {
        Ok(Ended::ByItself { failed: false }) => Exit::Done,
        Ok(Ended::ByItself { failed: true }) => Exit::Failed,
        Ok(Ended::Interrupted) => Exit::Interrupted,
        Ok(Ended::Terminated) => Exit::Terminated,
        Err(error) => {
            crate::complain(format_args!("aye run: {error}"));
            exit_of(&error)
        }
    }
}

/// A single argument that is a folder means all of it; a unit name never is one.
fn what(args: Args) -> Result<What, String> {
    let here = args.directory.unwrap_or_else(|| PathBuf::from("."));
    if !here.is_dir() {
        return Err(format!("there is no folder {}", here.display()));
    }
    if !args.command.is_empty() {
        let folder = here.canonicalize().map_err(|error| format!("{}: {error}", here.display()))?;
        return Ok(What::Command(folder, args.command));
    }
    match args.units.as_slice() {
        [folder] if here.join(folder).is_dir() => Ok(What::Folder(here.join(folder))),
        [path, ..] if path.contains('/') => Err(format!(
            "{path} is no folder and no unit name: expected the name of a unit, and its folder with -C DIR"
        )),
        _ => Ok(What::Units(here, args.units.iter().map(|name| with_suffix(name)).collect())),
    }
}

/// As systemctl does: a name without a suffix is a service.
fn with_suffix(name: &str) -> String {
    if [".service", ".socket"].iter().any(|suffix| name.ends_with(suffix)) {
        name.to_owned()
    } else {
        format!("{name}.service")
    }
}

fn exit_of(error: &StartError) -> Exit {
    match error {
        StartError::Runtime(RuntimeError::Locked { .. }) => Exit::Locked,
        StartError::Unit(UnitError::Find(FindError::NotFound { .. })) | StartError::NoUnits(_) => {
            Exit::NothingMatched
        }
        StartError::Unit(
            UnitError::Name(_) | UnitError::Load(_) | UnitError::Find(FindError::Template { .. }),
        ) => Exit::Usage,
        _ => Exit::Failed,
    }
}

fn colour() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Text for people.
struct Console {
    output: Output,
    colour: bool,
}

impl Console {
    fn new() -> Self {
        Self { output: Output::new(), colour: colour() }
    }

    fn say(&mut self, unit: &str, text: &str, colour: &str) {
        let name = short(unit);
        let line = if self.colour {
            format!("\x1b[1m{name}\x1b[0m \x1b[{colour}m{text}\x1b[0m")
        } else {
            format!("{name}: {text}")
        };
        self.output.line(Stream::Err, line);
    }
}

impl Observer for Console {
    fn warning(&mut self, warning: &Warning) {
        self.output.line(Stream::Err, warning.to_string());
    }

    fn report(&mut self, unit: &str, report: &Report) {
        let colour = match report {
            Report::Ready(_) => "32",
            Report::Starting | Report::Stopping | Report::Stopped => "2",
            Report::RestartScheduled(..) => "33",
            _ => "31",
        };
        self.say(unit, &report.to_string(), colour);
    }

    fn notice(&mut self, unit: &str, text: &str) {
        self.say(unit, text, "33");
    }

    fn line(&mut self, unit: &str, line: &str) {
        self.output.line(Stream::Out, format!("{} | {line}", short(unit)));
    }

    fn is_congested(&mut self) -> bool {
        self.output.is_congested()
    }
}

/// One object a line, for programs.
struct Json(Output);

impl Json {
    fn say(&mut self, event: &str, unit: &str, text: &str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let ts = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        let object = json!({"v": 1, "ts": ts, "event": event, "unit": unit, "text": text});
        self.0.line(Stream::Out, object.to_string());
    }
}

impl Observer for Json {
    fn warning(&mut self, warning: &Warning) {
        self.say("warning", "", &warning.to_string());
    }

    fn report(&mut self, unit: &str, report: &Report) {
        let event = match report {
            Report::Starting => "starting",
            Report::Ready(_) => "ready",
            Report::Stopping => "stopping",
            Report::Stopped => "stopped",
            Report::Failed(..) | Report::StartLimitHit(..) => "failed",
            Report::StartTimedOut(_) | Report::StopTimedOut(_) | Report::WatchdogTimedOut(_) => "timeout",
            Report::ReloadFailed(_) => "reload_failed",
            Report::RestartScheduled(..) => "restart_scheduled",
        };
        self.say(event, unit, &report.to_string());
    }

    fn notice(&mut self, unit: &str, text: &str) {
        self.say("notice", unit, text);
    }

    fn line(&mut self, unit: &str, line: &str) {
        self.say("line", unit, line);
    }

    fn is_congested(&mut self) -> bool {
        self.0.is_congested()
    }
}
