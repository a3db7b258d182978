//! `aye restart`: one unit after another, each for exactly as long as it needs. The words are in `args`, which units they
//! mean in `select`, the order of things in `rollout`; `drive` carries it out, and `progress`, `json` and `page` tell of it.

mod amount;
mod args;
mod drive;
mod hooks;
pub(crate) mod interrupt;
mod json;
mod lock;
mod log;
mod moment;
mod page;
mod progress;
mod record;
mod report;
mod reporter;
mod resume;
mod rollout;
mod rows;
mod select;
#[cfg(test)]
mod testing;
mod words;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use aye_bus::{Error, Unit, resolve};
use futures_util::future::{join_all, try_join_all};

use crate::exit::Exit;
pub(crate) use args::Args;
use args::OnFailure;
use drive::{Commands, Run, Site, Task};
use lock::Lock;
use page::Page;
use record::{Key, Record, Store};
use report::Shown;
use reporter::{Reporter, Subjects, local_name};
use rollout::{Limits, Plan, Planned};
use select::{Chosen, Filter, Selection, health, is_gated, select};

/// How long a check that failed is left alone before it is tried again.
const CHECK_PAUSE: Duration = Duration::from_millis(500);

/// Runs the verb to its end, on a runtime of one thread.
pub(crate) fn run(args: &Args) -> Exit {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(restart(args)),
        Err(error) => Err((Exit::Failed, format!("cannot start the event loop: {error}"))),
    };
    outcome.unwrap_or_else(|(exit, reason)| {
        let _ = writeln!(io::stderr(), "aye restart: {reason}");
        exit
    })
}

/// Why nothing was begun.
type Refusal = (Exit, String);

async fn restart(args: &Args) -> Result<Exit, Refusal> {
    let places = args.place.places().map_err(usage)?;
    let filter = filter(args)?;
    if args.on_failure == OnFailure::Ask && !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Err(usage(
            "--on-failure ask takes a terminal to ask on: give a budget with --max-failures instead",
        ));
    }
    let name = local_name();
    let page = args.report.as_deref().map(|path| page(path, &name)).transpose()?;
    let mut sites: Vec<Site> = try_join_all(places.into_iter().map(|place| drive::connect(place, &name)))
        .await
        .map_err(|e| refusal(&e))?;
    // Before the units are read: what a run that is waited for has done must be seen.
    if !args.dry_run {
        lock(&mut sites, args).await?;
    }
    let store = sites.first().and_then(|site| Store::beside(&site.place));
    let key = key(args, &sites);
    let record = store.as_ref().filter(|_| args.only_stale).and_then(|store| store.find(&key));
    let named = match record {
        Some(_) if !args.dry_run => settled(&mut sites, &args.units).await?,
        _ => resolve_all(&sites, &args.units).await?,
    };
    let label = |chosen: &Chosen| record::label(&sites[chosen.site].name, &chosen.unit);
    let stale =
        |chosen: &Chosen| record.as_ref().is_none_or(|record| record.is_stale(&label(chosen), &chosen.unit));
    let selection = select(named, filter, stale);
    if args.dry_run && !args.json {
        let listed = listed(&sites, &selection);
        return listed.map_err(|error| (Exit::Failed, format!("cannot write the plan: {error}")));
    }
    let plan = plan(args, sites.len(), &selection.units);
    let reporter = Reporter::new(args, subjects(args, &sites, &selection), page);
    if args.dry_run {
        return Ok(reporter.untouched(Exit::Done, None));
    }
    if let Some(reason) = objection(args, &plan, &selection.units) {
        crate::complain(format_args!("aye restart: {reason}"));
        return Ok(reporter.untouched(Exit::Failed, Some(reason)));
    }
    if let Some(store) = store.as_ref().filter(|_| record.is_none()) {
        let units = selection.units.iter().map(|chosen| (label(chosen), &chosen.unit));
        let kept = store.keep(&Record::of(key.clone(), units));
        if let Err(error) = kept {
            crate::complain(format_args!("aye restart: --only-stale will not know this run: {error}"));
        }
    }
    let labels: Vec<String> = selection.units.iter().map(label).collect();
    let (exit, ok) = Run::new(task(args), sites, selection.units, plan, reporter).finish().await?;
    if let Some(store) = store {
        let restarted: Vec<String> = ok.into_iter().map(|index| labels[index].clone()).collect();
        store.cross_out(&key, &restarted);
        if exit == Exit::Done {
            store.forget(&key);
        }
    }
    Ok(exit)
}

