//! What a request comes to: who may ask for it, whether it is sound, and the order to the engine.
//! Everything slow (compiling, cases, the disk) happens here, beside the stream.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;

use super::allowance::{Allowance, Limits};
use super::approval::{SHOWN_FOR_MS, after, bundle_approval, check_expiry};
use super::drafts::Drafts;
use super::handles::Handles;
use super::order::Change;
use super::people::{People, Role};
use super::request::{Answer, Request, list_change};
use super::rule_diff::rule_diff;
use super::tokens::{RawValue, TokenText, VALUES_MAX};
use crate::bundle::{Bundle, Finding, Trial, check_file_name};
use crate::domain::{
    Activation, BundleDigest, Control, EntityKind, EventTime, Ground, Proposal, RuleDiff, Seq,
    Signature, SwitchedOff, TokenLookUp,
};
use crate::edges::bundle_store::BundleStore;
use crate::edges::list_proposals::ListProposals;
use crate::engine::{Lists, Prepared, Standing, check_currency};
use crate::journal::JournalId;
use crate::stages::enrich::TokenKeys;

/// Faults of a bundle that an answer names; the check command names them all.
const FAULTS_SHOWN: usize = 20;
/// Where a bundle says what currencies are worth.
const RATES: &str = "fx.csv";

/// What has to be known to judge a request.
#[derive(Clone, Debug)]
pub struct Office {
    people: People,
    store: BundleStore,
    standing: Standing,
    in_force: Arc<ArcSwap<Bundle>>,
    keys: Option<Arc<TokenKeys>>,
    tries: Tries,
    /// Bytes of proposals, which stay on the journal's disk.
    proposed: Arc<Allowance>,
    /// Tokens that were looked up.
    looked_up: Arc<Allowance>,
    handles: Arc<Handles>,
    pub(super) drafts: Arc<Drafts>,
    pub(super) lists: ListProposals,
    /// Who stands on the lists now.
    pub(super) listed: Lists,
    pub(super) journal: Option<JournalId>,
}

/// What one person may look up, in tokens: enough for a case, and too few to try a card's digits.
const LOOKED_UP: Limits = Limits { burst: 50, per_minute: 5, per_day: 500 };

/// What one person may have stored of proposals, in bytes.
const PROPOSED: Limits = Limits { burst: 256 << 20, per_minute: 4 << 20, per_day: 1 << 30 };

/// How the cases of a bundle are tried; the error says why they cannot be. Those by events need an
/// engine of their own each, which whoever opens the office knows how to make.
pub type Tries = fn(&Bundle, &BTreeMap<String, Vec<u8>>) -> Result<Trial, String>;

/// A bundle that passed every check.
#[derive(Debug)]
pub struct Candidate {
    /// Ready for the engine.
    pub prepared: Prepared,
    /// What it changes.
    pub diff: RuleDiff,
    /// What else changes, in sentences for whoever proposes and approves it.
    pub notes: Vec<String>,
}

/// A signature that somebody brings, and until when what was signed holds.
#[derive(Clone, Copy, Debug)]
pub struct Signed {
    /// Ed25519.
    pub signature: [u8; 64],
    /// When it ends.
    pub expires: EventTime,
}

impl Office {
    /// An office for a journal, as its engine stands.
    pub fn new(people: People, journal: &Path, standing: Standing, in_force: Arc<Bundle>) -> Self {
        let in_force = Arc::new(ArcSwap::new(in_force));
        let tries: Tries = |bundle, _| Ok(bundle.test());
        let proposed = Arc::new(Allowance::new(PROPOSED));
        let store = BundleStore::of(journal);
        Self {
            people,
            store,
            standing,
            in_force,
            keys: None,
            tries,
            proposed,
            looked_up: Arc::new(Allowance::new(LOOKED_UP)),
            handles: Arc::new(Handles::draw()),
            drafts: Arc::default(),
            lists: ListProposals::of(journal),
            listed: Lists::default(),
            journal: None,
        }
    }

