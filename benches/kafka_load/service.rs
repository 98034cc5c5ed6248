//! A running Tidegate as the subject: its own topics, keys, tables and journal in a directory that
//! goes with it.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tidegate::commands::generate::write_tables;
use tidegate::generator::{Generator, Settings};

use super::Failure;
use super::clients::Cluster;
use super::measure::Load;

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Killed, with everything that it wrote, when dropped.
pub struct Service {
    child: Child,
    dir: tempfile::TempDir,
}

impl Service {
    /// Starts `tidegate run` on the topics of a load and waits until it is ready.
    pub fn start(
        cluster: &Cluster,
        load: &Load,
        others: &[(&str, &str)],
        world: &World,
    ) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        let listen = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut text = format!(
            "[kafka]\nbrokers = [\"{}\"]\ntopics = [\"{}\"]\ngroup = \"{}\"\n\
             linger_ms = {}\n[keys]\nfile = \"tidegate.keys\"\n[http]\nlisten = \"{listen}\"\n\
             [journal]\ndir = \"journal\"\n[tables]\n",
            cluster.bootstrap(),
            load.events_topic,
            load.run.topic("group"),
            load.linger_ms,
        );
        for (name, file) in TABLES {
            let path = world.dir.path().join("tables").join(file);
            let _ = writeln!(text, "{name} = \"{}\"", path.display());
        }
        for (kind, topic) in
            others.iter().copied().chain([("decision", load.decisions_topic.as_str())])
        {
            let profile = if kind == "decision" { "profile = \"default\"\n" } else { "" };
            let _ = write!(
                text,
                "[[sink]]\nkind = \"{kind}\"\ntopic = \"{topic}\"\nrecipient = \"bench\"\n\
                 purpose = \"operations\"\ncountry = \"CN\"\n{profile}"
            );
        }
        let config = dir.path().join("tidegate.toml");
        fs::write(&config, text)?;
        let keys = dir.path().join("tidegate.keys");
        let made = binary().args(["keys", "init", "--out"]).arg(&keys).output()?;
        if !made.status.success() {
            return Err("`tidegate keys init` failed".into());
        }
        let log = fs::File::create(dir.path().join("log"))?;
        let child = binary().args(["run", "--config"]).arg(&config).stderr(log).spawn()?;
        let mut service = Self { child, dir };
        let deadline = Instant::now() + PATIENCE;
        while !is_ready(&listen.to_string()) {
            if service.child.try_wait()?.is_some() || Instant::now() > deadline {
                let log = fs::read_to_string(service.dir.path().join("log"))?;
                return Err(format!("the service did not become ready; it said:\n{log}").into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(service)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const TABLES: [(&str, &str); 7] = [
    ("geo", "city.mmdb"),
    ("asn", "asn.mmdb"),
    ("networks", "networks.csv"),
    ("bins", "bin.csv"),
    ("merchants", "merchants.csv"),
    ("terminals", "terminals.csv"),
    ("hosts", "hosts.csv"),
];

fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.stdout(Stdio::null());
    command
}

fn is_ready(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    ask().is_ok_and(|line| line.contains("200"))
}

/// A generated world: its tables and its payments.
pub struct World {
    dir: tempfile::TempDir,
    payloads: PathBuf,
}

impl World {
    /// Payments, transfers and all else that asks for a decision; no outcomes, no faults.
    pub fn generate(events: u64) -> Result<Self, Failure> {
        let dir = tempfile::tempdir()?;
        let settings = Settings {
            events,
            customers: 1_000_000,
            merchants: 100_000,
            terminals: 100_000,
            rate_per_s: 70.0,
            duplicate_share: 0.0,
            conflict_share: 0.0,
            malformed_share: 0.0,
            outcome_share: 0.0,
            label_share: 0.0,
            fraud_label_share: 0.0,
            ..Settings::default()
        };
        let mut generator = Generator::new(settings);
        write_tables(generator.world(), &dir.path().join("tables"))?;
        let payloads = dir.path().join("events.jsonl");
        let mut file = std::io::BufWriter::new(fs::File::create(&payloads)?);
        let mut line = Vec::new();
        while generator.next_into(&mut line).is_some() {
            let text = String::from_utf8_lossy(&line);
            let whole = serde_json::from_str::<serde_json::Value>(&text);
            if whole.is_ok_and(|event| event.get("amount").is_some()) {
                file.write_all(text.trim_end().as_bytes())?;
                file.write_all(b"\n")?;
            }
        }
        file.flush()?;
        Ok(Self { dir, payloads })
    }

    /// The payments, one a line.
    pub fn payloads(&self) -> &Path {
        &self.payloads
    }
}
