//! What people change while the stream goes on: lists, the bundle in force, a rule. Each is an input.

use super::{EntityKind, EventTime, GuardMeasure, ListSource, Seq, Token};

/// A change that a person makes. It is numbered and journaled like an event, so that every decision
/// can be made again from the inputs before it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Control {
    /// Entries come onto a list; one that is there already gets the new expiry and batch.
    ListAdd(ListAddition),
    /// Entries leave a list; one that is not there is none.
    ListRemove(ListRemoval),
    /// Somebody wants a bundle to be live; nothing changes yet.
    Propose(Proposal),
    /// A bundle goes live with the next input.
    Activate(Activation),
    /// A rule of the bundle in force is asked no more.
    SwitchOff(SwitchedOff),
    /// A guard has found too much; nobody asked for it.
    Guard(GuardTrip),
    /// From here on another version of the engine computes what the journal keeps.
    Upgrade(Upgrade),
    /// Somebody asked for the tokens of values; it changes nothing.
    LookUp(TokenLookUp),
}

impl Control {
    /// What it is, as a word.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ListAdd(_) => "list_add",
            Self::ListRemove(_) => "list_remove",
            Self::Propose(_) => "propose",
            Self::Activate(_) => "activate",
            Self::SwitchOff(_) => "switch_off",
            Self::Guard(_) => "guard",
            Self::Upgrade(_) => "upgrade",
            Self::LookUp(_) => "token_look_up",
        }
    }
}

/// One entry of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ListEntry {
    /// Whom it names.
    pub token: Token,
    /// The first moment at which it holds no more.
    pub expires_at: EventTime,
}

/// Entries that come onto a list, all for one reason.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListAddition {
    /// The list's name in the bundle.
    pub list: String,
    /// What its entries are.
    pub kind: EntityKind,
    /// Whom it names from now on.
    pub entries: Vec<ListEntry>,
    /// Why, and who answers for it.
    pub provenance: Provenance,
}

/// Entries that leave a list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListRemoval {
    /// The list's name in the bundle.
    pub list: String,
    /// What its entries are.
    pub kind: EntityKind,
    /// Whom it names no more.
    pub tokens: Vec<Token>,
    /// Why, and who answers for it.
    pub provenance: Provenance,
}

/// Why a list changes, and who answers for it (DOMAIN R5, R13).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Provenance {
    /// What it is known from.
    pub sources: Vec<ListSource>,
    /// Why, as one sentence without personal data.
    pub reason: String,
    /// Who asks for it.
    pub creator: String,
    /// Who agrees: another person. Empty where the bundle grants one person an emergency right.
    pub approver: String,
    /// Where the one concerned can object.
    pub appeal: String,
    /// Why a third party may say so; needed for [`ListSource::Partner`].
    pub legal_basis: String,
    /// The same for every part of one change.
    pub batch: u64,
}

impl Provenance {
    /// Longest text of a field, in bytes.
    pub const TEXT_MAX: usize = 256;
    /// So many digits in a row are a number of a person.
    const DIGITS: usize = 10;

    /// Whether a list may change for this.
    pub fn check(&self) -> Result<(), ProvenanceFault> {
        if self.sources.iter().all(|source| *source == ListSource::ModelScore) {
            return Err(ProvenanceFault::NoSource);
        }
        for (field, text) in
            [("reason", &self.reason), ("creator", &self.creator), ("appeal", &self.appeal)]
        {
            if text.trim().is_empty() {
                return Err(ProvenanceFault::Missing { field });
            }
            check_text(field, text)?;
        }
        check_text("legal_basis", &self.legal_basis)?;
        check_text("approver", &self.approver)?;
        if self.sources.contains(&ListSource::Partner) && self.legal_basis.trim().is_empty() {
            return Err(ProvenanceFault::NoBasis);
        }
        if self.creator == self.approver {
            return Err(ProvenanceFault::SamePerson);
        }
        Ok(())
    }
}

/// Texts that stay: short, of one line, and without a number that could name a person.
fn check_text(field: &'static str, text: &str) -> Result<(), ProvenanceFault> {
    if text.len() > Provenance::TEXT_MAX {
        return Err(ProvenanceFault::TooLong { field });
    }
    if text.chars().any(char::is_control) {
        return Err(ProvenanceFault::NotOneLine { field });
    }
    let is_number = |part: &str| part.len() >= Provenance::DIGITS;
    if text.split(|c: char| !c.is_ascii_digit()).any(is_number) {
        return Err(ProvenanceFault::Number { field });
    }
    Ok(())
}

/// Why a list may not change so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ProvenanceFault {
    /// No source, or a model's score alone.
    NoSource,
    /// A field is empty.
    Missing {
        /// Which.
        field: &'static str,
    },
    /// A text is longer than [`Provenance::TEXT_MAX`].
    TooLong {
        /// Which.
        field: &'static str,
    },
    /// A text holds a line end or another control character.
    NotOneLine {
        /// Which.
        field: &'static str,
    },
    /// A text holds a number that could be a person's.
    Number {
        /// Which.
        field: &'static str,
    },
    /// A third party says so, and nothing says why it may.
    NoBasis,
    /// Nobody else agreed.
    SamePerson,
}

impl std::fmt::Display for ProvenanceFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoSource => f.write_str(
                "a list changes for a source that is not a model's score alone: name another one",
            ),
            Self::Missing { field } => write!(f, "`{field}` is missing: every change names it"),
            Self::TooLong { field } => {
                write!(f, "`{field}` is longer than {} bytes: shorten it", Provenance::TEXT_MAX)
            }
            Self::NotOneLine { field } => write!(f, "`{field}` must be one line of text"),
            Self::Number { field } => write!(
                f,
                "`{field}` holds a number of {} digits or more, which could be a person's: name \
                 the case instead",
                Provenance::DIGITS
            ),
            Self::NoBasis => f.write_str("what a partner says needs its legal basis: name it"),
            Self::SamePerson => {
                f.write_str("creator and approver are one person: another one has to agree")
            }
        }
    }
}

