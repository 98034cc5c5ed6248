//! `where:` of a feature: which events count, by what they were and by what became of them.
//!
//! An event's facts are gone when its outcome or label arrives. So a filter is taken apart: what it
//! asks of the facts is answered once, when the event is applied, and kept as bits; what it asks of
//! the outcome and the label is answered anew from the event's state bits.

use crate::domain::FeatureVector;

use super::check::{Room, check};
use super::{Fault, Node, NodeKind, Place, Program, Scope, Span, Truth, Type};

/// What became of an event: one bit each, false until it is known.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum StateBit {
    /// Any outcome has come.
    OutcomeKnown = 0,
    /// The issuer or network approved.
    OutcomeApproved = 1,
    /// It refused.
    OutcomeRefused = 2,
    /// The payment was never sent on.
    OutcomeNotSent = 3,
    /// It was approved, then undone.
    OutcomeReversed = 4,
    /// Refused: no such card.
    InvalidCard = 5,
    /// Refused: a wrong credential.
    InvalidCredential = 6,
    /// Refused: not enough money or over a limit.
    Funds = 7,
    /// Refused: lost, stolen or picked up.
    LostOrStolen = 8,
    /// Any label has come.
    LabelKnown = 9,
    /// Labelled fraud.
    LabelFraud = 10,
    /// Labelled legitimate.
    LabelLegitimate = 11,
}

impl StateBit {
    /// Every bit, in the order of its number.
    pub const ALL: &'static [Self] = &[
        Self::OutcomeKnown,
        Self::OutcomeApproved,
        Self::OutcomeRefused,
        Self::OutcomeNotSent,
        Self::OutcomeReversed,
        Self::InvalidCard,
        Self::InvalidCredential,
        Self::Funds,
        Self::LostOrStolen,
        Self::LabelKnown,
        Self::LabelFraud,
        Self::LabelLegitimate,
    ];

    /// The name in `where:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OutcomeKnown => "outcome.known",
            Self::OutcomeApproved => "outcome.approved",
            Self::OutcomeRefused => "outcome.refused",
            Self::OutcomeNotSent => "outcome.not_sent",
            Self::OutcomeReversed => "outcome.reversed",
            Self::InvalidCard => "outcome.invalid_card",
            Self::InvalidCredential => "outcome.invalid_credential",
            Self::Funds => "outcome.funds",
            Self::LostOrStolen => "outcome.lost_or_stolen",
            Self::LabelKnown => "label.known",
            Self::LabelFraud => "label.fraud",
            Self::LabelLegitimate => "label.legitimate",
        }
    }

    /// The bit with this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|bit| bit.name() == name)
    }
}

/// The state bits of one event.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct StateBits(pub u16);

impl StateBits {
    /// Whether a bit is set.
    pub const fn has(self, bit: StateBit) -> bool {
        self.0 >> bit as u16 & 1 == 1
    }

    /// These bits and one more.
    #[must_use]
    pub const fn with(self, bit: StateBit) -> Self {
        Self(self.0 | 1 << bit as u16)
    }
}

/// A filter in negation normal form: `!` stands at the leaves only.
#[derive(Clone, Debug)]
pub enum Where {
    /// All hold.
    And(Vec<Self>),
    /// Any holds.
    Or(Vec<Self>),
    /// A condition over facts alone is determinately as wanted: one that is undetermined (a value
    /// is missing) is neither.
    Event {
        /// The condition.
        program: Box<Program>,
        /// Which answer counts.
        wanted: bool,
    },
    /// A state bit is as wanted.
    State {
        /// The bit.
        bit: StateBit,
        /// Which value counts.
        wanted: bool,
    },
}

/// Most leaves of one filter: each asks for a bit of every event that is kept.
const LEAVES_MAX: usize = 64;

