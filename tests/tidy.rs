//! The house, held by a test: who may import whom, what a file looks like, who may see a personal
//! value. Every ban names what to do instead.

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may import from this crate. Absent means forbidden, so there are no cycles and
/// no stage knows its neighbours. Only `engine` knows their order.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("telemetry", &["domain"]),
    ("wire", &["domain"]),
    // Features and rules both speak CEL, and no stage may import another: so it is no stage.
    ("lang", &["domain"]),
    // A message may come as protobuf, and how that stands in bytes is known there. The canonical
    // form stays the engine's: whoever reads a message does not seal it.
    ("stages::decode", &["domain", "wire"]),
    ("stages::enrich", &["domain"]),
    ("stages::features", &["domain", "lang"]),
    ("stages::rules", &["domain", "lang"]),
    ("stages::decide", &["domain"]),
    ("stages::mask", &["domain"]),
    // One directory configures three stages, and every fault in it is reported at once. The
    // exchange rates it declares become the table that enrich consults.
    (
        "bundle",
        &[
            "domain",
            "lang",
            "stages::enrich",
            "stages::features",
            "stages::rules",
            "stages::decide",
        ],
    ),
    ("journal", &["domain", "wire"]),
    ("engine", &["domain", "wire", "stages", "bundle", "journal"]),
    ("edges", &["domain", "telemetry", "wire", "stages", "bundle", "journal", "engine"]),
    ("config", &["domain", "telemetry", "stages", "journal", "engine", "edges"]),
    // What the world sends is bytes: the generator needs no word of ours.
    ("generator", &["domain"]),
    (
        "commands",
        &[
            "domain",
            "telemetry",
            "wire",
            "lang",
            "stages",
            "bundle",
            "journal",
            "engine",
            "edges",
            "config",
            "generator",
        ],
    ),
];

/// Who may take a personal value out of `Sensitive`: the seal's encoding, the tokens, the masks,
/// and the counter of card sequences, which needs raw digits and keeps them in memory alone.
const MAY_EXPOSE: &[&str] = &[
    "src/domain/sensitive.rs",
    "src/wire/",
    "src/stages/enrich/",
    "src/stages/mask/",
    "src/edges/card_sequence.rs",
    "src/commands/",
];

/// Rooms in which the same inputs must give the same bytes on every machine.
const DETERMINISTIC: &[&str] = &["src/domain/", "src/lang/", "src/stages/", "src/engine/"];

/// What a deterministic room may not mention, and what it does instead.
const NOT_DETERMINISTIC: &[(&str, &str)] = &[
    ("Instant::now", "time is an argument: take it from the input or the `Surroundings`"),
    ("SystemTime", "time is an argument: take it from the input"),
    ("std::env", "configuration is an argument"),
    ("thread_rng", "the engine draws nothing; a canary hashes its subject"),
    (".powf(", "use `libm`: std's differs between machines"),
    (".sin()", "use `libm`: std's differs between machines"),
    (".cos()", "use `libm`: std's differs between machines"),
    (".ln()", "use `libm`: std's differs between machines"),
    (".exp()", "use `libm`: std's differs between machines"),
    ("tracing::", "stages do not log: the edge does"),
];

const FILE_LINES_MAX: usize = 800;

fn sources() -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("the source tree is readable") {
            let path = entry.expect("the source tree is readable").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root).expect("below the root").display().to_string();
        (name, fs::read_to_string(&path).expect("sources are UTF-8"))
    };
    found.into_iter().map(read).collect()
}

/// Whether a file is a test, by its name or because it stands among tests.
fn is_test(name: &str) -> bool {
    name.contains("/tests") || name.ends_with("oracle.rs") || name.ends_with("arbitrary.rs")
}

/// The code of a file before its unit tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn room_of(name: &str) -> Option<String> {
    let mut parts = name.strip_prefix("src/")?.split('/');
    let first = parts.next()?.trim_end_matches(".rs");
    if first == "stages" {
        let stage = parts.next()?.trim_end_matches(".rs");
        return (stage != "mod").then(|| format!("stages::{stage}"));
    }
    (first != "lib" && first != "main").then(|| first.to_owned())
}

/// The rooms that a file imports, each once.
fn imports(text: &str) -> Vec<String> {
    let mut rooms = Vec::new();
    for place in text.split("crate::").skip(1) {
        let path: Vec<&str> = place.splitn(3, "::").collect();
        let word = |part: &str| -> String {
            part.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
        };
        let first = word(path.first().copied().unwrap_or(""));
        let room = match (first.as_str(), path.get(1)) {
            ("stages", Some(stage)) => format!("stages::{}", word(stage)),
            _ => first,
        };
        if !room.is_empty() && !rooms.contains(&room) {
            rooms.push(room);
        }
    }
    rooms
}

/// The walls: a stage that knew its neighbour, or an engine that knew Kafka, could not be tested,
/// replayed or replaced alone.
#[test]
fn every_room_imports_only_what_it_may() {
    let mut faults = Vec::new();
    for (name, text) in sources() {
        let Some(room) = room_of(&name) else { continue };
        let may = MAY_IMPORT
            .iter()
            .find(|(known, _)| *known == room)
            .unwrap_or_else(|| panic!("{name} is in no known room: add `{room}` to MAY_IMPORT"))
            .1;
        let text = if is_test(&name) { continue } else { code(&text) };
        for import in imports(text) {
            let known = MAY_IMPORT.iter().any(|(other, _)| *other == import);
            let allowed = import == room
                || may.iter().any(|may| {
                    *may == import || import.starts_with("stages::") && *may == "stages"
                });
            if known && !allowed {
                faults.push(format!("{name} imports {import}: {room} may import {may:?}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A personal value leaves its wrapper in a few reviewed places.
#[test]
fn personal_values_are_exposed_in_few_places() {
    let faults: Vec<_> = sources()
        .into_iter()
        .filter(|(name, _)| !is_test(name) && !MAY_EXPOSE.iter().any(|may| name.starts_with(may)))
        .filter(|(_, text)| code(text).contains(".expose()"))
        .map(|(name, _)| format!("{name} calls expose(): tokenise in enrich, or mask, or seal"))
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Byte-exact replay dies of one clock, one draw, one platform's sine.
#[test]
fn deterministic_rooms_read_no_clock_and_draw_no_number() {
    let mut faults = Vec::new();
    for (name, text) in sources() {
        if is_test(&name) || !DETERMINISTIC.iter().any(|room| name.starts_with(room)) {
            continue;
        }
        for (banned, instead) in NOT_DETERMINISTIC {
            if code(&text).contains(banned) {
                faults.push(format!("{name} mentions `{banned}`: {instead}"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// A reader meets one idea a file, and its first line says which.
#[test]
fn files_are_small_and_introduce_themselves() {
    let mut faults = Vec::new();
    for (name, text) in sources() {
        if !text.starts_with("//!") {
            faults.push(format!("{name} does not begin with a `//!` line that says its idea"));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!("{name} has {lines} lines: split it by idea"));
        }
        for word in ["utils", "helpers", "common", "manager"] {
            if name.split('/').any(|part| part.trim_end_matches(".rs") == word) {
                faults.push(format!("{name}: name it by what it does, not `{word}`"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
