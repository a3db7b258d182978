//! `make demo` on a machine that lacks what it needs: it says so before it builds anything. With everything there it is a
//! suite of its own.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

#[test]
fn says_what_is_missing_before_it_builds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let bin = tempfile::tempdir().unwrap();
    for tool in ["dirname", "uname"] {
        let found = ["/usr/bin", "/bin"]
            .map(|folder| Path::new(folder).join(tool))
            .into_iter()
            .find(|path| path.exists());
        symlink(found.unwrap(), bin.path().join(tool)).unwrap();
    }
    let output =
        Command::new("/bin/sh").arg(root.join("examples/demo/run")).env("PATH", bin.path()).output().unwrap();
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "make demo: missing here:\n  cargo, which builds the command: see https://rustup.rs\n  \
         cc, which cargo links with: the gcc or clang of your distribution\n  \
         node 18 or later, which the demo's services run on: see https://nodejs.org\n"
    );
    assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
}
