//! What the rollout wants done, done: each action is a call or a command on its way, whose outcome comes back as an input.

use std::io::{self, BufRead as _, Write as _};

use aye_bus::{Error, Unit};

use super::super::hooks::{self, Subject};
use super::super::log;
use super::super::report::{Happening, Hook};
use super::super::rollout::{Action, Why};
use super::Run;
use super::input::Input;
use super::sentence::{Known, failure};
use super::site::Link;

impl Run<'_> {
    /// Does what has been put down.
    pub(super) fn act(&mut self) {
        while let Some(action) = self.actions.pop_front() {
            match action {
                Action::Enqueue(index) => self.enqueue(index),
                Action::Hook(index, hook) => self.hook(index, hook),
                Action::Soak(index, lasts) => {
                    let elapsed = self.elapsed(index);
                    self.reporter.tell(&Happening::Soak { index, elapsed, lasts });
                }
                Action::Diagnose(index, why) => self.diagnose(index, why),
                Action::Succeeded(index) => {
                    let elapsed = self.elapsed(index);
                    self.reporter.tell(&Happening::Ok { index, elapsed });
                }
                // It has been told when it was diagnosed.
                Action::Failed(_) => {}
                Action::Ask(index) => self.ask(index),
                Action::End => self.over = true,
            }
        }
    }

    fn enqueue(&mut self, index: usize) {
        let verb = self.task.verb;
        let member = &mut self.members[index];
        member.enqueue(verb);
        let (site, name) = (member.site, member.before.name.clone());
        let epoch = self.sites[site].epoch;
        self.unanswered += 1;
        let manager = self.sites[site].manager().cloned();
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let outcome = match manager {
                Some(manager) => manager.enqueue(verb, &name).await,
                None => Err(Error::Lost {
                    doing: format!("restart {name}"),
                    reason: "the link is down".to_owned(),
                }),
            };
            let _ = sender.send(Input::Enqueued { index, epoch, outcome });
        });
    }

    /// Reads a unit, and reports it as `input` says.
    pub(super) fn read(
        &mut self,
        index: usize,
        input: impl FnOnce(usize, Result<Unit, Error>) -> Input + Send + 'static,
    ) {
        let member = &self.members[index];
        let (site, path) = (member.site, member.before.path.clone());
        let epoch = self.sites[site].epoch;
        let manager = self.sites[site].manager().cloned();
        let sender = self.sender.clone();
        tokio::spawn(async move {
            let outcome = match manager {
                Some(manager) => manager.unit(&path).await,
                None => {
                    Err(Error::Lost { doing: format!("read {path}"), reason: "the link is down".to_owned() })
                }
            };
            let _ = sender.send(input(epoch, outcome));
        });
    }

    /// Asks a unit that seems to have broken: a signal that was overtaken by an answer can make it seem so.
    pub(super) fn confirm(&mut self, index: usize) {
        if self.confirming.insert(index) {
            self.read(index, move |epoch, outcome| Input::Confirmed { index, epoch, outcome });
        }
    }

    /// Reads all units of a site whose link came back.
    pub(super) fn read_all(&mut self, site: usize) {
        let Some(manager) = self.sites[site].manager().cloned() else {
            return;
        };
        let members = self.members.iter().filter(|member| member.site == site);
        let paths: Vec<_> = members.map(|member| member.before.path.clone()).collect();
        let (epoch, sender) = (self.sites[site].epoch, self.sender.clone());
        self.unanswered += 1;
        tokio::spawn(async move {
            let units = manager.units(&paths).await;
            let _ = sender.send(Input::Reread { site, epoch, units });
        });
    }

    fn hook(&mut self, index: usize, hook: Hook) {
        let commands = &self.task.commands;
        let command = match hook {
            Hook::Before => &commands.before,
            Hook::Check => &commands.check,
            Hook::After => &commands.after,
            Hook::OnFail => &commands.on_fail,
        };
        let command = command.clone().unwrap_or_default();
        let member = &self.members[index];
        let subject = Subject {
            unit: member.before.name.clone(),
            host: self.sites[member.site].name.clone(),
            index: index + 1,
            total: self.members.len(),
        };
        if hook == Hook::Check && self.members[index].hook.as_ref().is_none_or(|end| end.hook != Hook::Check)
        {
            let elapsed = self.elapsed(index);
            self.reporter.tell(&Happening::Check { index, elapsed });
        }
        let sender = self.sender.clone();
        let running = tokio::spawn(async move {
            let end = hooks::run(hook, command, subject).await;
            let _ = sender.send(Input::HookEnded { index, end });
        });
        self.members[index].running = Some(running.abort_handle());
    }

    /// Finds out what there is to know about a failure: the unit as it is now, and its log.
    fn diagnose(&mut self, index: usize, why: Why) {
        let elapsed = self.elapsed(index);
        let member = &mut self.members[index];
        if let Some(hook) = member.running.take() {
            hook.abort();
        }
        let site = &self.sites[member.site];
        let link = match &site.link {
            Link::Down { reason, .. } => Some(reason.as_str()),
            _ => None,
        };
        let touched = member.touched;
        let known = Known {
            why,
            verdict: member.verdict.as_deref(),
            hook: member.hook.as_ref(),
            elapsed,
            touched,
            ready_timeout: self.task.ready_timeout,
            link,
        };
        let mut failure = failure(&known);
        if why == Why::CheckTimeout
            && let Some(end) = &member.hook
        {
            self.reporter.tell(&Happening::Hook { index, elapsed, end });
        }
        let sender = self.sender.clone();
        let Some(manager) = site.manager().cloned().filter(|_| touched) else {
            let _ = sender.send(Input::Diagnosed { index, failure });
            return;
        };
        let (place, latest) = (site.place.clone(), member.latest.clone());
        tokio::spawn(async move {
            // A unit that nobody wants any more is unloaded: then the last reading knows more.
            let now = manager.unit(&latest.path).await.ok().filter(|unit| unit.invocation.is_some());
            let unit = now.unwrap_or(latest);
            if let Some(service) = &unit.service {
                failure.result.clone_from(&service.result);
                failure.status.clone_from(&service.status);
            }
            if failure.log.is_empty() {
                failure.log = log::tail(&place, &manager, &unit).await;
            }
            let _ = sender.send(Input::Diagnosed { index, failure });
        });
    }

    /// Reads one line from the terminal, on a thread that nobody waits for at the end.
    fn ask(&mut self, index: usize) {
        self.reporter.tell(&Happening::Asking { index });
        let _ = io::stderr().flush();
        let sender = self.sender.clone();
        std::thread::spawn(move || {
            let mut line = String::new();
            let read = io::stdin().lock().read_line(&mut line).unwrap_or(0);
            let go_on = read > 0 && matches!(line.trim().to_lowercase().as_str(), "y" | "yes");
            let _ = sender.send(Input::Answered(go_on));
        });
    }
}