    /// The same, where cases by events are played, too.
    #[must_use]
    pub const fn with_tries(mut self, tries: Tries) -> Self {
        self.tries = tries;
        self
    }

    /// The same, where values become tokens for people who hold no key.
    #[must_use]
    pub fn with_keys(self, keys: TokenKeys) -> Self {
        Self { keys: Some(Arc::new(keys)), ..self }
    }

    /// The same, where the lists of an engine are known: what leaves them has to stand there.
    #[must_use]
    pub fn with_lists(self, listed: &Lists) -> Self {
        Self { listed: listed.clone(), ..self }
    }

    /// The same, of a journal by its name: what signatures are made for.
    #[must_use]
    pub const fn of_journal(mut self, journal: Option<JournalId>) -> Self {
        self.journal = journal;
        self
    }

    pub(super) fn journal(&self) -> Result<JournalId, String> {
        self.journal.ok_or_else(|| "there is no journal that a signature could be for".to_owned())
    }

    /// Whether keys may approve.
    pub(super) const fn has_keys(&self) -> bool {
        !self.people.keys.is_empty()
    }

    /// The person whose key has signed a text.
    pub(super) fn signer(&self, text: &str, signature: &[u8; 64]) -> Result<String, String> {
        let signer = self.people.signer(text.as_bytes(), signature).map(str::to_owned);
        signer.ok_or_else(|| {
            "the signature is of no approver's key, or of another text: of another journal, bundle, \
             proposal or time, or of a bundle that replaces another one. Sign the text that \
             `tidegate rules activate` or `tidegate lists` has printed"
                .to_owned()
        })
    }

    /// The store of bundles.
    pub const fn store(&self) -> &BundleStore {
        &self.store
    }

    /// Who may do anything.
    pub const fn people(&self) -> &People {
        &self.people
    }

    /// The bundle in force.
    pub fn in_force(&self) -> Arc<Bundle> {
        self.in_force.load_full()
    }

    /// Another bundle is in force.
    pub fn now_in_force(&self, bundle: Arc<Bundle>) {
        self.in_force.store(bundle);
    }

