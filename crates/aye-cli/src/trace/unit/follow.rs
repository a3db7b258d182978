//! What the manager tells of a unit while it is traced, as events: its main process, its states, its end. Fed with the ground
//! as it is read after each signal; the states come from the signals themselves, so that none is missed.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use aye_bus::Ground;

use crate::trace::scene::Happening;

/// `CLD_EXITED` of sigaction(2): the status is an exit status, and otherwise the number of a signal.
const EXITED: i32 = 1;

/// What was told last.
#[derive(Debug, Default)]
pub(super) struct Follow {
    main: u32,
    sub: String,
}

impl Follow {
    /// Begins with what runs already, which is not what will be traced.
    pub(super) fn new(ground: &Ground) -> Self {
        Self { main: ground.main_pid, sub: ground.sub.clone() }
    }

    /// What is new. `sub` is the state that a signal told of, if it told of one.
    pub(super) fn news(&mut self, ground: &Ground, sub: Option<&str>) -> Vec<Happening> {
        let mut news = Vec::new();
        let sub = sub.unwrap_or(&ground.sub);
        let changed = sub != self.sub;
        if ground.main_pid != self.main {
            if self.main != 0 {
                news.push(Happening::Ended(status(ground)));
            }
            if ground.main_pid != 0 {
                news.push(Happening::Began { pid: ground.main_pid });
            }
            self.main = ground.main_pid;
        }
        if changed {
            sub.clone_into(&mut self.sub);
            let signal = match sub {
                "reload-signal" => ground.reload_signal,
                "stop-sigterm" => ground.kill_signal,
                _ => 0,
            };
            if signal > 0 {
                news.push(Happening::Signalled(signal));
            }
            let (active, result) = (ground.active.clone(), ground.result.clone());
            news.push(Happening::State { active, sub: sub.to_owned(), result });
        }
        news
    }
}

/// How the main process ended that was there before, while there is no other one.
fn status(ground: &Ground) -> Option<ExitStatus> {
    let raw = match ground.exit_code {
        EXITED => ground.exit_status << 8, // as wait(2) has it
        0 => return None,
        _ => ground.exit_status,
    };
    (ground.main_pid == 0).then(|| ExitStatus::from_raw(raw))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ground(sub: &str, main_pid: u32) -> Ground {
        Ground {
            name: "a.service".to_owned(),
            path: aye_bus::OwnedObjectPath::try_from("/a").unwrap(),
            active: "active".to_owned(),
            sub: sub.to_owned(),
            result: "success".to_owned(),
            invocation: None,
            changed: std::time::Duration::ZERO,
            kind: "notify".to_owned(),
            access: "main".to_owned(),
            main_pid,
            control_pid: 0,
            exit_code: 1,
            exit_status: 3,
            watchdog: None,
            start_timeout: None,
            stop_timeout: None,
            stored: 0,
            store_max: 0,
            reload_signal: 1,
            kill_signal: 15,
            kill_mode: "control-group".to_owned(),
        }
    }

    fn words(news: &[Happening]) -> Vec<String> {
        let word = |one: &Happening| match one {
            Happening::Began { pid } => format!("began {pid}"),
            Happening::Ended(status) => format!("ended {:?}", status.and_then(|status| status.code())),
            Happening::Signalled(signal) => format!("signal {signal}"),
            Happening::State { sub, .. } => sub.clone(),
            other => format!("{other:?}"),
        };
        news.iter().map(word).collect()
    }

    #[test]
    fn what_ran_before_is_no_news_until_it_ends() {
        let mut follow = Follow::new(&ground("running", 7));
        assert!(follow.news(&ground("running", 7), None).is_empty());
        assert_eq!(words(&follow.news(&ground("stop-sigterm", 7), None)), ["signal 15", "stop-sigterm"]);
        assert_eq!(words(&follow.news(&ground("dead", 0), None)), ["ended Some(3)", "dead"]);
        assert_eq!(words(&follow.news(&ground("start", 8), None)), ["began 8", "start"]);
    }

    #[test]
    fn a_state_that_was_over_before_the_ground_was_read_is_told_all_the_same() {
        let mut follow = Follow::new(&ground("running", 7));
        let told = words(&follow.news(&ground("reload-notify", 7), Some("reload-signal")));
        assert_eq!(told, ["signal 1", "reload-signal"]);
        assert_eq!(
            words(&follow.news(&ground("reload-notify", 7), Some("reload-notify"))),
            ["reload-notify"]
        );
    }
}
