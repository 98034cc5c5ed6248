//! Disks that are really full, read-only or gone: a sentence and a code, nothing lost, and on by
//! itself where that was asked for.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::broker::Topics;
use crate::events::{Event, are_all_answered, borrowed, check_answers, payments};
use crate::service::{Home, command};

/// A small file system of a test's own.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, and a word on standard error, where this user may not mount: most of what these tests
    /// see cannot be had otherwise. The simulator fills its disks everywhere.
    fn mounted(at: PathBuf, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let disk = Self(at);
        if disk.mount(&format!("size={megabytes}m")) {
            return Some(disk);
        }
        eprintln!("skipped: mounting a small file system needs root");
        None
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&self.0);
        mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Takes all the room that is left.
    fn fill(&self) {
        let mut file = fs::File::create(self.ballast()).unwrap();
        for size in [1 << 16, 1] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A home whose journal has segments of a megabyte.
fn home(policy: &str) -> Home {
    let mut home = Home::new();
    home.journal = format!("segment_mb = 1\non_disk_full = \"{policy}\"\n");
    home
}

fn finish(topics: &Topics, home: &Home, events: &[Event]) {
    let service = home.start(topics);
    let decisions = topics.read("decisions", |records| are_all_answered(records, events));
    check_answers(&decisions, events);
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
}

/// `on_disk_full = "stop"`: code 3 and what to do; with room again every event has its one answer.
#[test]
fn a_full_disk_stops_the_service() {
    let (topics, home) = (Topics::new(2), home("stop"));
    let Some(disk) = SmallDisk::mounted(home.journal_dir(), 16) else { return };
    let events = payments("full-stop", 4_000);
    let (before, after) = events.split_at(200);
    topics.produce(borrowed(before));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));
    disk.fill();
    topics.produce(borrowed(after));
    let (status, log) = service.wait();
    let log = log.join("\n");
    assert_eq!(status.code(), Some(3), "{log}");
    assert!(log.contains("No space left on device"), "{log}");
    assert!(log.contains("make room and start again"), "{log}");
    let refused = home.refused(&topics);
    assert_refused(&refused, 3, "No space left on device");
    disk.make_room();
    finish(&topics, &home, &events);
}

/// `on_disk_full = "fallback"`: it waits, says so, and goes on by itself as soon as there is room.
#[test]
fn a_full_disk_pauses_the_service() {
    let (topics, home) = (Topics::new(2), home("fallback"));
    let Some(disk) = SmallDisk::mounted(home.journal_dir(), 16) else { return };
    let events = payments("full-wait", 4_000);
    let (before, after) = events.split_at(200);
    topics.produce(borrowed(before));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));
    service.wait_until_ready();
    disk.fill();
    topics.produce(borrowed(after));
    service.wait_until(|service| service.get("/readyz").1.contains("disk_full"));
    let answered = topics.read("decisions", |records| records.len() >= before.len());
    assert!(answered.len() < events.len(), "no answer without its record");
    disk.make_room();
    service.wait_until_ready();
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    check_answers(&decisions, &events);
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));
}

/// `score` over a journal whose disk fills up: code 3, and what is out by then is in the journal;
/// started again it gives the same answers and goes on.
#[test]
fn a_full_disk_ends_score() {
    let home = home("stop");
    let Some(disk) = SmallDisk::mounted(home.journal_dir(), 8) else { return };
    let events = home.dir.path().join("events.jsonl");
    let lines: Vec<Vec<u8>> = payments("score", 5_000).into_iter().map(|(_, json)| json).collect();
    fs::write(&events, lines.join(&b'\n')).unwrap();
    let config = home.dir.path().join("score.toml");
    fs::write(&config, "[keys]\nenv = \"TIDEGATE_TEST_KEYS\"\n[journal]\nsegment_mb = 1\n")
        .unwrap();
    let score = |out: &Path| {
        let mut score = command(&["score", "--config"]);
        score.arg(&config).arg("--in").arg(&events).arg("--out").arg(out);
        score.arg("--journal").arg(home.journal_dir());
        score.stderr(Stdio::piped()).output().unwrap()
    };
    let (first, second) = (home.dir.path().join("first"), home.dir.path().join("second"));
    // Room for a few segments.
    fs::write(disk.ballast(), vec![7; 5 << 20]).unwrap();
    assert_refused(&score(&first), 3, "No space left on device");
    disk.make_room();
    let output = score(&second);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let (first, second) = (fs::read_to_string(first).unwrap(), fs::read_to_string(second).unwrap());
    assert_eq!(second.lines().count(), lines.len());
    // A line may have been cut short by the end.
    let whole = first.rfind('\n').map_or(0, |at| at + 1);
    assert!(whole > 0 && second.starts_with(&first[..whole]), "the same answers again");
}

/// A disk that may not be written, a file in the directory's place: refused in a sentence.
#[test]
fn a_journal_that_cannot_be_is_refused() {
    let topics = Topics::new(1);
    let in_the_way = Home::new();
    fs::write(in_the_way.journal_dir(), "no directory").unwrap();
    // The configuration can be seen to be wrong before anything is opened.
    assert_refused(&in_the_way.refused(&topics), 2, "is no directory");
    let home = Home::new();
    let Some(disk) = SmallDisk::mounted(home.journal_dir(), 4) else { return };
    assert!(disk.mount("remount,ro"));
    assert_refused(&home.refused(&topics), 3, "Read-only file system");
}

/// A journal that is moved away under a service takes its answers with it: it ends instead of
/// answering into a file that nobody will find.
#[test]
fn a_journal_that_vanishes_ends_the_service() {
    let (topics, home) = (Topics::new(2), Home::new());
    let events = payments("vanish", 600);
    let (before, after) = events.split_at(200);
    topics.produce(borrowed(before));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));
    let away = home.dir.path().join("away");
    fs::rename(home.journal_dir(), &away).unwrap();
    // Whenever it looks: the events that make it speak come until it does.
    for part in after.chunks(20) {
        topics.produce(borrowed(part));
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (status, log) = service.wait();
    let log = log.join("\n");
    assert_eq!(status.code(), Some(3), "{log}");
    assert!(log.contains("it is not there any more"), "{log}");
    fs::rename(&away, home.journal_dir()).unwrap();
    finish(&topics, &home, &events);
}

/// Also when nothing comes: a service must not call itself ready over a journal that is gone.
#[test]
fn a_journal_that_vanishes_ends_an_idle_service() {
    let (topics, home) = (Topics::new(2), Home::new());
    let events = payments("vanish-idle", 100);
    topics.produce(borrowed(&events));
    let service = home.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, &events));
    for entry in fs::read_dir(home.journal_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "tgj") {
            fs::remove_file(path).unwrap();
        }
    }
    let (status, log) = service.wait();
    let log = log.join("\n");
    assert_eq!(status.code(), Some(3), "{log}");
    assert!(log.contains("it is not there any more"), "{log}");
}

fn assert_refused(output: &Output, code: i32, what: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(what), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
