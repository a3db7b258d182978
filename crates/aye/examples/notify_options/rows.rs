//! What is tried: rows with names of their own, shown in full, and the product of the options that make a message.

use std::fmt;

/// A command line and its surroundings.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) arguments: Vec<String>,
    /// Run as nobody, who may claim nothing.
    pub(crate) as_nobody: bool,
    /// What a shell does before it becomes the command, such as an assignment.
    pub(crate) before: &'static str,
    /// Files that the command is passed.
    pub(crate) redirections: &'static str,
    /// `notify` is the receiver; empty is no variable at all.
    pub(crate) socket: &'static str,
    /// Whether `aye` leaves a child behind, whose barrier is awaited.
    pub(crate) lingers: bool,
    /// Why the two are meant to differ.
    pub(crate) difference: Option<&'static str>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let socket =
            if self.socket == "notify" { String::new() } else { format!("NOTIFY_SOCKET='{}' ", self.socket) };
        let user = if self.as_nobody { "nobody" } else { "root" };
        write!(f, "{user}: {}{socket}notify", self.before)?;
        for word in &self.arguments {
            match word.as_str() {
                long if long.len() > 150 => write!(f, " {}... ({} bytes)", &long[..20], long.len())?,
                plain if !plain.is_empty() && !plain.contains([' ', '\n', '\\', ';', '$']) => {
                    write!(f, " {plain}")?;
                }
                other => write!(f, " {other:?}")?,
            }
        }
        let redirections = self.redirections.trim();
        if redirections.is_empty() { Ok(()) } else { write!(f, " {redirections}") }
    }
}

fn row<const N: usize>(arguments: [&str; N]) -> Row {
    Row {
        arguments: arguments.map(str::to_owned).to_vec(),
        as_nobody: false,
        before: "",
        redirections: "",
        socket: "notify",
        lingers: false,
        difference: None,
    }
}

impl Row {
    fn saying(self, arguments: Vec<String>) -> Self {
        Self { arguments, ..self }
    }
    fn nobody(self) -> Self {
        Self { as_nobody: true, ..self }
    }
    fn passed(self, redirections: &'static str) -> Self {
        Self { redirections, ..self }
    }
    fn after(self, before: &'static str) -> Self {
        Self { before, ..self }
    }
    fn to(self, socket: &'static str) -> Self {
        Self { socket, ..self }
    }
    fn lingering(self) -> Self {
        Self { lingers: true, difference: Some(LINGERS), ..self }
    }
    fn differs(self, why: &'static str) -> Self {
        Self { difference: Some(why), ..self }
    }
}

// The reasons are those of the table in aye-notify(1).
const QUIET: &str = "a failure sends nothing";
const LINGERS: &str = "--no-block leaves a child";
const TEXT: &str = "text arrives as given";
const WHOLE: &str = "what is dropped is refused";
const FORK: &str = "--fork needs READY=1";
const STRAY: &str = "nothing is ignored";
const COMMAND: &str = "CMD begins at the semicolon";
const STDIN: &str = "closed standard descriptors";

/// What the options do one by one, and all that can go wrong.
pub(crate) fn rows() -> Vec<Row> {
    let mut all = wrong();
    all.extend(right());
    all.extend(others());
    all
}

