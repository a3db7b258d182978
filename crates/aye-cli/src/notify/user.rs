//! Users by name or number, as far as `/etc/passwd` knows them: a static binary has no name service switch.

use std::fs;

/// A user, and the group the database gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    /// `None` for a number that is nobody's: the group then stays as it is.
    pub(super) gid: Option<u32>,
}

/// The user that `--uid=` names.
///
/// # Errors
/// Nobody has that name, and it is no number.
pub(super) fn find(name: &str) -> Result<User, String> {
    let database = fs::read_to_string("/etc/passwd").unwrap_or_default();
    find_in(&database, name).ok_or_else(|| {
        format!(
            "--uid={name}: no such user in /etc/passwd: give a name from there or a number below 4294967295"
        )
    })
}

/// root and nobody are who they are without a database, as in systemd.
fn find_in(database: &str, name: &str) -> Option<User> {
    match name {
        "root" | "0" => return Some(User { uid: 0, gid: Some(0) }),
        "nobody" | "65534" => return Some(User { uid: 65534, gid: Some(65534) }),
        _ => {}
    }
    let number = Some(name).filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    // -1 is nobody's number, and neither is what 16 bits make of it.
    let number =
        number.and_then(|name| name.parse::<u32>().ok()).filter(|uid| ![0xffff, u32::MAX].contains(uid));
    let row = database.lines().filter_map(row).find(|row| match number {
        Some(uid) => row.1.uid == uid,
        None => row.0 == name,
    });
    row.map(|(_, user)| user).or(number.map(|uid| User { uid, gid: None }))
}

fn row(line: &str) -> Option<(&str, User)> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok();
    Some((name, User { uid, gid }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATABASE: &str =
        "root:x:0:0:root:/root:/bin/sh\n+nis\n\nweb:x:33:44:web:/srv:/bin/false\n:x:1:1::/:\n";

    #[test]
    fn nobody_is_found_who_is_not_there() {
        for name in ["", "nis", "+nis", "-1", "65535", "4294967295", "4294967296", "web ", "x"] {
            assert_eq!(find_in(DATABASE, name), None, "{name}");
        }
    }

    #[test]
    fn a_user_comes_with_the_group_of_the_database() {
        let user = |uid, gid| Some(User { uid, gid });
        assert_eq!(find_in(DATABASE, "web"), user(33, Some(44)));
        assert_eq!(find_in(DATABASE, "33"), user(33, Some(44)));
        assert_eq!(find_in(DATABASE, "34"), user(34, None));
        assert_eq!(find_in("", "nobody"), user(65534, Some(65534)));
        assert_eq!(find_in("", "0"), user(0, Some(0)));
    }
}
