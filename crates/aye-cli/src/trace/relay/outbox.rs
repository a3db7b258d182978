//! The letters of one datagram on their way to the manager, one after another: each is sent without waiting, and what finds no
//! room stays until there is some.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use aye::{Dropped, NotifyAccess, Raw, Sender};

use super::super::scene::{Outcome, Passed};
use super::fds;
use super::judge::Heard;
use super::passage::{Ground, Letter, What, letter_of_program, letters, without_main_pid};
use super::upstream::{NotSent, Upstream};
use crate::trace::unit::process::is_dead;

/// What came of a look at the outbox.
#[derive(Debug)]
pub(super) enum Sent {
    /// The datagram has gone its way.
    Done(Passed),
    /// It waits for room.
    Waits,
}

/// The outbox.
#[derive(Debug)]
pub(super) struct Outbox {
    upstream: Option<Upstream>,
    program: u32,
    version: u16,
    own: Sender,
    letters: VecDeque<Letter>,
    bytes: Vec<u8>,
    fds: Vec<OwnedFd>,
    described: Vec<String>,
    passed: Passed,
    changed: bool,
}

impl Outbox {
    pub(super) fn new(upstream: Option<Upstream>, program: u32, version: u16) -> Self {
        let own = Sender {
            pid: std::process::id(),
            uid: rustix::process::geteuid().as_raw(),
            gid: rustix::process::getegid().as_raw(),
        };
        Self {
            upstream,
            program,
            version,
            own,
            letters: VecDeque::new(),
            bytes: Vec::new(),
            fds: Vec::new(),
            described: Vec::new(),
            passed: Passed::Nowhere,
            changed: false,
        }
    }

    /// Whether the last datagram did not go on as it came.
    pub(super) fn was_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Becomes writable when there is room.
    pub(super) fn room(&self) -> Option<BorrowedFd<'_>> {
        self.upstream.as_ref()?.room()
    }

    /// What the descriptors of the last datagram are.
    pub(super) fn described(&mut self) -> Vec<String> {
        std::mem::take(&mut self.described)
    }

    /// Begins with a datagram before it is judged, where its way does not depend on that.
    pub(super) fn send_early(&mut self, raw: &Raw, main: Option<u32>, access: NotifyAccess) -> Option<Sent> {
        self.upstream.as_ref()?;
        let letter = letter_of_program(raw, self.ground(main, access))?;
        (self.bytes, self.passed) = (raw.bytes.clone(), Passed::Withheld);
        self.letters = [letter].into();
        Some(self.go_on())
    }

    fn ground(&self, main: Option<u32>, access: NotifyAccess) -> Ground {
        Ground { program: self.program, main, own: self.own, version: self.version, access }
    }

    /// Begins with a datagram.
    pub(super) fn send(
        &mut self,
        heard: &Heard,
        sender: Option<Sender>,
        bytes: Vec<u8>,
        fds: Vec<OwnedFd>,
        main: Option<u32>,
        access: NotifyAccess,
    ) -> Sent {
        let ground = self.ground(main, access);
        (self.bytes, self.fds, self.passed) = (bytes, fds, Passed::Nowhere);
        if self.upstream.is_some() {
            self.passed = Passed::Withheld;
            if heard.outcome == Outcome::Dropped(Dropped::DescriptorsLost) {
                self.passed = Passed::Failed("its descriptors did not all arrive".to_owned());
            } else {
                self.letters = letters(heard, sender, ground).into();
            }
        }
        let sent = self.go_on_with();
        self.described = self.fds.iter().map(|fd| fds::describe(fd.as_fd())).collect();
        self.close(sent)
    }

    /// Goes on when there is room.
    pub(super) fn go_on(&mut self) -> Sent {
        let sent = self.go_on_with();
        self.close(sent)
    }

    /// Our copies of the descriptors go as soon as the manager has its own: then a barrier ends when that one does.
    fn close(&mut self, sent: Sent) -> Sent {
        if matches!(sent, Sent::Done(_)) {
            self.fds.clear();
        }
        sent
    }

    fn go_on_with(&mut self) -> Sent {
        while let (Some(letter), Some(upstream)) = (self.letters.pop_front(), &mut self.upstream) {
            let of_it = !matches!(letter.what, What::Ours(_));
            let fds: &[OwnedFd] = if of_it { &self.fds } else { &[] };
            let bytes = match &letter.what {
                What::Itself => Cow::Borrowed(&self.bytes),
                What::WithoutMainPid => Cow::Owned(without_main_pid(&self.bytes)),
                What::Ours(text) => Cow::Borrowed(text),
            };
            self.changed |= letter.what == What::WithoutMainPid;
            let passed = match upstream.send(&bytes, fds, letter.claim) {
                Ok(()) => match letter.claim {
                    Some(claim) if claim.pid != self.own.pid && is_dead(claim.pid) => Passed::AsEnded,
                    Some(claim) if claim.pid != self.own.pid => Passed::AsSender,
                    _ => Passed::AsTracer,
                },
                Err(NotSent::Full) => {
                    self.letters.push_front(letter);
                    return Sent::Waits;
                }
                Err(NotSent::Unclaimable) if letter.or_own => {
                    self.letters.push_front(self.in_own_name(letter));
                    continue;
                }
                Err(NotSent::Unclaimable) => Passed::Withheld,
                Err(NotSent::Failed(why)) => Passed::Failed(why),
            };
            if of_it {
                self.passed = passed;
            }
        }
        Sent::Done(std::mem::replace(&mut self.passed, Passed::Nowhere))
    }

    /// The same under our pid and, where that was not the trouble, the sender's user: root's word counts for more.
    fn in_own_name(&self, letter: Letter) -> Letter {
        let claim = letter.claim.map(|claim| Sender { pid: self.own.pid, ..claim });
        let claim = claim.filter(|claim| *claim != self.own && letter.claim != Some(*claim));
        Letter { claim, or_own: claim.is_some(), ..letter }
    }
}
