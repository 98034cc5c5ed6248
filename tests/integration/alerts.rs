//! What people are alarmed by is what the service shows, from its first moment.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::broker::Topics;
use crate::service::Home;

/// Alerts and dashboards, wherever a later one may be put under `deploy`.
fn watchers() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy")];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let is_one = path.extension().is_some_and(|end| end == "yml" || end == "json");
            if path.is_dir() {
                left.push(path);
            } else if is_one {
                found.push(path);
            }
        }
    }
    found
}

/// Every metric that a text names, with the pairs of labels that it asks for, such as
/// `tidegate_commits_total` and `result="failed"`.
fn selectors(text: &str) -> Vec<(&str, Vec<&str>)> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices("tidegate_") {
        if text[..at].ends_with(is_name) {
            continue;
        }
        let name = &text[at..];
        let name = &name[..name.find(|c| !is_name(c)).unwrap_or(name.len())];
        let rest = text[at + name.len()..].strip_prefix('{').unwrap_or_default();
        let inside = rest.split('}').next().unwrap_or_default();
        // Which instance it is the one who asks says.
        let mine =
            |pair: &&str| !["", "instance", "job"].contains(&pair.split('=').next().unwrap());
        found.push((name, inside.split(',').map(str::trim).filter(mine).collect()));
    }
    found
}

/// An alert on a metric that comes with its first event never speaks of that event, and one on a name
/// that nobody serves never speaks at all.
#[test]
fn what_alarms_is_served_from_the_start() {
    let (topics, home) = (Topics::new(1), Home::new());
    let service = home.start(&topics);
    let early = service.get("/metrics").1;
    // A lag is a partition's, and none is assigned at once.
    service.wait_until(|service| service.get("/metrics").1.contains("\ntidegate_consumer_lag{"));
    let later = service.get("/metrics").1;
    let mut count = 0;
    for file in watchers() {
        let (text, shown) = (std::fs::read_to_string(&file).unwrap(), file.display());
        let is_example = file.ends_with("alerts_test.yml");
        for (name, pairs) in selectors(&text) {
            count += 1;
            let metrics = if name == "tidegate_consumer_lag" { &later } else { &early };
            let mut series = metrics.lines().filter(|line| {
                line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['{', ' ']))
            });
            let fits = |line: &str| {
                // The broker's names are this test's.
                is_example && name == "tidegate_consumer_lag"
                    || pairs.iter().all(|pair| line.contains(pair))
            };
            assert!(series.any(fits), "{shown}: {name} {pairs:?} is not served");
        }
    }
    assert!(count > 40, "{count}: the alerts were not read");
    promtool(&early);
    assert_eq!(service.stop().0.code(), Some(0));
}

/// Prometheus' own checker, where there is one (`./dev test` installs it where it may).
fn promtool(metrics: &str) {
    let started = Command::new("promtool").args(["check", "metrics"]).stdin(Stdio::piped()).spawn();
    let Ok(mut checker) = started else {
        eprintln!("skipped: no promtool on PATH");
        return;
    };
    checker.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    assert!(checker.wait().unwrap().success());
}