fn wrong() -> Vec<Row> {
    let long = format!("STATUS={}", "x".repeat(4096));
    let refused = [
        row([]),
        row(["--colour"]),
        row(["--ready=1"]),
        row(["--status"]),
        row(["--re"]),
        row(["--pid=0"]),
        row(["--pid=-1"]),
        row(["--pid=me"]),
        row(["--pid=4294967297"]),
        row(["--pid=999999999"]),
        row(["--pid=2147483647"]),
        row(["--fd=x"]).passed("3</dev/zero"),
        row(["--fd=-1"]),
        row(["--fd=77"]),
        row(["--fd="]),
        row(["--fd=3", "--fd=3"]).passed("3</dev/zero"),
        row(["--fd=3", "--fdname=a:b"]).passed("3</dev/zero"),
        row(["--fdname=a"]),
        row(["--fdname=a", "--ready"]),
        row(["--uid=no-such-user", "--ready"]),
        row(["--uid=", "--ready"]),
        row(["--uid=4294967295", "--ready"]),
        row(["--uid=root", "--ready"]).nobody(),
        row(["--uid=1", "--ready"]).nobody(),
        row(["--exec", "--ready"]),
        row(["--exec", "--ready", ";"]),
        row(["--exec", ";", "true"]),
        row(["--booted", "--ready"]),
        row(["--booted", "X=1"]),
        row(["--booted", "--fork", "true"]),
        row(["--fork"]),
        row(["--fork", "--ready", "true"]),
        row(["--quiet"]),
    ];
    let mut all: Vec<Row> = refused.into_iter().map(|row| row.differs(QUIET)).collect();
    all.extend([
        row(["--ready"]).to(""),
        row(["--ready"]).to("7"),
        row(["--ready"]).to("relative/path"),
        row(["--ready"]).to("/nonexistent"),
        row(["--ready"]).to("/etc/passwd"),
        row(["--colour"]).to(""),
        row(["--ready", "--exec", ";", "/nonexistent"]).differs(QUIET),
        row(["READY"]).differs(WHOLE),
        row([""]).differs(WHOLE),
        row(["=x"]).differs(WHOLE),
        row(["--", "READY=1", "--ready"]).differs(WHOLE),
        row([&long]).differs(WHOLE),
        row(["STATUS=a\\"]).differs(WHOLE),
        row(["--fd=0"]).passed("<&-").differs(STDIN),
    ]);
    all
}

fn right() -> Vec<Row> {
    vec![
        row(["--rea"]),
        row(["--status", "up and running"]),
        row(["--status="]),
        row(["--status=a", "--status=b"]),
        row(["--status=a\nMAINPID=1"]).differs(TEXT),
        row(["--status=C:\\tmp"]).differs(TEXT),
        row(["STATUS=a\nX_B=c\\\\d"]),
        row(["--pid", "7"]).differs(WHOLE),
        row(["X_A=1", "--ready", "X_B=2"]),
        row(["--ready", "READY=0", "X_A=1", "X_A=2", "X_B=3"]),
        row(["--reloading", "MONOTONIC_USEC=7"]),
        row(["--pid", "MAINPID=7"]),
        row(["--fd=0"]),
        row(["--fd=0", "--fd=0"]),
        row(["--fd=4", "--fd=3", "--fdname=a", "--fdname=b"]).passed("3</dev/zero 4</dev/full"),
        row(["--fd=3", "--fdname="]).passed("3</dev/zero"),
        row(["--fd=3", "--fdname=a", "FDNAME=b"]).passed("3</dev/zero 4</dev/full"),
        row(["--ready"]).passed("<&- >&- 2>&-"),
        row(["--ready", "--quiet"]),
        row(["--ready", "-q"]),
        row(["--pid"]).after("MANAGERPID=$CALLER "),
        row(["--pid=parent"]).after("MANAGERPID=$CALLER "),
        row(["--pid"]).after("MANAGERPID=$CALLER MANAGERPIDFDID=3 "),
        row(["--pid"]).after("MANAGERPID=x "),
        row(["--ready", "--no-block"]).lingering(),
        row(["--ready", "--no-block"]).nobody().lingering(),
        row(["--ready", "--no-block", "--pid=self"]).lingering(),
        row(["--fd=3", "--no-block"]).passed("3</dev/zero").lingering(),
        row(["--ready", "--no-block", "--exec", ";", "echo", "done"]).lingering(),
        row(["--ready", "--no-block"]).after("MANAGERPID=$CALLER "),
        row(["--ready", "--no-block"]).after("MANAGERPID=$CALLER ").nobody(),
        row(["--ready", "--no-block", "--exec", ";", "echo", "done"]).after("MANAGERPID=$CALLER "),
    ]
}

