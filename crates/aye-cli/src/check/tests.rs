//! Every rule on its two examples, and units that must not be found fault with.

mod deadlock;

use std::path::{Path, PathBuf};
use std::{fs, iter};

use super::finding::Finding;
use super::rule::Rule;
use super::{explain, history, json, load, rules, sarif, text};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/check/examples")
}

fn folder(rule: &Rule, kind: &str) -> PathBuf {
    examples().join(rule.id).join(kind)
}

/// What is found in the units of a folder, whose programs are beside them and nowhere else.
fn check(folder: &Path) -> Vec<Finding> {
    let nowhere = tempfile::tempdir().unwrap();
    let export = fs::read_to_string(folder.join("journal.json")).unwrap_or_default();
    let units = load::units(folder.to_str().unwrap(), &[]).unwrap();
    let judged = units.iter().flat_map(|unit| {
        let mut subject = load::subject(unit, nowhere.path(), false).unwrap();
        subject.starts = history::starts(&export, &subject.name.to_string());
        rules::judge(&subject)
    });
    judged.collect()
}

/// A unit without any program to look at.
fn findings(unit: &str) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("web.service"), unit).unwrap();
    check(folder.path())
}

fn ids(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.rule.id).collect()
}

fn said(findings: &[Finding]) -> String {
    findings
        .iter()
        .map(|finding| format!("{}: {:?}", finding.rule.id, finding.found))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_failing_example_fails_its_rule_and_no_other() {
    for rule in rules::ALL {
        let findings = check(&folder(rule, "fails"));
        assert_eq!(ids(&findings), [rule.id], "{}", said(&findings));
        assert!(
            findings.iter().all(|finding| !finding.found.write.is_empty()),
            "{} proposes nothing",
            rule.id
        );
    }
}

#[test]
fn no_passing_example_has_a_finding() {
    for rule in rules::ALL {
        let findings = check(&folder(rule, "passes"));
        assert!(findings.is_empty(), "{}: {}", rule.id, said(&findings));
    }
}

/// A case walks over the examples and leaves out what another one tries.
#[test]
fn every_rule_is_tried_on_live_systemd() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/systemd/cases");
    let case = |name: &str| fs::read_to_string(cases.join(name).join("case")).unwrap();
    let line_after = |text: &str, start: &str| -> Vec<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(start)).unwrap_or_default();
        line.split_whitespace()
            .map(|word| word.trim_matches('"').to_owned())
            .filter(|word| !word.is_empty())
            .collect()
    };
    let left_out = line_after(&case("check-traps"), "helpers=");
    assert_eq!(
        left_out,
        line_after(&case("check-helpers"), "try_rules "),
        "what one leaves out the other tries"
    );
    assert!(left_out.iter().all(|id| rules::find(id).is_some()), "{left_out:?}");
    for rule in rules::ALL {
        let path = examples().join(rule.id).join("try");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for half in ["fails() {", "passes() {"] {
            assert!(text.contains(half), "{} has no {half}", path.display());
        }
    }
}

#[test]
fn every_example_belongs_to_a_rule() {
    for entry in fs::read_dir(examples()).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(rules::find(name.to_str().unwrap()).is_some(), "{}", name.display());
    }
}

