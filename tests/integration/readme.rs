//! Every command of the front page, typed as it stands there, one after the other, on a clean checkout.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::broker::{PATIENCE, Topics};

/// Commands that are not typed, by how they begin, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("./dev demo", "builds the program; what it shows has tests of its own"),
    ("./dev test", "builds the program, and is what runs this"),
    ("cargo install", "builds the program; the one that is tested is on PATH instead"),
    ("./dev kafka start", "needs a port that may be taken; the tests' broker is used instead"),
    ("tidegate rules approve", "needs root, to be another user"),
    ("tidegate rules off", "needs root, to be another user"),
    ("tidegate rules rollback", "needs root, to be another user"),
    ("tidegate lists approve", "needs root, to be another user"),
];

/// What a command answers: how it begins, its code, and what it says. Any other ends with 0.
const ANSWERS: &[(&str, i32, &[&str])] = &[
    (
        "tidegate score --in events.jsonl --tables tables --out",
        1,
        &["rejected at the door", "  line "],
    ),
    ("tidegate keys init", 0, &["readable by you alone"]),
    ("tidegate score --in events.jsonl --tables tables --keys", 1, &["conflicts:", "  line "]),
    ("tidegate rules check", 0, &["no faults"]),
    ("tidegate rules test", 0, &[" 0 failed"]),
    ("tidegate rules lint", 0, &[" 0 findings"]),
    ("tidegate rules eval", 0, &["false : bool"]),
    ("tidegate rules diff", 0, &["from 600.00 CNY", "1 change"]),
    (
        "tidegate rules backtest",
        0,
        &["the generator's truth file", "Planted attacks", "answers change"],
    ),
    ("tidegate rules sweep", 0, &["catches most within 0.010 % false positives"]),
    ("tidegate audit tail --journal history", 0, &["tg00000007-"]),
    ("tidegate audit find", 0, &[" records of ", "K1"]),
    ("tidegate audit incident", 0, &["Incident: rule K1"]),
    ("tidegate explain", 0, &["Event tg00000007-000000000412", "From points to answer"]),
    ("tidegate replay --journal history  ", 0, &["clean: ", "byte for byte"]),
    ("tidegate replay --journal history --bundle rules-new", 1, &["decisions change"]),
    ("tidegate check", 0, &["nothing to correct"]),
    // Faulty lines are planted in every stream.
    ("tidegate import", 1, &["events counted without a decision", "  line "]),
    ("until curl", 0, &["\"ready\":true"]),
    ("until kcat", 0, &["\"action\":"]),
    ("tidegate audit tail --journal journal", 0, &["tg00000007-"]),
    ("tidegate rules activate", 0, &["sha256:"]),
    ("tidegate lists import", 0, &["stolen_cards"]),
    ("tidegate lists waiting", 0, &["stolen_cards"]),
];

/// What is typed otherwise than it stands there, and why.
fn substitutions(topics: &Topics, port: u16) -> Vec<(&'static str, String)> {
    let name = |which| topics.name(which);
    let mut sinks = String::from("operators = [\"1002\"]\n");
    for (kind, which) in [("decision", "decisions"), ("audit", "audit"), ("dead_letter", "dead")] {
        let profile = if kind == "decision" { "profile = \"default\"\n" } else { "" };
        let _ = write!(
            sinks,
            "[[sink]]\nkind = \"{kind}\"\ntopic = \"{}\"\nrecipient = \"test\"\n\
             purpose = \"operations\"\ncountry = \"CN\"\n{profile}",
            name(which)
        );
    }
    let own = format!(
        "keys.file = \"tidegate.keys\"\nkafka.brokers = [\"{}\"]\nkafka.topics = [\"{}\"]\n\
         kafka.group = \"{}\"\nhttp.listen = \"127.0.0.1:{port}\"",
        topics.bootstrap,
        name("in"),
        name("group"),
    );
    vec![
        // The whole stream takes a debug build more than a minute. In the shorter one more is planted,
        // so that the rules of the examples have something to say.
        ("--events 100000 --seed", "--events 24000 --fraud 0.08 --seed".to_owned()),
        // Other tests, and other services of this machine, have topics and ports of their own.
        ("keys.file = \"tidegate.keys\"", own),
        ("operators = [\"1002\"]           # zhao\n", sinks),
        ("127.0.0.1:9092", topics.bootstrap.clone()),
        ("127.0.0.1:9464", format!("127.0.0.1:{port}")),
        ("tidegate.payments", name("in")),
        ("tidegate.decisions", name("decisions")),
    ]
}

/// The commands of a page's shell blocks: lines that go on, and documents that are typed in, are one.
fn commands(page: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for block in page.split("\n```sh\n").skip(1) {
        let mut open = false;
        for line in block.split("\n```").next().unwrap().lines() {
            match found.last_mut().filter(|_| open) {
                Some(command) => *command = format!("{command}\n{line}"),
                None => found.push(line.to_owned()),
            }
            let command = found.last().unwrap();
            let is_typed_in = command.contains("<<END") && line != "END";
            open = is_typed_in || line.ends_with('\\');
        }
    }
    found.retain(|command| !command.trim().is_empty() && !command.starts_with('#'));
    found
}

