//! `aye status` against `aye run`: what it shows is what systemctl shows of the same manager, and --watch tells of changes.

use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::fake::{Act, Fake};
use crate::place::{Place, READY, await_exit};

fn place() -> Place {
    Place::new()
        .service("web@.service", &format!("{READY}WatchdogSec=1h\n"))
        .service("bad.service", "Type=notify\nExecStart=/bin/false\n")
}

fn objects(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_manager_that_is_not_there_is_unreachable() {
    let outcome = place().aye(&["status", "web@1"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(69), ""), "{}", outcome.stderr);
    assert!(
        outcome.stderr.starts_with("aye status: cannot reach the embedded manager"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_matches_nothing_is_5_and_what_is_not_active_is_1() {
    let place = place();
    let mut manager = place.run(&["web@1"]);
    manager.says(": ready");
    assert_eq!(place.aye(&["status", "nope*"]).code, Some(5));
    assert_eq!(place.aye(&["status", "web@?"]).code, Some(0), "a glob for what stands before the suffix");
    let outcome = place.aye(&["status", "web@1", "bad"]);
    assert_eq!(outcome.code, Some(1), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("bad    inactive"), "{}", outcome.stdout);
    assert_eq!(place.systemctl(&["start", "bad"]).code, Some(1));
    let outcome = place.aye(&["status", "web@1", "bad"]);
    assert!(outcome.stdout.contains("exited with 1 after"), "{}", outcome.stdout);
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn shows_what_systemctl_shows() {
    let place = place();
    let mut manager = place.run(&["web@1", "web@2"]);
    manager.says(": ready");
    manager.says(": ready");
    let outcome = place.aye(&["status", "--json"]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let units = objects(&outcome.stdout);
    assert_eq!(units.len(), 2, "{}", outcome.stdout);
    for unit in &units {
        let name = unit["unit"].as_str().unwrap();
        let number = |property: &str| place.property(name, property).parse::<u64>().unwrap();
        let ready = number("ActiveEnterTimestampMonotonic") - number("ExecMainStartTimestampMonotonic");
        assert_eq!(unit["ready_usec"].as_u64(), Some(ready));
        assert_eq!(unit["main_pid"].as_u64(), Some(number("MainPID")));
        assert_eq!(unit["restarts"].as_u64(), Some(number("NRestarts")));
        assert_eq!(unit["sub"], place.property(name, "SubState"));
        assert_eq!(unit["type"], place.property(name, "Type"));
        assert_eq!(unit["watchdog_usec"].as_u64(), Some(3_600_000_000));
        let sum =
            unit["watchdog_age_usec"].as_u64().unwrap() + unit["watchdog_margin_usec"].as_u64().unwrap();
        assert_eq!(sum, 3_600_000_000);
        let since = unit["uptime_usec"].as_u64().unwrap() + number("ActiveEnterTimestampMonotonic");
        let beat = unit["watchdog_age_usec"].as_u64().unwrap() + number("WatchdogTimestampMonotonic");
        assert_eq!(since, beat, "both ages are of the same moment");
    }
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn watch_tells_of_each_change_and_of_the_end_of_the_manager() {
    let place = place();
    let mut manager = place.run(&["web@1"]);
    manager.says(": ready");
    let mut watch = place.start(place.command(&["status", "--watch", "web@*"]));
    watch.says("web@1: active");
    assert_eq!(place.systemctl(&["start", "web@2"]).code, Some(0));
    watch.says("web@2: active");
    assert_eq!(place.systemctl(&["kill", "--signal=KILL", "web@2"]).code, Some(0));
    watch.says("web@2: failed, killed by SIGKILL");
    manager.signal(Signal::INT);
    watch.says("lost: ");
    let (code, _) = watch.interrupted();
    assert_eq!(code, Some(0));
}

#[test]
fn watch_goes_on_with_a_manager_that_is_back() {
    let place = place();
    let mut manager = place.run(&["web@1"]);
    manager.says(": ready");
    let mut watch = place.start(place.command(&["status", "--watch", "--json", "web@1"]));
    watch.says(r#""state":"active""#);
    manager.signal(Signal::INT);
    watch.says(r#""event":"lost""#);
    await_exit(manager.pid());
    let mut second = place.run(&["web@1"]);
    second.says(": ready");
    watch.says(r#""event":"back""#);
    watch.says(r#""state":"active""#);
    assert_eq!(watch.interrupted().0, Some(0));
}

#[tokio::test]
async fn a_quiet_watch_asks_the_manager_nothing() {
    let place = Place::new();
    let fake = Fake::listen(&place.runtime(), &[("web@1.service", Act::Succeed)]);
    // The fake is served by this thread, the terminal awaited on another.
    tokio::task::spawn_blocking(move || {
        let mut watch = place.start(on_a_terminal(&place, "status --watch web@1"));
        watch.says("web@1");
        let asked = fake.asked();
        assert!(asked > 0);
        // Each drawing is a tick of the clock: three of them, and no call.
        for _ in 0..3 {
            watch.says("web@1");
        }
        assert_eq!(fake.asked(), asked);
        watch.signalled(Signal::TERM);
    })
    .await
    .unwrap();
}

/// The command on a terminal of its own, by way of script(1).
fn on_a_terminal(place: &Place, arguments: &str) -> Command {
    let aye = place.command(&[]);
    let mut script = Command::new("script");
    let line = format!("exec {} {arguments}", aye.get_program().display());
    script.args(["-qfec", &line, "/dev/null"]).current_dir(place.units());
    script.envs(aye.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").stdin(Stdio::null());
    script
}
