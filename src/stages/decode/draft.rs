//! The message while it is read, and the checks once it is: `kind` and `service` may come last.

use std::borrow::Cow;

use crate::domain::{
    EventTime, Kind, Label, Message, Outcome, OutcomeResult, PaymentEvent, Sensitive, Service,
    Truth,
};

use super::block::{Block, Member, Word, block};
use super::blocks::{AmountDraft, LocationDraft, Side, VerificationDraft};
use super::faults::Faults;
use super::{Decoded, Dropped, Field, FieldSet, Reject, RejectReason, admit, whitelist};

/// What the `kind` of a message chooses.
#[derive(Clone, Copy)]
pub(super) enum Said {
    Event(Kind),
    Outcome,
    Label,
}

impl Word for Said {
    fn named(name: &str) -> Option<Self> {
        match name {
            "outcome" => Some(Self::Outcome),
            "label" => Some(Self::Label),
            name => Kind::parse(name).map(Self::Event),
        }
    }

    /// The amendments are messages of their own there, and have no number.
    fn numbered(number: u64) -> Option<Self> {
        Kind::from_number(number).map(Self::Event)
    }
}

/// Everything that a message may carry.
pub(super) struct Draft<'a> {
    /// Filled in place; its required fields are placeholders until [`finish`](Self::finish).
    event: PaymentEvent<'a>,
    pub(super) event_id: Option<Cow<'a, str>>,
    pub(super) kind: Option<Said>,
    service: Option<Service>,
    occurred_at: Option<EventTime>,
    received_at: Option<EventTime>,
    pub(super) of: Option<Cow<'a, str>>,
    result: Option<OutcomeResult>,
    code: Option<Cow<'a, str>>,
    truth: Option<Truth>,
    source: Option<Cow<'a, str>>,
}

// The numbers are those of an event; in protobuf an amendment is a message of its own.
block!(Draft<'de>, |draft, member| {
    "event_id", 1 => EventId: draft.event_id = member.id()?;
    "kind", 2 => Kind: draft.kind = member.word(RejectReason::UnknownKind)?;
    "service", 3 => Service:
        draft.service = member.word(RejectReason::UnknownService)?;
    "occurred_at", 4 => OccurredAt: draft.occurred_at = member.time()?;
    "received_at" => ReceivedAt: draft.received_at = member.time()?;
    "amount", 5 => Amount: draft.event.amount = member.whole(AmountDraft::finish)?;
    "original_event_id", 6 => OriginalEventId: draft.event.original_event_id = member.id()?;
    "attempt_of", 7 => AttemptOf: draft.event.attempt_of = member.id()?;
    "entry_mode", 8 => EntryMode:
        draft.event.entry_mode = member.word(RejectReason::UnknownWord)?;
    "lawful_basis", 9 => LawfulBasis: draft.event.lawful_basis = member.text()?;
    "payer", 10 => Payer: {
        member.object(&mut Side { party: &mut draft.event.payer, is_payee: false })?;
    };
    "payee", 11 => Payee: {
        member.object(&mut Side { party: &mut draft.event.payee, is_payee: true })?;
    };
    "merchant", 12 => Merchant: { member.object(&mut draft.event.merchant)?; };
    "terminal", 13 => Terminal: { member.object(&mut draft.event.terminal)?; };
    "device", 14 => Device: { member.object(&mut draft.event.device)?; };
    "network", 15 => Network: { member.object(&mut draft.event.network)?; };
    "location", 16 => Location: draft.event.location = member.whole(LocationDraft::finish)?;
    "consent", 17 => Consent: { member.object(&mut draft.event.consent)?; };
    "referrer", 18 => Referrer: draft.event.referrer = member.text()?.map(Sensitive::new);
    "verification", 19 => Verification:
        draft.event.verification = member.whole(VerificationDraft::finish)?;
    "account_change", 20 => AccountChange: draft.event.account_change = member.change()?;
    "attributes", 21 => Attributes: member.attributes(&mut draft.event.attributes)?;
    "of" => Of: draft.of = member.id()?;
    "result" => Result:
        draft.result = member.word(RejectReason::UnknownWord)?;
    "code" => Code: draft.code = member.text()?;
    "truth" => Truth: draft.truth = member.word(RejectReason::UnknownWord)?;
    "source" => Source: draft.source = member.text()?;
});

