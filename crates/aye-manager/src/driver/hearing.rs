//! What comes from the processes: messages, output, whether they became their program, and their end.

use std::io;
use std::rc::Rc;

use aye::verdict::{Role, permit};
use aye::{Datagram, Received, Sender};
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
        if datagram.message.is_empty() || datagram.message.contains("BARRIER=1") {
            return; // dropping the datagram closes its descriptor, and that is the barrier
        }
        let Some(service) = self.service(unit) else {
            return;
        };
        let sender = datagram.sender;
        let access = service.settings.notify_access;
        if let Err(refused) = permit(access, role(service, sender)) {
            let text = datagram.message.lines().map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
            return self
                .observer
                .notice(unit, &format!("{text} of PID {} was refused: {refused}", sender.pid));
        }
        let mut notification = Notification::of(&datagram.message);
        if !datagram.fds.is_empty() {
            notification.complaints.push("the file descriptor store is not there in aye run".to_owned());
        }
        notification.main_pid = notification.main_pid.filter(|&pid| service.machine.main_pid() != Some(pid));
        if let Some(pid) = notification.main_pid {
            if self.may_be_main(unit, pid, sender) {
                let watch = tasks::watch_main(&self.me, unit, pid);
                if let Some(service) = self.service_mut(unit) {
                    service.main_watch = watch;
                }
            } else {
                notification.main_pid = None;
                notification.complaints.push(format!("MAINPID={pid} is ignored: no process of this service"));
            }
        }
        for complaint in &notification.complaints {
            self.observer.notice(unit, complaint);
        }
        self.dispatch(unit, Event::Notified(notification));
    }

    fn may_be_main(&self, unit: &str, pid: u32, sender: Sender) -> bool {
        let control = self.service(unit).and_then(|service| service.machine.control_pid());
        // To end a service is to end the descendants of its main process: the manager must not be among them, and PID 1
        // is nobody's, even where the manager came into its pid namespace from outside.
        pid != 1
            && !process::is_ancestor(pid)
            && Some(pid) != control
            && process::find(pid).is_some()
            && (sender.uid == 0 || self.members(unit).iter().any(|member| member.pid == pid))
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
