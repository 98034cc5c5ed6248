//! What the service refuses to start with: all of it at once, with a code that scripts can read.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::service::command;

fn run(command_name: &str, text: &str, keys: Option<&str>) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("t.toml");
    std::fs::write(&file, text).unwrap();
    let mut command = command(&[command_name, "--config"]);
    command.arg(&file).env_remove("TIDEGATE_TEST_KEYS").env_remove("TIDEGATE_KEYS");
    if let Some(keys) = keys {
        command.env("TIDEGATE_TEST_KEYS", keys);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

/// `check` and `run` refuse the same, with every fault and exit code 2.
fn check(text: &str, keys: Option<&str>, expected: &[&str]) {
    for name in ["check", "run"] {
        let output = run(name, text, keys);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        for fault in expected {
            assert!(said.contains(fault), "{name} does not say {fault:?}: {said}");
        }
    }
}

const KEYS_FROM: &str = "[keys]\nenv = \"TIDEGATE_TEST_KEYS\"\n";

/// An operator sees every fault of every kind in one run.
#[test]
fn every_fault_is_named_at_once() {
    check(
        "[kafka]\nbrokers = [\"kafka.example:9092\"]\nlinger_ms = 5000\ngruop = \"x\"\n\
         [tables]\nbins = \"absent.csv\"\n",
        None,
        &[
            "t.toml:2: kafka.brokers",
            "t.toml:3: kafka.linger_ms",
            "did you mean `group`?",
            "absent.csv",
        ],
    );
    let abroad = "[[sink]]\nkind = \"decision\"\ntopic = \"d\"\nrecipient = \"r\"\n\
                  purpose = \"risk_control\"\ncountry = \"SG\"\nprofile = \"default\"\n";
    check(abroad, None, &["t.toml:6: sink[0].country", "none of kind \"dead_letter\""]);
}

/// Without keys nothing personal may be taken in.
#[test]
fn nothing_runs_without_keys() {
    check(KEYS_FROM, None, &["TIDEGATE_TEST_KEYS"]);
    check(KEYS_FROM, Some("not keys"), &["TIDEGATE_TEST_KEYS"]);
}

/// A script asks `check` before it restarts the service.
#[test]
fn a_good_configuration_is_clean() {
    // The port of the defaults may be another service's.
    let text = format!("{KEYS_FROM}[http]\nlisten = \"127.0.0.1:0\"\n");
    let output = run("check", &text, Some(crate::events::KEYS));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
}

/// A missing file is a sentence, not a panic.
#[test]
fn a_missing_file_is_named() {
    let output = command(&["check", "--config", "/nowhere/t.toml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/nowhere/t.toml"));
}

/// Runs a command on a configuration in a directory of its own.
fn run_in(dir: &Path, name: &str, text: &str) -> Output {
    let file = dir.join("t.toml");
    std::fs::write(&file, format!("{KEYS_FROM}{text}")).unwrap();
    command(&[name, "--config"]).arg(file).output().unwrap()
}

/// What both say of a configuration that needs something the machine does not give.
fn check_machine(dir: &Path, text: &str, expected: &[&str]) {
    for name in ["check", "run"] {
        let output = run_in(dir, name, text);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{name}: {said}");
        for fault in expected {
            assert!(said.contains(fault), "{name} does not say {fault:?}: {said}");
        }
    }
}

/// Everything that a start would stumble over is found before it, all at once, with what to do. A
/// plain file where the socket should be would have been replaced.
#[test]
fn what_the_machine_does_not_give_is_found_by_both() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "of somebody").unwrap();
    let program = dir.path().join("file").display().to_string();
    let text = format!(
        "[journal]\ndir = \"file/journal\"\narchive_command = [\"{program}\", \"{{segment}}\"]\n\
         [http]\nlisten = \"127.0.0.1:0\"\n\
         [admin]\nsocket = \"file\"\nanalysts = [\"nobody-has-this-name\"]\n"
    );
    let expected = [
        "journal.dir: ",
        "file/journal: Not a directory (os error 20): give it a directory that the service's user",
        "journal.archive_command: ",
        "file: Permission denied (os error 13): name a program",
        "admin.socket: ",
        "something that is no socket stands there: name a file in a directory",
        "no user `nobody-has-this-name`",
        "4 faults",
    ];
    check_machine(dir.path(), &text, &expected);
    assert_eq!(std::fs::read(dir.path().join("file")).unwrap(), b"of somebody");
    let long = format!("[admin]\nanalysts = [\"0\"]\nsocket = \"/tmp/{}\"\n", "s".repeat(100));
    check_machine(dir.path(), &long, &["the path has 105 bytes, a socket's may have 103"]);
    let absent = "[admin]\nanalysts = [\"0\"]\nsocket = \"absent/s\"\n";
    check_machine(dir.path(), absent, &["absent/s: No such file or directory (os error 2)"]);
    assert!(!dir.path().join("journal").exists(), "neither begins a journal");
}

/// A port or a socket that another process holds; `run` finds it when it takes it.
#[test]
fn what_another_process_holds_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("s")).unwrap();
    let text = format!(
        "[http]\nlisten = \"{}\"\n[admin]\nanalysts = [\"0\"]\nsocket = \"s\"\n",
        port.local_addr().unwrap()
    );
    let output = run_in(dir.path(), "check", &text);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for fault in
        ["http.listen: another process listens on", "another process serves it", "2 faults"]
    {
        assert!(said.contains(fault), "{fault}: {said}");
    }
    let output = run_in(dir.path(), "run", &text);
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("set [http] listen to a free port"));
}

/// Somebody imported as root, and the service runs as itself: what it cannot write is named.
#[test]
fn what_is_another_users_is_found() {
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    if !is_root {
        eprintln!("skipped: what_is_another_users_is_found needs root, to be another user");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let open = |path: &Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    };
    open(dir.path());
    let journal = dir.path().join("journal");
    std::fs::create_dir_all(journal.join("fingerprints")).unwrap();
    std::fs::create_dir_all(journal.join("lost+found")).unwrap();
    std::fs::write(journal.join("LOCK"), "").unwrap();
    std::fs::write(dir.path().join("t.toml"), KEYS_FROM).unwrap();
    // The program may lie where others do not come.
    let program = dir.path().join("tidegate");
    std::fs::copy(env!("CARGO_BIN_EXE_tidegate"), &program).unwrap();
    let ask = |name: &str| {
        let mut command = Command::new(&program);
        command.args([name, "--config"]).arg(dir.path().join("t.toml")).uid(65_534).gid(65_534);
        command.env("TIDEGATE_TEST_KEYS", crate::events::KEYS).output().unwrap()
    };
    for name in ["check", "run"] {
        let output = ask(name);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("journal: Permission denied (os error 13): give it a dir"), "{said}");
    }
    open(&journal);
    for name in ["check", "run"] {
        let said = String::from_utf8_lossy(&ask(name).stderr).into_owned();
        for fault in ["journal/LOCK: Permission", "journal/fingerprints: Permission", "2 faults"] {
            assert!(said.contains(fault), "{name}: {fault}: {said}");
        }
    }
}
