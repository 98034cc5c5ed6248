//! What the service refuses to start with: all of it at once, with a code that scripts can read.

use std::process::{Output, Stdio};

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
    let output = run("check", KEYS_FROM, Some(crate::events::KEYS));
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
