//! Runs made up for the tests: what a driver would tell, on a clock of their own. `AYE_PAGE_SAMPLES=DIR` has each written
//! there, with what the chart has to show beside it, for the tests in a browser (tests/page).

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use aye_bus::ActiveState;

use super::Page;
use crate::exit::Exit;
use crate::restart::report::{Failure, Happening, Hook, HookEnd, Shown, Summary};

pub(super) const MS: Duration = Duration::from_millis(1);

/// A run under way.
pub(super) struct Run {
    page: Page,
    units: Vec<Shown>,
    /// What the page has to show, one line each: unit, class of the bar, from and to in milliseconds.
    expected: String,
    summary: Summary,
}

/// How one unit goes; times in milliseconds, where zero means that there is no such thing.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Steps {
    pub(super) before: u32,
    pub(super) stopping: u32,
    pub(super) starting: u32,
    pub(super) check: u32,
    pub(super) soak: u32,
    pub(super) after: u32,
}

impl Run {
    pub(super) fn begin(path: &Path, words: &[&str], units: Vec<Shown>) -> Self {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let mut page = Page::new(path, &words, "atlas").unwrap();
        page.tell(
            &units,
            &Happening::Plan { doing: "restarting", ungated: &[], fresh: &[] },
            Duration::ZERO,
            epoch(),
        )
        .unwrap();
        let summary = Summary {
            ready: vec![],
            failed: vec![],
            in_flight: vec![],
            not_attempted: vec![],
            took: Duration::ZERO,
            exit: Exit::Done,
            stopped: None,
            resume: None,
        };
        Self { page, units, expected: String::new(), summary }
    }

    pub(super) fn tell(&mut self, at: Duration, happening: &Happening<'_>) {
        self.page.tell(&self.units, happening, at, epoch() + at).unwrap();
    }

    fn expect(&mut self, index: usize, class: &str, from: Duration, to: Duration) {
        let name = crate::output::short(&self.units[index].name);
        let _ = writeln!(self.expected, "{name}\t{class}\t{}\t{}", from.as_millis(), to.as_millis());
    }

    /// From the before-hook to the soak's end; gives when that was, and when the job was enqueued.
    pub(super) fn go(&mut self, index: usize, at: Duration, steps: Steps) -> (Duration, Duration) {
        let enqueued = at + MS * steps.before;
        if steps.before > 0 {
            self.hook(index, enqueued, Duration::ZERO, Hook::Before, steps.before);
            self.expect(index, "b", at, enqueued);
        }
        self.tell(enqueued, &Happening::Start { index, enqueued: Duration::from_secs(77) + enqueued });
        let mut elapsed = MS * steps.stopping;
        self.state(index, enqueued, MS * steps.stopping.min(1), ActiveState::Deactivating);
        self.state(index, enqueued, elapsed, ActiveState::Activating);
        self.expect(index, "p", enqueued, enqueued + elapsed);
        self.expect(index, "s", enqueued + elapsed, enqueued + elapsed + MS * steps.starting);
        elapsed += MS * steps.starting;
        let became_active = Duration::from_secs(77) + enqueued + elapsed;
        self.tell(enqueued + elapsed, &Happening::Ready { index, elapsed, became_active });
        if steps.check > 0 {
            self.tell(enqueued + elapsed, &Happening::Check { index, elapsed });
            self.expect(index, "c", enqueued + elapsed, enqueued + elapsed + MS * steps.check);
            elapsed += MS * steps.check;
            self.hook(index, enqueued + elapsed, elapsed, Hook::Check, 40);
        }
        if steps.soak > 0 {
            let lasts = MS * steps.soak;
            self.tell(enqueued + elapsed, &Happening::Soak { index, elapsed, lasts });
            self.expect(index, "k", enqueued + elapsed, enqueued + elapsed + lasts);
            elapsed += lasts;
        }
        (enqueued + elapsed, enqueued)
    }

    fn state(&mut self, index: usize, enqueued: Duration, elapsed: Duration, state: ActiveState) {
        self.tell(enqueued + elapsed, &Happening::State { index, elapsed, state });
    }

    fn hook(&mut self, index: usize, at: Duration, elapsed: Duration, hook: Hook, took: u32) {
        let end = HookEnd { hook, ok: true, outcome: String::new(), took: MS * took, output: vec![] };
        self.tell(at, &Happening::Hook { index, elapsed, end: &end });
    }

    /// All of a unit that goes well; gives when it ended.
    pub(super) fn succeed(&mut self, index: usize, at: Duration, steps: Steps) -> Duration {
        let (mut ended, enqueued) = self.go(index, at, steps);
        if steps.after > 0 {
            self.expect(index, "a", ended, ended + MS * steps.after);
            ended += MS * steps.after;
            self.hook(index, ended, ended.saturating_sub(enqueued), Hook::After, steps.after);
        }
        self.tell(ended, &Happening::Ok { index, elapsed: ended.saturating_sub(enqueued) });
        self.summary.ready.push(index);
        ended
    }

