//! Records that are not of an input: a process took up the journal, a bundle became active.

use crate::domain::{EventTime, ReasonId, Seq};
use crate::wire::{MessageReader, MessageWriter, WireError};

/// The content hash of a bundle.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct BundleHash(pub [u8; 32]);

/// A bundle by its number in this journal: records name it in a byte and not in 32.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BundleRef(pub u32);

/// Which bundle is in force, and where its record stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ActiveBundle {
    /// Its number.
    pub bundle: BundleRef,
    /// Its content hash.
    pub hash: BundleHash,
    /// First record number of the segment that holds its record.
    pub segment: u64,
    /// Where the record stands in that file.
    pub offset: u64,
}

/// A process took up the journal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Start {
    /// The number that the next input gets.
    pub next_seq: Seq,
    /// When, by the machine's clock.
    pub opened_at: EventTime,
    /// Name and version of the software.
    pub software: String,
    /// Version of the engine's semantics.
    pub engine_semantics: u32,
    /// Which key seals.
    pub key_id: u32,
    /// Which key makes tokens.
    pub token_key_version: u16,
}

/// One file of a bundle.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BundleFile {
    /// Its path inside the bundle, with `/`.
    pub path: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// A bundle with all that replay needs of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct StoredBundle {
    /// The number that the next input gets: the first one under this bundle. Set by the writer.
    pub next_seq: Seq,
    /// Its number in this journal. Set by the writer.
    pub bundle: BundleRef,
    /// The content hash over its files.
    pub hash: BundleHash,
    /// Its files.
    pub files: Vec<BundleFile>,
    /// The engine's table of reason codes up to now, so that bodies stay readable.
    pub reasons: Vec<(ReasonId, String)>,
}

pub(super) fn write_start(w: &mut MessageWriter<'_>, start: &Start) {
    w.uint(1, start.next_seq.0);
    w.int(2, start.opened_at.as_ms());
    w.text(3, &start.software);
    w.uint(4, u64::from(start.engine_semantics));
    w.uint(5, u64::from(start.key_id));
    w.uint(6, u64::from(start.token_key_version));
}

pub(super) fn read_start(mut reader: MessageReader<'_>) -> Result<Start, WireError> {
    let mut start = Start {
        next_seq: Seq(0),
        opened_at: EventTime::MIN,
        software: String::new(),
        engine_semantics: 0,
        key_id: 0,
        token_key_version: 0,
    };
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => start.next_seq = Seq(value.uint("start.next_seq")?),
            2 => {
                let opened_at = EventTime::from_ms(value.int("start.opened_at_ms")?);
                let out_of_range = WireError::OutOfRange { field: "start.opened_at_ms" };
                start.opened_at = opened_at.map_err(|_| out_of_range)?;
            }
            3 => value.text("start.software")?.clone_into(&mut start.software),
            4 => start.engine_semantics = value.narrow("start.engine_semantics")?,
            5 => start.key_id = value.narrow("start.key_id")?,
            6 => start.token_key_version = value.narrow("start.token_key_version")?,
            _ => {}
        }
    }
    Ok(start)
}

pub(super) fn write_bundle(w: &mut MessageWriter<'_>, bundle: &StoredBundle) {
    w.uint(1, bundle.next_seq.0);
    w.uint(2, u64::from(bundle.bundle.0));
    w.bytes(3, &bundle.hash.0);
    for file in &bundle.files {
        w.message(4, |w| {
            w.text(1, &file.path);
            w.bytes(2, &file.content);
        });
    }
    for (id, code) in &bundle.reasons {
        w.message(5, |w| {
            w.uint(1, u64::from(id.0));
            w.text(2, code);
        });
    }
}

pub(super) fn read_bundle(mut reader: MessageReader<'_>) -> Result<StoredBundle, WireError> {
    let mut bundle = StoredBundle::default();
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => bundle.next_seq = Seq(value.uint("bundle.next_seq")?),
            2 => bundle.bundle = BundleRef(value.narrow("bundle.bundle")?),
            3 => bundle.hash = BundleHash(value.array("bundle.hash")?),
            4 => bundle.files.push(read_file(value.message("bundle.files")?)?),
            5 => bundle.reasons.push(read_reason(value.message("bundle.reasons")?)?),
            _ => {}
        }
    }
    Ok(bundle)
}

fn read_file(mut reader: MessageReader<'_>) -> Result<BundleFile, WireError> {
    let mut file = BundleFile { path: String::new(), content: Vec::new() };
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => value.text("file.path")?.clone_into(&mut file.path),
            2 => value.bytes("file.content")?.clone_into(&mut file.content),
            _ => {}
        }
    }
    Ok(file)
}

fn read_reason(mut reader: MessageReader<'_>) -> Result<(ReasonId, String), WireError> {
    let (mut id, mut code) = (ReasonId(0), String::new());
    while let Some((number, value)) = reader.field()? {
        match number {
            1 => id = ReasonId(value.narrow("reason.id")?),
            2 => value.text("reason.code")?.clone_into(&mut code),
            _ => {}
        }
    }
    Ok((id, code))
}
