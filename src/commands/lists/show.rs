//! What stands on the lists: sizes, entries as tokens, and why each is there, from the journal.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use super::values;
use crate::commands::assemble::NAMESPACE;
use crate::commands::control::{At, Looking, list_kind, tokens};
use crate::commands::report::{Fault, grouped};
use crate::domain::{Control, EntityKind, ListPurpose, Seq, Token};
use crate::edges::admin::{RawValue, TokenText};
use crate::engine::{Engine, Listed, Lists, recover};
use crate::journal::{Item, KeyUse, Reader};

/// What to show.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct Show {
    /// The list's name in the bundle; without it all lists with their sizes
    list: Option<String>,
    /// Ask for values and say whether they stand on the list
    #[arg(long, requires_all = ["list", "reason"])]
    value: bool,
    /// Why you ask for values, in a sentence without personal data: a service journals it
    #[arg(long, value_name = "TEXT", requires = "value")]
    reason: Option<String>,
    /// Most entries that are shown
    #[arg(long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// One JSON document on standard output
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at: At,
}

/// The document of `--json`: field names are stable.
#[derive(Debug, Default, Serialize)]
struct Report {
    lists: Vec<Size>,
    entries: Vec<Shown>,
}

#[derive(Debug, Serialize)]
struct Size {
    list: String,
    kind: &'static str,
    purpose: &'static str,
    entries: u64,
}

#[derive(Debug, Serialize)]
struct Shown {
    token: String,
    is_listed: bool,
    expires_at: Option<String>,
    since_seq: Option<u64>,
    why: Option<WhyShown>,
}

#[derive(Clone, Debug, Serialize)]
struct WhyShown {
    since: String,
    batch: u64,
    sources: Vec<&'static str>,
    reason: String,
    creator: String,
    approver: String,
    appeal: String,
    legal_basis: String,
}

/// Runs it.
pub(super) fn show(show: &Show) -> Result<(), Fault> {
    let Looking { bundle, limits, journal: dir } = show.at.looking()?;
    let mut engine = Engine::new(bundle, &limits)
        .map_err(|_| Fault::Wrong("the bundle's features cannot be laid out".to_owned()))?;
    // Whoever only looks takes no lock: a service may run meanwhile.
    recover(&mut engine, &dir)?;
    // What people have put in force, whatever the configuration names.
    let bundle = Arc::clone(engine.bundle());
    let mut report = Report::default();
    if let Some(list) = &show.list {
        let kind = list_kind(&bundle, list)?;
        let found = if show.value {
            let at = engine.last_received_at();
            let find =
                |token| (token, at.and_then(|at| engine.lists().find(list, kind, token, at)));
            typed(show, kind)?.into_iter().map(find).collect()
        } else {
            first_entries(engine.lists(), (list, kind), show.limit)
        };
        report.entries = shown(&dir, found)?;
    } else {
        let purposes: BTreeMap<(&str, EntityKind), ListPurpose> = bundle
            .lists
            .iter()
            .map(|spec| ((spec.name.as_str(), spec.kind), spec.purpose))
            .collect();
        report.lists = engine
            .lists()
            .sizes()
            .into_iter()
            .map(|(list, kind, entries)| {
                let purpose = purposes.get(&(list.as_str(), kind));
                let purpose = purpose.map_or("undeclared", |purpose| purpose.name());
                Size { list, kind: kind.name(), purpose, entries }
            })
            .collect();
    }
    write(&report, show.json)
}

/// The tokens of what is typed: made by the service, or under the keys.
fn typed(show: &Show, kind: EntityKind) -> Result<Vec<Token>, Fault> {
    if let Some(mut client) = show.at.service()? {
        let reason = show.reason.as_deref();
        return values::read(kind, values::around, &mut |values| {
            let texts = tokens(&mut client, kind, values, reason)?;
            Ok(texts.iter().map(TokenText::read).collect())
        });
    }
    let setting = show.at.setting()?;
    if let Some((journal, ..)) = &setting.journal {
        setting.means.keys.check_journal(journal, NAMESPACE, KeyUse::Append)?;
    }
    let keys = setting.means.keys.token_keys();
    let token = |value: &RawValue| value.token(kind, &keys);
    values::read(kind, values::around, &mut |values| Ok(values.iter().map(token).collect()))
}

