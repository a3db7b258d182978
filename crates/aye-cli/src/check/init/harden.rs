//! Which sandboxing a program survives: all at once first, then halves of what failed, so that few trials do. What is kept
//! has been tried together. Pure: a trial is a function.

/// What is tried, each with what may do where it does not: from systemd.exec(5), the settings that need nothing else to be set.
/// The strictest comes first.
const SETTINGS: [&[&str]; 22] = [
    &["NoNewPrivileges=yes"],
    &["ProtectSystem=strict", "ProtectSystem=full"],
    &["ProtectHome=yes", "ProtectHome=read-only"],
    &["PrivateTmp=yes"],
    &["PrivateDevices=yes"],
    &["ProtectKernelTunables=yes"],
    &["ProtectKernelModules=yes"],
    &["ProtectKernelLogs=yes"],
    &["ProtectControlGroups=yes"],
    &["ProtectClock=yes"],
    &["ProtectHostname=yes"],
    &["ProtectProc=invisible"],
    &["RestrictNamespaces=yes"],
    &["RestrictRealtime=yes"],
    &["RestrictSUIDSGID=yes"],
    &["LockPersonality=yes"],
    &["MemoryDenyWriteExecute=yes"],
    &[
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
    ],
    &["SystemCallArchitectures=native"],
    &["SystemCallFilter=@system-service"],
    &["CapabilityBoundingSet="],
    &["UMask=0077"],
];

/// What is proposed where nothing was tried.
pub(super) fn proposals() -> impl Iterator<Item = &'static str> {
    SETTINGS.iter().map(|choices| choices[0])
}

/// What became of a setting that is not kept, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dropped {
    pub(super) setting: &'static str,
    pub(super) why: String,
}

/// What came of all of them: those that were kept, and those that were not.
type Survived = (Vec<&'static str>, Vec<Dropped>);

/// A run with these settings: what came of it.
type Run<'r> = dyn FnMut(&[&str]) -> Result<(), String> + 'r;

/// Finds what it survives. An error when it does not run without any of it.
pub(super) fn survived(run: &mut Run<'_>) -> Result<Survived, String> {
    let all: Vec<&'static str> = proposals().collect();
    let (mut kept, mut dropped) = (Vec::new(), Vec::new());
    match run(&all) {
        Ok(()) => return Ok((all, dropped)),
        Err(why) => {
            run(&[])?;
            halves(&all, &why, run, &mut kept, &mut dropped);
        }
    }
    for choices in SETTINGS.iter().filter(|choices| choices.len() > 1) {
        if dropped.iter().any(|dropped| dropped.setting == choices[0]) {
            weaker(&choices[1..], run, &mut kept);
        }
    }
    // In the order of the list, whatever order they were found in.
    let place = |setting: &&str| SETTINGS.iter().position(|choices| choices.contains(setting));
    kept.sort_by_key(place);
    Ok((kept, dropped))
}

/// Keeps what survives of these, which are known to fail together with what is kept.
fn halves(
    failing: &[&'static str],
    why: &str,
    run: &mut Run<'_>,
    kept: &mut Vec<&'static str>,
    dropped: &mut Vec<Dropped>,
) {
    if let [setting] = failing {
        dropped.push(Dropped { setting, why: why.to_owned() });
        return;
    }
    let (first, second) = failing.split_at(failing.len() / 2);
    for half in [first, second] {
        match run(&[kept.as_slice(), half].concat()) {
            Ok(()) => kept.extend(half),
            Err(why) => halves(half, &why, run, kept, dropped),
        }
    }
}

/// Keeps the first of these that survives.
fn weaker(choices: &[&'static str], run: &mut Run<'_>, kept: &mut Vec<&'static str>) {
    for choice in choices {
        if run(&[kept.as_slice(), &[*choice]].concat()).is_ok() {
            kept.push(choice);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that does not survive any of these.
    fn against(faults: &[&str]) -> (Result<Survived, String>, usize) {
        let mut count = 0;
        let mut run = |settings: &[&str]| {
            count += 1;
            match settings.iter().find(|setting| faults.contains(setting)) {
                Some(fault) => Err(format!("failed by {fault}")),
                None => Ok(()),
            }
        };
        let survived = survived(&mut run);
        (survived, count)
    }

    #[test]
    fn a_program_that_does_not_run_at_all_is_told_by_two_trials() {
        let mut count = 0;
        let mut run = |_: &[&str]| {
            count += 1;
            Err("exit-code".to_owned())
        };
        assert_eq!(survived(&mut run), Err("exit-code".to_owned()));
        assert_eq!(count, 2);
    }

    #[test]
    fn one_trial_does_where_all_is_survived() {
        let (survived, count) = against(&[]);
        assert_eq!((survived.unwrap().0.len(), count), (SETTINGS.len(), 1));
    }

    #[test]
    fn what_is_not_survived_is_found_and_the_rest_is_kept() {
        let (survived, count) = against(&["MemoryDenyWriteExecute=yes", "ProtectHome=yes"]);
        let (kept, dropped) = survived.unwrap();
        let names: Vec<&str> = dropped.iter().map(|dropped| dropped.setting).collect();
        assert_eq!(names, ["ProtectHome=yes", "MemoryDenyWriteExecute=yes"]);
        assert_eq!(dropped[0].why, "failed by ProtectHome=yes");
        assert_eq!(kept.len(), SETTINGS.len() - 1);
        assert_eq!(kept[2], "ProtectHome=read-only");
        assert!(count < 22, "{count}");
    }

    #[test]
    fn settings_that_fail_only_together_are_not_kept_together() {
        let mut run = |settings: &[&str]| {
            let both = ["PrivateTmp=yes", "UMask=0077"].iter().all(|setting| settings.contains(setting));
            if both { Err("both".to_owned()) } else { Ok(()) }
        };
        let (kept, dropped) = survived(&mut run).unwrap();
        assert_eq!((kept.len(), dropped.len()), (SETTINGS.len() - 1, 1));
    }
}
