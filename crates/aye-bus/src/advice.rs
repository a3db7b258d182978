//! What to do next about a place that could not be reached, by what ssh or the bridge said about it.

/// What is found in the words, and the advice that belongs to it.
const TABLE: [(&str, &str); 15] = [
    (
        "Host key verification failed",
        "connect once with `ssh` by hand and compare its key, or correct known_hosts",
    ),
    (
        "Permission denied",
        "a key that needs no passphrase here must be allowed there, as `ssh -o BatchMode=yes` shows",
    ),
    ("Connection refused", "is sshd running there, and is the port right?"),
    ("Could not resolve hostname", "is the name right? ssh knows aliases from its own configuration"),
    ("No route to host", "is the host up, and the network to it?"),
    ("timed out", "is the host up, and the network to it?"),
    ("systemd-stdio-bridge: not found", BRIDGE),
    ("systemd-stdio-bridge: command not found", BRIDGE),
    ("systemd-stdio-bridge: No such file", BRIDGE),
    ("ssh exited with 127", BRIDGE),
    ("unrecognized option '--user'", "the systemd-stdio-bridge of that systemd knows no user managers"),
    ("No medium found", SESSION),
    ("Failed to start bus client: No such file", SESSION),
    ("via local transport: No such file", SESSION),
    (
        "no answer within",
        "something else answers there, such as a shell that prints at login; it must be silent for ssh commands",
    ),
];

const BRIDGE: &str =
    "systemd-stdio-bridge comes with systemd and is needed there, in the PATH of ssh commands";

const SESSION: &str =
    "does systemd run there? a user manager also needs a session, or lingering (loginctl enable-linger)";

/// The advice for these words, or else the general one.
pub(crate) fn on(words: &str, general: &'static str) -> &'static str {
    TABLE.iter().find(|(said, _)| words.contains(said)).map_or(general, |(_, advice)| advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_unknown_get_the_general_advice() {
        assert_eq!(on("kex_exchange_identification: banner line", "general"), "general");
    }

    #[test]
    fn a_missing_bridge_is_told_from_other_things_that_are_not_found() {
        let missing =
            on("bash: line 1: systemd-stdio-bridge: command not found (ssh exited with 127)", "general");
        assert!(missing.starts_with("systemd-stdio-bridge comes with systemd"), "{missing}");
        assert_eq!(on("ssh: Could not resolve hostname x: not found", ""), TABLE[3].1);
    }
}