fn first_entries(
    lists: &Lists,
    (list, kind): (&str, EntityKind),
    limit: usize,
) -> Vec<(Token, Option<Listed>)> {
    let mut found = Vec::new();
    lists.entries(list, kind, |token, listed| {
        if found.len() < limit {
            found.push((token, Some(listed)));
        }
    });
    found
}

/// Entries with why they are there; each change is read once.
fn shown(dir: &Path, found: Vec<(Token, Option<Listed>)>) -> Result<Vec<Shown>, Fault> {
    let key_version = key_version(dir)?;
    let mut reasons: BTreeMap<Seq, Option<WhyShown>> = BTreeMap::new();
    let mut out = Vec::with_capacity(found.len());
    for (token, listed) in found {
        let why = match listed {
            None => None,
            Some(listed) => match reasons.get(&listed.since) {
                Some(known) => known.clone(),
                None => {
                    let why = why(dir, listed.since)?;
                    reasons.insert(listed.since, why.clone());
                    why
                }
            },
        };
        out.push(Shown {
            token: token.display(key_version),
            is_listed: listed.is_some(),
            expires_at: listed.map(|listed| listed.expires_at.to_string()),
            since_seq: listed.map(|listed| listed.since.0),
            why,
        });
    }
    Ok(out)
}

/// The version of the keys that made the journal's tokens.
fn key_version(dir: &Path) -> Result<u16, Fault> {
    let Some(mut reader) = Reader::open(dir)? else { return Ok(0) };
    loop {
        match reader.read()? {
            Some(Item::Start(start)) => return Ok(start.token_key_version),
            Some(Item::Entry(entry)) => return Ok(entry.input.key_version),
            Some(Item::Bundle(_)) => {}
            None => return Ok(0),
        }
    }
}

/// What the journal says of a change; `None` when its segment is gone.
fn why(dir: &Path, seq: Seq) -> Result<Option<WhyShown>, Fault> {
    let Some(mut reader) = Reader::open_from(dir, seq)? else { return Ok(None) };
    while let Some(item) = reader.read()? {
        let Item::Entry(entry) = item else { continue };
        let Some(Control::ListAdd(addition)) = entry.input.control.as_deref() else {
            return Ok(None);
        };
        let told = &addition.provenance;
        let is_it = entry.seq == seq;
        return Ok(is_it.then(|| WhyShown {
            since: entry.input.received_at.to_string(),
            batch: told.batch,
            sources: told.sources.iter().map(|source| source.name()).collect(),
            reason: told.reason.clone(),
            creator: told.creator.clone(),
            approver: told.approver.clone(),
            appeal: told.appeal.clone(),
            legal_basis: told.legal_basis.clone(),
        }));
    }
    Ok(None)
}

fn write(report: &Report, json: bool) -> Result<(), Fault> {
    if json {
        let text = sonic_rs::to_string(report).unwrap_or_default();
        return writeln!(std::io::stdout(), "{text}").map_err(Fault::file("standard output"));
    }
    let mut text = String::new();
    for Size { list, kind, purpose, entries } in &report.lists {
        let entries = grouped(*entries);
        text.push_str(&format!("{list:<32} {kind:<12} {purpose:<10} {entries:>12}\n"));
    }
    for shown in &report.entries {
        let Some(until) = &shown.expires_at else {
            text.push_str(&format!("{}  not listed\n", shown.token));
            continue;
        };
        text.push_str(&format!("{}  until {until}\n", shown.token));
        if let Some(why) = &shown.why {
            let sources = why.sources.join(", ");
            text.push_str(&format!(
                "    since {} (input {}): {} [{sources}]; {}{}; appeal: {}\n",
                why.since,
                shown.since_seq.unwrap_or(0),
                why.reason,
                why.creator,
                match why.approver.as_str() {
                    "" => " alone, in an emergency".to_owned(),
                    approver => format!(" and {approver}"),
                },
                why.appeal
            ));
        }
    }
    std::io::stderr().write_all(text.as_bytes()).map_err(Fault::file("standard error"))
}
