//! Which currencies came and have no rate: amounts that no rule over the base currency can speak of.

use std::collections::BTreeMap;
use std::path::Path;

use super::prepare::Means;
use crate::domain::{Amount, Currency, Fact};
use crate::journal::{Item, JournalError, Reader};

/// Inputs of a journal that are looked at, from its end.
pub(super) const NEWEST: u64 = 20_000;

/// Inputs by currency.
pub(super) type NoRate = BTreeMap<String, u64>;

/// Currencies among a journal's newest inputs that had no rate when they came and have none now, with
/// the number of inputs; none where there is no journal.
pub(super) fn seen(journal: &Path, means: &Means) -> Result<NoRate, JournalError> {
    let mut seen = NoRate::new();
    if !journal.is_dir() {
        return Ok(seen);
    }
    let Some(mut reader) = Reader::open_newest(journal, NEWEST)? else { return Ok(seen) };
    while let Some(item) = reader.read()? {
        let Item::Entry(entry) = item else { continue };
        let facts = &entry.input.facts;
        if let (Some(code), false) = (facts.text(Fact::Currency), facts.has(Fact::AmountBase)) {
            match seen.get_mut(code) {
                Some(count) => *count += 1,
                None => _ = seen.insert(code.to_owned(), 1),
            }
        }
    }
    seen.retain(|code, _| !has_rate(code, means));
    Ok(seen)
}

/// Whether a table of rates, or else the bundle, says now what a currency is worth.
fn has_rate(code: &str, means: &Means) -> bool {
    let one = Currency::parse(code).and_then(|currency| Amount::from_minor(1, currency).ok());
    let tables = means.tables.current();
    let rates = tables.fx.as_ref().map_or(&means.bundle.fx, |fx| &fx.table);
    one.is_some_and(|one| rates.to_base(one).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::shipped_files;
    use crate::commands::assemble::{Assembly, assemble};
    use crate::config::BundleFrom;
    use crate::edges::keys::Keys;
    use crate::edges::tables::TablePaths;
    use crate::engine::{EngineLimits, Intent, Pace};
    use crate::journal::Durability;
    use crate::stages::decode::{Door, TimeLimits};
    use crate::stages::enrich::Tables;
    use crate::stages::mask::Profile;

    /// Whoever is paid in a currency that nobody gave a rate hears of it before an attacker tells.
    #[test]
    fn currencies_of_a_journal_without_a_rate_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let journal = dir.path().join("journal");
        let means = Means::load(Ok(Keys::demo()), &BundleFrom::Shipped, &TablePaths::default());
        let means = means.ok().unwrap();
        assert!(seen(&journal, &means).unwrap().is_empty(), "there is no journal");
        let (mut pipeline, _) = assemble(Assembly {
            bundle: means.bundle.clone(),
            bundle_files: &shipped_files(),
            keys: &means.keys,
            journal: Some((journal.clone(), 1 << 20, Durability::Written)),
            door: Door::default(),
            times: TimeLimits::default(),
            limits: EngineLimits { recent_events: 1_000, ..EngineLimits::default() },
            profile: Profile::shipped("default").unwrap(),
            pace: Pace::Unhurried,
        })
        .unwrap();
        for (n, currency) in ["CNY", "CNH", "USD", "CNH", "XAU"].into_iter().enumerate() {
            let line = format!(
                "{{\"event_id\": \"e{n}\", \"kind\": \"transfer\", \"service\": \"internet_payment\", \
                 \"occurred_at\": \"2026-03-10T10:00:00+08:00\", \
                 \"amount\": {{\"minor\": 100, \"currency\": \"{currency}\"}}}}"
            );
            let lookups = (&Tables::default(), &means.keys.token_keys());
            pipeline.process(line.as_bytes(), (None, None), Intent::Decide, lookups).unwrap();
        }
        pipeline.close().unwrap();
        let expected = BTreeMap::from([("CNH".to_owned(), 2), ("XAU".to_owned(), 1)]);
        assert_eq!(seen(&journal, &means).unwrap(), expected);
    }
}
