//! Folders of unit files: what is found, in which order, and what is said when it is not there. The order of drop-ins
//! is held against `systemd-analyze verify`.

use std::os::unix::fs::symlink;

use tempfile::TempDir;

use super::*;
use crate::unit::testing::run;

const TEXT: &str = "[Service]\nExecStart=/bin/true\n";

/// A folder with files; `A -> B` is a symbolic link, `A =` an empty file.
fn folder(files: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in files {
        let (file, content) = file.split_once(' ').unwrap_or((file, TEXT));
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        match content.strip_prefix("-> ") {
            Some(target) => symlink(target, path).unwrap(),
            None => std::fs::write(path, content.trim_start_matches('=')).unwrap(),
        }
    }
    folder
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn search(folders: &[&TempDir]) -> Vec<PathBuf> {
    folders.iter().map(|folder| folder.path().to_owned()).collect()
}

fn refusal(folder: &TempDir, unit: &str) -> String {
    let error = find(&name(unit), &search(&[folder])).unwrap_err();
    error.to_string().replace(&folder.path().display().to_string(), "DIR")
}

/// The name found, and the files relative to the folder.
fn found(folder: &TempDir, unit: &str) -> (String, Vec<String>) {
    let found = find(&name(unit), &search(&[folder])).unwrap();
    let root = folder.path().display().to_string() + "/";
    (found.name.to_string(), found.sources.iter().map(|source| source.label.replace(&root, "")).collect())
}

#[test]
fn says_where_it_looked_for_a_unit_that_is_not_there() {
    let empty = folder(&[]);
    assert_eq!(refusal(&empty, "web.service"), "no web.service in DIR");
    assert_eq!(refusal(&empty, "web@1.service"), "no web@1.service or web@.service in DIR");
    let error = find(&name("aye-test-none.service"), &[PathBuf::new(), "/nowhere".into()]).unwrap_err();
    assert_eq!(error.to_string(), "no aye-test-none.service in ., /nowhere");
}

#[test]
fn says_that_a_template_needs_an_instance() {
    let template = folder(&["web@.service"]);
    let hint = "web@.service is a template: name an instance, such as web@1.service";
    assert_eq!(refusal(&template, "web.service"), format!("no web.service in DIR; {hint}"));
    assert_eq!(refusal(&template, "web@.service"), hint);
}

#[test]
fn refuses_masked_units() {
    let masked = folder(&["null.service -> /dev/null", "empty.service ="]);
    for unit in ["null.service", "empty.service"] {
        assert_eq!(
            refusal(&masked, unit),
            format!("{unit} is masked by DIR/{unit}: remove that file to run it")
        );
    }
}

#[test]
fn refuses_a_loop_of_links_and_a_file_it_cannot_read() {
    let odd = folder(&["a.service -> b.service", "b.service -> a.service", "dir.service/x"]);
    assert_eq!(
        refusal(&odd, "a.service"),
        "cannot follow a.service: its symbolic links form a loop or a chain of more than 8"
    );
    assert_eq!(refusal(&odd, "dir.service"), "cannot read DIR/dir.service: Is a directory (os error 21)");
    let missing = units_of_dir(Path::new("/nowhere/units")).unwrap_err();
    assert_eq!(missing.to_string(), "cannot read /nowhere/units: No such file or directory (os error 2)");
}

#[test]
fn refuses_a_default_instance_that_is_no_name() {
    let bad = folder(&["web@.service [Install]\nDefaultInstance=a b\n"]);
    let error = units_of_dir(bad.path()).unwrap_err().to_string();
    assert_eq!(
        error.replace(&bad.path().display().to_string(), "DIR"),
        "DIR/web@.service:2: DefaultInstance=: expected letters, digits and @:-_.\\ in a unit name, found ' ' in \"web@a b.service\""
    );
}

#[test]
fn an_instance_takes_its_own_file_before_its_template() {
    let both = folder(&["web@.service", "web@1.service"]);
    assert_eq!(found(&both, "web@1.service"), ("web@1.service".into(), vec!["web@1.service".into()]));
    assert_eq!(found(&both, "web@2.service"), ("web@2.service".into(), vec!["web@.service".into()]));
}

#[test]
fn a_link_to_the_template_is_the_instance_and_messages_name_the_template() {
    let linked = folder(&["web@.service", "web@1.service -> web@.service"]);
    assert_eq!(found(&linked, "web@1.service"), ("web@1.service".into(), vec!["web@.service".into()]));
}

#[test]
fn an_alias_is_found_under_its_real_name() {
    let aliased =
        folder(&["web.service", "www.service -> web.service", "app@.service", "w@.service -> app@.service"]);
    assert_eq!(found(&aliased, "www.service"), ("web.service".into(), vec!["web.service".into()]));
    assert_eq!(found(&aliased, "w@1.service"), ("app@1.service".into(), vec!["app@.service".into()]));
}

#[test]
fn a_link_between_an_instance_and_a_plain_unit_makes_no_alias() {
    let linked =
        folder(&["b.service", "web@.service", "a@1.service -> b.service", "c.service -> web@.service"]);
    assert_eq!(found(&linked, "a@1.service").0, "a@1.service");
    assert_eq!(found(&linked, "c.service").0, "c.service");
}

#[test]
fn an_earlier_folder_overrides_a_later_one() {
    let (first, second) = (folder(&["web.service"]), folder(&["web.service", "other.service"]));
    let path = search(&[&first, &second]);
    assert_eq!(
        find(&name("web.service"), &path).unwrap().sources[0].path,
        first.path().join("web.service").canonicalize().unwrap()
    );
    assert!(find(&name("other.service"), &path).is_ok());
}

/// Every drop-in has a setting systemd does not know, about which it complains in the order it reads them.
#[test]
fn applies_drop_ins_in_the_order_systemd_does() {
    let drop_ins = [
        "service.d/10.conf",
        "service.d/55.conf",
        "service.d/15.conf",
        "a-.service.d/10.conf",
        "a-.service.d/20.conf",
        "a-.service.d/65.conf",
        "a-b-.service.d/66.conf",
        "a-b-.service.d/20.conf",
        "a-@.service.d/20.conf",
        "a-@.service.d/30.conf",
        "a-@.service.d/66.conf",
        "a-@1.service.d/30.conf",
        "a-b-@.service.d/40.conf",
        "a-b-c@.service.d/30.conf",
        "a-b-c@.service.d/50.conf",
        "a-b-c@1.service.d/50.conf",
        "a-b-c@1.service.d/60.conf",
        "a-b-c@2.service.d/70.conf",
        "a-b-c@1.service.d/no.txt",
        "a-b-c.service.d/80.conf",
        "a-b-c@1.service.d/05.conf",
    ];
    let mut files: Vec<String> = drop_ins.iter().map(|file| format!("{file} [Service]\nZz=1\n")).collect();
    files.extend([
        "a-b-c@.service [Service]\nExecStart=/bin/true\n".to_owned(),
        "a-b-c@1.service.d/55.conf =".to_owned(),
    ]);
    let tree = folder(&files.iter().map(String::as_str).collect::<Vec<_>>());
    let unit = tree.path().join("a-b-c@1.service");
    let output = run("systemd-analyze", &["verify", "--man=no", &unit.display().to_string()]);
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    let root = tree.path().canonicalize().unwrap().display().to_string() + "/";
    let theirs: Vec<&str> = complaints
        .lines()
        .filter_map(|line| line.strip_prefix(&root)?.split_once(":2: Unknown key"))
        .map(|(file, _)| file)
        .collect();
    let (_, ours) = found(&tree, "a-b-c@1.service");
    // Those of other units, to which service.d applies as well, follow.
    assert_eq!(ours[1..], theirs[..10], "{complaints}");
}

#[test]
fn an_empty_drop_in_hides_the_general_one_of_its_name() {
    let tree = folder(&[
        "web.service",
        "service.d/a.conf",
        "web.service.d/a.conf =",
        "web.service.d/b.conf -> /dev/null",
        "service.d/b.conf",
    ]);
    assert_eq!(found(&tree, "web.service").1, ["web.service"]);
}

#[test]
fn a_drop_in_of_an_alias_counts_after_those_of_the_unit() {
    let tree = folder(&[
        "web.service",
        "www.service -> web.service",
        "www.service.d/a.conf",
        "www.service.d/b.conf",
        "web.service.d/b.conf",
    ]);
    assert_eq!(
        found(&tree, "www.service").1,
        ["web.service", "www.service.d/a.conf", "web.service.d/b.conf"]
    );
}

#[test]
fn lists_what_can_start_by_itself() {
    let tree = folder(&[
        "b.service",
        "a.socket",
        "web@.service",
        "web@2.service -> web@.service",
        "web@10.service",
        "www.service -> b.service",
        "off.service -> /dev/null",
        "empty.service =",
        "x.timer",
        "notes.txt",
        "b.service.d/x.conf",
        "def@.service [Install]\nDefaultInstance=main\n[Service]\nExecStart=/bin/true\n",
        "no@.service [Install]\nDefaultInstance=\n",
    ]);
    let names: Vec<String> = units_of_dir(tree.path()).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a.socket", "b.service", "def@main.service", "web@10.service", "web@2.service"]);
}

#[test]
fn a_folder_with_a_link_to_nowhere_says_so() {
    let tree = folder(&["web.service -> gone"]);
    let error = units_of_dir(tree.path()).unwrap_err().to_string();
    assert_eq!(
        error.replace(&tree.path().display().to_string(), "DIR"),
        "cannot read DIR/web.service: No such file or directory (os error 2)"
    );
}