    /// A unit that never gets ready; gives when it has failed.
    pub(super) fn fail(&mut self, index: usize, at: Duration, takes: u32, failure: &Failure) -> Duration {
        self.fail_and_hook(index, at, takes, failure, None)
    }

    /// The same with an on-fail hook after it.
    pub(super) fn fail_and_hook(
        &mut self,
        index: usize,
        at: Duration,
        takes: u32,
        failure: &Failure,
        hook: Option<&HookEnd>,
    ) -> Duration {
        self.tell(at, &Happening::Start { index, enqueued: at });
        self.state(index, at, MS, ActiveState::Deactivating);
        self.state(index, at, MS * 30, ActiveState::Activating);
        self.expect(index, "p", at, at + MS * 30);
        self.expect(index, "s", at + MS * 30, at + MS * takes);
        let mut elapsed = MS * takes;
        self.state(index, at, elapsed, ActiveState::Failed);
        if let Some(end) = hook {
            self.expect(index, "d", at + elapsed, at + elapsed + MS * 5);
            self.expect(index, "f", at + elapsed + MS * 5, at + elapsed + MS * 5 + end.took);
            elapsed += MS * 5 + end.took;
            self.tell(at + elapsed, &Happening::Hook { index, elapsed, end });
        } else {
            self.expect(index, "d", at + elapsed, at + elapsed + MS * 3);
            elapsed += MS * 3;
        }
        self.tell(at + elapsed, &Happening::Failed { index, elapsed, failure });
        self.summary.failed.push(index);
        at + elapsed
    }

    pub(super) fn end(mut self, took: Duration, exit: Exit, stopped: Option<&str>) -> String {
        let done = [&self.summary.ready[..], &self.summary.failed, &self.summary.in_flight].concat();
        let rest: Vec<usize> = (0..self.units.len()).filter(|index| !done.contains(index)).collect();
        let names: Vec<&str> = rest.iter().map(|&index| self.units[index].name.as_str()).collect();
        self.summary.resume =
            (!rest.is_empty()).then(|| format!("aye restart --max-parallel 1 {}", names.join(" ")));
        (self.summary.not_attempted, self.summary.took, self.summary.exit) = (rest, took, exit);
        self.summary.stopped = stopped.map(str::to_owned);
        let summary = self.summary.clone();
        self.tell(took, &Happening::Summary(&summary));
        format!("total\t\t0\t{}\n{}", took.as_millis(), self.expected)
    }
}

pub(super) fn epoch() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_383_603)
}

pub(super) fn units(host: Option<&str>, names: impl IntoIterator<Item = String>) -> Vec<Shown> {
    let unit = |name| Shown { name, host: host.map(str::to_owned), limit: None };
    names.into_iter().map(unit).collect()
}

fn web(numbers: std::ops::RangeInclusive<u32>) -> impl Iterator<Item = String> {
    numbers.map(|number| format!("web@{number}.service"))
}

pub(super) fn refused() -> Failure {
    Failure {
        reason: "exited with 1 after 2.0 s".to_owned(),
        result: "exit-code".to_owned(),
        status: "binding <0.0.0.0:3003>".to_owned(),
        log: [
            "> web@3.0.1 start",
            "node:events:496",
            "Error: listen EADDRINUSE: address already in use :::3003",
            "    at Server.setupListenHandle [as _listen2] (node:net:1907:16)",
            "web@3.service: Main process exited, code=exited, status=1/FAILURE",
        ]
        .map(str::to_owned)
        .to_vec(),
    }
}

/// Makes a page, and says what the chart has to show.
type Sample = fn(&Path) -> String;

/// Eight units one by one, and every one has its own time.
fn success(path: &Path) -> String {
    let mut run =
        Run::begin(path, &["aye", "restart", "--report", "success.html", "web@*"], units(None, web(1..=8)));
    let mut at = MS * 2;
    for (index, starting) in [910, 1240, 870, 4150, 1020, 2380, 960, 1130].into_iter().enumerate() {
        let steps = Steps { stopping: 140 + starting / 20, starting, ..Steps::default() };
        at = run.succeed(index, at, steps) + MS;
    }
    run.end(at, Exit::Done, None)
}

