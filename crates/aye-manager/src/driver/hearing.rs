//! What comes from the processes: messages, output, whether they became their program, and their end.

use std::io;
use std::rc::Rc;

use aye::verdict::{Context, Descriptors, Effect, Judged, Process, Role, Verdict, judge, permit};
use aye::{Assignment, Datagram, Received, Sender};
use tokio::io::Interest;
use tokio::net::UnixStream as Executor;

use super::log::KEPT;
use super::manager::Manager;
use super::tasks;
use super::unit::ServiceUnit;
use crate::process;
use crate::service::{Event, Exit, Notification};

/// Messages read at a time: more than a socket's queue holds (`net.unix.max_dgram_qlen`, 512 where systemd sets it), so
/// that all which was there is read, and a service that never falls silent leaves the others their turn.
const MESSAGES_AT_A_TIME: usize = 1024;

/// The same for output: a pipe holds 64 KiB (pipe(7)).
const READS_AT_A_TIME: usize = 16;

impl Manager {
    /// Reads what waits in the notify socket of a service.
    pub(crate) fn hear(&mut self, unit: &str) {
        let Some(service) = self.service(unit) else {
            return;
        };
        let (receiver, readiness) = (Rc::clone(&service.receiver), Rc::clone(&service.readiness));
        // Straight from the socket: the event loop may not have heard yet of what came a moment ago.
        for _ in 0..MESSAGES_AT_A_TIME {
            let Ok(received) = receiver.receive() else {
                let _ = readiness.try_io(Interest::READABLE, drained);
                return;
            };
            match received {
                Received::Datagram(datagram) => self.heard(unit, &datagram),
                Received::Dropped(why, sender) => {
                    let pid = sender.map_or(0, |sender| sender.pid);
                    self.observer.notice(unit, &format!("a message of PID {pid} was dropped: {why}"));
                }
            }
        }
    }

    fn heard(&mut self, unit: &str, datagram: &Datagram) {
        let Some(context) = self.context(unit, datagram) else {
            return;
        };
        let lines = || datagram.message.lines().map(String::from_utf8_lossy);
        self.observer.message(unit, datagram.sender.pid, &lines().collect::<Vec<_>>().join("\n"));
        let judged = judge(&datagram.message, &context);
        if matches!(judged.as_slice(), [Judged { verdict: Verdict::Accepted(Effect::Completes, _), .. }]) {
            return; // dropping the datagram closes its descriptor, and that is the barrier
        }
        if let (Err(refused), false) =
            (permit(context.access, context.role), datagram.message.contains("BARRIER=1"))
        {
            let text = lines().collect::<Vec<_>>().join(" ");
            let pid = datagram.sender.pid;
            return self.observer.notice(unit, &format!("{text} of PID {pid} was refused: {refused}"));
        }
        if !datagram.fds.is_empty() {
            self.observer.notice(unit, "the file descriptor store is not there in aye run");
        }
        for judged in &judged {
            self.tell(unit, judged);
        }
        let notification = Notification::of(&judged);
        if let Some(pid) = notification.main_pid {
            let watch = tasks::watch_main(&self.me, unit, pid);
            if let Some(service) = self.service_mut(unit) {
                service.main_watch = watch;
            }
        }
        self.dispatch(unit, Event::Notified(notification));
    }

    /// Shows what does not count, and why; the same thing again only after something else.
    fn tell(&mut self, unit: &str, judged: &Judged<'_>) {
        let counts =
            matches!(judged.verdict, Verdict::Accepted(effect, _) if !matches!(effect, Effect::Resets(_)));
        if counts || judged.line.starts_with(b"X_") || judged.line.starts_with(b"FDSTORE=") {
            return;
        }
        let text = judged.to_string();
        let Some(service) = self.service_mut(unit).filter(|service| service.last_told != text) else {
            return;
        };
        service.last_told.clone_from(&text);
        self.observer.notice(unit, &text);
    }

    /// What the verdict on a message of that unit depends on; `None` when there is no such unit, or nothing in the message.
    fn context(&self, unit: &str, datagram: &Datagram) -> Option<Context> {
        let service = self.service(unit).filter(|_| !datagram.message.is_empty())?;
        let unit_access = service.settings.notify_access;
        let named = datagram.message.value("MAINPID").map(|value| Assignment::of(b"MAINPID", value));
        Some(Context {
            access: service.machine.notify_access(unit_access),
            unit_access,
            role: role(service, datagram.sender),
            uid: datagram.sender.uid,
            main_pid: match named {
                Some(Ok(Assignment::MainPid(pid))) => self.process(unit, service, pid),
                _ => Process::Dead,
            },
            fds: Descriptors { count: datagram.fds.len(), ..Descriptors::default() },
            ..service.machine.context()
        })
    }