fn usage(reason: impl Into<String>) -> Refusal {
    (Exit::Usage, reason.into())
}

fn refusal(error: &Error) -> Refusal {
    (exit_of(error), error.to_string())
}

fn exit_of(error: &Error) -> Exit {
    match error {
        Error::Unreachable { .. } | Error::Lost { .. } => Exit::Unreachable,
        Error::Denied { .. } => Exit::NotPermitted,
        Error::NothingMatched { .. } => Exit::NothingMatched,
        Error::NotRestartable { .. } | Error::BadPlace { .. } => Exit::Usage,
        _ => Exit::Failed,
    }
}

fn filter(args: &Args) -> Result<Filter, Refusal> {
    let started_before = args.started_before.as_deref().map(|text| moment::moment(text, SystemTime::now()));
    let started_before =
        started_before.transpose().map_err(|error| usage(format!("--started-before: {error}")))?;
    // A unit that is down cannot reload, and a restart is not what was asked for.
    Ok(Filter { only_running: args.only_running, started_before })
}

/// The page of `--report`: begun before anything is touched, so that it will be had.
fn page(path: &Path, name: &str) -> Result<Page, Refusal> {
    let words: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    Page::new(path, &words, name)
        .map_err(|error| usage(format!("--report {}: cannot be written: {error}", path.display())))
}

async fn lock(sites: &mut [Site], args: &Args) -> Result<(), Refusal> {
    let locks = sites.iter().map(|site| Lock::take(&site.place, args.lock_wait));
    let locks = try_join_all(locks).await.map_err(|error| match error {
        lock::Error::Held { .. } => (Exit::Locked, error.to_string()),
        _ => (Exit::Failed, error.to_string()),
    })?;
    sites.iter_mut().zip(locks).for_each(|(site, lock)| site.lock = Some(lock));
    Ok(())
}

/// All units of all managers that the words mean; what is wrong on one of them is told with its name.
async fn resolve_all(sites: &[Site], patterns: &[String]) -> Result<Vec<Chosen>, Refusal> {
    let resolving = sites.iter().map(|site| async move {
        match site.manager() {
            Some(manager) => resolve(manager, patterns).await,
            None => Ok(Vec::new()),
        }
    });
    let mut chosen = Vec::new();
    for (site, resolved) in join_all(resolving).await.into_iter().enumerate() {
        let units = resolved.map_err(|error| match sites[site].place.host() {
            Some(host) => (exit_of(&error), format!("{host}: {error}")),
            None => refusal(&error),
        })?;
        chosen.extend(units.into_iter().map(|unit| Chosen { site, unit }));
    }
    Ok(chosen)
}

/// The same, when no job is pending for any of them: what an earlier run has enqueued goes on without it, and a unit whose
/// restart is under way must not be restarted once more.
async fn settled(sites: &mut [Site], patterns: &[String]) -> Result<Vec<Chosen>, Refusal> {
    let mut told = false;
    loop {
        let chosen = resolve_all(sites, patterns).await?;
        let Some(pending) = chosen.iter().find(|chosen| chosen.unit.job.is_some()) else {
            return Ok(chosen);
        };
        if !told {
            told = true;
            crate::complain(format_args!(
                "aye restart: waiting for the job of {}, which an earlier run may have enqueued",
                pending.unit.name
            ));
        }
        sites[pending.site].job_removed().await.map_err(|error| refusal(&error))?;
    }
}