/// The third of eight fails.
fn failure(path: &Path) -> String {
    let words = ["aye", "restart", "--before", "drain $AYE_UNIT", "--report", "failure.html", "web@*"];
    let mut run = Run::begin(path, &words, units(None, web(1..=8)));
    let steps = Steps { before: 210, stopping: 90, starting: 1200, check: 300, soak: 1000, after: 150 };
    let mut at = run.succeed(0, MS, steps);
    at = run.succeed(1, at, Steps { starting: 1900, ..steps });
    let output = vec!["cannot page: <b>no route</b>".to_owned()];
    let end = HookEnd {
        hook: Hook::OnFail,
        ok: false,
        outcome: "exited with 7".to_owned(),
        took: MS * 180,
        output,
    };
    at = run.fail_and_hook(2, at + MS, 2040, &refused(), Some(&end));
    run.end(at + MS * 2, Exit::Failed, Some("1 failed and --max-failures is 0"))
}

/// Three hosts, of which one is lost for a while and one for good.
fn hosts(path: &Path) -> String {
    let mut all = units(Some("deploy@web-a.example"), web(1..=4));
    all.extend(units(Some("deploy@web-b.example"), web(5..=8)));
    all.extend(units(Some("web-c.example/blue"), web(9..=12)));
    let mut run = Run::begin(path, &["aye", "restart", "-H", "deploy@web-a.example", "web@*"], all);
    let steps = Steps { stopping: 120, starting: 800, soak: 600, ..Steps::default() };
    let (mut at_a, mut at_b) = (MS, MS * 4);
    for index in 0..4 {
        at_a =
            run.succeed(index, at_a, Steps { starting: 700 + 180 * u32::try_from(index).unwrap(), ..steps });
    }
    at_b = run.succeed(4, at_b, steps);
    run.tell(
        at_b + MS * 300,
        &Happening::Lost {
            host: Some("deploy@web-b.example"),
            reason: "client_loop: send disconnect: Broken pipe",
        },
    );
    run.tell(at_b + MS * 1300, &Happening::Regained { host: Some("deploy@web-b.example"), after: MS * 1000 });
    at_b = run.succeed(5, at_b, Steps { starting: 2100, ..steps });
    at_b = run.succeed(6, at_b, steps);
    at_b = run.succeed(7, at_b, steps);
    let at = run.succeed(8, MS * 3, steps);
    run.tell(
        at + MS * 500,
        &Happening::Lost {
            host: Some("web-c.example/blue"),
            reason: "ssh: connect to host web-c.example port 22: No route to host",
        },
    );
    let unknown = Failure {
        reason: "outcome unknown: the link was lost and did not come back".to_owned(),
        ..Failure::default()
    };
    run.fail(9, at, 5400, &unknown);
    let took = at_b.max(at_a).max(at + MS * 5403) + MS;
    run.end(took, Exit::Unreachable, Some("web-c.example/blue could not be reached again"))
}

/// A thousand units, four at a time, and two that fail.
pub(super) fn thousand(path: &Path) -> String {
    let mut run = Run::begin(
        path,
        &["aye", "restart", "--max-parallel", "4", "worker@*"],
        units(None, (1..=1000).map(|n| format!("worker@{n}.service"))),
    );
    let mut ends = [MS; 4];
    for index in 0..1000 {
        let slot = (0..4).min_by_key(|&slot| ends[slot]).unwrap();
        let varied = u32::try_from(index * 7919 % 97).unwrap();
        let steps = Steps {
            stopping: 30 + varied,
            starting: 90 + varied * varied / 20,
            soak: 50,
            ..Steps::default()
        };
        ends[slot] = match index {
            333 | 712 => run.fail(index, ends[slot], 700, &refused()),
            _ => run.succeed(index, ends[slot], steps),
        };
    }
    run.end(*ends.iter().max().unwrap(), Exit::Failed, None)
}

/// Interrupted twice: one unit is left in the middle.
fn interrupted(path: &Path) -> String {
    let mut run = Run::begin(path, &["aye", "restart", "--user", "api.service"], units(None, web(1..=3)));
    let at = run.succeed(0, MS, Steps { stopping: 20, starting: 400, ..Steps::default() });
    run.tell(at, &Happening::Start { index: 1, enqueued: at });
    run.tell(at + MS * 40, &Happening::State { index: 1, elapsed: MS * 40, state: ActiveState::Activating });
    run.tell(at + MS * 300, &Happening::Interrupted { in_flight: &[1] });
    run.summary.in_flight.push(1);
    run.end(at + MS * 700, Exit::Interrupted, None)
}

#[test]
fn the_samples_are_pages() {
    let folder = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("AYE_PAGE_SAMPLES");
    let folder = kept.as_deref().map_or(folder.path(), Path::new);
    let samples: [(&str, Sample); 5] = [
        ("success", success),
        ("failure", failure),
        ("hosts", hosts),
        ("thousand", thousand),
        ("interrupted", interrupted),
    ];
    for (name, sample) in samples {
        let path = folder.join(format!("{name}.html"));
        let expected = sample(&path);
        std::fs::write(path.with_extension("expected"), expected).unwrap();
        assert!(std::fs::read_to_string(&path).unwrap().ends_with("</html>\n"), "{name}");
    }
}