    /// Does what a person asks for.
    pub fn serve(
        &self,
        request: &Request,
        (person, now): (&str, EventTime),
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Answer {
        self.judge(request, (person, now), send).unwrap_or_else(Answer::refused)
    }

    fn judge(
        &self,
        request: &Request,
        (person, now): (&str, EventTime),
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Result<Answer, String> {
        self.may(request, person)?;
        if let Some((part, haste)) = list_change(request, person, &self.handles)? {
            return self.list_part(part, haste, person, send);
        }
        match request {
            Request::ListPropose { batch } => self.list_propose(*batch, person, now),
            Request::ListWaiting => Ok(self.list_waiting(now)),
            Request::ListApprove { change, signature, expires } => {
                let signed = read_signed(signature.as_deref(), expires.as_deref())?;
                self.list_approve(change, person, (signed, now), send)
            }
            Request::Propose { files } => {
                let file = |(name, text): (&String, &String)| (name.clone(), text.clone().into());
                let answer = self.propose(&files.iter().map(file).collect(), person, send)?;
                Ok(self.with_text_to_sign(answer, now))
            }
            Request::Approve { bundle, signature, proposal, expires } => {
                let signed = read_signed(signature.as_deref(), expires.as_deref())?;
                let signed = signed.map(|signed| (signed, Seq(proposal.unwrap_or(0))));
                self.approve(bundle, person, (signed, now), send)
            }
            Request::Rollback { bundle } => {
                let ground = Ground::RolledBack { by: person.to_owned() };
                self.activate(self.stored(bundle)?, ground, send)
            }
            Request::SwitchOff { rule, reason } => {
                let off = SwitchedOff {
                    rule: rule.clone(),
                    by: person.to_owned(),
                    reason: reason.clone(),
                };
                let seq = send(Change::Control(Control::SwitchOff(off)))?;
                Ok(Answer { ok: true, seq: Some(seq.0), ..Answer::default() })
            }
            Request::Tokens { kind, values, look_up } => {
                self.tokens(kind, values, (person, look_up.as_deref()), send)
            }
            Request::Hello | Request::ListAdd { .. } | Request::ListRemove { .. } => {
                let bundle = self.in_force();
                let list = |list: &crate::bundle::ListSpec| {
                    (list.name.clone(), list.kind.name().to_owned())
                };
                Ok(Answer {
                    ok: true,
                    person: Some(person.to_owned()),
                    bundle: Some(bundle.name()),
                    lists: bundle.lists.iter().map(list).collect(),
                    ..Answer::default()
                })
            }
        }
    }

    fn may(&self, request: &Request, person: &str) -> Result<(), String> {
        use Role::{Analyst, Approver, Operator};
        let (roles, does): (&[Role], _) = match request {
            Request::Hello => return Ok(()),
            Request::Tokens { .. }
            | Request::ListAdd { .. }
            | Request::ListRemove { .. }
            | Request::ListPropose { .. } => (&[Analyst, Approver], "changes lists"),
            Request::ListWaiting => (&[Analyst, Approver, Operator], ""),
            Request::ListApprove { signature: Some(_), .. } => (&[Analyst, Approver, Operator], ""),
            Request::ListApprove { signature: None, .. } => {
                (&[Approver], "approves changes of lists")
            }
            Request::Propose { .. } => (&[Analyst], "proposes bundles"),
            // Whoever brings a signature only carries it.
            Request::Approve { signature: Some(_), .. } => (&[Analyst, Approver, Operator], ""),
            Request::Approve { signature: None, .. } => (&[Approver], "approves bundles"),
            Request::Rollback { .. } => (&[Operator, Approver], "goes back to a bundle"),
            Request::SwitchOff { .. } => (&[Operator, Approver], "switches rules off"),
        };
        if self.people.may(person, roles) {
            return Ok(());
        }
        Err(format!("{person} has no role that {does}: [admin] of the configuration gives roles"))
    }

    /// Personal values become tokens or handles of tokens, and are forgotten. Tokens are few, for a
    /// reason, and the journal says who had them: it is told first.
    fn tokens(
        &self,
        kind: &str,
        values: &[RawValue],
        (person, look_up): (&str, Option<&str>),
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Result<Answer, String> {
        let keys = self.keys.as_deref().ok_or("there are no keys here")?;
        let kind = EntityKind::parse(kind).ok_or("`kind` is no kind of entity")?;
        if values.len() > VALUES_MAX {
            return Err(format!("more than {VALUES_MAX} values: ask in parts"));
        }
        let mut answer = Answer { ok: true, ..Answer::default() };
        if let Some(reason) = look_up {
            let (by, reason, count) = (person.to_owned(), reason.to_owned(), values.len() as u32);
            let asked = TokenLookUp { by, kind, count, reason };
            asked.check().map_err(|fault| fault.to_string())?;
            self.looked_up.take(person, u64::from(count), Instant::now()).map_err(|wait| {
                let minutes = wait.as_secs().div_ceil(60);
                format!("{person} has looked up too many values: try again in {minutes} minutes")
            })?;
            answer.seq = Some(send(Change::Control(Control::LookUp(asked)))?.0);
        }
        let text = |value: &RawValue| {
            let token = value.token(kind, keys);
            match token {
                Ok(token) if look_up.is_none() && !value.is_shown_token(keys) => {
                    let handle = self.handles.close(person, token);
                    let fault = || TokenText::Fault("there are no handles here".to_owned());
                    handle.map_or_else(fault, |handle| TokenText::Handle(format!("{handle:?}")))
                }
                token => TokenText::of(&token),
            }
        };
        answer.tokens = values.iter().map(text).collect();
        Ok(answer)
    }

    /// Adds what an approver's key would sign, where keys approve.
    fn with_text_to_sign(&self, answer: Answer, now: EventTime) -> Answer {
        let digest = answer.bundle.as_deref().and_then(read_digest);
        let (Some(journal), Some(bundle), Some(seq)) = (self.journal, digest, answer.seq) else {
            return answer;
        };
        let replaces = self.in_force().hash;
        let expires = after(now, SHOWN_FOR_MS);
        let text = || bundle_approval(journal, (&bundle, &replaces), Seq(seq), expires);
        Answer { to_sign: self.has_keys().then(text), ..answer }
    }

    /// A bundle is checked, tried, stored and proposed.
    pub fn propose(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
        person: &str,
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Result<Answer, String> {
        files.keys().try_for_each(|name| check_file_name(name))?;
        let Candidate { prepared, diff, notes } = self.examine(files)?;
        let mut findings = looked_over(prepared.bundle(), files)?;
        findings.extend(notes);
        let bundle = prepared.digest();
        let bytes = files.values().map(|content| content.len() as u64).sum();
        self.proposed.take(person, bytes, Instant::now()).map_err(|wait| {
            let minutes = wait.as_secs().div_ceil(60);
            format!("{person} has proposed too many bytes: try again in {minutes} minutes")
        })?;
        self.store.put(&bundle, files).map_err(|error| error.to_string())?;
        let proposer = person.to_owned();
        let proposal = Proposal { bundle, proposer, diff: diff.clone() };
        let seq = send(Change::Control(Control::Propose(proposal)))?;
        Ok(Answer { findings, ..answer(seq, &bundle, diff) })
    }

    /// A proposed bundle goes live, in the name of the person or of whose key has signed.
    pub fn approve(
        &self,
        name: &str,
        person: &str,
        (signed, now): (Option<(Signed, Seq)>, EventTime),
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Result<Answer, String> {
        let candidate = self.stored(name)?;
        let bundle = candidate.prepared.digest();
        let (approver, signature) = match signed {
            None => (person.to_owned(), None),
            Some((Signed { signature, expires }, proposal)) => {
                check_expiry(expires, now)?;
                let replaces = self.in_force().hash;
                let about = (&bundle, &replaces);
                let text = bundle_approval(self.journal()?, about, proposal, expires);
                let signer = self.signer(&text, &signature)?;
                let signature = Signature { bytes: signature, proposal, expires_at: expires };
                (signer, Some(Box::new(signature)))
            }
        };
        // Who proposed it the engine knows: it fills the name in, or refuses.
        let ground = Ground::Approved { proposer: String::new(), approver, signature };
        self.activate(candidate, ground, send)
    }

    /// Puts a bundle in force.
    pub fn activate(
        &self,
        candidate: Candidate,
        ground: Ground,
        send: &mut dyn FnMut(Change) -> Result<Seq, String>,
    ) -> Result<Answer, String> {
        let Candidate { prepared, diff, notes } = candidate;
        let (bundle, next) = (prepared.digest(), Arc::clone(prepared.bundle()));
        let before = self.in_force().hash;
        let activation = Activation { bundle, before, ground, diff: diff.clone() };
        let seq = send(Change::Activate(activation, Box::new(prepared)))?;
        self.now_in_force(next);
        Ok(Answer { findings: notes, ..answer(seq, &bundle, diff) })
    }

    /// A bundle of the store, examined.
    pub fn stored(&self, name: &str) -> Result<Candidate, String> {
        let files = self.store.get(name).map_err(|error| error.to_string())?;
        let candidate = self.consider(&files, Bundle::compile_kept(&files))?;
        let digits = name.strip_prefix("sha256:").unwrap_or(name).to_ascii_lowercase();
        if !shown(&candidate.prepared.digest())[7..].starts_with(&digits) {
            return Err("the stored files are no longer those that were proposed".to_owned());
        }
        Ok(candidate)
    }

    /// Everything that a bundle must pass before anybody decides under it.
    pub fn examine(&self, files: &BTreeMap<String, Vec<u8>>) -> Result<Candidate, String> {
        self.consider(files, Bundle::compile(files))
    }

    fn consider(
        &self,
        files: &BTreeMap<String, Vec<u8>>,
        compiled: Result<Bundle, Vec<crate::bundle::Fault>>,
    ) -> Result<Candidate, String> {
        let bundle = compiled.map_err(|faults| {
            let texts = faults.iter().map(ToString::to_string).collect::<Vec<_>>();
            sentence("the bundle has faults", &texts)
        })?;
        let failures = (self.tries)(&bundle, files)?.failures;
        if !failures.is_empty() {
            let texts: Vec<String> = failures
                .iter()
                .map(|failure| format!("rule {}, case \"{}\"", failure.rule, failure.case))
                .collect();
            return Err(sentence("cases of the bundle fail", &texts));
        }
        let in_force = self.in_force();
        check_currency(&in_force, &bundle).map_err(|refusal| refusal.to_string())?;
        let (diff, notes) = (rule_diff(&in_force, &bundle), rates_told(&in_force, &bundle));
        let prepared = self.standing.prepare(Arc::new(bundle), files).map_err(|faults| {
            let texts: Vec<String> = faults
                .iter()
                .map(|fault| format!("{}: {}", fault.feature, fault.message))
                .collect();
            sentence("the bundle's features cannot be laid out", &texts)
        })?;
        Ok(Candidate { prepared, diff, notes })
    }
}

/// What is odd about a bundle that compiles; the error names what may not go live.
fn looked_over(bundle: &Bundle, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<String>, String> {
    let findings = bundle.lint(files).findings;
    let barring: Vec<String> =
        findings.iter().filter(|one| one.kind.bars()).map(Finding::told).collect();
    if !barring.is_empty() {
        return Err(sentence("the bundle has rules that cannot be meant", &barring));
    }
    Ok(findings.iter().take(FAULTS_SHOWN).map(Finding::told).collect())
}

/// Other exchange rates move every limit and change no rule.
fn rates_told(in_force: &Bundle, bundle: &Bundle) -> Vec<String> {
    let changes = in_force.changes_to(bundle).into_iter();
    let rates: Vec<String> = changes.filter(|one| one.file == RATES).map(|one| one.text).collect();
    let told = sentence("exchange rates change", &rates);
    if rates.is_empty() { Vec::new() } else { vec![told] }
}

fn answer(seq: Seq, bundle: &BundleDigest, diff: RuleDiff) -> Answer {
    let RuleDiff { added, removed, changed } = diff;
    let (seq, bundle) = (Some(seq.0), Some(shown(bundle)));
    Answer { ok: true, seq, bundle, added, removed, changed, ..Answer::default() }
}

fn sentence(what: &str, texts: &[String]) -> String {
    let mut sentence = format!("{what}: {}", texts[..texts.len().min(FAULTS_SHOWN)].join("; "));
    if texts.len() > FAULTS_SHOWN {
        let _ = write!(sentence, "; and {} more", texts.len() - FAULTS_SHOWN);
    }
    sentence
}

fn shown(bundle: &BundleDigest) -> String {
    let hex: String = bundle.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

fn read_digest(name: &str) -> Option<BundleDigest> {
    let digits = name.strip_prefix("sha256:")?;
    let mut digest = BundleDigest::default();
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}

fn read_signed(signature: Option<&str>, expires: Option<&str>) -> Result<Option<Signed>, String> {
    let Some(signature) = signature else { return Ok(None) };
    let expires = expires.and_then(|text| EventTime::parse_rfc3339(text).ok());
    let expires = expires.ok_or(
        "a signature comes with the `expires` that was signed, in RFC 3339; one over the bare hash \
         is not taken any more: sign the text that the proposal's answer shows",
    )?;
    Ok(Some(Signed { signature: read_signature(signature)?, expires }))
}

fn read_signature(text: &str) -> Result<[u8; 64], String> {
    let wrong = || "a signature is 128 hexadecimal digits".to_owned();
    if text.len() != 128 {
        return Err(wrong());
    }
    let mut signature = [0; 64];
    for (at, byte) in signature.iter_mut().enumerate() {
        let pair = text.get(2 * at..2 * at + 2).ok_or_else(wrong)?;
        *byte = u8::from_str_radix(pair, 16).map_err(|_| wrong())?;
    }
    Ok(signature)
}
