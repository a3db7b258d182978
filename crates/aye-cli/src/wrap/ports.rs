//! `port`: what the process tree listens on, from `/proc`. A listening socket is known by its inode, so one that was there
//! before, or was handed over by socket activation, does not count.

use std::collections::{HashMap, HashSet};
use std::fs;

/// `st` of a listening socket in `/proc/net/tcp` (TCP_LISTEN, include/net/tcp_states.h).
const LISTENING: &str = "0A";

#[derive(Debug, Clone)]
pub(super) struct Ports {
    program: u32,
    before: HashSet<u64>,
}

impl Ports {
    /// What listens before the program runs.
    pub(super) fn before() -> HashSet<u64> {
        listening("self").unwrap_or_default().into_keys().collect()
    }

    pub(super) fn of(program: u32, before: HashSet<u64>) -> Self {
        Self { program, before }
    }

    pub(super) fn any_new(&self) -> Result<(), String> {
        let mut new = listening(&self.program.to_string())?;
        new.retain(|inode, _| !self.before.contains(inode));
        if new.is_empty() {
            return Err("nothing listens yet".to_owned());
        }
        let mut denied = None;
        for pid in tree(self.program) {
            match sockets(pid) {
                Ok(found) if found.iter().any(|inode| new.contains_key(inode)) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => denied = Some(pid),
                Ok(_) | Err(_) => {} // an error: it has ended
            }
        }
        Err(match denied {
            Some(pid) => format!(
                "not permitted to see the descriptors of process {pid}: name the port in tcp:HOST:PORT"
            ),
            None => "nothing listens yet".to_owned(),
        })
    }
}

/// Inode and port of every socket that listens in the network namespace of that process.
fn listening(pid: &str) -> Result<HashMap<u64, u16>, String> {
    let path = format!("/proc/{pid}/net/tcp");
    let v4 = fs::read_to_string(&path).map_err(|error| {
        format!("cannot read {path}, {}: name the port in tcp:HOST:PORT", super::attempt::reason(&error))
    })?;
    // Without IPv6 there is none.
    let v6 = fs::read_to_string(path + "6").unwrap_or_default();
    Ok([v4, v6].iter().flat_map(|table| table.lines().filter_map(listener)).collect())
}

/// A line of `/proc/net/tcp`, see proc_net_tcp in the kernel's documentation.
fn listener(line: &str) -> Option<(u64, u16)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let port = u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()?;
    (*state == LISTENING).then_some((inode.parse().ok()?, port))
}

/// The process and all below it.
fn tree(root: u32) -> Vec<u32> {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for pid in processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()) {
        if let Some((_, parent)) = state(pid) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(children.remove(&pid).unwrap_or_default());
        next += 1;
    }
    found
}

/// State letter and parent, from `/proc/PID/stat` (proc_pid_stat(5)); the name may hold anything, so they follow the last
/// parenthesis.
pub(super) fn state(pid: u32) -> Option<(char, u32)> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

/// Whether the process can run, for all we know: it is not stopped, traced to a halt, or dead.
pub(super) fn runs(pid: u32) -> bool {
    !state(pid).is_some_and(|(state, _)| matches!(state, 'T' | 't' | 'Z' | 'X' | 'x'))
}

fn sockets(pid: u32) -> std::io::Result<Vec<u64>> {
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    Ok(fs::read_dir(format!("/proc/{pid}/fd"))?.flatten().filter_map(inode).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_counts_when_it_is_new_and_the_trees() {
        let old = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = Ports::of(std::process::id(), Ports::before());
        assert!(ports.any_new().is_err(), "{old:?} was there before");
        let _new = std::net::TcpListener::bind("[::]:0").unwrap();
        assert_eq!(ports.any_new(), Ok(()));
        let mut other = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let others = Ports::of(other.id(), HashSet::new());
        assert!(others.any_new().is_err(), "it belongs to another process");
        other.kill().unwrap();
        other.wait().unwrap();
    }

    #[test]
    fn only_listening_sockets_of_the_table_are_read() {
        let table =
            "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 77 1 x";
        assert_eq!(listener(table), Some((77, 8080)));
        assert_eq!(listener(&table.replace(" 0A ", " 01 ")), None);
        assert_eq!(listener("  sl  local_address rem_address   st tx_queue"), None);
    }
}
