//! The host's and the user's specifiers, read from where systemd reads them. As a user manager does, everyone but root
//! gets the XDG folders.

use std::fs::read_to_string;

use super::specifier::Specifiers;
use super::value::environment_file;

impl Specifiers {
    /// What this host and this user give. `env` is the environment to read from; nothing that is missing is an error
    /// until a unit asks for it.
    pub fn of_this_host(env: &impl Fn(&str) -> Option<String>) -> Self {
        let user = User::current(env);
        let mut specifiers = user.into_specifiers().with('a', architecture());
        specifiers = temporary_folders(specifiers, env);
        specifiers = if rustix::process::getuid().is_root() {
            system_folders(specifiers)
        } else {
            user_folders(specifiers, env)
        };
        os_release(kernel(specifiers))
    }
}

/// Who we are, from the environment and the user database.
struct User {
    name: Option<String>,
    group: Option<String>,
    home: Option<String>,
    shell: Option<String>,
}

impl User {
    fn current(env: &impl Fn(&str) -> Option<String>) -> Self {
        let uid = rustix::process::getuid();
        let users = read_to_string("/etc/passwd").unwrap_or_default();
        let groups = read_to_string("/etc/group").unwrap_or_default();
        let id = uid.as_raw().to_string();
        let user = row(&users, &id);
        let field =
            |at: usize| user.as_ref().and_then(|fields| fields.get(at)).map(|field| (*field).to_owned());
        let group = row(&groups, &rustix::process::getgid().as_raw().to_string());
        // A system manager has a fixed home and shell, whatever root's environment says.
        let own = |variable: &str| {
            if uid.is_root() { None } else { env(variable).filter(|value| !value.is_empty()) }
        };
        Self {
            name: field(0).or_else(|| own("USER")).or(Some(id)),
            group: group.and_then(|fields| fields.first().map(|name| (*name).to_owned())),
            home: own("HOME").or_else(|| field(5)),
            shell: own("SHELL").or_else(|| field(6)).or_else(|| Some("/bin/sh".to_owned())),
        }
    }

    fn into_specifiers(self) -> Specifiers {
        let (uid, gid) = (rustix::process::getuid(), rustix::process::getgid());
        let group = self.group.unwrap_or_else(|| gid.as_raw().to_string());
        [('u', self.name), ('g', Some(group)), ('h', self.home), ('s', self.shell)]
            .into_iter()
            .filter_map(|(letter, value)| Some((letter, value?)))
            .fold(Specifiers::default(), |specifiers, (letter, value)| specifiers.with(letter, value))
            .with('U', uid.as_raw().to_string())
            .with('G', gid.as_raw().to_string())
    }
}

/// The fields of the row of a user or group database whose third field is `id`.
fn row<'a>(database: &'a str, id: &str) -> Option<Vec<&'a str>> {
    database.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields.get(2) == Some(&id))
}

fn temporary_folders(specifiers: Specifiers, env: &impl Fn(&str) -> Option<String>) -> Specifiers {
    let own = ["TMPDIR", "TEMP", "TMP"].into_iter().filter_map(env).find(|folder| folder.starts_with('/'));
    specifiers
        .with('T', own.clone().unwrap_or_else(|| "/tmp".to_owned()))
        .with('V', own.unwrap_or_else(|| "/var/tmp".to_owned()))
}

/// `systemd.unit(5)`, table "Specifiers available in unit files", the column of system managers.
fn system_folders(specifiers: Specifiers) -> Specifiers {
    [
        ('t', "/run"),
        ('S', "/var/lib"),
        ('C', "/var/cache"),
        ('L', "/var/log"),
        ('E', "/etc"),
        ('D', "/usr/share"),
    ]
    .into_iter()
    .fold(specifiers, |specifiers, (letter, folder)| specifiers.with(letter, folder))
}

/// The same table, the column of user managers.
fn user_folders(mut specifiers: Specifiers, env: &impl Fn(&str) -> Option<String>) -> Specifiers {
    let home = specifiers.get('h').map(str::to_owned);
    let folder = |variable: &str, fallback: &str| {
        let own = env(variable).filter(|folder| folder.starts_with('/'));
        own.or_else(|| home.as_ref().map(|home| format!("{home}/{fallback}")))
    };
    let state = folder("XDG_STATE_HOME", ".local/state");
    let folders = [
        ('t', env("XDG_RUNTIME_DIR").filter(|folder| folder.starts_with('/'))),
        ('L', state.as_ref().map(|state| format!("{state}/log"))),
        ('S', state),
        ('C', folder("XDG_CACHE_HOME", ".cache")),
        ('E', folder("XDG_CONFIG_HOME", ".config")),
        ('D', folder("XDG_DATA_HOME", ".local/share")),
    ];
    for (letter, value) in folders {
        if let Some(value) = value {
            specifiers = specifiers.with(letter, value);
        }
    }
    specifiers
}

fn kernel(mut specifiers: Specifiers) -> Specifiers {
    let line = |file: &str| {
        read_to_string(file).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    };
    if let Some(host) = line("/proc/sys/kernel/hostname") {
        let short = host.split('.').next().unwrap_or_default().to_owned();
        specifiers = specifiers.with('q', host.clone()).with('l', short).with('H', host);
    }
    let id = |text: String| text.replace('-', "");
    let files = [
        ('v', line("/proc/sys/kernel/osrelease")),
        ('m', line("/etc/machine-id").map(id)),
        ('b', line("/proc/sys/kernel/random/boot_id").map(id)),
    ];
    for (letter, value) in files {
        if let Some(value) = value {
            specifiers = specifiers.with(letter, value);
        }
    }
    specifiers
}

