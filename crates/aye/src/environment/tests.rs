//! Tables of variables and what they mean.

use super::*;

fn of(pairs: &[(&str, &str)]) -> Environment {
    Environment::of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
}

#[test]
fn an_empty_or_missing_socket_means_no_manager() {
    assert_eq!(of(&[]).notify_address(), Ok(None));
    assert_eq!(of(&[("NOTIFY_SOCKET", "")]).notify_address(), Ok(None));
}

#[test]
fn a_bad_socket_is_named_with_what_was_found() {
    let error = of(&[("NOTIFY_SOCKET", "13")]).notify_address().unwrap_err();
    assert_eq!(
        error.to_string(),
        "$NOTIFY_SOCKET is \"13\": expected an absolute path, @NAME or vsock:CID:PORT"
    );
}

#[test]
fn the_watchdog_follows_its_rules() {
    let second = Some(Duration::from_secs(1));
    for (pairs, expected) in [
        (&[][..], Ok(None)),
        (&[("WATCHDOG_USEC", "1000000")], Ok(second)),
        (&[("WATCHDOG_USEC", " +0xF4240")], Ok(second)),
        (&[("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", "7")], Ok(second)),
        (&[("WATCHDOG_USEC", "1000000"), ("WATCHDOG_PID", "8")], Ok(None)),
        (
            &[("WATCHDOG_USEC", "0")],
            Err("$WATCHDOG_USEC is \"0\": expected microseconds above zero and below infinity"),
        ),
        (&[("WATCHDOG_USEC", "")], Err("$WATCHDOG_USEC is \"\": expected a number")),
        (&[("WATCHDOG_USEC", "-1")], Err("$WATCHDOG_USEC is \"-1\": expected a number")),
        (
            &[("WATCHDOG_USEC", "18446744073709551615")],
            Err(
                "$WATCHDOG_USEC is \"18446744073709551615\": expected microseconds above zero and below infinity",
            ),
        ),
        (&[("WATCHDOG_USEC", "1"), ("WATCHDOG_PID", "0")], Err("$WATCHDOG_PID is \"0\": expected a number")),
        (
            &[("WATCHDOG_USEC", "1"), ("WATCHDOG_PID", "self")],
            Err("$WATCHDOG_PID is \"self\": expected a number"),
        ),
    ] {
        let found = of(pairs).watchdog(7);
        assert_eq!(found.map_err(|e| e.to_string()), expected.map_err(str::to_owned), "{pairs:?}");
    }
}

#[test]
fn descriptors_belong_to_one_process() {
    let fds = ("LISTEN_FDS", "2");
    let mine = ("LISTEN_PID", "7");
    assert_eq!(of(&[fds, mine]).listen_names(7).unwrap(), ["unknown", "unknown"]);
    assert_eq!(of(&[fds, mine]).listen_names(8).unwrap(), [""; 0]);
    assert_eq!(of(&[fds]).listen_names(7).unwrap(), [""; 0]);
    let named = of(&[fds, mine, ("LISTEN_FDNAMES", "http:notify")]);
    assert_eq!(named.listen_names(7).unwrap(), ["http", "notify"]);
    let short = of(&[fds, mine, ("LISTEN_FDNAMES", "http")]);
    assert_eq!(
        short.listen_names(7).unwrap_err().to_string(),
        "$LISTEN_FDNAMES has 1 names for the 2 descriptors of $LISTEN_FDS"
    );
    assert!(of(&[("LISTEN_FDS", "two"), mine]).listen_names(7).is_err());
    assert!(of(&[("LISTEN_FDS", "0"), mine]).listen_names(7).is_err());
}

#[test]
fn the_pidfd_id_tells_a_pid_from_one_that_was_used_again() {
    let named = of(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "7"), ("LISTEN_PIDFDID", "100")]);
    let names = |pidfd_id| named.listen_names(Caller { pid: 7, pidfd_id }).unwrap();
    assert_eq!(names(Some(100)), ["unknown"]);
    assert_eq!(names(Some(101)), [""; 0]);
    assert_eq!(names(None), ["unknown"], "this kernel has no such numbers");
    let garbage = of(&[("LISTEN_FDS", "1"), ("LISTEN_PID", "7"), ("LISTEN_PIDFDID", "x")]);
    assert_eq!(
        garbage.listen_names(7).unwrap_err().to_string(),
        "$LISTEN_PIDFDID is \"x\": expected a number"
    );
}

#[test]
fn the_other_variables_are_numbers_too() {
    assert_eq!(of(&[]).fd_store_max(), Ok(None));
    assert_eq!(of(&[("FDSTORE", "3")]).fd_store_max(), Ok(Some(3)));
    assert!(of(&[("FDSTORE", "many")]).fd_store_max().is_err());
    assert_eq!(of(&[]).exec_pid(), Ok(None));
    assert_eq!(of(&[("SYSTEMD_EXEC_PID", "12")]).exec_pid(), Ok(Some(12)));
    assert!(of(&[("SYSTEMD_EXEC_PID", "")]).exec_pid().is_err());
}