fn others() -> Vec<Row> {
    const FDS: &str = "echo $$; cd /proc/self/fd; for fd in 0 1 2 3 4 5; do test ! -e $fd || echo $fd; done";
    vec![
        row(["--ready", "--exec", ";", "echo", "done"]),
        row(["--ready", "--exec", "X_A=1", ";", "--", "echo", "-n", "--", "done"]),
        row(["--exec", "--", "X_A=1", ";", "echo", "-n", "done"]),
        row(["--ready", "--exec", ";", "echo", ";", "done"]),
        row(["--ready", "--exec", ";", "echo", "-n", "done"]).differs(COMMAND),
        row(["--ready", "--exec", ";", "--", "sh", "-c", FDS]).passed("4</dev/zero"),
        row(["--fd=3", "--exec", ";", "--", "sh", "-c", FDS]).passed("3</dev/full 4</dev/zero"),
        row(["--fd=0", "--exec", ";", "--", "sh", "-c", FDS]).passed("4</dev/zero"),
        row(["--booted"]).to(""),
        row(["--booted"]).differs(QUIET),
        row(["--version"]).to("").passed(">/dev/null"),
        row(["--help"]).to("").passed(">/dev/null"),
        row(["--fork", "--", "sh", "-c", "exit 3"]).to(""),
        row(["--fork", "--quiet", "--", "sh", "-c", "exit 3"]).to(""),
        row(["--fork", "--quiet", "--", "sh", "-c", "kill -9 $$"]).to(""),
        row(["--fork", "--quiet", "--", "/nonexistent"]).to(""),
        row(["--fork", "--quiet", "true"]).to("").differs(FORK),
        row(["--fork", "--quiet", "--uid=nobody", "--", "sh", "-c", "exit 3"]).to("").differs(STRAY),
        row(["--fork", "--quiet", "--no-block", "--", "sh", "-c", "exit 3"]).to("").differs(STRAY),
        row(["--fork", "--quiet", "--", "aye", "notify", "--ready", "--pid=self"]).to(""),
        row(["--fork", "--quiet", "--", "sh", "-c", "aye notify --ready --pid=parent; exec sleep 0.1"])
            .to(""),
        row(["--fork", "--quiet", "--", "sh", "-c", "aye notify X_A=1; exit 4"]).to(""),
    ]
}

/// Every set of flags with every process, and every process with every set of descriptors and assignments as every user.
pub(crate) fn combinations() -> impl Iterator<Item = Row> {
    const PIDS: [&[&str]; 5] = [&[], &["--pid"], &["--pid=parent"], &["--pid=self"], &["--pid=1"]];
    const FDS: [&[&str]; 3] = [&[], &["--fd=3"], &["--fd=4", "--fd=3", "--fdname=both"]];
    const REST: [&[&str]; 2] = [&[], &["X_A=1", "READY=0", "X_A=2"]];
    let parts = || {
        PIDS.into_iter()
            .flat_map(|pid| FDS.into_iter().flat_map(move |fds| REST.map(move |rest| [pid, fds, rest])))
    };
    let flags = (0..16).flat_map(|flags| PIDS.map(|pid| combination(flags, &[pid, &[], &[]], &[])));
    let users = parts().flat_map(|parts| {
        [
            combination(6, &parts, &[]),
            combination(6, &parts, &[]).nobody(),
            combination(9, &parts, &["--uid=nobody"]),
            combination(9, &parts, &["--uid=12345"]),
        ]
    });
    // Nothing at all is a row of its own.
    flags.chain(users).filter(|row| !row.arguments.is_empty())
}

fn combination(flags: usize, parts: &[&[&str]; 3], user: &[&str]) -> Row {
    const FLAGS: [&str; 4] = ["--reloading", "--ready", "--stopping", "--status=as it is"];
    let flags = FLAGS.into_iter().enumerate().filter(|(bit, _)| flags >> bit & 1 == 1).map(|(_, flag)| flag);
    let words = flags.chain(parts.iter().copied().flatten().copied()).chain(user.iter().copied());
    let arguments = words.map(str::to_owned).collect();
    row([]).passed(if parts[1].is_empty() { "" } else { "3</dev/zero 4</dev/full" }).saying(arguments)
}
