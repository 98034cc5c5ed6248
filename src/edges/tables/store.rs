//! The tables in use, and the watch over their files.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;

use super::TableKind;
use super::fault::{FaultKind, FileFaults, TableFault};
use crate::domain::Currency;
use crate::stages::enrich::{Tables, TokenKeys};

/// Where each table's file is; a table without one is absent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TablePaths {
    /// City database (mmdb).
    pub geo: Option<PathBuf>,
    /// Autonomous systems (mmdb).
    pub asn: Option<PathBuf>,
    /// Lists of networks (CSV).
    pub networks: Option<PathBuf>,
    /// Card issuers (CSV).
    pub bins: Option<PathBuf>,
    /// Merchant register (CSV).
    pub merchants: Option<PathBuf>,
    /// Terminal register (CSV).
    pub terminals: Option<PathBuf>,
    /// Exchange rates (CSV).
    pub fx: Option<PathBuf>,
    /// High-risk hosts (CSV).
    pub hosts: Option<PathBuf>,
}

impl TablePaths {
    /// The files of one directory under their usual names, those that are there.
    pub fn in_dir(dir: &Path) -> Self {
        let file = |name: &str| Some(dir.join(name)).filter(|path| path.is_file());
        Self {
            geo: file("city.mmdb"),
            asn: file("asn.mmdb"),
            networks: file("networks.csv"),
            bins: file("bin.csv"),
            merchants: file("merchants.csv"),
            terminals: file("terminals.csv"),
            fx: file("fx.csv"),
            hosts: file("hosts.csv"),
        }
    }

    fn of(&self, kind: TableKind) -> Option<&Path> {
        match kind {
            TableKind::Geo => &self.geo,
            TableKind::Asn => &self.asn,
            TableKind::Networks => &self.networks,
            TableKind::Bins => &self.bins,
            TableKind::Merchants => &self.merchants,
            TableKind::Terminals => &self.terminals,
            TableKind::Fx => &self.fx,
            TableKind::Hosts => &self.hosts,
        }
        .as_deref()
    }
}

/// The tables in use. Any thread reads them without a lock; one thread calls [`Self::refresh`].
pub struct TableStore {
    current: ArcSwap<Tables>,
    keys: Arc<TokenKeys>,
    watched: Mutex<Vec<Watched>>,
    /// Into which currency rates must be, once a bundle has said so.
    base: Mutex<Option<Currency>>,
}

/// What a look at the files changed.
#[derive(Debug, Default)]
pub struct Refreshed {
    /// The tables that were replaced.
    pub replaced: Vec<TableKind>,
    /// What is wrong with files that changed; the tables before stay in use. Each state of a file
    /// is reported once.
    pub faults: Vec<TableFault>,
}

/// A file and the state of it that was last judged.
struct Watched {
    kind: TableKind,
    path: PathBuf,
    judged: Stamp,
    /// A newer state, seen once: it is read when it is seen again, for it may still be written.
    seen: Stamp,
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stamp {
    /// Contents that are written in place with the old time set back show in the time of the inode's
    /// change, and another file under the name in its number.
    File {
        modified: SystemTime,
        len: u64,
        inode: (u64, u64),
        changed: (i64, i64),
    },
    Unreadable(io::ErrorKind),
}

impl Stamp {
    fn of(path: &Path) -> Self {
        let stamp = || {
            let about = fs::metadata(path)?;
            let inode = (about.dev(), about.ino());
            let changed = (about.ctime(), about.ctime_nsec());
            Ok(Self::File { modified: about.modified()?, len: about.len(), inode, changed })
        };
        stamp().unwrap_or_else(|error: io::Error| Self::Unreadable(error.kind()))
    }
}

impl TableStore {
    /// Reads every file; all faults of all files, or a store.
    pub fn load(paths: &TablePaths, keys: Arc<TokenKeys>) -> Result<Self, Vec<TableFault>> {
        let (mut tables, mut watched, mut faults) = (Tables::default(), Vec::new(), Vec::new());
        for kind in TableKind::ALL {
            let Some(path) = paths.of(kind) else { continue };
            let stamp = Stamp::of(path);
            if let Err(found) = read(kind, path, &keys, &mut tables) {
                faults.extend(found.of(kind.name(), path));
            }
            watched.push(Watched { kind, path: path.to_path_buf(), judged: stamp, seen: stamp });
        }
        if faults.is_empty() {
            let mut store = Self::fixed(tables, keys);
            store.watched = Mutex::new(watched);
            Ok(store)
        } else {
            Err(faults)
        }
    }

