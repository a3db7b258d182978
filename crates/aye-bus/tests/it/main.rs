//! The client against a fake manager: what each ending of a job looks like from here, and that nothing is lost or
//! mistaken on the way.

#[allow(dead_code, reason = "the tests of the command use the rest")]
mod fake;
mod link;

use aye_bus::{Error, JobResult, Manager, Signal, Signals, Unit, Verb, Verdict, Where, judge, resolve};
use fake::{Act, Fake};
use tempfile::TempDir;

struct Bench {
    fake: Fake,
    manager: Manager,
    signals: Signals,
    _dir: TempDir,
}

async fn bench(units: &[(&str, Act)]) -> Bench {
    let dir = tempfile::tempdir().unwrap();
    let fake = Fake::listen(dir.path(), units);
    let manager = Where::Embedded(dir.path().to_owned()).connect().await.unwrap();
    let signals = manager.watch().await.unwrap();
    Bench { fake, manager, signals, _dir: dir }
}

/// Restarts web.service and follows the job to its end.
async fn restart(bench: &mut Bench) -> Result<(JobResult, Verdict), Error> {
    let before = web(&bench.manager).await?;
    let ours = bench.manager.enqueue(Verb::Restart, "web.service").await?;
    loop {
        match bench.signals.next().await? {
            Signal::JobRemoved { job, result } if job == ours => {
                let after = web(&bench.manager).await?;
                let verdict = judge(&before, &after, &result);
                return Ok((result, verdict));
            }
            _ => {}
        }
    }
}

async fn web(manager: &Manager) -> Result<Unit, Error> {
    let path = manager.load("web.service").await?;
    manager.unit(&path).await
}

async fn outcome(act: Act) -> Result<(JobResult, Verdict), Error> {
    restart(&mut bench(&[("web.service", act)]).await).await
}

fn failed(sentence: &str) -> Verdict {
    Verdict::Failed(sentence.to_owned())
}

#[tokio::test]
async fn nobody_listening_is_unreachable_and_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let error = Where::Embedded(dir.path().to_owned()).connect().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("systemd/private: no such file or directory"), "{error}");
}

#[tokio::test]
async fn a_socket_left_behind_is_unreachable() {
    let dir = tempfile::tempdir().unwrap();
    drop(Fake::listen(dir.path(), &[]));
    tokio::task::yield_now().await;
    let error = Where::Embedded(dir.path().to_owned()).connect().await.unwrap_err();
    assert!(error.to_string().contains("connection refused"), "{error}");
}

#[tokio::test]
async fn a_connection_dropped_in_place_of_a_reply_is_lost() {
    let error = outcome(Act::DropCall).await.unwrap_err();
    assert!(matches!(&error, Error::Lost { doing, .. } if doing == "restart web.service"), "{error:?}");
}

#[tokio::test]
async fn a_connection_dropped_during_a_job_is_lost() {
    let error = outcome(Act::DropJob).await.unwrap_err();
    assert!(matches!(&error, Error::Lost { doing, .. } if doing == "follow its jobs"), "{error:?}");
}