/// Compiles a filter; the error holds every fault.
pub fn compile_where(text: &str, place: &Place, scope: &Scope<'_>) -> Result<Where, Vec<Fault>> {
    let node = check(text, place, scope, Room::Where)?;
    let fault =
        |span: Span, message: String| vec![Fault::at(place, text, span.start as usize, message)];
    if node.node_type != Type::Bool {
        let message = format!("bool is needed here, this is {}", node.node_type.name());
        return Err(fault(node.span, message));
    }
    let mut splitter = Splitter { text, leaves: 0 };
    splitter.split(&node, true).map_err(|stop| match stop {
        Stop::Mixed(span) => fault(
            span,
            "what became of an event stands alone or in `&&`, `||`, `!` and `? :` only".into(),
        ),
        Stop::TooLarge => fault(node.span, format!("a filter has at most {LEAVES_MAX} conditions")),
    })
}

impl Where {
    /// Whether an event counts, from its own row and its state: the definition that kept bits must
    /// agree with.
    pub fn holds(&self, row: &FeatureVector, state: StateBits) -> bool {
        match self {
            Self::And(all) => all.iter().all(|one| one.holds(row, state)),
            Self::Or(any) => any.iter().any(|one| one.holds(row, state)),
            Self::Event { program, wanted } => match program.truth(row) {
                Truth::True => *wanted,
                Truth::False => !*wanted,
                Truth::Undetermined => false,
            },
            Self::State { bit, wanted } => state.has(*bit) == *wanted,
        }
    }
}

/// Why a filter cannot be taken apart.
enum Stop {
    /// State and facts meet within one operation.
    Mixed(Span),
    /// More leaves than a ring keeps.
    TooLarge,
}

struct Splitter<'t> {
    text: &'t str,
    leaves: usize,
}

impl Splitter<'_> {
    /// The filter that holds when `node` is determinately `wanted`.
    fn split(&mut self, node: &Node, wanted: bool) -> Result<Where, Stop> {
        if !asks_state(node) {
            let program = Box::new(Program::new(node.clone(), self.text));
            return self.leaf(Where::Event { program, wanted });
        }
        match &node.kind {
            NodeKind::State(bit) => self.leaf(Where::State { bit: *bit, wanted }),
            NodeKind::Not(one) => self.split(one, !wanted),
            NodeKind::And(terms) => self.junction(node, terms, wanted, wanted),
            NodeKind::Or(terms) => self.junction(node, terms, wanted, !wanted),
            NodeKind::If { condition, then, otherwise } => Ok(Where::Or(vec![
                Where::And(vec![self.split(condition, true)?, self.split(then, wanted)?]),
                Where::And(vec![self.split(condition, false)?, self.split(otherwise, wanted)?]),
            ])),
            _ => Err(Stop::Mixed(node.span)),
        }
    }

    /// `&&` or `||`, whose terms over facts alone become one leaf.
    fn junction(
        &mut self,
        node: &Node,
        terms: &[Node],
        wanted: bool,
        all: bool,
    ) -> Result<Where, Stop> {
        let (state, facts): (Vec<_>, Vec<_>) = terms.iter().partition(|term| asks_state(term));
        let mut parts = Vec::with_capacity(state.len() + 1);
        match facts.as_slice() {
            [] => {}
            [one] => parts.push(self.split(one, wanted)?),
            several => {
                let terms: Vec<Node> = several.iter().map(|term| (*term).clone()).collect();
                let kind = match &node.kind {
                    NodeKind::And(_) => NodeKind::And(terms),
                    _ => NodeKind::Or(terms),
                };
                let grouped = Node { kind, node_type: Type::Bool, span: node.span };
                parts.push(self.split(&grouped, wanted)?);
            }
        }
        for term in state {
            parts.push(self.split(term, wanted)?);
        }
        Ok(if all { Where::And(parts) } else { Where::Or(parts) })
    }

    fn leaf(&mut self, leaf: Where) -> Result<Where, Stop> {
        self.leaves += 1;
        if self.leaves > LEAVES_MAX { Err(Stop::TooLarge) } else { Ok(leaf) }
    }
}

fn asks_state(node: &Node) -> bool {
    matches!(node.kind, NodeKind::State(_)) || node.children().into_iter().any(asks_state)
}