#[test]
fn rules_have_names_of_their_own_and_all_their_texts() {
    for (at, rule) in rules::ALL.iter().enumerate() {
        assert!(rules::ALL[..at].iter().all(|other| other.id != rule.id), "{} is there twice", rule.id);
        assert!(rule.id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{}", rule.id);
        let man = |text: &str| {
            ["(1)", "(2)", "(3)", "(5)", "(7)", "(8)"].iter().any(|section| text.contains(section))
        };
        assert!(man(rule.why) || rule.id == "value-ignored", "{} names no source", rule.id);
        assert!(
            !rule.write.is_empty() && !rule.title.ends_with('.') && rule.what.ends_with('.'),
            "{}",
            rule.id
        );
    }
}

#[test]
fn an_explanation_fits_its_width() {
    for width in [60, 80, 100] {
        for rule in rules::ALL {
            let page = explain::one(rule.id, width).unwrap();
            let longest = page.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(longest <= width, "{longest} of {width}:\n{page}");
        }
    }
    let page = explain::one("docker-notify", 80).unwrap();
    assert!(
        page.contains("\nWrite: ") && page.lines().last().is_some_and(|line| line.starts_with("       ")),
        "{page}"
    );
}

#[test]
fn an_unknown_rule_is_answered_with_all_there_are() {
    let said = explain::one("nothere", 80).unwrap_err();
    let all = rules::ALL.iter().map(|rule| rule.id).collect::<Vec<_>>().join(", ");
    assert!(said.starts_with(&format!("there is no rule nothere: expected one of {all}; ")), "{said}");
    let said = explain::unknown("notify-npn");
    assert!(
        said.starts_with("there is no rule notify-npn: did you mean notify-npm? expected one of "),
        "{said}"
    );
}

/// The page is written by this test when it is told to: `AYE_WRITE=1`.
#[test]
fn the_page_says_what_explain_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/check.md");
    let example = |rule: &Rule, kind: &str| {
        let mut files: Vec<PathBuf> =
            fs::read_dir(folder(rule, kind)).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|end| end == "service"));
        files.sort();
        let texts = files.iter().map(|file| format!("```ini\n{}```\n", fs::read_to_string(file).unwrap()));
        texts.collect::<Vec<_>>().concat()
    };
    let (begin, end) = ("<!-- rules -->\n", "<!-- end of rules -->\n");
    let page = fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(begin).unwrap();
    let (_, tail) = rest.split_once(end).unwrap();
    let expected = format!("{head}{begin}{}{end}{tail}", explain::sections(example));
    if std::env::var_os("AYE_WRITE").is_some() {
        fs::write(&path, &expected).unwrap();
        return;
    }
    assert!(page == expected, "docs/check.md is behind the rules: run this test with AYE_WRITE=1");
}

#[test]
fn what_a_drop_in_has_overridden_is_not_reported() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("web.service"),
        "[Service]\nType=notify\nExecStart=/usr/bin/npm start\nKillMode=process\n",
    )
    .unwrap();
    assert_eq!(ids(&check(folder.path())), ["notify-npm", "killmode-process"]);
    fs::create_dir(folder.path().join("web.service.d")).unwrap();
    let better = "[Service]\nExecStart=\nExecStart=/usr/bin/node server.js\nKillMode=\n";
    fs::write(folder.path().join("web.service.d/better.conf"), better).unwrap();
    assert_eq!(ids(&check(folder.path())), Vec::<&str>::new());
}

#[test]
fn a_finding_points_to_the_drop_in_that_brought_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("web.service"), "[Service]\nType=notify\nExecStart=/usr/bin/node a.js\n")
        .unwrap();
    fs::create_dir(folder.path().join("web.service.d")).unwrap();
    fs::write(folder.path().join("web.service.d/10-kill.conf"), "[Service]\n\nKillSignal=SIGKILL\n").unwrap();
    let findings = check(folder.path());
    assert_eq!(ids(&findings), ["stop-kill"]);
    assert!(findings[0].found.at.file.ends_with("10-kill.conf"), "{}", said(&findings));
    assert_eq!(findings[0].found.at.line, 3);
}

