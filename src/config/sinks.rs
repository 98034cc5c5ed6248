//! `[[sink]]`: who reads each output, for which purpose, in which country, on which basis.
//!
//! R7: purpose is checked at each sink, and risk data does not go to marketing. R11: a log of who,
//! what and why. R19: data stays in the country unless purpose, types, consent and agreement are
//! recorded (DOMAIN 1.2).

use crate::edges::kafka::Outputs;

use super::kafka::topic_fault;
use super::section::Section;

/// One declared reader of an output.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sink {
    /// What it gets.
    pub kind: SinkKind,
    /// Through which topic.
    pub topic: String,
    /// Who reads it.
    pub recipient: String,
    /// For what.
    pub purpose: Purpose,
    /// Where: ISO 3166-1 alpha-2.
    pub country: String,
    /// The disclosure profile of a decision.
    pub profile: Option<String>,
    /// Why it is allowed, where that needs a reason.
    pub basis: Option<Basis>,
}

/// What a sink gets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SinkKind {
    /// Masked decisions.
    Decision,
    /// Tokens, facts and bodies.
    Audit,
    /// Places and reasons of what was refused.
    DeadLetter,
}

impl SinkKind {
    /// Each kind with its name.
    pub const NAMED: [(&'static str, Self); 3] =
        [("decision", Self::Decision), ("audit", Self::Audit), ("dead_letter", Self::DeadLetter)];
}

/// What a recipient does with the data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Acts on the decision.
    RiskControl,
    /// Checks what was decided.
    Audit,
    /// Looks into a case.
    Investigation,
    /// Reports suspicious transactions.
    AntiMoneyLaundering,
    /// Keeps the service running.
    Operations,
    /// Counts.
    Statistics,
    /// Answers customers.
    CustomerService,
    /// Improves models outside this system.
    Research,
    /// Sells: refused always (R7).
    Marketing,
}

impl Purpose {
    /// Each purpose with its name.
    pub const NAMED: [(&'static str, Self); 9] = [
        ("risk_control", Self::RiskControl),
        ("audit", Self::Audit),
        ("investigation", Self::Investigation),
        ("anti_money_laundering", Self::AntiMoneyLaundering),
        ("operations", Self::Operations),
        ("statistics", Self::Statistics),
        ("customer_service", Self::CustomerService),
        ("research", Self::Research),
        ("marketing", Self::Marketing),
    ];

    /// Whether the data was collected for it: the security purposes of the policy, 一(一)6.
    pub const fn is_own(self) -> bool {
        matches!(
            self,
            Self::RiskControl
                | Self::Audit
                | Self::Investigation
                | Self::AntiMoneyLaundering
                | Self::Operations
        )
    }
}

/// What makes a sink abroad or off purpose lawful, as recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Basis {
    /// What the recipient does with the data.
    pub purpose: String,
    /// Which data.
    pub types: Vec<String>,
    /// Where the consent is recorded.
    pub consent: String,
    /// The agreement or assessment.
    pub agreement: String,
}

/// The country where data may stay without a recorded basis.
const HOME: &str = "CN";

pub(super) fn read(root: &mut Section<'_, '_>) -> (Vec<Sink>, Outputs) {
    let mut sinks: Vec<Sink> = Vec::new();
    for mut section in root.sections("sink") {
        let Some(sink) = read_sink(&mut section) else { continue };
        if sinks.iter().any(|other| other.kind == sink.kind) {
            section.fault("kind", "is declared twice: one sink of each kind");
        }
        if sinks.iter().any(|other| other.topic == sink.topic) {
            section.fault("topic", format!("{:?} belongs to another sink", sink.topic));
        }
        section.finish();
        sinks.push(sink);
    }
    let topic = |kind| sinks.iter().find(|sink| sink.kind == kind).map(|sink| sink.topic.clone());
    for (name, kind) in [("decision", SinkKind::Decision), ("dead_letter", SinkKind::DeadLetter)] {
        if topic(kind).is_none() {
            root.fault("sink", format!("none of kind {name:?}: declare [[sink]] for it"));
        }
    }
    let outputs = Outputs {
        decisions: topic(SinkKind::Decision).unwrap_or_default(),
        audit: topic(SinkKind::Audit),
        dead_letters: topic(SinkKind::DeadLetter).unwrap_or_default(),
    };
    (sinks, outputs)
}

fn read_sink(section: &mut Section<'_, '_>) -> Option<Sink> {
    let kind = section.choice("kind", &SinkKind::NAMED);
    let topic = section.text("topic");
    if let Some(fault) = topic_fault(&topic) {
        section.fault("topic", format!("{topic:?} {fault}"));
    }
    let recipient = section.text("recipient");
    let purpose = section.choice("purpose", &Purpose::NAMED);
    let country = section.text("country");
    let is_code = country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase());
    if !country.is_empty() && !is_code {
        section.fault("country", format!("is {country:?}, must be two capitals: \"CN\""));
    }
    let profile = section.optional_text("profile");
    match kind {
        Some(SinkKind::Decision) if profile.is_none() => {
            section.fault("profile", "is missing: which disclosure profile does it see?");
        }
        Some(SinkKind::Audit | SinkKind::DeadLetter) if profile.is_some() => {
            section.fault("profile", "is for decisions: this sink has no masked values");
        }
        _ => {}
    }
    let has_basis = section.is_given("basis");
    let basis = read_basis(section.section("basis"), has_basis);
    check_basis(section, purpose, &country, has_basis);
    let (kind, purpose) = (kind?, purpose?);
    Some(Sink { kind, topic, recipient, purpose, country, profile, basis })
}

fn read_basis(mut section: Section<'_, '_>, is_given: bool) -> Option<Basis> {
    if !is_given {
        return None;
    }
    let basis = Basis {
        purpose: section.text("purpose"),
        types: section.texts("types"),
        consent: section.text("consent"),
        agreement: section.text("agreement"),
    };
    section.finish();
    Some(basis)
}

fn check_basis(
    section: &Section<'_, '_>,
    purpose: Option<Purpose>,
    country: &str,
    has_basis: bool,
) {
    if purpose == Some(Purpose::Marketing) {
        section.fault("purpose", "is marketing: risk data is not exportable to it (R7)");
    }
    if has_basis {
        return;
    }
    let missing = "needs its recorded basis: add [sink.basis] with purpose, types, consent and \
                   agreement";
    if !country.is_empty() && country != HOME {
        section.fault("country", format!("{country:?}: a sink abroad {missing} (R19)"));
    }
    if purpose.is_some_and(|purpose| !purpose.is_own() && purpose != Purpose::Marketing) {
        section.fault("purpose", format!("is not what the data was collected for: it {missing}"));
    }
}
