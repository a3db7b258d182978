//! `aye check --run`: a service is run under the embedded manager, and what it does is proved. `stage` puts its unit where it
//! can be changed, `stand` runs it and hears of it, `job` asks its manager, `scenario` makes it do things, `heartbeat` and `family` are two parts
//! of that, `look` reads its processes, `alone` runs
//! it without a manager, `report` shows what came of it.

mod alone;
mod family;
mod heartbeat;
pub(super) mod job;
pub(super) mod look;
mod report;
mod scenario;
pub(super) mod stage;
pub(super) mod stand;

use std::fs;
use std::io::{self, Write as _};
use std::time::Duration;

use aye_manager::unit::value::finite;

use super::Args;
use super::text::Page;
use crate::exit::Exit;
use report::Verdict;
pub(crate) use stand::{MANAGE, manage};

/// What can be proved, in the order it is.
pub(crate) const CHECKS: [&str; 11] = [
    "ready",
    "main-process",
    "heartbeat",
    "descriptors",
    "environment",
    "reload",
    "stop",
    "orphans",
    "restart",
    HEARTBEAT_STOPS,
    "without-manager",
];

/// The one that ends the second run.
const HEARTBEAT_STOPS: &str = "heartbeat-stops";

/// What was asked for besides the service.
#[derive(Debug)]
pub(super) struct Wish {
    only: Vec<String>,
    skip: Vec<String>,
    observe: Option<Duration>,
    watchdog: Option<Duration>,
}

impl Wish {
    fn of(args: &Args) -> Result<Self, String> {
        let known = |check: &&String| CHECKS.contains(&check.as_str());
        if let Some(unknown) = args.only.iter().chain(&args.skip).find(|check| !known(check)) {
            let all = CHECKS.join(", ");
            return Err(format!("there is no check {unknown}: expected one of {all}"));
        }
        let span = |name: &str, text: &Option<String>| {
            let read = |text: &String| match finite(text) {
                Ok(span) if !span.is_zero() => Ok(span),
                Ok(_) => Err(format!("{name} {text}: expected more than nothing")),
                Err(error) => Err(format!("{name} {text}: {error}")),
            };
            text.as_ref().map(read).transpose()
        };
        Ok(Self {
            only: args.only.clone(),
            skip: args.skip.clone(),
            observe: span("--observe", &args.observe)?,
            watchdog: span("--watchdog", &args.watchdog)?,
        })
    }

    /// The lines of `[Service]` that it takes.
    fn settings(&self) -> String {
        self.watchdog.map(|span| format!("WatchdogSec={}us\n", span.as_micros())).unwrap_or_default()
    }

    fn wants(&self, check: &str) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == check);
        (self.only.is_empty() || named(&self.only)) && !named(&self.skip)
    }
}

/// Runs what was named and proves what it does.
pub(super) fn run(args: &Args) -> Exit {
    let staged = Wish::of(args).and_then(|wish| Ok((stage::Stage::of(args, &wish.settings())?, wish)));
    let (stage, wish) = match staged {
        Ok(staged) => staged,
        Err(reason) => {
            crate::complain(format_args!("aye check: {reason}"));
            return Exit::Usage;
        }
    };
    let _orphanage = look::Orphanage::open();
    match scenario::play(&stage, &wish) {
        Ok(shown) => tell(args, &stage, &shown),
        Err(reason) => {
            crate::complain(format_args!("aye check: {reason}"));
            Exit::Failed
        }
    }
}

fn tell(args: &Args, stage: &stage::Stage, shown: &scenario::Shown) -> Exit {
    let unit = &stage.name();
    let text = if args.json {
        report::json(unit, &shown.proofs)
    } else {
        report::text(unit, &shown.proofs, Page::of_this_terminal().width)
    };
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if let Some(path) = &args.junit
        && let Err(error) = fs::write(path, report::junit(unit, &shown.proofs, &shown.log))
    {
        crate::complain(format_args!("aye check: cannot write {}: {error}", path.display()));
        return Exit::Failed;
    }
    let failed = shown.proofs.iter().any(|proof| proof.verdict == Verdict::Fail);
    if failed { Exit::Failed } else { Exit::Done }
}
