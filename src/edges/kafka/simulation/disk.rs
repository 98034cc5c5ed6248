//! A disk in memory that does what disks do: it crashes between any two operations, loses and tears
//! what was not synced, fills up, and forgets names.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::journal::{Disk, DiskFile, DiskLock};

use super::dice::Dice;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Crash {
    /// The process: what was written is with the operating system.
    Process,
    /// The machine: what was not synced may be lost, sector by sector.
    Power,
}

/// The simulated disk; clones are the same disk.
#[derive(Clone, Debug)]
pub(super) struct SimulatedDisk(Arc<Mutex<Medium>>);

#[derive(Debug)]
struct Medium {
    dice: Dice,
    names: BTreeMap<PathBuf, usize>,
    /// Names before the last sync of the directory, then each change since.
    kept_names: BTreeMap<PathBuf, usize>,
    changes: Vec<Change>,
    files: Vec<Content>,
    locks: BTreeSet<PathBuf>,
    /// Bytes that all files together may have.
    capacity: u64,
    /// Operations until the crash.
    until_crash: Option<u64>,
    has_crashed: bool,
    operations: u64,
}

#[derive(Clone, Debug)]
enum Change {
    Set(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    /// What the medium has for certain.
    synced: Vec<u8>,
}

/// What one operation may do.
enum Turn {
    Whole,
    /// The process ends in the middle of it.
    Cut,
}

impl SimulatedDisk {
    pub(super) fn new(dice: Dice) -> Self {
        Self(Arc::new(Mutex::new(Medium {
            dice,
            names: BTreeMap::new(),
            kept_names: BTreeMap::new(),
            changes: Vec::new(),
            files: Vec::new(),
            locks: BTreeSet::new(),
            capacity: u64::MAX,
            until_crash: None,
            has_crashed: false,
            operations: 0,
        })))
    }

    fn medium(&self) -> MutexGuard<'_, Medium> {
        self.0.lock().unwrap()
    }

    /// Crashes at some operation from now on.
    pub(super) fn crash_after(&self, operations: Option<u64>) {
        self.medium().until_crash = operations;
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.medium().has_crashed
    }

    /// Leaves so much room, or all of it.
    pub(super) fn leave_room(&self, bytes: Option<u64>) {
        let mut medium = self.medium();
        medium.capacity = bytes.map_or(u64::MAX, |bytes| medium.used() + bytes);
    }

    /// What the next start finds.
    pub(super) fn restart(&self, crash: Crash) {
        let mut medium = self.medium();
        medium.has_crashed = false;
        medium.until_crash = None;
        medium.locks.clear();
        if crash == Crash::Power {
            medium.lose_what_was_not_synced();
        }
    }

    /// Another disk with the same files but some.
    pub(super) fn copy_without(&self, is_left_out: impl Fn(&Path) -> bool) -> Self {
        let medium = self.medium();
        let copy = Self::new(medium.dice.clone());
        {
            let mut other = copy.medium();
            other.names.clone_from(&medium.names);
            other.names.retain(|path, _| !is_left_out(path));
            other.files.clone_from(&medium.files);
        }
        copy
    }

    /// Turns one bit of one file around, of those that are meant; which file.
    pub(super) fn flip_a_bit(
        &self,
        dice: &mut Dice,
        is_meant: impl Fn(&Path) -> bool,
    ) -> Option<PathBuf> {
        let mut medium = self.medium();
        let names: Vec<_> = medium
            .names
            .iter()
            .filter(|(path, id)| is_meant(path) && !medium.files[**id].bytes.is_empty())
            .map(|(path, id)| (path.clone(), *id))
            .collect();
        if names.is_empty() {
            return None;
        }
        let (path, id) = names[dice.place(names.len())].clone();
        let Content { bytes, synced } = &mut medium.files[id];
        // Mostly where something stands, sometimes in the room ahead.
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(1, |last| last + 1);
        let at = if dice.once_in(8) { dice.place(bytes.len()) } else { dice.place(end) };
        let bit = 1 << dice.below(8);
        bytes[at] ^= bit;
        // On the medium too: no loss of power mends it.
        if let Some(byte) = synced.get_mut(at) {
            *byte ^= bit;
        }
        Some(path)
    }
}

impl Medium {
    fn used(&self) -> u64 {
        self.names.values().map(|id| self.files[*id].bytes.len() as u64).sum()
    }

    /// Counts an operation; past the crash none is possible.
    fn turn(&mut self) -> io::Result<Turn> {
        if self.has_crashed {
            return Err(ended());
        }
        self.operations += 1;
        match &mut self.until_crash {
            Some(0) => {
                self.has_crashed = true;
                Ok(Turn::Cut)
            }
            Some(left) => {
                *left -= 1;
                Ok(Turn::Whole)
            }
            None => Ok(Turn::Whole),
        }
    }

    /// An operation that happens whole, or not at all and the process ends.
    fn whole(&mut self) -> io::Result<()> {
        match self.turn()? {
            Turn::Whole => Ok(()),
            Turn::Cut => Err(ended()),
        }
    }

