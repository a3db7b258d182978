//! `aye status` against `aye run`: what it shows is what systemctl shows of the same manager, and --watch tells of changes.

use crate::fake::{Act, Fake};
use crate::place::{Place, READY};

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
    manager.interrupted();
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
    manager.interrupted();
    watch.says(r#""event":"lost""#);
    let mut manager = place.run(&["web@1"]);
    manager.says(": ready");
    watch.says(r#""event":"back""#);
    watch.says(r#""state":"active""#);
    assert_eq!(watch.interrupted().0, Some(0));
    manager.interrupted();
    place.assert_nothing_left();
}

#[test]
fn a_quiet_watch_asks_the_manager_nothing() {
    let place = Place::new();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let guard = runtime.enter();
    let fake = Fake::listen(&place.runtime(), &[("web@1.service", Act::Succeed)]);
    drop(guard);
    // By way of script(1) it has a terminal, on which the ages tick.
    let watch = place.command(&["status", "--watch", "web@1"]);
    let mut words = vec![watch.get_program().to_owned()];
    words.extend(watch.get_args().map(ToOwned::to_owned));
    let words: Vec<String> = words.into_iter().map(|word| word.into_string().unwrap()).collect();
    let mut script = std::process::Command::new("script");
    script.args(["-qfec", &words.join(" "), "/dev/null"]).current_dir(place.units());
    script.envs(watch.get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").stdin(std::process::Stdio::null());
    let mut watch = place.start(script);
    watch.says("web@1");
    let asked = fake.asked();
    assert!(asked > 0);
    // Each drawing is a tick of the clock: three of them, and no call.
    for _ in 0..3 {
        watch.says("web@1");
    }
    assert_eq!(fake.asked(), asked);
    watch.signalled(rustix::process::Signal::TERM);
}
