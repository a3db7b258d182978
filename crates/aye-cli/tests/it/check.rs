//! `aye check` as a user meets it: what it exits with, and what it writes where.

use std::fs;

use crate::place::Place;

const NPM: &str = "[Service]\nType=notify\nExecStart=/usr/bin/npm start\n";
const KILL: &str = "[Service]\nExecStart=/srv/web\nKillMode=process\n";
const FINE: &str = "[Service]\nExecStart=/srv/web\n";

/// A folder with these units.
fn units(units: &[(&str, &str)]) -> Place {
    let place = Place::new();
    for (name, text) in units {
        fs::write(place.path().join(name), text).unwrap();
    }
    place
}

fn check(place: &Place, words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = place.command(&[&["check"], words].concat());
    command.current_dir(place.path());
    let outcome = place.outcome(command);
    (outcome.code, outcome.stdout, outcome.stderr)
}

#[test]
fn a_rule_that_is_not_there_is_a_usage_error() {
    let place = units(&[("web.service", FINE)]);
    for words in
        [["--explain", "notify-nmp", ""], ["--allow", "x-y", "web.service"], ["--deny", "x-y", "web.service"]]
    {
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let (code, stdout, stderr) = check(&place, &words);
        assert_eq!((code, stdout.as_str()), (Some(2), ""), "{stderr}");
        assert!(stderr.starts_with("aye check: there is no rule "), "{stderr}");
    }
}

#[test]
fn a_file_that_is_no_unit_is_a_usage_error_with_its_line() {
    let place = units(&[("web.service", "[Service]\nExecStart\n"), ("web.txt", "")]);
    let (code, _, stderr) = check(&place, &["./web.service"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("web.service:2: expected KEY=VALUE"), "{stderr}");
    assert_eq!(check(&place, &["./web.txt"]).0, Some(2));
}

#[test]
fn a_file_that_is_not_there_has_an_exit_status_of_its_own() {
    let place = units(&[]);
    let (code, _, stderr) = check(&place, &["./web.service"]);
    assert_eq!((code, stderr.as_str()), (Some(5), "aye check: there is no file ./web.service\n"));
}

#[test]
fn a_unit_that_is_not_there_says_where_it_was_looked_for_and_how_a_file_is_named() {
    let place = units(&[]);
    let nowhere = "aye check: no file nothere in the current folder (name one by its path, such as ./nothere.service), and";
    fs::create_dir(place.path().join("root")).unwrap();
    let (code, _, stderr) = check(&place, &["--root", "root", "nothere"]);
    assert_eq!((code, stderr), (Some(5), format!("{nowhere} no folder of installed units\n")));
    for folder in ["etc/systemd/system", "usr/lib/systemd/system"] {
        fs::create_dir_all(place.path().join("root").join(folder)).unwrap();
    }
    let (code, _, stderr) = check(&place, &["--root", "root", "nothere"]);
    let folders = "root/etc/systemd/system, root/usr/lib/systemd/system";
    assert_eq!((code, stderr), (Some(5), format!("{nowhere} no nothere.service in {folders}\n")));
}

#[test]
fn units_elsewhere_are_refused() {
    let (code, _, stderr) = check(&units(&[]), &["-H", "web1", "web"]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("run it there"), "{stderr}");
}

#[test]
fn an_error_fails_and_a_warning_only_when_it_is_told_to() {
    let place = units(&[("npm.service", NPM), ("kill.service", KILL), ("fine.service", FINE)]);
    let table: [(&[&str], i32); 6] = [
        (&["./npm.service"], 1),
        (&["--allow", "notify-npm", "./npm.service"], 0),
        (&["./kill.service"], 0),
        (&["--strict", "./kill.service"], 1),
        (&["--deny", "killmode-process", "./kill.service"], 1),
        (&["--strict", "./fine.service"], 0),
    ];
    for (words, code) in table {
        let outcome = check(&place, words);
        assert_eq!(outcome.0, Some(code), "{words:?}: {outcome:?}");
    }
}

#[test]
fn the_output_reads_like_a_compilers() {
    let place = units(&[("kill.service", KILL)]);
    let (_, stdout, stderr) = check(&place, &["./kill.service"]);
    let expected = "\
warning[killmode-process]: processes that the program started survive a stop
 --> kill.service:3
3 | KillMode=process
  why:   With KillMode=process and none, other processes of the service survive
         its stop (systemd.kill(5)). They keep its port and its files, the next
         start finds both taken, and nobody supervises them.
  write: KillMode=mixed

1 unit checked: 1 warning
";
    assert_eq!((stdout.as_str(), stderr.as_str()), (expected, ""));
}

#[test]
fn a_folder_is_all_its_services() {
    let place =
        units(&[("npm.service", NPM), ("fine.service", FINE), ("web.socket", "[Socket]\nListenStream=80\n")]);
    let (code, stdout, _) = check(&place, &["."]);
    assert_eq!(code, Some(1));
    assert!(stdout.ends_with("2 units checked: 1 error\n"), "{stdout}");
}

#[test]
fn json_and_sarif_are_all_there_is_on_standard_output() {
    let place = units(&[("npm.service", NPM)]);
    let (_, lines, _) = check(&place, &["--json", "./npm.service"]);
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&events[0]["rule"], &events[1]["errors"]), (&"notify-npm".into(), &1.into()));
    let (_, log, _) = check(&place, &["--sarif", "./npm.service"]);
    let log: serde_json::Value = serde_json::from_str(&log).unwrap();
    let place = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(
        (&place["artifactLocation"]["uri"], &place["region"]["startLine"]),
        (&"npm.service".into(), &3.into())
    );
}

/// Another tree in the place of `/`: an image, before it is booted.
#[test]
fn an_installed_unit_of_another_root_is_found_with_its_drop_ins_and_its_program() {
    let place = units(&[]);
    let root = place.path().join("root");
    for folder in ["etc/systemd/system/web.service.d", "usr/lib/systemd/system", "srv"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("usr/lib/systemd/system/web.service"), "[Service]\nExecStart=/srv/web.sh\n").unwrap();
    fs::write(root.join("etc/systemd/system/web.service.d/a.conf"), "[Service]\nWatchdogSec=5\n").unwrap();
    fs::write(root.join("srv/web.sh"), "#!/bin/sh\nsystemd-notify --ready\nsleep 1\n").unwrap();
    let (code, stdout, stderr) = check(&place, &["--root", "root", "web"]);
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    for rule in ["simple-ready", "watchdog-silent", "watchdog-simple-start", "watchdog-no-restart"] {
        assert!(stdout.contains(&format!("[{rule}]")), "no {rule} in {stdout}");
    }
    assert!(stdout.contains("seen:  /srv/web.sh:2: systemd-notify --ready"), "{stdout}");
}

#[test]
fn findings_stand_in_the_order_of_the_lines() {
    let unit = "[Service]\nKillMode=process\nType=notify\nTimeoutStopSec=0\nExecStart=/usr/bin/npm start\n";
    let (_, stdout, _) = check(&units(&[("web.service", unit)]), &["./web.service"]);
    let lines: Vec<&str> =
        stdout.lines().filter_map(|line| line.split_once("web.service:")).map(|it| it.1).collect();
    assert_eq!(lines, ["2", "4", "5"], "{stdout}");
}
