//! A file of events through an engine in memory, as `tidegate score` reads it.

use std::path::Path;
use std::sync::Arc;

use super::history::{History, Onlooker, Seen, Walked, label};
use super::rules::Rules;
use crate::commands::assemble::{Assembly, assemble};
use crate::commands::lines::{Bar, Input, Refused, RefusedLine};
use crate::commands::report::Fault;
use crate::domain::Applied;
use crate::edges::keys::Keys;
use crate::edges::machine::Machine;
use crate::edges::tables::{TablePaths, TableStore};
use crate::engine::{EngineLimits, FileBounds, FileTime, Intent, Outcome, Pace, Pipeline};
use crate::stages::decode::{Door, TimeLimits};
use crate::stages::mask::Profile;

impl History {
    /// Sends the lines of a file through an engine under some rules.
    pub(super) fn walk_events(
        &self,
        (file, paths): (&Path, &TablePaths),
        rules: &Rules,
        doing: Option<&'static str>,
        onlooker: &mut impl Onlooker,
    ) -> Result<Walked, Fault> {
        // Tokens join within this run and are shown nowhere: any key does.
        let keys = Keys::demo();
        let tables = tables(paths, &keys)?;
        let settled = tables.settle(rules.bundle.base_currency);
        settled.map_err(|fault| Fault::Wrong(fault.to_string()))?;
        let mut pipeline = pipeline(rules, &keys, &self.limits)?;
        let name = file.display().to_string();
        let mut lines =
            Input::open(file, Door::default().bytes_max).map_err(Fault::file(&*name))?;
        // Of two walks over one file, the one that a person watches names what is refused.
        let rejects = self.rejects.as_deref().filter(|_| doing.is_some());
        let rejects_name = rejects.map(|path| path.display().to_string()).unwrap_or_default();
        let mut refused = Refused::new(rejects).map_err(Fault::file(&*rejects_name))?;
        let mut bar = Bar::new(doing.unwrap_or_default(), lines.bytes(), doing.is_some());
        let (tables, token_keys) = (tables.current(), keys.token_keys());
        let (mut walked, mut line, mut event_id) = (Walked::default(), Vec::new(), String::new());
        let horizon_ms = TimeLimits::default().age_ms_max;
        let bounds = FileBounds { horizon_ms, until: None, alone_until: None };
        let mut time = FileTime::new(pipeline.admission(), None, bounds);
        let (mut bytes, mut number, mut used) = (0, 0, None);
        loop {
            if let Some(used) = used.take() {
                time.give_back(used);
            }
            let Some((at, admitted)) = time.next_line() else {
                let read = lines.read_line(&mut line).map_err(Fault::file(&*name))?;
                bytes += read as u64;
                number += 1;
                match line.trim_ascii_end() {
                    // Nothing waits any more, or nothing could.
                    _ if read == 0 && time.is_ended() => break,
                    _ if read == 0 => time.end(),
                    [] => {}
                    text => time.push(number, text.into(), (&**tables, &token_keys)),
                }
                continue;
            };
            walked.inputs += 1;
            bar.at(walked.inputs, bytes);
            let admitted = used.insert(admitted);
            let step = pipeline.take(admitted, (None, None), Intent::Decide, &token_keys);
            let step = step.map_err(Fault::Journal)?;
            if let Some(line) = RefusedLine::of(at, &step) {
                refused.note(line).map_err(Fault::file(&*rejects_name))?;
            }
            let Outcome::Applied(applied) = step.outcome else {
                walked.rejected += 1;
                continue;
            };
            if let Some((target, truth, standing)) = label(step.input) {
                onlooker.labelled(target, truth, standing);
            }
            let seen = Seen::of(step.input);
            event_id.clear();
            event_id.push_str(step.event_id);
            if self.span.to.is_some_and(|to| seen.received_at >= to) {
                if onlooker.wants_labels() {
                    continue;
                }
                break;
            }
            if self.span.from.is_some_and(|from| seen.received_at < from) {
                walked.before += 1;
            } else if let Applied::Decided { body, .. } = &applied {
                onlooker.decided(&seen.sight(&event_id, None, body, pipeline.engine()));
            }
            pipeline.engine_mut().take_expired().for_each(drop);
        }
        walked.refusals = refused.finish().map_err(Fault::file(&*rejects_name))?;
        Ok(walked)
    }
}

/// An engine that has seen nothing, without a journal.
fn pipeline(rules: &Rules, keys: &Keys, limits: &EngineLimits) -> Result<Pipeline<Machine>, Fault> {
    let assembled = assemble(Assembly {
        bundle: Arc::clone(&rules.bundle),
        bundle_files: &rules.files,
        keys,
        journal: None,
        door: Door::default(),
        times: TimeLimits::default(),
        limits: limits.clone(),
        profile: Profile::shipped("default").expect("the default profile is shipped"),
        pace: Pace::Unhurried,
    });
    Ok(assembled.map_err(|error| Fault::Wrong(error.to_string()))?.0)
}

fn tables(paths: &TablePaths, keys: &Keys) -> Result<TableStore, Fault> {
    TableStore::load(paths, Arc::new(keys.token_keys())).map_err(|faults| {
        let texts: Vec<_> = faults.iter().map(ToString::to_string).collect();
        Fault::Wrong(texts.join("\n"))
    })
}