    /// A store of tables that have no files.
    pub fn fixed(tables: Tables, keys: Arc<TokenKeys>) -> Self {
        let current = ArcSwap::from_pointee(tables);
        Self { current, keys, watched: Mutex::new(Vec::new()), base: Mutex::new(None) }
    }

    /// Takes rates into this currency only, the base currency of the bundle in force: now, and when
    /// the file changes. The fault names the file.
    pub fn settle(&self, base: Currency) -> Result<(), Box<TableFault>> {
        *self.base.lock().unwrap_or_else(PoisonError::into_inner) = Some(base);
        let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let file = watched.iter().find(|file| file.kind == TableKind::Fx);
        let file = file.map_or_else(|| PathBuf::from(TableKind::Fx.name()), |f| f.path.clone());
        let table = TableKind::Fx.name();
        let fault = |what| Box::new(TableFault { table, file, line: None, what });
        self.is_into_base(&self.current.load()).map_err(fault)
    }

    fn is_into_base(&self, tables: &Tables) -> Result<(), FaultKind> {
        let base = *self.base.lock().unwrap_or_else(PoisonError::into_inner);
        match (&tables.fx, base) {
            (Some(fx), Some(base)) if !fx.table.is_into(base) => Err(FaultKind::Base {
                into: fx.table.base().as_str().to_owned(),
                wanted: base.as_str().to_owned(),
            }),
            _ => Ok(()),
        }
    }

    /// The tables in use now; hold them for one event or one batch.
    pub fn current(&self) -> arc_swap::Guard<Arc<Tables>> {
        self.current.load()
    }

    /// Looks at every file and replaces the tables whose files changed and have come to rest.
    pub fn refresh(&self) -> Refreshed {
        // A panic while holding it leaves stamps that are at worst looked at again.
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut refreshed = Refreshed::default();
        let mut tables = None;
        for file in watched.iter_mut() {
            let now = Stamp::of(&file.path);
            let at_rest = now == file.seen;
            file.seen = now;
            if !at_rest || now == file.judged {
                continue;
            }
            let tables = tables.get_or_insert_with(|| Tables::clone(&self.current.load()));
            let mut next = tables.clone();
            let result = read(file.kind, &file.path, &self.keys, &mut next)
                .and_then(|()| self.is_into_base(&next).map_err(FileFaults::whole));
            if Stamp::of(&file.path) != now {
                // Written while it was read: what was read is neither the old nor the new.
                continue;
            }
            file.judged = now;
            match result {
                Ok(()) => {
                    *tables = next;
                    refreshed.replaced.push(file.kind);
                }
                Err(found) => refreshed.faults.extend(found.of(file.kind.name(), &file.path)),
            }
        }
        if let Some(tables) = tables
            && !refreshed.replaced.is_empty()
        {
            self.current.store(Arc::new(tables));
        }
        refreshed
    }
}

fn read(
    kind: TableKind,
    path: &Path,
    keys: &TokenKeys,
    tables: &mut Tables,
) -> Result<(), FileFaults> {
    let content =
        fs::read(path).map_err(|error| FileFaults::whole(FaultKind::Unreadable(error.kind())))?;
    kind.read(content, keys, tables)
}
