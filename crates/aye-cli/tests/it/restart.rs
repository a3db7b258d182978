//! `aye restart` against a fake manager on the real socket path: what it prints, how it exits, and above all which
//! units it leaves alone.

use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::fake::{Act, Fake};

const WEB: [&str; 3] = ["web@1.service", "web@2.service", "web@10.service"];

struct Bench {
    fake: Fake,
    dir: TempDir,
}

fn bench(acts: [Act; 3]) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let units: Vec<_> = WEB.into_iter().zip(acts).collect();
    Bench { fake: Fake::listen(dir.path(), &units), dir }
}

/// What a run left behind: exit code, stdout and stderr, with times as `T` and the directory as `DIR`.
type Outcome = (i32, String, String);

impl Bench {
    fn command(&self, words: &[&str]) -> Command {
        command(&self.dir, words)
    }

    async fn run(&self, words: &[&str]) -> Outcome {
        run(&self.dir, words).await
    }

    fn start(&self, words: &[&str]) -> Running {
        let mut child = self.command(words).spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Running { child, stderr }
    }
}

fn command(dir: &TempDir, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aye"));
    command.arg("restart").arg(format!("--embedded={}", dir.path().display())).args(words);
    command.env_remove("AYE_RUNTIME_DIR").kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn run(dir: &TempDir, words: &[&str]) -> Outcome {
    let output = command(dir, words).output().await.unwrap();
    let text = |bytes| normal(&String::from_utf8(bytes).unwrap(), dir);
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn normal(text: &str, dir: &TempDir) -> String {
    let text = text.replace(&dir.path().display().to_string(), "DIR");
    let line = |line: &str| match line.split_once(" ready in ") {
        Some((head, tail)) => format!("{head} ready in T{}\n", after_the_time(tail)),
        None => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// What follows `12 ms` or `1.2 s`.
fn after_the_time(text: &str) -> &str {
    let (_, unit) = text.split_once(' ').unwrap();
    unit.trim_start_matches('m').strip_prefix('s').unwrap()
}

/// A run that is still going on.
struct Running {
    child: Child,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Running {
    fn send(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id().unwrap()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }

    /// Reads stderr up to the first line that begins like this.
    async fn says(&mut self, beginning: &str) {
        while let Some(line) = self.stderr.next_line().await.unwrap() {
            if line.starts_with(beginning) {
                return;
            }
        }
        panic!("never said '{beginning}'");
    }

    async fn ends(mut self) -> (i32, Vec<String>) {
        let mut lines = Vec::new();
        while let Some(line) = self.stderr.next_line().await.unwrap() {
            lines.push(line);
        }
        (self.child.wait().await.unwrap().code().unwrap(), lines)
    }
}

fn restarts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("RestartUnit {name}")).collect()
}

#[tokio::test]
async fn nobody_listening_is_69_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let expected = "aye restart: cannot reach the embedded manager of DIR: DIR/systemd/private: no such file or \
                    directory; start one with `aye run`, or name its directory with --embedded=DIR\n";
    assert_eq!(run(&dir, &["web"]).await, (69, String::new(), expected.to_owned()));
}

#[tokio::test]
async fn the_second_unit_fails_and_the_third_is_left_alone() {
    let bench = bench([Act::Succeed, Act::Exit1, Act::Succeed]);
    let expected = "\
restarting 3 units: web@1.service web@2.service web@10.service
web@1.service: starting (1/3)
web@1.service: status \"loading web@1.service\"
web@1.service: ready in T (1/3)
web@2.service: starting (2/3)
web@2.service: status \"loading web@2.service\"
web@2.service: FAILED: exited with 1 after 2.0 s (2/3)
web@2.service: result exit-code, status \"loading cache 40%\"
web@2.service | first line
web@2.service | Error: listen EADDRINUSE :::3003
Stopped: 1 ready, 1 failed, 1 not attempted.
Not attempted because 1 failed, and --max-failures is 0.
Resume: aye restart --embedded=DIR web@10
";
    assert_eq!(bench.run(&["web@*"]).await, (1, String::new(), expected.to_owned()));
    assert_eq!(bench.fake.calls(), restarts(&WEB[..2]));
}

#[tokio::test]
async fn a_unit_that_keeps_its_old_start_fails() {
    let bench = bench([Act::KeepOldInvocation, Act::Succeed, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 1);
    assert!(stderr.contains("FAILED: still runs its old start"), "{stderr}");
}

#[tokio::test]
async fn a_refused_unit_is_a_failure_in_the_managers_words() {
    let refuse = Act::Refuse("org.freedesktop.systemd1.UnitMasked", "Unit web@1.service is masked.");
    let bench = bench([refuse, Act::Succeed, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 1);
    assert!(stderr.contains("web@1.service: FAILED: Unit web@1.service is masked. (1/3)\n"), "{stderr}");
}

#[tokio::test]
async fn not_permitted_is_4_and_nothing_counts_as_attempted() {
    let refuse = Act::Refuse("org.freedesktop.DBus.Error.AccessDenied", "Access denied");
    let bench = bench([refuse, Act::Succeed, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@1", "web@2"]).await;
    assert_eq!(exit, 4);
    let expected = "\
restarting 2 units: web@1.service web@2.service
aye restart: not permitted to restart web@1.service: Access denied; run it as root, or allow org.freedesktop.systemd1.manage-units in polkit
Stopped: 0 ready, 0 failed, 2 not attempted.
Not attempted because not permitted.
Resume: aye restart --embedded=DIR web@1 web@2
";
    assert_eq!(stderr, expected);
}

#[tokio::test]
async fn a_manager_that_goes_in_the_middle_is_69_and_the_rest_is_listed() {
    let bench = bench([Act::Succeed, Act::Vanish, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 69, "{stderr}");
    assert!(
        stderr.contains("web@2.service: FAILED: outcome unknown: the link was lost and not regained"),
        "{stderr}"
    );
    assert!(stderr.contains("\naye restart: cannot reach the embedded manager"), "{stderr}");
    assert!(stderr.ends_with("\nResume: aye restart --embedded=DIR web@10\n"), "{stderr}");
    assert_eq!(bench.fake.calls(), restarts(&WEB[..2]));
}

#[tokio::test]
async fn a_job_that_ended_while_the_link_was_lost_is_seen_and_not_repeated() {
    let bench = bench([Act::Succeed, Act::DropAndSucceed, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 0, "{stderr}");
    assert_eq!(bench.fake.calls(), restarts(&WEB));
}

#[tokio::test]
async fn a_job_that_ends_while_its_unit_is_read_again_is_seen() {
    let bench = bench([Act::Succeed, Act::DropAndEndDuringRead, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 0, "{stderr}");
    assert_eq!(bench.fake.calls(), restarts(&WEB));
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_not_repeated_where_nothing_came_of_it() {
    let bench = bench([Act::Succeed, Act::DropCall, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 1, "{stderr}");
    assert!(
        stderr.contains("web@2.service: FAILED: the link was lost before the manager answered; "),
        "{stderr}"
    );
    assert_eq!(bench.fake.calls(), restarts(&WEB[..2]));
}

#[tokio::test]
async fn a_job_that_was_lost_with_its_link_and_left_no_trace_has_failed() {
    let bench = bench([Act::Succeed, Act::DropJob, Act::Succeed]);
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 1, "{stderr}");
    assert!(stderr.contains("web@2.service: FAILED: still runs its old start"), "{stderr}");
    assert_eq!(bench.fake.calls(), restarts(&WEB[..2]));
}

#[tokio::test]
async fn one_name_without_a_unit_is_5_and_nothing_is_touched() {
    let bench = bench([Act::Succeed; 3]);
    let expected = "aye restart: no unit matches 'api@*': no loaded or enabled unit has such a name\n";
    assert_eq!(bench.run(&["web@*", "api@*"]).await, (5, String::new(), expected.to_owned()));
    assert_eq!(bench.fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn a_device_is_a_usage_error() {
    let bench = bench([Act::Succeed; 3]);
    let (exit, _, _) = bench.run(&["dev-sda.device"]).await;
    assert_eq!(exit, 2);
}

#[tokio::test]
async fn an_interrupt_finishes_the_unit_in_flight_and_ends_with_130() {
    let bench = bench([Act::Hold, Act::Succeed, Act::Succeed]);
    let mut running = bench.start(&["web@*"]);
    bench.fake.called("RestartUnit web@1.service").await;
    running.send(Signal::INT);
    running.says("interrupted: starting nothing new, finishing web@1.service").await;
    bench.fake.release();
    let (exit, lines) = running.ends().await;
    assert_eq!(exit, 130);
    assert_eq!(lines[lines.len() - 2], "Interrupted: 1 ready, 0 failed, 2 not attempted.");
    assert_eq!(bench.fake.calls(), restarts(&WEB[..1]));
}

#[tokio::test]
async fn a_second_interrupt_leaves_at_once_and_cancels_nothing() {
    let bench = bench([Act::Hold, Act::Succeed, Act::Succeed]);
    let mut running = bench.start(&["web@*"]);
    bench.fake.called("RestartUnit web@1.service").await;
    running.send(Signal::INT);
    running.says("interrupted:").await;
    running.send(Signal::INT);
    let (exit, lines) = running.ends().await;
    assert_eq!(exit, 130);
    let left = "Left in the middle: web@1.service. The manager goes on with it; it was not cancelled.";
    assert!(lines.iter().any(|line| line == left), "{lines:?}");
    assert_eq!(bench.fake.calls(), restarts(&WEB[..1]));
}

#[tokio::test]
async fn sigterm_ends_with_143() {
    let bench = bench([Act::Hold, Act::Succeed, Act::Succeed]);
    let mut running = bench.start(&["web@*"]);
    bench.fake.called("RestartUnit web@1.service").await;
    running.send(Signal::TERM);
    running.says("interrupted:").await;
    bench.fake.release();
    assert_eq!(running.ends().await.0, 143);
}

#[tokio::test]
async fn a_second_run_on_the_same_manager_is_75_and_names_the_first() {
    let bench = bench([Act::Hold, Act::Succeed, Act::Succeed]);
    let running = bench.start(&["web@1"]);
    bench.fake.called("RestartUnit web@1.service").await;
    let pid = running.child.id().unwrap();
    let expected = format!(
        "aye restart: another `aye restart` is at work on the embedded manager of DIR (pid {pid}); wait until it has \
         ended, as --lock-wait does\n"
    );
    assert_eq!(bench.run(&["web@2"]).await, (75, String::new(), expected));
    bench.fake.release();
    assert_eq!(running.ends().await.0, 0);
}

#[tokio::test]
async fn three_units_one_after_another() {
    let bench = bench([Act::Succeed, Act::SucceedBeforeReply, Act::Succeed]);
    let expected = "\
restarting 3 units: web@1.service web@2.service web@10.service
web@1.service: starting (1/3)
web@1.service: status \"loading web@1.service\"
web@1.service: ready in T (1/3)
web@2.service: starting (2/3)
web@2.service: status \"loading web@2.service\"
web@2.service: ready in T (2/3)
web@10.service: starting (3/3)
web@10.service: status \"loading web@10.service\"
web@10.service: ready in T (3/3)
Done: 3 ready in T.
";
    let (exit, stderr, stdout) = bench.run(&["web@*"]).await;
    // What the second says before the call is answered is told on either side of that.
    let [starting, status] =
        ["starting (2/3)", "status \"loading web@2.service\""].map(|what| format!("web@2.service: {what}\n"));
    let stdout = stdout.replace(&format!("{status}{starting}"), &format!("{starting}{status}"));
    assert_eq!((exit, stderr.as_str(), stdout.as_str()), (0, "", expected));
    assert_eq!(bench.fake.calls(), restarts(&WEB));
}

#[tokio::test]
async fn a_failed_unit_goes_first() {
    let bench = bench([Act::Succeed; 3]);
    bench.fake.failed_before("web@10.service");
    let (exit, _, _) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 0);
    assert_eq!(bench.fake.calls(), restarts(&["web@10.service", "web@1.service", "web@2.service"]));
}

#[tokio::test]
async fn try_leaves_alone_what_is_not_running() {
    let bench = bench([Act::Succeed; 3]);
    bench.fake.failed_before("web@1.service");
    assert_eq!(bench.run(&["--try", "web@1", "web@2"]).await.0, 0);
    assert_eq!(bench.fake.calls(), ["TryRestartUnit web@2.service"]);
}

#[tokio::test]
async fn a_unit_without_readiness_is_warned_of_once() {
    let bench = bench([Act::Succeed; 3]);
    bench.fake.of_type("web@2.service", "simple");
    let (exit, _, stderr) = bench.run(&["web@*"]).await;
    assert_eq!(exit, 0);
    let warning = "warning: no readiness to wait for (Type=notify gives one): web@2.service\n";
    assert_eq!(stderr.matches(warning).count(), 1, "{stderr}");
}

#[tokio::test]
async fn a_oneshot_that_is_unloaded_after_its_run_is_done() {
    // Live 252: with RemainAfterExit=no and nobody wanting it, the unit is gone when its job is.
    let bench = bench([Act::RunToEnd, Act::Succeed, Act::Succeed]);
    bench.fake.of_type("web@1.service", "oneshot");
    let (exit, _, stderr) = bench.run(&["web@1"]).await;
    assert_eq!(exit, 0, "{stderr}");
}

#[tokio::test]
async fn a_dry_run_lists_and_touches_nothing() {
    let bench = bench([Act::Succeed; 3]);
    let expected = "web@1.service\nweb@2.service\nweb@10.service\n";
    assert_eq!(bench.run(&["-n", "web@*"]).await, (0, expected.to_owned(), String::new()));
    assert_eq!(bench.fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn quiet_says_nothing_of_success() {
    let bench = bench([Act::Succeed; 3]);
    assert_eq!(bench.run(&["--progress=quiet", "web@*"]).await, (0, String::new(), String::new()));
}

#[tokio::test]
async fn json_lines_parse_in_order_and_end_with_the_summary() {
    let bench = bench([Act::Succeed, Act::Exit1, Act::Succeed]);
    let (exit, stdout, _) = bench.run(&["--json", "--progress=quiet", "web@*"]).await;
    assert_eq!(exit, 1);
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<_> =
        lines.iter().map(|line| (line["event"].as_str().unwrap(), line["index"].as_u64())).collect();
    let expected = [
        ("plan", None),
        ("unit_start", Some(1)),
        ("status", Some(1)),
        ("ready", Some(1)),
        ("unit_ok", Some(1)),
        ("unit_start", Some(2)),
        ("status", Some(2)),
        ("unit_failed", Some(2)),
        ("summary", None),
    ];
    assert_eq!(told, expected);
    assert!(lines.iter().all(|line| line["v"] == 1 && line["total"] == 3));
    assert!(lines.windows(2).all(|pair| pair[0]["ts"].as_u64() <= pair[1]["ts"].as_u64()));
    let (ready, summary) = (&lines[3], &lines[8]);
    assert_eq!(ready["ready_monotonic_usec"], 2_000_000);
    assert_eq!(summary["ok"][0], "web@1.service");
    assert_eq!(summary["failed"][0], "web@2.service");
    assert_eq!(summary["not_attempted"][0], "web@10.service");
    assert_eq!(summary["exit"], 1);
}
