//! The names of errno(3), which `ERRNO=` takes in place of numbers.

use rustix::io::Errno;

macro_rules! names {
    ($($name:ident)+) => {
        /// Each without its `E`.
        const NAMES: &[(&str, Errno)] = &[$((stringify!($name), Errno::$name)),+];
    };
}

names! {
    ADDRINUSE ADDRNOTAVAIL ADV AFNOSUPPORT AGAIN ALREADY BADE BADF BADFD BADMSG BADR BADRQC BADSLT BFONT
    BUSY CANCELED CHILD CHRNG COMM CONNABORTED CONNREFUSED CONNRESET DEADLK DESTADDRREQ DOM DOTDOT DQUOT
    EXIST FAULT FBIG HOSTDOWN HOSTUNREACH HWPOISON IDRM ILSEQ INPROGRESS INTR INVAL IO ISCONN ISDIR ISNAM
    KEYEXPIRED KEYREJECTED KEYREVOKED L2HLT L2NSYNC L3HLT L3RST LIBACC LIBBAD LIBEXEC LIBMAX LIBSCN LNRNG
    LOOP MEDIUMTYPE MFILE MLINK MSGSIZE MULTIHOP NAMETOOLONG NAVAIL NETDOWN NETRESET NETUNREACH NFILE
    NOANO NOBUFS NOCSI NODATA NODEV NOENT NOEXEC NOKEY NOLCK NOLINK NOMEDIUM NOMEM NOMSG NONET NOPKG
    NOPROTOOPT NOSPC NOSR NOSTR NOSYS NOTBLK NOTCONN NOTDIR NOTEMPTY NOTNAM NOTRECOVERABLE NOTSOCK NOTSUP
    NOTTY NOTUNIQ NXIO OPNOTSUPP OVERFLOW OWNERDEAD PERM PFNOSUPPORT PIPE PROTO PROTONOSUPPORT PROTOTYPE
    RANGE REMCHG REMOTE REMOTEIO RESTART RFKILL ROFS SHUTDOWN SOCKTNOSUPPORT SPIPE SRCH SRMNT STALE
    STRPIPE TIME TIMEDOUT TOOMANYREFS TXTBSY UCLEAN UNATCH USERS XDEV XFULL
}

/// Those that Rust could not name after their errno, or that have two names.
const OTHERS: &[(&str, Errno)] = &[
    ("2BIG", Errno::TOOBIG),
    ("ACCES", Errno::ACCESS),
    ("WOULDBLOCK", Errno::AGAIN),
    ("DEADLOCK", Errno::DEADLK),
];

/// The name of an errno, such as `ENOENT` of 2, as errno(3) spells it; `None` for a number without one.
///
/// ```
/// assert_eq!(aye::message::errno_name(13).as_deref(), Some("EACCES"));
/// assert_eq!(aye::message::errno_name(0), None);
/// ```
#[cfg(feature = "std")]
pub fn errno_name(errno: i32) -> Option<String> {
    let mut all = NAMES.iter().chain(OTHERS);
    all.find(|(_, known)| known.raw_os_error() == errno).map(|(name, _)| format!("E{name}"))
}

/// The number of `ENOENT` and its kin. systemd looks them up without regard to case.
pub(super) fn number(name: &str) -> Option<i32> {
    let name = name.strip_prefix(['E', 'e'])?;
    let mut all = NAMES.iter().chain(OTHERS);
    all.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, errno)| errno.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_have_numbers() {
        for text in ["", "E", "ENONSENSE", "NOENT", "ENOENT ", "2"] {
            assert_eq!(number(text), None, "{text}");
        }
        for (name, errno) in [
            ("ENOENT", 2),
            ("E2BIG", 7),
            ("EWOULDBLOCK", 11),
            ("ENOTRECOVERABLE", 131),
            ("EHWPOISON", 133),
            ("enoent", 2),
        ] {
            assert_eq!(number(name), Some(errno), "{name}");
        }
    }

    #[cfg(feature = "std")]
    #[test]
    fn a_number_has_the_name_that_is_read_as_it() {
        assert_eq!((errno_name(-1), errno_name(0), errno_name(4095)), (None, None, None));
        let named: Vec<_> = (1..=133).filter_map(|errno| Some((errno, errno_name(errno)?))).collect();
        assert!(named.len() > 125, "{named:?}");
        for (errno, name) in named {
            assert_eq!(number(&name), Some(errno), "{name}");
        }
    }
}