    fn id(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.names, &change);
        self.changes.push(change);
    }

    fn lose_what_was_not_synced(&mut self) {
        // The journal of a file system keeps changes of names in order: some first of them last.
        let kept = self.dice.place(self.changes.len() + 1);
        let mut names = std::mem::take(&mut self.kept_names);
        self.changes.drain(..).take(kept).for_each(|change| apply(&mut names, &change));
        self.names = names.clone();
        self.kept_names = names;
        for id in 0..self.files.len() {
            // All lost, all there, or any mixture.
            let mood = self.dice.below(3);
            let (dice, content) = (&mut self.dice, &mut self.files[id]);
            let Content { bytes, synced } = content;
            let is_lost = |dice: &mut Dice| mood == 0 || mood == 1 && dice.once_in(2);
            if bytes.len() != synced.len() && is_lost(dice) {
                let shared = bytes.len().min(synced.len());
                bytes.truncate(shared);
                bytes.extend_from_slice(&synced[shared..]);
            }
            for begin in (0..bytes.len()).step_by(SECTOR) {
                let end = (begin + SECTOR).min(bytes.len());
                let old_end = end.min(synced.len());
                let old = synced.get(begin..old_end).unwrap_or_default();
                if bytes[begin..begin + old.len()] == *old
                    && bytes[begin + old.len()..end].iter().all(|byte| *byte == 0)
                {
                    continue;
                }
                if is_lost(dice) {
                    bytes[begin..end].fill(0);
                    bytes[begin..begin + old.len()].copy_from_slice(old);
                }
            }
            synced.clone_from(bytes);
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, change: &Change) {
    match change {
        Change::Set(path, id) => {
            names.insert(path.clone(), *id);
        }
        Change::Rename(from, to) => {
            if let Some(id) = names.remove(from) {
                names.insert(to.clone(), id);
            }
        }
        Change::Remove(path) => {
            names.remove(path);
        }
    }
}

fn ended() -> io::Error {
    io::Error::other("the simulated process has ended")
}

impl Disk for SimulatedDisk {
    fn create_dir(&self, _dir: &Path) -> io::Result<()> {
        self.medium().whole()
    }

    fn lock(&self, path: &Path) -> io::Result<Option<Box<dyn DiskLock>>> {
        let mut medium = self.medium();
        medium.whole()?;
        let is_free = medium.locks.insert(path.to_owned());
        Ok(is_free.then(|| Box::new(Lock) as Box<dyn DiskLock>))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let mut medium = self.medium();
        medium.whole()?;
        Ok(medium.names.keys().filter(|path| path.parent() == Some(dir)).cloned().collect())
    }

    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut medium = self.medium();
        medium.whole()?;
        medium.files.push(Content::default());
        let id = medium.files.len() - 1;
        medium.change(Change::Set(path.to_owned(), id));
        Ok(Arc::new(SimulatedFile { disk: self.clone(), id }))
    }

    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut medium = self.medium();
        medium.whole()?;
        Ok(Arc::new(SimulatedFile { disk: self.clone(), id: medium.id(path)? }))
    }

    fn open_to_write(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.open(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut medium = self.medium();
        medium.whole()?;
        medium.id(from)?;
        medium.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut medium = self.medium();
        medium.whole()?;
        medium.id(path)?;
        medium.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        let mut medium = self.medium();
        medium.whole()?;
        medium.kept_names = medium.names.clone();
        medium.changes.clear();
        Ok(())
    }
}

#[derive(Debug)]
struct Lock;

impl DiskLock for Lock {}

#[derive(Debug)]
struct SimulatedFile {
    disk: SimulatedDisk,
    id: usize,
}

impl DiskFile for SimulatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut medium = self.disk.medium();
        medium.whole()?;
        let bytes = &medium.files[self.id].bytes;
        let rest = usize::try_from(offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut medium = self.disk.medium();
        let turn = medium.turn()?;
        let at = offset as usize;
        let length = medium.files[self.id].bytes.len();
        let room = medium.capacity.saturating_sub(medium.used()) as usize;
        let is_full = (at + bytes.len()).saturating_sub(length) > room;
        // A write that does not come to its end has written any part from its beginning.
        let count = match turn {
            Turn::Cut => medium.dice.place(bytes.len() + 1),
            Turn::Whole if is_full => {
                medium.dice.place(length.saturating_sub(at).min(bytes.len()) + 1)
            }
            Turn::Whole => bytes.len(),
        };
        let content = &mut medium.files[self.id].bytes;
        if content.len() < at + count {
            content.resize(at + count, 0);
        }
        content[at..at + count].copy_from_slice(&bytes[..count]);
        match turn {
            Turn::Cut => Err(ended()),
            Turn::Whole if is_full => Err(ErrorKind::StorageFull.into()),
            Turn::Whole => Ok(()),
        }
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let mut medium = self.disk.medium();
        medium.whole()?;
        let more = bytes.saturating_sub(medium.files[self.id].bytes.len() as u64);
        if medium.used().saturating_add(more) > medium.capacity {
            return Err(ErrorKind::StorageFull.into());
        }
        let content = &mut medium.files[self.id].bytes;
        let length = content.len().max(bytes as usize);
        content.resize(length, 0);
        Ok(())
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut medium = self.disk.medium();
        medium.whole()?;
        medium.files[self.id].bytes.resize(bytes as usize, 0);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let mut medium = self.disk.medium();
        medium.whole()?;
        Ok(medium.files[self.id].bytes.len() as u64)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut medium = self.disk.medium();
        medium.whole()?;
        let content = &mut medium.files[self.id];
        content.synced.clone_from(&content.bytes);
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn identity(&self) -> io::Result<Option<(u64, u64)>> {
        Ok(Some((0, self.id as u64)))
    }
}
