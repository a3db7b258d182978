//! What /proc says of the processes that messages come from and name.

use std::fs;

/// The cgroup that systemd counts by (cgroups(7)); `None` for a process that is gone.
pub(super) fn group(pid: u32) -> Option<String> {
    group_of(&fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?)
}

/// The unified hierarchy is systemd's, also where others are mounted beside it, by systemd or by who runs its container; its own
/// named one counts where the unified one is not used, so that everybody is at its root.
fn group_of(groups: &str) -> Option<String> {
    let unified = groups.lines().find_map(|line| line.strip_prefix("0::"));
    let named = groups.lines().find_map(|line| Some(line.split_once(":name=systemd:")?.1));
    unified.filter(|path| *path != "/").or(named).or(unified).map(str::to_owned)
}

/// Whether `group` is `unit` or below.
pub(super) fn is_within(group: &str, unit: &str) -> bool {
    let rest = group.strip_prefix(unit.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The command line, while the process is there; of a zombie its name.
pub(super) fn command(pid: u32) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let words = String::from_utf8_lossy(&bytes).trim_end_matches('\0').replace('\0', " ");
    if !words.is_empty() {
        return Some(words);
    }
    fs::read_to_string(format!("/proc/{pid}/comm")).ok().map(|name| name.trim_end().to_owned())
}

/// Whether it is there and no zombie.
pub(super) fn is_alive(pid: u32) -> bool {
    fields(pid).is_some_and(|fields| !fields.starts_with(['Z', 'X']))
}

/// Whether it is this process or one above it.
pub(super) fn is_above(pid: u32) -> bool {
    let mut at = std::process::id();
    while at != 0 {
        if at == pid {
            return true;
        }
        at = parent(at).unwrap_or(0);
    }
    false
}

fn parent(pid: u32) -> Option<u32> {
    fields(pid)?.split_ascii_whitespace().nth(1)?.parse().ok()
}

/// What follows the name, which may hold anything (proc_pid_stat(5)): the state, the parent, and more.
fn fields(pid: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unified_hierarchy_counts_where_it_is_used() {
        let group = |text| group_of(text).unwrap();
        assert_eq!(group("0::/system.slice/web.service\n"), "/system.slice/web.service");
        assert_eq!(
            group("9:name=systemd:/\n1:cpu:/\n0::/system.slice/web.service\n"),
            "/system.slice/web.service"
        );
        assert_eq!(group("1:name=systemd:/system.slice/web.service\n0::/\n"), "/system.slice/web.service");
        assert_eq!((group("0::/\n"), group_of("1:cpu:/\n")), ("/".to_owned(), None));
    }

    #[test]
    fn a_group_of_a_longer_name_is_another_one() {
        assert!(is_within("/system.slice/a.service/sub", "/system.slice/a.service"));
        assert!(is_within("/system.slice/a.service", "/system.slice/a.service"));
        assert!(!is_within("/system.slice/a.services", "/system.slice/a.service"));
        assert!(is_within("/anything", "/"));
    }

    #[test]
    fn a_child_is_not_above_and_a_parent_is() {
        assert!(is_above(std::process::id()) && is_above(std::os::unix::process::parent_id()));
        let mut child =
            std::process::Command::new("cat").stdin(std::process::Stdio::piped()).spawn().unwrap();
        assert!(!is_above(child.id()) && is_alive(child.id()));
        drop(child.stdin.take());
        child.wait().unwrap();
        assert!(!is_alive(child.id()));
    }
}