impl<'a> Draft<'a> {
    pub(super) fn new() -> Self {
        let service = Service::InternetPayment;
        Self {
            event: PaymentEvent::new("", Kind::Payment, service, EventTime::MIN),
            event_id: None,
            kind: None,
            service: None,
            occurred_at: None,
            received_at: None,
            of: None,
            result: None,
            code: None,
            truth: None,
            source: None,
        }
    }

    /// The message, with what its service may not collect and what is malformed taken out. `read`
    /// are the fields that came with a value, `unknown` those that the schema does not know.
    pub(super) fn finish(
        self,
        read: FieldSet,
        faults: &Faults,
        unknown: (u32, FieldSet),
    ) -> Result<Decoded<'a>, Reject> {
        faults.of(self.needed())?;
        let malformed = faults.fields();
        let present = read.without(malformed);
        let received_at = self.received_at.filter(|_| !malformed.contains(Field::ReceivedAt));
        let kind = self.kind.ok_or(missing(Field::Kind))?;
        let (message, known, refused) = match kind {
            Said::Event(kind) => {
                let (event, outside, refused) = self.event(kind, present, faults)?;
                (Message::Event(event), outside, refused)
            }
            Said::Outcome => {
                let outside = admit::leaves(present).without(whitelist::OUTCOME);
                (Message::Outcome(self.outcome()?), outside, FieldSet::EMPTY)
            }
            Said::Label => {
                let outside = admit::leaves(present).without(whitelist::LABEL);
                (Message::Label(self.label()?), outside, FieldSet::EMPTY)
            }
        };
        let (unknown, near) = unknown;
        let dropped = Dropped { known, refused, malformed, unknown, near };
        Ok(Decoded { message, received_at, dropped })
    }

    /// What the message cannot do without, as far as it says what it is.
    const fn needed(&self) -> FieldSet {
        const EVENT: FieldSet =
            FieldSet::of(&[Field::EventId, Field::Kind, Field::Service, Field::OccurredAt]);
        const MONEY: FieldSet =
            FieldSet::of(&[Field::Amount, Field::AmountMinor, Field::AmountCurrency]);
        const OUTCOME: FieldSet =
            FieldSet::of(&[Field::Kind, Field::Of, Field::Result, Field::OccurredAt]);
        const LABEL: FieldSet =
            FieldSet::of(&[Field::Kind, Field::Of, Field::Truth, Field::Source, Field::OccurredAt]);
        match self.kind {
            None => EVENT,
            Some(Said::Event(kind)) if kind.moves_money() => EVENT.union(MONEY),
            Some(Said::Event(_)) => EVENT,
            Some(Said::Outcome) => OUTCOME,
            Some(Said::Label) => LABEL,
        }
    }

    fn event(
        self,
        kind: Kind,
        present: FieldSet,
        faults: &Faults,
    ) -> Result<(PaymentEvent<'a>, FieldSet, FieldSet), Reject> {
        let mut event = self.event;
        event.event_id = self.event_id.ok_or(missing(Field::EventId))?;
        event.kind = kind;
        event.service = self.service.ok_or(missing(Field::Service))?;
        event.occurred_at = self.occurred_at.ok_or(missing(Field::OccurredAt))?;
        if kind.moves_money() && event.amount.is_none() {
            return Err(missing(Field::Amount));
        }
        admit::take_out(&mut event, faults);
        let (outside, refused) = admit::admit(&mut event, present);
        Ok((event, outside, refused))
    }

    fn outcome(self) -> Result<Outcome<'a>, Reject> {
        Ok(Outcome {
            of: self.of.ok_or(missing(Field::Of))?,
            result: self.result.ok_or(missing(Field::Result))?,
            code: self.code,
            occurred_at: self.occurred_at.ok_or(missing(Field::OccurredAt))?,
        })
    }

    fn label(self) -> Result<Label<'a>, Reject> {
        Ok(Label {
            of: self.of.ok_or(missing(Field::Of))?,
            truth: self.truth.ok_or(missing(Field::Truth))?,
            source: self.source.ok_or(missing(Field::Source))?,
            occurred_at: self.occurred_at.ok_or(missing(Field::OccurredAt))?,
        })
    }
}

/// A needed field that did not come.
const fn missing(field: Field) -> Reject {
    Reject::at(RejectReason::MissingField, field)
}