/// Lines that look like a trap and are none.
#[test]
fn what_is_no_trap_is_left_alone() {
    let fine = [
        "Type=simple\nExecStart=/usr/bin/npm start",
        "Type=notify\nNotifyAccess=all\nExecStart=/usr/bin/npm start",
        "Type=notify\nExecStart=/bin/sh -c 'exec /srv/web'",
        "Type=notify\nExecStart=/bin/sh -c '/srv/web --flag'",
        "Type=forking\nExecStart=/usr/sbin/nginx",
        "Type=notify\nExecStart=/usr/bin/redis-server /etc/redis.conf --supervised systemd --daemonize no",
        "Type=exec\nExecStart=/usr/bin/docker run nginx",
        "Type=notify\nExecStart=/usr/bin/aye wrap --ready-on notify -- docker run --network=host --env NOTIFY_SOCKET web",
        "Type=notify\nExecStart=/usr/bin/aye wrap --ready-on notify:/run/web/notify -- docker run -v /run/web/notify:/n web",
        "Type=notify\nExecStart=/usr/bin/aye wrap --ready-on notify:/run/web/notify -- podman run --sdnotify=ignore web",
        "Type=notify\nExecStart=/usr/bin/podman run --sdnotify=healthy web",
        "Type=simple\nExecStart=/srv/web\nRestrictAddressFamilies=AF_INET",
        "Type=notify\nExecStart=/srv/web\nRestrictAddressFamilies=~AF_PACKET",
        "Type=notify\nExecStart=/srv/web\nRestrictAddressFamilies=AF_INET\nRestrictAddressFamilies=AF_UNIX",
        "Type=notify\nExecStart=/srv/web\nRestrictAddressFamilies=AF_INET\nOpenFile=/run/systemd/notify:notify",
        "Type=notify\nExecStart=/srv/web\nPrivateNetwork=yes",
        "Type=notify\nExecStart=/srv/web\nRootDirectory=/srv/root",
        "Type=notify\nExecStart=/srv/web\nInaccessiblePaths=/run/user",
        "Type=oneshot\nExecStart=/srv/web\nTimeoutStartSec=infinity\nKillMode=process",
        "Type=notify\nExecStart=/srv/web\nTimeoutSec=30",
        "Type=notify\nExecStart=/srv/web\nEnvironment=A=NOTIFY_SOCKETS",
        "Type=notify\nExecStart=/srv/web\nWatchdogSec=0",
        "Type=notify\nExecStart=/srv/web\nExecStartPost=/usr/bin/systemctl start other.service",
        "Type=exec\nExecStart=systemctl restart web.service",
    ];
    for unit in fine {
        let findings = findings(&format!("[Service]\n{unit}\n"));
        assert!(findings.is_empty(), "{unit}\n{}", said(&findings));
    }
}

/// Whether a service is to come back is for who packaged it to choose.
#[test]
fn a_packaged_unit_is_not_told_what_is_a_matter_of_choice() {
    let unit = "[Service]\nType=notify\nExecStart=/srv/web\nWatchdogSec=3min\n";
    for (below, expected) in
        [("etc/systemd/system", &["watchdog-no-restart"][..]), ("usr/lib/systemd/system", &[])]
    {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join(below);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("web.service"), unit).unwrap();
        assert_eq!(ids(&check(&folder)), expected, "{below}");
    }
}

/// The line to write is one for this unit.
#[test]
fn proposes_the_line_for_this_very_unit() {
    let table = [
        (
            "Type=notify\nExecStart=/usr/bin/nice -n 5 /bin/sh -c 'cd /srv; ./a \"b c\"'",
            "ExecStart=/usr/bin/nice -n 5 /bin/sh -c 'cd /srv; exec ./a \"b c\"'",
        ),
        ("Type=notify\nExecStart=sudo -u web -- node a.js", "User=web|ExecStart=node a.js"),
        ("Type=notify\nExecStart=su -s /bin/sh -c 'node a.js' web", "User=web|ExecStart=node a.js"),
        ("Type=notify\nExecStart=runuser -u web -- node a.js", "User=web|ExecStart=node a.js"),
        (
            "Type=notify\nExecStart=docker run -p 127.0.0.1:81:80 nginx",
            "ExecStart=/usr/bin/aye wrap --ready-on http://127.0.0.1:81/ -- docker run -p 127.0.0.1:81:80 nginx",
        ),
        ("Type=notify\nExecStart=docker run -p 5432:5432 postgres", "Type=exec"),
        ("Type=notify\nExecStart=docker run nginx", "Type=exec"),
        (
            "Type=notify\nExecStart=podman run --sdnotify=ignore web",
            "ExecStart=podman run --sdnotify=conmon web",
        ),
        (
            "Type=notify\nExecStart=/srv/web\nRestrictAddressFamilies=~AF_UNIX AF_PACKET",
            "RestrictAddressFamilies=~AF_PACKET",
        ),
        ("Type=notify\nExecStart=/srv/web\nEnvironment=A=1 NOTIFY_SOCKET=/x", "Environment=A=1"),
        (
            "Type=exec\nExecStart=redis-server /etc/redis.conf --daemonize yes",
            "ExecStart=redis-server /etc/redis.conf --daemonize no --supervised systemd",
        ),
        ("Type=notify\nExecStart=/srv/web\nWatchdogSec=5\nRestart=on-success", "Restart=on-failure"),
        ("Type=exec\nExecStart=/srv/web\nTimeoutStopSec=infinity", "TimeoutStopSec=90s"),
        ("Type=exec\nExecStart=/usr/bin/java -jar a.jar", "SuccessExitStatus=143"),
        ("Type=exec\nExecStart=/srv/web\nTimeoutStopSec=5 apples", "TimeoutStopSec=5s"),
        ("Type=exec\nExecStart=/srv/web\nExecStartPost=systemctl restart web", "nothing: remove this line"),
    ];
    for (unit, line) in table {
        let findings = findings(&format!("[Service]\n{unit}\n"));
        let lines: Vec<String> = findings.iter().map(|finding| finding.found.write.join("|")).collect();
        assert_eq!(lines, [line], "{unit}\n{}", said(&findings));
    }
}

