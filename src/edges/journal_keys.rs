//! Whether a key file is a journal's: asked by everything that uses keys on one, before it does.

use std::path::Path;

use super::keys::Keys;
use crate::engine::token_under;
use crate::journal::{JournalError, KeyUse, Proof, check_keys};

impl Keys {
    /// Refuses keys that are not those of the journal in a directory. A directory without a journal
    /// takes any. `namespace` is the client's, whose event ids have tokens in the journal.
    pub fn check_journal(
        &self,
        journal: &Path,
        namespace: &str,
        purpose: KeyUse,
    ) -> Result<(), JournalError> {
        if !journal.is_dir() {
            return Ok(());
        }
        let token_keys = self.token_keys();
        let proof = Proof {
            token_key: self.token_key(),
            token_of: &|entry| token_under(&token_keys, namespace, entry),
            seal_keys: self.seal_keys(),
        };
        check_keys(journal, &proof, purpose)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edges::keys::generate;
    use crate::edges::past::tests::{Bench, payment};
    use crate::journal::{Directory, without_key_checks};

    /// Keys with another secret in one of the two places, and with other numbers.
    fn variants() -> Vec<(&'static str, Keys)> {
        let parse = |text: &str| Keys::parse(text).unwrap();
        let text = |token: (u16, &str), journal: (u32, &str)| {
            format!(
                "[token]\nversion = {}\nkey = \"{}\"\n[[journal]]\nid = {}\nkey = \"{}\"\n",
                token.0, token.1, journal.0, journal.1
            )
        };
        let (one, other) = ("01".repeat(16) + &"02".repeat(16), "03".repeat(16) + &"04".repeat(16));
        let (seal, new_seal) =
            ("05".repeat(16) + &"06".repeat(16), "07".repeat(16) + &"08".repeat(16));
        vec![
            ("", parse(&text((1, &one), (1, &seal)))),
            ("another token key", parse(&text((1, &other), (1, &seal)))),
            ("another journal key", parse(&text((1, &one), (1, &new_seal)))),
            ("version 2 is given", parse(&text((2, &other), (1, &seal)))),
            // A seal key with a number of its own is a rotation.
            ("", parse(&text((1, &one), (2, &new_seal)))),
        ]
    }

    fn check(journal: &Path, purpose: KeyUse, seals_matter: bool) {
        for (fault, keys) in variants() {
            let refused = keys.check_journal(journal, "", purpose).err();
            let text = refused.as_ref().map(ToString::to_string).unwrap_or_default();
            let fault = if !seals_matter && fault.contains("journal key") { "" } else { fault };
            assert!(text.contains(fault) && fault.is_empty() == text.is_empty(), "{fault}: {text}");
            assert!(refused.is_none_or(|error| error.is_other_key()));
        }
    }

    /// Under another secret an event would be decided twice and a listed card not be listed, without
    /// a word: it is refused by name, by the headers, and in a journal of before by what stands there.
    #[test]
    fn another_secret_under_the_same_number_is_refused() {
        for is_old in [false, true] {
            let (_, keys) = variants().remove(0);
            let mut bench = Bench::under(keys);
            let mut pipeline = bench.open("");
            bench.give(&mut pipeline, &payment(1, 100));
            pipeline.close().unwrap();
            let journal = bench.dir.path();
            if is_old {
                without_key_checks(&Directory::from(journal)).unwrap();
            }
            check(journal, KeyUse::Append, true);
            check(journal, KeyUse::Look, false);
        }
    }

    /// No journal, no quarrel.
    #[test]
    fn any_keys_begin_a_journal() {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::parse(&generate().unwrap()).unwrap();
        for place in [dir.path(), &dir.path().join("none")] {
            keys.check_journal(place, "", KeyUse::Append).unwrap();
        }
    }
}