/// A person at a terminal in a clean checkout.
struct Desk {
    dir: tempfile::TempDir,
    path: String,
    service: Option<Child>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(service) = &mut self.service {
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

impl Desk {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (bin, root) = (dir.path().join("bin"), Path::new(env!("CARGO_MANIFEST_DIR")));
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tidegate"), bin.join("tidegate")).unwrap();
        // A copy: what is typed may write to it.
        let copied = Command::new("cp").arg("-r").arg(root.join("rules")).arg(dir.path()).status();
        assert!(copied.unwrap().success());
        let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
        Self { dir, path, service: None }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn shell(&self, command: &str) -> Command {
        let mut shell = Command::new("bash");
        shell.args(["-c", command]).current_dir(self.dir.path()).env("PATH", &self.path);
        shell.stdin(Stdio::null());
        shell
    }

    /// Types a command; its code and all that it says.
    fn type_in(&mut self, command: &str) -> (i32, String) {
        let log = std::fs::File::create(self.at("log")).unwrap();
        let (out, err) = (log.try_clone().unwrap(), log);
        if let Some(service) = command.strip_suffix(" &") {
            let mut shell = self.shell(&format!("exec {service}"));
            let log = std::fs::File::create(self.at("service.log")).unwrap();
            self.service =
                Some(shell.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
            return (0, String::new());
        }
        let mut child = self.shell(command).stdout(out).stderr(err).spawn().unwrap();
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                let _ = child.kill();
                panic!("it does not end: {command}\n{}", self.said("service.log"));
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        (status.code().unwrap_or(-1), self.said("log"))
    }

    fn said(&self, log: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.at(log)).unwrap_or_default()).into_owned()
    }
}

/// What `kcat` does, where there is none.
fn kcat(desk: &Desk, command: &str, topics: &Topics) -> (i32, String) {
    eprintln!("no kcat on PATH: the test's own client stands in for it");
    if command.contains(" -P ") {
        let live = std::fs::read_to_string(desk.at("live.jsonl")).unwrap();
        topics.produce(live.lines().map(|line| ("", line.as_bytes())));
        return (0, String::new());
    }
    let read = topics.read("decisions", |records| records.len() >= 9);
    let payloads = read.iter().map(|record| String::from_utf8_lossy(&record.payload).into_owned());
    (0, payloads.collect::<Vec<_>>().join("\n"))
}

fn has(program: &str) -> bool {
    let found = Command::new("which").arg(program).stdout(Stdio::null()).status();
    found.is_ok_and(|status| status.success())
}

/// Whoever begins here types these first. Each ends as the page says and says what it promises; the
/// stream joins the tables, so that decisions are not made for want of them.
#[test]
fn every_command_of_the_front_page_works() {
    let (topics, mut desk) = (Topics::new(1), Desk::new());
    // Free a moment ago; nothing else of the tests asks for a port by number.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut page = include_str!("../../README.md").to_owned();
    for (as_it_stands, typed) in substitutions(&topics, port) {
        assert!(page.contains(as_it_stands), "{as_it_stands:?} is not on the page any more");
        page = page.replace(as_it_stands, &typed);
    }
    let commands = commands(&page);
    for begins in LEFT_OUT.iter().map(|one| one.0).chain(ANSWERS.iter().map(|one| one.0)) {
        let is_there = commands.iter().any(|command| command.starts_with(begins));
        assert!(is_there, "no command begins with {begins:?} any more");
    }
    for command in &commands {
        if let Some((begins, why)) = LEFT_OUT.iter().find(|(begins, _)| command.starts_with(begins))
        {
            eprintln!("left out: {begins}: it {why}");
            continue;
        }
        if command.starts_with("tidegate lists show") {
            // It asks at the terminal; here the value comes through a pipe.
            let typed = format!("echo 6225881234567890 | {command}");
            assert_eq!(desk.type_in(&typed).0, 0, "{}", desk.said("log"));
            continue;
        }
        let (code, said) = match command.contains("kcat ") && !has("kcat") {
            true => kcat(&desk, command, &topics),
            false => desk.type_in(command),
        };
        let answer = ANSWERS.iter().find(|(begins, ..)| command.starts_with(begins));
        let (_, expected, texts) = answer.unwrap_or(&("", 0, &[]));
        assert_eq!(code, *expected, "{command}\n{said}\n{}", desk.said("service.log"));
        for text in *texts {
            assert!(said.contains(text), "{command}\ndoes not say {text:?}:\n{said}");
        }
    }
    for page in ["report.html", "incident.html", "what-if.html"] {
        assert!(desk.said(page).contains("</html>"), "{page}");
    }
    joined(&topics);
    let service = desk.service.as_mut().unwrap();
    assert!(Command::new("kill").arg(service.id().to_string()).status().unwrap().success());
    assert_eq!(service.wait().unwrap().code(), Some(0), "{}", desk.said("service.log"));
}

/// The decisions of the service are those of a stream that its tables know.
fn joined(topics: &Topics) {
    let records = topics.read("decisions", |records| records.len() > 900);
    let share = |what: &str| {
        let has = |record: &&crate::broker::Record| {
            String::from_utf8_lossy(&record.payload).contains(what)
        };
        records.iter().filter(has).count() as f64 / records.len() as f64
    };
    let none = share("\"missing_tables\":[],");
    assert!(none > 0.99, "{none} of the decisions had every table");
    let approved = share("\"action\":\"approve\"");
    assert!(approved > 0.95, "{approved} of the payments were approved");
}