#[test]
fn a_template_is_checked_under_an_instance() {
    let folder = tempfile::tempdir().unwrap();
    let unit = "[Service]\nType=exec\nExecStart=/srv/web --port 3000\n";
    fs::write(folder.path().join("web@.service"), unit).unwrap();
    let findings = check(folder.path());
    assert_eq!(ids(&findings), ["template-port"]);
    assert_eq!(findings[0].found.write, ["ExecStart=/srv/web --port 300%i"]);
}

#[test]
fn the_text_fits_its_width_and_explains_a_rule_once() {
    let mut findings = findings("[Service]\nType=notify\nExecStart=/usr/bin/npm start\n");
    findings.extend(findings.clone());
    let plain = |width| text::Page { width, colour: false }.render(&["web.service".to_owned()], &findings);
    for width in [80, 120] {
        let page = plain(width);
        let longest = page
            .lines()
            .filter(|line| !line.contains("-->") && !line.contains("write:"))
            .map(str::len)
            .max()
            .unwrap();
        assert!(longest <= width, "{page}");
        assert_eq!(page.matches("why:").count(), 1, "{page}");
        assert!(page.ends_with("1 unit checked: 2 errors\n"), "{page}");
    }
    assert!(
        text::Page { width: 80, colour: true }.render(&[], &findings).contains("\x1b[1;31merror[notify-npm]")
    );
}

#[test]
fn json_has_a_line_for_each_finding_and_one_for_the_sum() {
    let findings = findings("[Service]\nType=notify\nExecStart=/usr/bin/npm start\n");
    let lines = json::lines(&["web.service".to_owned()], &findings);
    let events: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2);
    assert_eq!((&events[0]["rule"], &events[0]["line"]), (&"notify-npm".into(), &3.into()));
    assert_eq!((&events[1]["event"], &events[1]["errors"]), (&"checked".into(), &1.into()));
    assert!(events.iter().all(|event| event["v"] == 1 && event["ts"].is_u64()));
}

/// What section 3 of SARIF 2.1.0 requires of a log, a run, a tool, a rule and a result.
#[test]
fn sarif_has_what_its_specification_requires() {
    let everything: Vec<Finding> = rules::ALL.iter().flat_map(|rule| check(&folder(rule, "fails"))).collect();
    for findings in [&everything[..], &[]] {
        let log: serde_json::Value = serde_json::from_str(&sarif::log(findings)).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert!(run["tool"]["driver"]["name"].is_string());
        let described = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert_eq!(described.len(), rules::ALL.len());
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), findings.len());
        for (result, finding) in iter::zip(results, findings) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(
                (&described[index]["id"], &result["ruleId"]),
                (&finding.rule.id.into(), &finding.rule.id.into())
            );
            assert!(matches!(result["level"].as_str(), Some("error" | "warning" | "note")));
            assert!(result["message"]["text"].as_str().is_some_and(|text| !text.is_empty()));
            let place = &result["locations"][0]["physicalLocation"];
            assert!(place["region"]["startLine"].as_u64() >= Some(1));
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(!uri.contains(' ') && uri.is_ascii(), "{uri}");
        }
    }
}
