//! What is looked for in a journal, and the records that are it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::card;
use crate::bundle::Bundle;
use crate::commands::assemble::NAMESPACE;
use crate::commands::report::{Fault, Span};
use crate::domain::{Action, EntityKind, ReasonId, Token};
use crate::edges::keys::Keys;
use crate::journal::{
    BundleRef, JournalIndex, Key, KeyUse, Position, ReadEntry, Reader, StoredBundle, Wanted,
};
use crate::stages::enrich::TokenKeys;

/// What is looked for; every condition must hold.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub(super) span: Span,
    pub(super) action: Option<Action>,
    pub(super) score: Option<(u16, u16)>,
    pub(super) reason: Option<String>,
    pub(super) rule: Option<String>,
    pub(super) merchant: Option<Token>,
    pub(super) card: Option<Token>,
}

/// The keys that make tokens, for what is asked by a raw value: those that made the journal's, or
/// nothing would be found and nobody would know why.
pub(super) fn token_keys(
    journal: &Path,
    keys: Option<&PathBuf>,
    asked: &str,
) -> Result<TokenKeys, Fault> {
    let needed = || Fault::Wrong(format!("{asked} needs --keys FILE: entities stand as tokens"));
    let path = keys.ok_or_else(needed)?;
    let keys = Keys::from_file(path).map_err(|error| Fault::Wrong(error.to_string()))?;
    keys.check_journal(journal, NAMESPACE, KeyUse::Look)?;
    Ok(keys.token_keys())
}

/// The token of a merchant's code.
pub(super) fn merchant(id: &str, keys: &TokenKeys) -> Result<Token, Fault> {
    keys.merchant(id).ok_or_else(|| Fault::Wrong("--merchant is empty".to_owned()))
}

/// The token of a card that is asked for at a prompt.
pub(super) fn card(keys: &TokenKeys) -> Result<Token, Fault> {
    card::token(keys)
}

/// A journal that is asked.
pub(super) struct Search {
    index: JournalIndex,
    bundles: BTreeMap<BundleRef, Named>,
}

/// A bundle of the journal by what it calls things.
struct Named {
    stored: StoredBundle,
    /// `None` when this version cannot compile it: its rules go by their numbers.
    compiled: Option<Bundle>,
}

/// What a query means in one journal: names as numbers of its bundles.
struct Resolved<'q> {
    query: &'q Query,
    reasons: Option<Vec<(BundleRef, ReasonId)>>,
    rules: Option<Vec<(BundleRef, u16)>>,
}

impl Search {
    /// Opens a journal's indexes, making those that are missing.
    pub(super) fn open(journal: &Path, making: impl FnMut(usize, usize)) -> Result<Self, Fault> {
        let missing = || Fault::NoJournal(journal.to_owned());
        if !journal.is_dir() || Reader::open(journal)?.is_none() {
            return Err(missing());
        }
        let mut index = JournalIndex::open(journal, making)?;
        let mut bundles = BTreeMap::new();
        for stored in index.bundles()? {
            let files =
                stored.files.iter().map(|file| (file.path.clone(), file.content.clone())).collect();
            let compiled = Bundle::compile_kept(&files).ok();
            bundles.insert(stored.bundle, Named { stored, compiled });
        }
        Ok(Self { index, bundles })
    }

    /// Inputs of the journal.
    pub(super) fn inputs(&self) -> u64 {
        self.index.inputs()
    }

    /// The newest bundle that this version can compile: for the currency of amounts.
    pub(super) fn newest_bundle(&self) -> Option<&Bundle> {
        self.bundles.values().rev().find_map(|named| named.compiled.as_ref())
    }

    /// How many records are what is asked for, and the newest `most` of them, given to `visit` in
    /// their order.
    pub(super) fn find(
        &mut self,
        query: &Query,
        most: usize,
        mut visit: impl FnMut(&ReadEntry, &Names<'_>),
    ) -> Result<u64, Fault> {
        let Self { index, bundles } = self;
        let resolved = Resolved::of(query, bundles)?;
        let wanted = resolved.wanted();
        let has_keys = !wanted.keys.is_empty();
        let mut found = index.find(&wanted)?;
        if has_keys {
            // A key may stand for two things: only the record knows.
            let mut sure: Vec<Position> = Vec::with_capacity(found.len());
            for position in found {
                if resolved.is_it(index.read(position)?) {
                    sure.push(position);
                }
            }
            found = sure;
        }
        let skipped = found.len().saturating_sub(most);
        for position in found.iter().skip(skipped) {
            visit(index.read(*position)?, &Names { bundles });
        }
        Ok(found.len() as u64)
    }
}

/// What the bundles of a journal call the things of a record.
pub(super) struct Names<'a> {
    bundles: &'a BTreeMap<BundleRef, Named>,
}