#[tokio::test]
async fn access_denied_and_interactive_authorization_are_denials() {
    for name in ["AccessDenied", "InteractiveAuthorizationRequired"] {
        let name: &'static str = format!("org.freedesktop.DBus.Error.{name}").leak();
        let error = outcome(Act::Refuse(name, "Interactive authentication required.")).await.unwrap_err();
        assert!(matches!(error, Error::Denied { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_masked_unit_is_refused_in_the_managers_words() {
    let act = Act::Refuse("org.freedesktop.systemd1.UnitMasked", "Unit web.service is masked.");
    let error = outcome(act).await.unwrap_err();
    assert_eq!(error.to_string(), "could not restart web.service: Unit web.service is masked.");
}

#[tokio::test]
async fn a_bus_without_a_manager_is_unreachable() {
    let act = Act::Refuse("org.freedesktop.DBus.Error.ServiceUnknown", "no such name");
    let error = outcome(act).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn each_bad_ending_of_a_job_has_its_sentence() {
    let table = [
        ("failed", "failed to start"),
        ("timeout", "the job timed out (JobTimeoutSec=)"),
        ("canceled", "canceled: another job took the place of this one"),
        ("dependency", "dependency failed: a unit that it requires did not start"),
        ("skipped", "skipped: there was nothing to do"),
        ("assert", "an assertion of the unit (Assert...=) failed"),
        ("frozen", "the job ended with frozen"),
    ];
    for (result, sentence) in table {
        let (job, verdict) = outcome(Act::End(result)).await.unwrap();
        assert_eq!((job, verdict), (JobResult::parse(result), failed(sentence)));
    }
}

#[tokio::test]
async fn a_service_that_exits_early_says_with_what_and_when() {
    let (_, verdict) = outcome(Act::Exit1).await.unwrap();
    assert_eq!(verdict, failed("exited with 1 after 2.0 s"));
}

#[tokio::test]
async fn a_unit_with_its_old_invocation_is_not_ready() {
    let (job, verdict) = outcome(Act::KeepOldInvocation).await.unwrap();
    let sentence = "still runs its old start: the invocation did not change";
    assert_eq!((job, verdict), (JobResult::Done, failed(sentence)));
}

#[tokio::test]
async fn a_job_removed_before_the_reply_is_not_missed() {
    let (_, verdict) = outcome(Act::SucceedBeforeReply).await.unwrap();
    assert_eq!(verdict, Verdict::Ready);
}

#[tokio::test]
async fn a_foreign_job_that_failed_is_not_ours() {
    let (_, verdict) = outcome(Act::Succeed).await.unwrap();
    assert_eq!(verdict, Verdict::Ready);
}

#[tokio::test]
async fn a_status_text_arrives_before_the_end_of_the_job() {
    let mut bench = bench(&[("web.service", Act::Succeed)]).await;
    bench.manager.enqueue(Verb::Restart, "web.service").await.unwrap();
    let mut status = None;
    loop {
        match bench.signals.next().await.unwrap() {
            Signal::Changed { change, .. } => status = change.status.or(status),
            Signal::JobRemoved { result: JobResult::Done, .. } => break,
            _ => {}
        }
    }
    assert_eq!(status.as_deref(), Some("loading web.service"));
}

#[tokio::test]
async fn one_pattern_without_a_match_spoils_the_list() {
    let bench = bench(&[("web@1.service", Act::Succeed)]).await;
    for pattern in ["nope", "nope*", "web@"] {
        let patterns = ["web@1".to_owned(), pattern.to_owned()];
        let error = resolve(&bench.manager, &patterns).await.unwrap_err();
        assert!(matches!(&error, Error::NothingMatched { pattern: p, .. } if p == pattern), "{error:?}");
    }
    assert_eq!(bench.fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn globs_come_in_natural_order_names_as_given_and_nothing_twice() {
    let units =
        ["web@10.service", "web@2.service", "db.service", "web@1.service"].map(|name| (name, Act::Succeed));
    let bench = bench(&units).await;
    let patterns = ["web@2", "db.service", "web@*"].map(str::to_owned);
    let units = resolve(&bench.manager, &patterns).await.unwrap();
    let names: Vec<_> = units.iter().map(|unit| unit.name.as_str()).collect();
    assert_eq!(names, ["web@2.service", "db.service", "web@1.service", "web@10.service"]);
}

#[tokio::test]
async fn an_enabled_instance_counts_though_it_is_not_loaded_and_a_static_one_does_not() {
    let bench = bench(&["web@1.service", "web@5.service"].map(|name| (name, Act::Succeed))).await;
    let units = resolve(&bench.manager, &["web@*".to_owned()]).await.unwrap();
    let names: Vec<_> = units.iter().map(|unit| unit.name.as_str()).collect();
    assert_eq!(names, ["web@1.service", "web@5.service"]);
}

#[tokio::test]
async fn units_are_read_several_at_a_time() {
    let names: Vec<String> = (1..=40).map(|number| format!("web@{number}.service")).collect();
    let units: Vec<_> = names.iter().map(|name| (name.as_str(), Act::Succeed)).collect();
    let bench = bench(&units).await;
    bench.fake.answer_in_pairs();
    let globbed = resolve(&bench.manager, &["web@*".to_owned()]).await.unwrap();
    let named = resolve(&bench.manager, &names).await.unwrap();
    for units in [globbed, named] {
        assert!(units.iter().map(|unit| &unit.name).eq(&names));
    }
}

#[tokio::test]
async fn a_unit_without_a_job_has_none_and_its_start_has_a_time() {
    let unit = web(&bench(&[("web.service", Act::Succeed)]).await.manager).await.unwrap();
    assert_eq!((unit.job, unit.can_reload, unit.started.as_secs()), (None, true, 1));
}