impl std::error::Error for ProvenanceFault {}

/// The content hash of a bundle.
pub type BundleDigest = [u8; 32];

/// What a bundle changes against another one: rules by id.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RuleDiff {
    /// Rules that are new.
    pub added: Vec<String>,
    /// Rules that are gone.
    pub removed: Vec<String>,
    /// Rules whose condition, effect, mode or scope is another one.
    pub changed: Vec<String>,
}

/// Somebody wants a bundle to be live.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Proposal {
    /// Which.
    pub bundle: BundleDigest,
    /// Who.
    pub proposer: String,
    /// What would change.
    pub diff: RuleDiff,
}

/// A bundle goes live.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Activation {
    /// Which.
    pub bundle: BundleDigest,
    /// Which was live before.
    pub before: BundleDigest,
    /// Why it may.
    pub ground: Ground,
    /// What changes.
    pub diff: RuleDiff,
}

/// Why a bundle may go live.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ground {
    /// Two people wanted it.
    Approved {
        /// Who proposed it.
        proposer: String,
        /// Who approved it: another person.
        approver: String,
        /// What the approver signed, where a key and not a user approved.
        signature: Option<Box<Signature>>,
    },
    /// It was live before, and somebody went back to it.
    RolledBack {
        /// Who.
        by: String,
    },
}

/// A signature by an approver's key, and what it was made over beside the bundle and the journal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Signature {
    /// Ed25519.
    pub bytes: [u8; 64],
    /// The input that proposed the bundle; 0 in a journal of before signatures covered it.
    pub proposal: Seq,
    /// The first moment at which it is good no more; [`EventTime::MIN`] in such a journal.
    pub expires_at: EventTime,
}

/// Somebody asked for the tokens of values, which are not told here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TokenLookUp {
    /// Who.
    pub by: String,
    /// What the values are.
    pub kind: EntityKind,
    /// How many.
    pub count: u32,
    /// Why, as one sentence without personal data.
    pub reason: String,
}

impl TokenLookUp {
    /// Whether tokens may be asked for so.
    pub fn check(&self) -> Result<(), ProvenanceFault> {
        if self.reason.trim().is_empty() {
            return Err(ProvenanceFault::Missing { field: "reason" });
        }
        check_text("reason", &self.reason)
    }
}

/// A rule is asked no more.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SwitchedOff {
    /// The rule's id.
    pub rule: String,
    /// Who switched it off.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl SwitchedOff {
    /// Whether a rule may be switched off for this: the reason stays, and names nobody.
    pub fn check(&self) -> Result<(), ProvenanceFault> {
        check_text("reason", &self.reason)
    }
}

/// What a guard has found, and what it does about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GuardTrip {
    /// Whose limit it is: a rule's, or the whole bundle's.
    pub about: Option<String>,
    /// The rules that the measure is for; none where there is only something to say.
    pub rules: Vec<String>,
    /// What is done.
    pub measure: GuardMeasure,
    /// Declines in a minute; for a canary the share of declines among those it meets, in hundredths
    /// of a percent.
    pub found: u32,
    /// The limit, in the same unit.
    pub limit: u32,
}

/// Another version of the engine goes on with a journal. State and answers are its own from here on:
/// what it makes of inputs that were counted before may differ from what was made of them then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Upgrade {
    /// The semantics under which the newest input before was applied.
    pub from: u32,
    /// The semantics from here on.
    pub to: u32,
    /// The snapshot of an older semantics that the state was taken from, by the first input that it
    /// has not seen; `None` where the new version counted every input itself, or went on from a
    /// snapshot of its own.
    pub snapshot: Option<Seq>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fine() -> Provenance {
        Provenance {
            sources: vec![ListSource::Investigation],
            reason: "case 17: cards sold in a forum".to_owned(),
            creator: "li".to_owned(),
            approver: "wang".to_owned(),
            appeal: "https://example.com/appeal/17".to_owned(),
            legal_basis: String::new(),
            batch: 1,
        }
    }

    /// R13: nobody stands on a list because a model said so, because one person wanted it, or for a
    /// reason that names him.
    #[test]
    fn a_list_changes_for_a_stated_reason_and_by_two_people() {
        #[track_caller]
        fn check(edit: impl Fn(&mut Provenance), expected: Result<(), ProvenanceFault>) {
            let mut provenance = fine();
            edit(&mut provenance);
            assert_eq!(provenance.check(), expected);
        }
        check(|_| {}, Ok(()));
        check(|p| p.sources = vec![ListSource::ModelScore], Err(ProvenanceFault::NoSource));
        check(|p| p.sources = Vec::new(), Err(ProvenanceFault::NoSource));
        check(|p| p.sources.push(ListSource::ModelScore), Ok(()));
        check(|p| p.approver = "li".to_owned(), Err(ProvenanceFault::SamePerson));
        check(|p| p.appeal = " ".to_owned(), Err(ProvenanceFault::Missing { field: "appeal" }));
        check(
            |p| p.reason = "card 6225881234567890".to_owned(),
            Err(ProvenanceFault::Number { field: "reason" }),
        );
        check(
            |p| p.reason = "a\nb".to_owned(),
            Err(ProvenanceFault::NotOneLine { field: "reason" }),
        );
        check(|p| p.reason = "a".repeat(257), Err(ProvenanceFault::TooLong { field: "reason" }));
        check(|p| p.sources = vec![ListSource::Partner], Err(ProvenanceFault::NoBasis));
    }
}
