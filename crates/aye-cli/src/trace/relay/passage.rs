//! Under whose name a datagram goes on, and what has to go before and after it so that the manager goes on taking this process
//! for the program: pure. For the manager this process is the service's main one, which is what the program is for itself.

use aye::{NotifyAccess, Raw, Sender};

use super::judge::Heard;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The datagram itself, as it came.
    Itself,
    /// The same without the lines that name the main process.
    WithoutMainPid,
    /// A word of ours.
    Ours(Vec<u8>),
}

/// One datagram to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letter {
    pub(super) what: What,
    /// In whose name; `None` for our own.
    pub(super) claim: Option<Sender>,
    /// What to do where that name cannot be claimed: send it in our own, or not at all.
    pub(super) or_own: bool,
}

/// What is known beside the datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground {
    /// The program.
    pub(super) program: u32,
    /// The main process before the datagram, as the service has said.
    pub(super) main: Option<u32>,
    pub(super) own: Sender,
    pub(super) version: u16,
    /// The `NotifyAccess` in force before the datagram.
    pub(super) access: NotifyAccess,
}

impl Ground {
    /// Whether the program is the main process, for which the manager takes us.
    fn stands_in(self) -> bool {
        self.main == Some(self.program)
    }

    fn may_claim(self) -> bool {
        self.own.uid == 0
    }
}

/// How to send what the program says of anything but processes and descriptors, as long as it is the main process: that goes on as
/// ours, whatever it comes to. `None` for all else, which has to be judged before.
pub(super) fn letter_of_program(raw: &Raw, ground: Ground) -> Option<Letter> {
    let program = raw.sender.filter(|sender| sender.pid == ground.program && ground.stands_in())?;
    let names_process = raw.bytes.windows(7).any(|bytes| bytes == b"MAINPID");
    let is_plain = raw.message.is_ok() && raw.fds.is_empty() && !names_process;
    (is_plain && ground.access != NotifyAccess::None).then(|| as_ours(program, ground))
}

/// The same under our pid and, where that may be claimed, its own user: root's word counts for more.
fn as_ours(program: Sender, ground: Ground) -> Letter {
    let claim = Sender { pid: ground.own.pid, ..program };
    let claim = Some(claim).filter(|claim| ground.may_claim() && *claim != ground.own);
    Letter { what: What::Itself, claim, or_own: true }
}

/// What to send; empty for what is to be withheld.
pub(super) fn letters(heard: &Heard, sender: Option<Sender>, ground: Ground) -> Vec<Letter> {
    let Some(sender) = sender else {
        return Vec::new();
    };
    let as_it_came = |claim, or_own| Letter { what: What::Itself, claim, or_own };
    let itself = match sender {
        of if !ground.may_claim() && (heard.permitted || is_dropped(heard)) => {
            Some(as_it_came(None, of.pid > 0))
        }
        _ if !ground.may_claim() => None,
        // Also when it has handed over and is one of many: so are we, and we are there when the manager comes to read.
        program if program.pid == ground.program => Some(as_ours(program, ground)),
        other => Some(as_it_came(Some(other), heard.permitted || is_dropped(heard))),
    };
    let Some(itself) = itself else {
        return Vec::new();
    };
    around(itself, heard, sender, ground)
}

/// Nobody's message if it breaks a rule: the name under which it is dropped does not matter.
fn is_dropped(heard: &Heard) -> bool {
    matches!(heard.outcome, super::super::scene::Outcome::Dropped(_))
}

/// The manager will take the process of MAINPID= for the main one. Where that is the program, it is to go on taking us for it:
/// it hears of our end, which is the program's, and not of that of a process that is not its child.
fn around(itself: Letter, heard: &Heard, sender: Sender, ground: Ground) -> Vec<Letter> {
    let note = |text: String, claim| Letter { what: What::Ours(text.into_bytes()), claim, or_own: false };
    let Some(main) = heard.main.filter(|_| ground.stands_in()) else {
        return vec![itself];
    };
    let back = format!("MAINPID={}", ground.own.pid);
    let is_program = main == ground.program;
    if ground.may_claim() {
        let program = Sender { pid: ground.program, ..sender };
        let back = is_program.then(|| note(back, Some(program)));
        return [itself].into_iter().chain(back).collect();
    }
    if is_program && ground.access != NotifyAccess::All && ground.version < 254 {
        // The manager would have no ear for us any more, and there is no NOTIFYACCESS= yet.
        return vec![Letter { what: What::WithoutMainPid, ..itself }];
    }
    let opens = ground.access != NotifyAccess::All && ground.version >= 254;
    let open = opens.then(|| note("NOTIFYACCESS=all".to_owned(), None));
    let back = match (is_program, opens) {
        (true, true) => Some(format!("{back}\nNOTIFYACCESS={}", ground.access.as_str())),
        (true, false) => Some(back),
        (false, _) => None,
    };
    open.into_iter().chain([itself]).chain(back.map(|back| note(back, None))).collect()
}

