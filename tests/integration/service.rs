//! A real `tidegate run`: configured, watched, stopped and killed.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use ring::signature::{Ed25519KeyPair, KeyPair as _};

use crate::broker::{PATIENCE, Topics};

/// Where a service keeps what outlives it.
pub(crate) struct Home {
    pub(crate) dir: tempfile::TempDir,
    /// Lines added to `[kafka]`.
    pub(crate) kafka: String,
    /// The lines of `[journal]`.
    pub(crate) journal: String,
    /// Whether this user may change everything over a socket, approved by [`approver`].
    pub(crate) has_socket: bool,
    /// Whether the journal goes on for a group that is another one's.
    pub(crate) adopt: bool,
}

impl Home {
    pub(crate) fn new() -> Self {
        let journal = "segment_mb = 8\n".to_owned();
        Self {
            dir: tempfile::tempdir().unwrap(),
            kafka: String::new(),
            journal,
            has_socket: false,
            adopt: false,
        }
    }

    /// The journal's directory.
    pub(crate) fn journal_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("journal")
    }

    fn write(&self, topics: &Topics) -> std::path::PathBuf {
        let name = |which| topics.name(which);
        let mut text = format!(
            "[kafka]\nbrokers = [\"{}\"]\ntopics = [\"{}\"]\ngroup = \"{}\"\n\
             transactional_id = \"{}\"\nlinger_ms = 0\n{}\n",
            topics.bootstrap,
            name("in"),
            name("group"),
            name("txn"),
            self.kafka
        );
        text.push_str("[keys]\nenv = \"TIDEGATE_TEST_KEYS\"\n");
        text.push_str("[journal]\n");
        text.push_str(&self.journal);
        text.push_str("[http]\nlisten = \"127.0.0.1:0\"\n");
        text.push_str("[log]\nformat = \"json\"\n");
        for (kind, which) in
            [("decision", "decisions"), ("audit", "audit"), ("dead_letter", "dead")]
        {
            let profile = if kind == "decision" { "profile = \"default\"\n" } else { "" };
            let _ = write!(
                text,
                "[[sink]]\nkind = \"{kind}\"\ntopic = \"{}\"\nrecipient = \"test\"\n\
                 purpose = \"operations\"\ncountry = \"CN\"\n{profile}",
                name(which)
            );
        }
        if self.has_socket {
            let user = Command::new("id").arg("-un").output().unwrap();
            let user = String::from_utf8(user.stdout).unwrap();
            let user = user.trim();
            let _ = write!(
                text,
                "[admin]\nsocket = \"admin.sock\"\nanalysts = [\"{user}\"]\noperators = [\"{user}\"]\n\
                 approver_keys = [\"wang:{}\"]\n",
                hex(approver().public_key().as_ref())
            );
        }
        let file = self.dir.path().join("tidegate.toml");
        std::fs::write(&file, text).unwrap();
        file
    }

    /// Runs a command with this configuration, on the service if one runs. Gives what it says.
    pub(crate) fn tell(&self, topics: &Topics, words: &[&str]) -> String {
        let output = command(words).arg("--config").arg(self.write(topics)).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// What a service says that does not come to listen.
    pub(crate) fn refused(&self, topics: &Topics) -> std::process::Output {
        command(&["run", "--config"]).arg(self.write(topics)).output().unwrap()
    }

    /// Starts the service; returns when it listens.
    pub(crate) fn start(&self, topics: &Topics) -> Service {
        let mut child = command(&["run", "--config"])
            .arg(self.write(topics))
            .args(self.adopt.then_some("--adopt"))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (send, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        let mut service = Service { child, lines, log: Vec::new(), address: String::new() };
        let line = service.wait_for_line("metrics and health are served");
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        service.address = line["fields"]["address"].as_str().unwrap().to_owned();
        service
    }
}

/// The key of a second person, by the name of `wang`.
pub(crate) fn approver() -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap()
}

/// Bytes as a command takes them.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A `tidegate` with keys in its environment.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.args(arguments).env("TIDEGATE_TEST_KEYS", crate::events::KEYS);
    command
}

/// A running service; killed when the test ends without stopping it.
pub(crate) struct Service {
    child: Child,
    lines: Receiver<String>,
    /// What it has logged so far.
    pub(crate) log: Vec<String>,
    address: String,
}

impl Service {
    /// Waits for a line of the log that contains a text.
    pub(crate) fn wait_for_line(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left).unwrap_or_else(|_| {
                panic!("{text:?} was not logged; the log:\n{}", self.log.join("\n"))
            });
            self.log.push(line.clone());
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Asks the service over HTTP: status line and body.
    pub(crate) fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.lines().next().unwrap().to_owned(), body.to_owned())
    }

    pub(crate) fn wait_until_ready(&self) {
        self.wait_until(|service| service.get("/readyz").0.contains("200"));
    }

    pub(crate) fn wait_until(&self, condition: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !condition(self) {
            assert!(Instant::now() < deadline, "readyz: {:?}", self.get("/readyz"));
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// Asks politely and waits.
    pub(crate) fn stop(self) -> (ExitStatus, Vec<String>) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.wait()
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        self.log.extend(self.lines.try_iter());
        (status, std::mem::take(&mut self.log))
    }

    /// `kill -9`: nothing is said, nothing is closed.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