fn key(args: &Args, sites: &[Site]) -> Key {
    let mut patterns = args.units.clone();
    patterns.sort();
    let managers = sites.iter().map(|site| format!("{} {}", site.name, site.place)).collect();
    Key { managers, verb: format!("{:?}", args.verb()), patterns }
}

fn plan(args: &Args, hosts: usize, units: &[Chosen]) -> Plan {
    let on = |host: usize| units.iter().filter(|chosen| chosen.site == host).count();
    let limits = Limits {
        max_parallel: (0..hosts).map(|host| args.max_parallel.at_most(on(host)).max(1)).collect(),
        canary: args.canary,
        min_ready: args.min_ready,
        ready_timeout: args.ready_timeout,
        deadline: args.deadline,
        stagger: args.stagger,
        max_failures: args.max_failures.at_most(units.len()),
        ask: args.on_failure == OnFailure::Ask,
        min_available: args.min_available.map(|least| least.at_least(units.len())),
        before: args.before.is_some(),
        check: args.check.is_some(),
        after: args.after.is_some(),
        on_fail: args.on_fail.is_some(),
        check_pause: CHECK_PAUSE,
    };
    let planned = |chosen: &Chosen| Planned {
        host: chosen.site,
        health: health(&chosen.unit),
        start_timeout: start_timeout(&chosen.unit),
    };
    Plan { units: units.iter().map(planned).collect(), hosts, limits }
}

fn start_timeout(unit: &Unit) -> Option<Duration> {
    unit.service.as_ref().and_then(|service| service.start_timeout)
}

/// Why the run is not begun, if it is not.
fn objection(args: &Args, plan: &Plan, units: &[Chosen]) -> Option<String> {
    let ungated: Vec<&str> = units
        .iter()
        .filter(|chosen| !is_gated(&chosen.unit))
        .map(|chosen| chosen.unit.name.as_str())
        .collect();
    if args.require_notify && !ungated.is_empty() {
        let which = ungated.join(" ");
        return Some(format!(
            "--require-notify: no readiness to wait for, Type=notify gives one: {which}; nothing was touched"
        ));
    }
    plan.spent().map(|spent| format!("--min-available: {spent}; nothing was touched"))
}

fn subjects(args: &Args, sites: &[Site], selection: &Selection) -> Subjects {
    let units = &selection.units;
    let host = |chosen: &Chosen| sites[chosen.site].place.host().map(str::to_owned);
    let shown = |chosen: &Chosen| Shown {
        name: chosen.unit.name.clone(),
        host: host(chosen),
        limit: args.ready_timeout.or_else(|| start_timeout(&chosen.unit)),
    };
    let fresh = selection.fresh.iter().map(|chosen| match host(chosen) {
        Some(host) => format!("{host}:{}", chosen.unit.name),
        None => chosen.unit.name.clone(),
    });
    Subjects {
        units: units.iter().map(shown).collect(),
        ungated: (0..units.len()).filter(|&index| !is_gated(&units[index].unit)).collect(),
        fresh: fresh.collect(),
    }
}

fn task(args: &Args) -> Task {
    let commands = Commands {
        before: args.before.clone(),
        check: args.check.clone(),
        after: args.after.clone(),
        on_fail: args.on_fail.clone(),
    };
    Task { verb: args.verb(), commands, ready_timeout: args.ready_timeout }
}

fn listed(sites: &[Site], selection: &Selection) -> io::Result<Exit> {
    let mut out = io::stdout().lock();
    for chosen in &selection.units {
        match sites[chosen.site].place.host() {
            Some(host) => writeln!(out, "{host} {}", chosen.unit.name)?,
            None => writeln!(out, "{}", chosen.unit.name)?,
        }
    }
    out.flush().map(|()| Exit::Done)
}
