//! `aye status`: what each unit is at, and how close to its limits. The words are in `args`; `fact` says what there is to
//! tell of one reading, `table` and `json` how; `watch` stays and follows.

mod args;
mod clock;
mod fact;
mod json;
mod table;
mod watch;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::SystemTime;

use aye_bus::{ActiveState, Error, Manager, Unit, Where, resolve};
use futures_util::future::join_all;
use rustix::termios::tcgetwinsize;
use tokio::task::LocalSet;

use crate::exit::Exit;
pub(crate) use args::Args;
use clock::Now;
use fact::Fact;
use table::{Row, Style, table};

/// Why there is nothing to show.
type Refusal = (Exit, String);

/// Runs the verb to its end, on a runtime of one thread.
pub(crate) fn run(args: &Args) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => LocalSet::new().block_on(&runtime, status(args)),
        Err(error) => Err((Exit::Failed, format!("cannot start the event loop: {error}"))),
    };
    outcome.unwrap_or_else(|(exit, reason)| {
        crate::complain(format_args!("aye status: {reason}"));
        exit
    })
}

async fn status(args: &Args) -> Result<Exit, Refusal> {
    let places = args.place.places().map_err(|reason| (Exit::Usage, reason))?;
    if args.watch {
        return watch::run(args, places).await;
    }
    let asked = places.iter().map(|place| async move {
        let manager = place.connect().await?;
        let units = read(&manager, &args.units).await?;
        Ok::<_, Error>((place, Now::of(place), units))
    });
    let mut shown = Vec::new();
    let mut worst = None;
    for (place, answer) in places.iter().zip(join_all(asked).await) {
        match answer {
            Ok((place, now, units)) => shown.extend(units.into_iter().map(|unit| (place, now, unit))),
            Err(error) => {
                let (exit, reason) = refusal(place, &error);
                crate::complain(format_args!("aye status: {reason}"));
                worst = worst.or(Some(exit));
            }
        }
    }
    let facts: Vec<(Option<&str>, Unit, Fact)> = shown
        .into_iter()
        .map(|(place, now, unit)| (place.host(), Fact::of(&unit, now, true), unit))
        .map(|(host, fact, unit)| (host, unit, fact))
        .collect();
    let text = match worst {
        _ if args.json => lines(&facts),
        Some(_) if facts.is_empty() => String::new(),
        _ => text(&facts),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| (Exit::Failed, format!("cannot write to stdout: {error}")))?;
    let all_up = facts.iter().all(|(_, _, fact)| fact.state.is_up());
    Ok(worst.unwrap_or(if all_up { Exit::Done } else { Exit::Failed }))
}

/// The units that are meant: the named ones, or those that say when they are ready.
async fn read(manager: &Manager, patterns: &[String]) -> Result<Vec<Unit>, Error> {
    if !patterns.is_empty() {
        return resolve(manager, patterns).await;
    }
    let loaded = manager.list_units("*.service").await?;
    let loaded = loaded.iter().filter(|unit| unit.load == "loaded").map(|unit| &unit.name);
    let mut names: Vec<&String> = loaded.collect();
    names.sort_by(|a, b| aye_bus::natural_order(a, b));
    let mut paths = Vec::with_capacity(names.len());
    for name in names {
        match manager.get(name).await {
            Ok(path) => paths.push(path),
            // It was unloaded meanwhile.
            Err(Error::Refused { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(manager.units(&paths).await?.into_iter().filter(speaks).collect())
}

/// What is shown where no unit is named.
fn speaks(unit: &Unit) -> bool {
    let notifies = unit.service.as_ref().is_some_and(|service| service.kind.starts_with("notify"));
    notifies && unit.active != ActiveState::Inactive
}

fn refusal(place: &Where, error: &Error) -> Refusal {
    let exit = match error {
        Error::Unreachable { .. } | Error::Lost { .. } => Exit::Unreachable,
        Error::Denied { .. } => Exit::NotPermitted,
        Error::NothingMatched { .. } => Exit::NothingMatched,
        Error::NotRestartable { .. } | Error::BadPlace { .. } => Exit::Usage,
        _ => Exit::Failed,
    };
    match place.host() {
        Some(host) => (exit, format!("{host}: {error}")),
        None => (exit, error.to_string()),
    }
}

fn lines(facts: &[(Option<&str>, Unit, Fact)]) -> String {
    let now = SystemTime::now();
    let mut text = String::new();
    for (host, unit, fact) in facts {
        text.push_str(&json::unit(*host, unit, fact, now).to_string());
        text.push('\n');
    }
    text
}

fn text(facts: &[(Option<&str>, Unit, Fact)]) -> String {
    if facts.is_empty() {
        return "no service here says when it is ready (Type=notify): name units to see others\n".to_owned();
    }
    let row = |(host, unit, fact): &(Option<&str>, Unit, Fact)| Row {
        host: host.map(str::to_owned),
        name: unit.name.clone(),
        fact: fact.clone(),
        lost: None,
    };
    let rows: Vec<Row> = facts.iter().map(row).collect();
    table(&rows, style()).join("\n") + "\n"
}

/// A terminal has a width, and colours unless `NO_COLOR` is set (no-color.org).
fn style() -> Style {
    if !io::stdout().is_terminal() {
        return Style::default();
    }
    let width = tcgetwinsize(io::stdout()).map_or(0, |size| size.ws_col);
    let colour = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Style { width: Some(if width == 0 { 80 } else { width.into() }), colour }
}