/// Specifiers and the fields of os-release(5) they come from.
pub(super) const OS_RELEASE: [(char, &str); 6] = [
    ('o', "ID"),
    ('w', "VERSION_ID"),
    ('W', "VARIANT_ID"),
    ('B', "BUILD_ID"),
    ('A', "IMAGE_VERSION"),
    ('M', "IMAGE_ID"),
];

/// Fields that os-release(5) does not have expand to nothing, as in systemd.
fn os_release(mut specifiers: Specifiers) -> Specifiers {
    let text = ["/etc/os-release", "/usr/lib/os-release"].iter().find_map(|file| read_to_string(file).ok());
    let Some(text) = text else { return specifiers };
    let fields = environment_file(&text).pairs;
    for (letter, field) in OS_RELEASE {
        let value = fields.iter().find(|(key, _)| key == field).map(|(_, value)| value.clone());
        specifiers = specifiers.with(letter, value.unwrap_or_default());
    }
    specifiers
}

/// systemd's names of the architectures Rust knows; systemd.unit(5), `ConditionArchitecture=`.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        "aarch64" => "arm64",
        "powerpc64" if cfg!(target_endian = "little") => "ppc64-le",
        "powerpc64" => "ppc64",
        "loongarch64" => "loongarch64",
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_runtime_folder_has_no_value_for_it() {
        let specifiers = user_folders(Specifiers::default().with('h', "/home/x"), &|_| None);
        assert_eq!(specifiers.get('t'), None);
        assert_eq!(specifiers.get('S'), Some("/home/x/.local/state"));
        assert_eq!(specifiers.get('L'), Some("/home/x/.local/state/log"));
    }

    #[test]
    fn a_user_gets_the_folders_of_the_environment_when_they_are_absolute() {
        let env = |name: &str| match name {
            "XDG_RUNTIME_DIR" => Some("/run/user/7".to_owned()),
            "XDG_CACHE_HOME" => Some("relative".to_owned()),
            _ => None,
        };
        let specifiers = user_folders(Specifiers::default().with('h', "/home/x"), &env);
        assert_eq!((specifiers.get('t'), specifiers.get('C')), (Some("/run/user/7"), Some("/home/x/.cache")));
    }

    #[test]
    fn finds_a_row_by_its_id_only() {
        let users = "root:x:0:0::/root:/bin/bash\nbroken\nweb:x:33:33::/srv:/bin/sh\n";
        assert_eq!(row(users, "33").unwrap()[0], "web");
        assert_eq!(row(users, "3"), None);
    }

    #[test]
    fn this_host_has_a_name_a_kernel_a_user_and_an_architecture() {
        let specifiers = Specifiers::of_this_host(&|name| std::env::var(name).ok());
        for letter in ['a', 'b', 'g', 'G', 'h', 'H', 'l', 's', 'T', 'u', 'U', 'v', 'V'] {
            assert!(specifiers.get(letter).is_some_and(|value| !value.is_empty()), "%{letter}");
        }
        assert_eq!(specifiers.get('b').map(str::len), Some(32));
    }

    #[test]
    fn names_the_architecture_as_systemd_does() {
        let ours = architecture();
        let unit = format!("ConditionArchitecture={ours}");
        crate::unit::testing::tool("systemd-analyze", &["condition", &unit]);
    }

    /// A relative `WorkingDirectory=` makes systemd print what its specifiers became, line by line. Of user managers
    /// `%L` and `%S` are left out: systemd 254 moved them to `$XDG_STATE_HOME`, where we look, too.
    #[test]
    fn every_specifier_expands_as_systemd_expands_it() {
        let is_root = rustix::process::getuid().is_root();
        let (scope, moved) = if is_root { ("--system", "") } else { ("--user", "LS") };
        let all = "aAbBCEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY%".chars();
        let letters: Vec<char> = all.filter(|letter| !moved.contains(*letter)).collect();
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        let runtime = folder.to_str().unwrap().to_owned();
        let specifiers = Specifiers::of_this_host(&|name| match name {
            "XDG_RUNTIME_DIR" => Some(runtime.clone()),
            _ => std::env::var(name).ok(),
        });
        // systemd-analyze takes the last two from its environment also for root, a booted system manager has none.
        let own = |letter| specifiers.get(letter).unwrap();
        let variables = [("XDG_RUNTIME_DIR", runtime.as_str()), ("HOME", own('h')), ("SHELL", own('s'))];
        let lines: Vec<String> = letters.iter().map(|l| format!("WorkingDirectory=-{l}=%{l}\n")).collect();
        let text = format!("[Service]\nExecStart=/bin/true\n{}", lines.concat());
        for unit in ["a-b\\x20c@d-e\\x2df.service", "srv-my\\x20app.service"] {
            let file = folder.join(unit);
            std::fs::write(&file, &text).unwrap();
            let arguments = [scope, "verify", "--man=no", file.to_str().unwrap()];
            let output = crate::unit::testing::run_with("systemd-analyze", &arguments, &variables);
            let printed = String::from_utf8(output.stderr).unwrap();
            for letter in &letters {
                let value = specifiers.expand(&format!("%{letter}"), &unit.parse().unwrap(), &file);
                // What we have no value for, such as %m without /etc/machine-id, systemd must refuse, too.
                let expected = match value {
                    Ok(value) => format!("path is not absolute, ignoring: {letter}={value}"),
                    Err(_) => format!("specifiers in working directory path '{letter}=%{letter}', ignoring:"),
                };
                assert!(
                    printed.lines().any(|line| line.contains(&expected)),
                    "{unit}: no {expected:?} in {printed}"
                );
            }
        }
    }
}