    /// What the process is to the service.
    fn process(&self, unit: &str, service: &ServiceUnit, pid: u32) -> Process {
        // To end a service is to end the descendants of its main process: the manager must not be among them, and PID 1
        // is nobody's, even where the manager came into its pid namespace from outside.
        if pid == 1 || process::is_ancestor(pid) {
            Process::Manager
        } else if service.machine.main_pid() == Some(pid) {
            Process::Main
        } else if service.machine.control_pid() == Some(pid) {
            Process::Control
        } else if process::find(pid).is_none() {
            Process::Dead
        } else if self.members(unit).iter().any(|member| member.pid == pid) {
            Process::Member
        } else {
            Process::Foreign
        }
    }

    /// Reads what waits of what a service wrote.
    pub(crate) fn read_output(&mut self, unit: &str) {
        let Some(output) = self.service(unit).map(|service| Rc::clone(&service.output_read)) else {
            return;
        };
        let mut buffer = [0; 4096];
        for _ in 0..READS_AT_A_TIME {
            let Ok(count @ 1..) = rustix::io::read(&*output, &mut buffer) else {
                let _ = output.try_io(drained);
                return;
            };
            let lines = self.service_mut(unit).map(|service| service.lines.push(&buffer[..count]));
            self.keep_lines(unit, lines.unwrap_or_default());
        }
    }

    fn keep_lines(&mut self, unit: &str, lines: Vec<String>) {
        for line in lines {
            self.observer.line(unit, &line);
            let Some(service) = self.service_mut(unit) else {
                return;
            };
            service.log.push_back(line);
            if service.log.len() > KEPT {
                service.log.pop_front();
            }
        }
    }

    /// Reads what a starting process has to say; true once it has said it. Nothing at all, and the end of the file, is
    /// good news: the socket closed on exec.
    pub(crate) fn hear_executor(&mut self, unit: &str, executor: &Rc<Executor>) -> bool {
        let mut text = [0; 4096];
        let event = match rustix::io::read(&**executor, &mut text) {
            Ok(0) => Event::Executed,
            Ok(length) => Event::NotExecuted(String::from_utf8_lossy(&text[..length]).into_owned()),
            Err(rustix::io::Errno::AGAIN) => {
                let _ = executor.try_io(Interest::READABLE, drained);
                return false;
            }
            Err(_) => return true,
        };
        let Some(service) = self.service_mut(unit) else {
            return true;
        };
        // It may be that of an earlier run, or heard already.
        if service.executor.as_ref().is_some_and(|current| Rc::ptr_eq(current, executor)) {
            service.executor = None;
            self.dispatch(unit, event);
        }
        true
    }

    /// A child ended. What it said and wrote before comes first.
    pub(crate) fn reaped(&mut self, pid: u32, exit: Exit) {
        let is_of = |service: &ServiceUnit| {
            let machine = &service.machine;
            machine.main_pid() == Some(pid) || machine.control_pid() == Some(pid)
        };
        let Some(unit) = self.services().find(|(_, service)| is_of(service)).map(|(name, _)| name.clone())
        else {
            return;
        };
        if let Some(executor) = self.service(&unit).and_then(|service| service.executor.clone()) {
            self.hear_executor(&unit, &executor);
        }
        self.hear(&unit);
        self.read_output(&unit);
        let Some(service) = self.service_mut(&unit) else {
            return;
        };
        let is_main = service.machine.main_pid() == Some(pid);
        let rest = service.lines.rest();
        self.keep_lines(&unit, rest.into_iter().collect());
        self.dispatch(&unit, if is_main { Event::MainExited(exit) } else { Event::ControlExited(exit) });
    }
}

/// Tells the event loop that a descriptor has been read until it was empty.
fn drained() -> io::Result<()> {
    Err(io::ErrorKind::WouldBlock.into())
}

fn role(service: &ServiceUnit, sender: Sender) -> Role {
    if service.machine.main_pid() == Some(sender.pid) {
        Role::Main
    } else if service.machine.control_pid() == Some(sender.pid) {
        Role::Control
    } else {
        Role::Other
    }
}
