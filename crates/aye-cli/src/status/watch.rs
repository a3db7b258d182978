//! `--watch`: one loop around what is known of each unit. The managers' signals say what to read again, and nothing is read
//! without one; between them only our own clock moves.

mod book;
mod link;
mod screen;

use std::time::Duration;

use aye_bus::{Error, Manager, Signal, Unit, Where};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{MissedTickBehavior, interval};

use super::{Args, Refusal, read, refusal, speaks};
use crate::exit::Exit;
use book::{Book, Step};
use link::{Input, connect, follow};
use screen::Screen;

/// Runs until it is interrupted, or every manager is gone for good.
pub(super) async fn run(args: &Args, places: Vec<Where>) -> Result<Exit, Refusal> {
    let failed = |error: std::io::Error| (Exit::Failed, format!("cannot wait for signals: {error}"));
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut resize = signal(SignalKind::window_change()).map_err(failed)?;
    let (sender, mut inputs) = unbounded_channel();
    let mut watch = Watch::new(args, places, sender);
    tokio::select! {
        started = watch.start() => started?,
        _ = int.recv() => return Ok(Exit::Done),
        _ = term.recv() => return Ok(Exit::Done),
    }
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let moves = watch.screen.moves();
    let exit = loop {
        tokio::select! {
            input = inputs.recv() => match input {
                Some(input) => watch.take(input, &mut inputs),
                None => break Exit::Unreachable,
            },
            _ = second.tick(), if moves => watch.draw(),
            _ = resize.recv(), if moves => watch.draw(),
            _ = int.recv() => break Exit::Done,
            _ = term.recv() => break Exit::Done,
        }
        if watch.screen.is_closed() {
            break Exit::Done;
        }
        if watch.sites.iter().all(|site| site.gone) {
            break Exit::Unreachable;
        }
    };
    watch.screen.finish();
    Ok(exit)
}

/// A manager that is watched.
struct Site {
    place: Where,
    manager: Option<Manager>,
    /// It was connected to again for long enough.
    gone: bool,
    book: Book,
}

struct Watch<'a> {
    args: &'a Args,
    sites: Vec<Site>,
    sender: UnboundedSender<Input>,
    screen: Screen,
}

impl<'a> Watch<'a> {
    fn new(args: &'a Args, places: Vec<Where>, sender: UnboundedSender<Input>) -> Self {
        let site = |place| Site { place, manager: None, gone: false, book: Book::new(args.units.clone()) };
        let sites = places.into_iter().map(site).collect();
        Self { args, sites, sender, screen: Screen::new(args.json) }
    }

    /// Connects to every manager; one that cannot be reached at the beginning is a mistake to be told at once.
    async fn start(&mut self) -> Result<(), Refusal> {
        for index in 0..self.sites.len() {
            let place = self.sites[index].place.clone();
            let link = async {
                let (manager, signals) = connect(&place).await?;
                let units = read(&manager, &self.args.units).await?;
                Ok((manager, signals, units))
            };
            let (manager, signals, units) = link.await.map_err(|error: Error| refusal(&place, &error))?;
            follow(index, signals, self.sender.clone());
            self.sites[index].manager = Some(manager);
            self.all(index, units);
        }
        self.draw();
        Ok(())
    }

    /// Takes one thing that happened, and all that have happened since, and draws once.
    fn take(&mut self, input: Input, more: &mut UnboundedReceiver<Input>) {
        self.happen(input);
        while let Ok(input) = more.try_recv() {
            self.happen(input);
        }
        for index in 0..self.sites.len() {
            for step in self.sites[index].book.steps() {
                self.ask(index, step);
            }
        }
        self.draw();
    }

    fn happen(&mut self, input: Input) {
        match input {
            Input::Signal { site, signal } => self.signal(site, signal),
            Input::Read { site, path, unit } => {
                self.sites[site].book.read(&path);
                match unit {
                    Ok(unit) => self.one(site, &unit),
                    // A link that is lost says so itself; what else went wrong is true of this reading alone.
                    Err(error) => self.sites[site].book.failed(&error),
                }
            }
            Input::Found { site, name, path } => self.sites[site].book.found(&name, path),
            Input::Lost { site, reason } => self.lose(site, &reason),
            Input::Back { site, link } => self.back(site, link),
        }
    }

    fn signal(&mut self, site: usize, signal: Signal) {
        let book = &mut self.sites[site].book;
        match signal {
            Signal::Changed { unit, .. } => book.changed(&unit),
            Signal::Loaded { name } => book.loaded(&name),
            Signal::Unloaded { name } => {
                let Site { place, book, .. } = &mut self.sites[site];
                if let Some(unit) = book.unloaded(&name) {
                    self.screen.shows(place, &unit);
                } else if book.dropped(&name) {
                    self.screen.gone(place, &name);
                }
            }
            _ => {}
        }
    }

    /// Asks the manager what the book wants to know.
    fn ask(&self, site: usize, step: Step) {
        let Some(manager) = self.sites[site].manager.clone() else { return };
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let input = match step {
                Step::Read(path) => {
                    let unit = manager.unit(&path).await.map(Box::new);
                    Input::Read { site, path, unit }
                }
                Step::Find(name) => {
                    let listed = manager.list_units(&name).await.unwrap_or_default();
                    // Looked up only where it is loaded: looking at a unit loads it, which would be told as news again.
                    let path = if listed.is_empty() { None } else { manager.get(&name).await.ok() };
                    Input::Found { site, name, path }
                }
            };
            let _ = sender.send(input);
        });
    }

    fn all(&mut self, site: usize, units: Vec<Unit>) {
        let names: Vec<String> = units.iter().map(|unit| unit.name.clone()).collect();
        for name in self.sites[site].book.without(&names) {
            self.screen.gone(&self.sites[site].place, &name);
        }
        for unit in units {
            self.one(site, &unit);
        }
    }

    fn one(&mut self, site: usize, unit: &Unit) {
        let unnamed = self.args.units.is_empty();
        let Site { place, book, .. } = &mut self.sites[site];
        if unnamed && !speaks(unit) && !book.has(&unit.name) {
            return;
        }
        if book.put(unit) {
            self.screen.shows(place, unit);
        }
    }

    fn lose(&mut self, site: usize, reason: &str) {
        let lost = &mut self.sites[site];
        if lost.manager.take().is_none() {
            return;
        }
        lost.book.lost();
        self.screen.lost(&lost.place, reason);
        let (place, patterns, sender) = (lost.place.clone(), self.args.units.clone(), self.sender.clone());
        // Resolving borrows in a way that keeps it on this thread, which is the only one.
        tokio::task::spawn_local(async move {
            let link = link::again(&place, &patterns).await.map(Box::new);
            let _ = sender.send(Input::Back { site, link });
        });
    }

    fn back(&mut self, site: usize, link: Result<Box<link::Again>, Error>) {
        match link {
            Ok(again) => {
                follow(site, again.signals, self.sender.clone());
                let back = &mut self.sites[site];
                back.manager = Some(again.manager);
                back.book.back();
                self.screen.back(&back.place);
                self.all(site, again.units);
            }
            Err(error) => {
                self.sites[site].gone = true;
                self.screen.left(&self.sites[site].place, &refusal(&self.sites[site].place, &error).1);
            }
        }
    }

    fn draw(&mut self) {
        let sites = self.sites.iter().map(|site| (&site.place, &site.book));
        self.screen.draw(sites);
    }
}