/// A message without the lines that name the main process.
pub(super) fn without_main_pid(bytes: &[u8]) -> Vec<u8> {
    let lines =
        bytes.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.starts_with(b"MAINPID"));
    lines.collect::<Vec<_>>().join(&b'\n')
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use super::super::super::scene::Outcome;
    use super::*;
    use aye::verdict::Role;

    const OWN: Sender = Sender { pid: 10, uid: 0, gid: 0 };
    const GROUND: Ground =
        Ground { program: 11, main: Some(11), own: OWN, version: 257, access: NotifyAccess::Main };

    fn heard(role: Role, main: Option<u32>) -> Heard {
        let permitted = role == Role::Main;
        Heard { role, outcome: Outcome::Judged(Vec::new()), permitted, main }
    }

    fn user(ground: Ground) -> Ground {
        Ground { own: Sender { uid: 7, gid: 7, ..OWN }, ..ground }
    }

    fn texts(letters: &[Letter]) -> Vec<&str> {
        let text = |letter: &'_ Letter| match &letter.what {
            What::Itself => "itself",
            What::WithoutMainPid => "without",
            What::Ours(text) => &*String::from_utf8(text.clone()).unwrap().leak(),
        };
        letters.iter().map(text).collect()
    }

    #[test]
    fn without_root_what_the_manager_would_refuse_of_its_sender_is_withheld() {
        let other = Sender { pid: 12, uid: 7, gid: 7 };
        assert_eq!(letters(&heard(Role::Other, None), Some(other), user(GROUND)), []);
        assert_eq!(letters(&heard(Role::Other, None), None, GROUND), []);
    }

    #[test]
    fn root_claims_every_sender_but_the_program_which_it_stands_for() {
        let other = Sender { pid: 12, uid: 7, gid: 7 };
        let claimed = letters(&heard(Role::Other, None), Some(other), GROUND);
        assert_eq!(claimed, [Letter { what: What::Itself, claim: Some(other), or_own: false }]);
        let program = Sender { pid: 11, ..OWN };
        let own = letters(&heard(Role::Main, None), Some(program), GROUND);
        assert_eq!(own, [Letter { what: What::Itself, claim: None, or_own: true }]);
    }

    fn raw(bytes: &[u8], sender: Sender) -> Raw {
        let message = aye::Message::parse(bytes).map_err(|_| aye::Dropped::TooLarge);
        Raw { bytes: bytes.to_vec(), message, fds: Vec::new(), sender: Some(sender), pidfd: None }
    }

    #[test]
    fn only_what_the_main_process_says_of_nothing_else_goes_on_before_it_is_judged() {
        let program = Sender { pid: 11, uid: 7, gid: 7 };
        let early = |bytes: &[u8], sender, ground| letter_of_program(&raw(bytes, sender), ground);
        let letter = early(b"STATUS=up", program, GROUND).unwrap();
        assert_eq!(Some(&letter), letters(&heard(Role::Main, None), Some(program), GROUND).first());
        let letter = early(b"STATUS=up", program, user(GROUND)).unwrap();
        assert_eq!(Some(&letter), letters(&heard(Role::Main, None), Some(program), user(GROUND)).first());
        let mute = Ground { access: NotifyAccess::None, ..GROUND };
        let moved = Ground { main: Some(12), ..GROUND };
        assert_eq!(early(b"READY=1\nMAINPID=12", program, GROUND), None);
        assert_eq!(early(b"STATUS=up", Sender { pid: 12, ..program }, GROUND), None);
        assert_eq!((early(b"STATUS=up", program, mute), early(b"STATUS=up", program, moved)), (None, None));
        let with_fds = Raw {
            fds: vec![std::io::stdin().as_fd().try_clone_to_owned().unwrap()],
            ..raw(b"FDSTORE=1", program)
        };
        assert_eq!(letter_of_program(&with_fds, GROUND), None);
    }

    #[test]
    fn a_program_that_names_itself_leaves_us_its_place() {
        let program = Sender { pid: 11, uid: 7, gid: 7 };
        let root = letters(&heard(Role::Main, Some(11)), Some(program), GROUND);
        assert_eq!(texts(&root), ["itself", "MAINPID=10"]);
        assert_eq!(root[1].claim, Some(program));
        let unprivileged = letters(&heard(Role::Main, Some(11)), Some(program), user(GROUND));
        assert_eq!(texts(&unprivileged), ["NOTIFYACCESS=all", "itself", "MAINPID=10\nNOTIFYACCESS=main"]);
    }

    #[test]
    fn before_254_the_line_by_which_we_would_lose_our_place_stays_here() {
        let program = Sender { pid: 11, uid: 7, gid: 7 };
        let old = user(Ground { version: 252, ..GROUND });
        assert_eq!(texts(&letters(&heard(Role::Main, Some(11)), Some(program), old)), ["without"]);
        assert_eq!(without_main_pid(b"READY=1\nMAINPID=11\nMAINPIDFDID=3\nSTATUS=up"), b"READY=1\nSTATUS=up");
    }

    #[test]
    fn a_program_that_has_handed_over_is_not_claimed_since_it_may_end_before_the_manager_reads() {
        let moved = Ground { main: Some(12), ..GROUND };
        let letters = letters(&heard(Role::Other, None), Some(Sender { pid: 11, uid: 7, gid: 7 }), moved);
        assert_eq!(letters[0].claim, Some(Sender { pid: 10, uid: 7, gid: 7 }));
    }

    #[test]
    fn a_daemon_that_hands_over_to_another_process_is_let_go() {
        let program = Sender { pid: 11, ..OWN };
        assert_eq!(texts(&letters(&heard(Role::Main, Some(12)), Some(program), GROUND)), ["itself"]);
        let moved = Ground { main: Some(12), ..GROUND };
        let later = letters(&heard(Role::Main, None), Some(Sender { pid: 12, ..OWN }), moved);
        assert_eq!(later[0].claim.map(|claim| claim.pid), Some(12));
    }
}