impl Names<'_> {
    /// The codes of a decision's reasons.
    pub(super) fn reasons(&self, entry: &ReadEntry) -> Vec<String> {
        let table = self.bundles.get(&entry.bundle).map(|named| &named.stored.reasons);
        let code = |id: &ReasonId| {
            let known = table.and_then(|table| table.iter().find(|(known, _)| known == id));
            known.map_or_else(|| format!("reason_{}", id.0), |(_, code)| code.clone())
        };
        entry
            .body()
            .map_or_else(Vec::new, |body| body.reasons.as_slice().iter().map(code).collect())
    }

    /// The ids of the rules that held, with effect or without.
    pub(super) fn rules(&self, entry: &ReadEntry) -> Vec<String> {
        let compiled = self.bundles.get(&entry.bundle).and_then(|named| named.compiled.as_ref());
        let rules = compiled.map_or(&[][..], |bundle| bundle.rules.rules());
        let id = |rule: &u16| {
            let known = rules.get(usize::from(*rule));
            known.map_or_else(|| format!("rule_{rule}"), |rule| rule.id.clone())
        };
        entry.fired.iter().chain(&entry.shadow).map(id).collect()
    }
}

impl<'q> Resolved<'q> {
    fn of(query: &'q Query, bundles: &BTreeMap<BundleRef, Named>) -> Result<Self, Fault> {
        let unknown = |what: &str, name: &str| {
            Fault::Wrong(format!("no bundle of this journal has a {what} {name}"))
        };
        let reasons = query.reason.as_deref().map(|code| {
            let all = bundles.iter().flat_map(|(number, named)| {
                let known = named.stored.reasons.iter().filter(|(_, known)| known == code);
                known.map(|(id, _)| (*number, *id))
            });
            Some(all.collect::<Vec<_>>())
                .filter(|all| !all.is_empty())
                .ok_or_else(|| unknown("reason", code))
        });
        let rules = query.rule.as_deref().map(|id| {
            let all = bundles.iter().filter_map(|(number, named)| {
                let rules = named.compiled.as_ref()?.rules.rules();
                let at = rules.iter().position(|rule| rule.id == id)?;
                Some((*number, u16::try_from(at).ok()?))
            });
            Some(all.collect::<Vec<_>>())
                .filter(|all| !all.is_empty())
                .ok_or_else(|| unknown("rule", id))
        });
        Ok(Self { query, reasons: reasons.transpose()?, rules: rules.transpose()? })
    }

    fn wanted(&self) -> Wanted {
        let Query { span, action, score, merchant, card, .. } = self.query;
        let mut keys = Vec::new();
        if let Some(token) = merchant {
            keys.push(vec![Key::entity(EntityKind::Merchant, *token)]);
        }
        if let Some(token) = card {
            // A card that was paid to stands as payee, under the token of the card.
            let kinds = [EntityKind::Card, EntityKind::Payee];
            keys.push(kinds.map(|kind| Key::entity(kind, *token)).to_vec());
        }
        if let Some(reasons) = &self.reasons {
            keys.push(reasons.iter().map(|(of, id)| Key::reason(*of, *id)).collect());
        }
        if let Some(rules) = &self.rules {
            keys.push(rules.iter().map(|(of, rule)| Key::rule(*of, *rule)).collect());
        }
        Wanted { keys, from: span.from, to: span.to, action: *action, score: *score }
    }

    /// Whether a record is what the keys stand for.
    fn is_it(&self, entry: &ReadEntry) -> bool {
        let tokens = &entry.input.tokens;
        let is = |kind, token: &Token| tokens.get(kind) == Some(*token);
        let reasons = entry.body().map_or(&[][..], |body| body.reasons.as_slice());
        let has_reason =
            |(of, id): &(BundleRef, ReasonId)| *of == entry.bundle && reasons.contains(id);
        let has_rule = |(of, rule): &(BundleRef, u16)| {
            *of == entry.bundle && (entry.fired.contains(rule) || entry.shadow.contains(rule))
        };
        let Query { merchant, card, .. } = self.query;
        merchant.as_ref().is_none_or(|token| is(EntityKind::Merchant, token))
            && card
                .as_ref()
                .is_none_or(|token| is(EntityKind::Card, token) || is(EntityKind::Payee, token))
            && self.reasons.as_ref().is_none_or(|all| all.iter().any(has_reason))
            && self.rules.as_ref().is_none_or(|all| all.iter().any(has_rule))
    }
}

#[cfg(test)]
#[path = "search_tests.rs"]
mod tests;
