//! The message while it is read, and the checks once it is: `kind` and `service` may come last.

use std::borrow::Cow;

use serde::de::MapAccess;

use crate::domain::{
    EntryMode, EventTime, Kind, Label, Message, Outcome, OutcomeResult, PaymentEvent, Sensitive,
    Service, Truth,
};

use super::blocks::{AmountDraft, ChangeDraft, LocationDraft, Side, VerificationDraft, missing};
use super::forms;
use super::reader::{Block, Member, Reading, block};
use super::{Decoded, Dropped, Field, FieldSet, Reject, RejectReason, admit, whitelist};

/// What the `kind` of a message chooses.
#[derive(Clone, Copy)]
enum Said {
    Event(Kind),
    Outcome,
    Label,
}

impl Said {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "outcome" => Some(Self::Outcome),
            "label" => Some(Self::Label),
            word => Kind::parse(word).map(Self::Event),
        }
    }
}

/// Everything that a message may carry.
pub(super) struct Draft<'a> {
    /// Filled in place; its required fields are placeholders until [`finish`](Self::finish).
    event: PaymentEvent<'a>,
    event_id: Option<Cow<'a, str>>,
    kind: Option<Said>,
    service: Option<Service>,
    occurred_at: Option<EventTime>,
    received_at: Option<EventTime>,
    of: Option<Cow<'a, str>>,
    result: Option<OutcomeResult>,
    code: Option<Cow<'a, str>>,
    truth: Option<Truth>,
    source: Option<Cow<'a, str>>,
}

impl<'de, A: MapAccess<'de>> Member<'_, A> {
    /// The id of an event.
    fn id(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        match self.text()? {
            Some(text) if !forms::is_event_id(&text) => Err(self.stop(RejectReason::BadEventId)),
            text => Ok(text),
        }
    }

    /// A moment.
    fn time(&mut self) -> Result<Option<EventTime>, A::Error> {
        self.word(|text| EventTime::parse_rfc3339(text).ok(), RejectReason::BadTime)
    }

    /// An object that is checked as a whole once it is read.
    fn whole<B: Block<'de> + Default, T>(
        &mut self,
        finish: impl FnOnce(B) -> Result<T, Reject>,
    ) -> Result<Option<T>, A::Error> {
        let mut block = B::default();
        if !self.object(&mut block)? {
            return Ok(None);
        }
        finish(block).map(Some).map_err(|reject| self.reading.stop(reject))
    }
}

block!(Draft<'de>, |draft, member| {
    "event_id" => EventId: draft.event_id = member.id()?;
    "kind" => Kind: draft.kind = member.word(Said::parse, RejectReason::UnknownKind)?;
    "service" => Service:
        draft.service = member.word(Service::parse, RejectReason::UnknownService)?;
    "occurred_at" => OccurredAt: draft.occurred_at = member.time()?;
    "received_at" => ReceivedAt: draft.received_at = member.time()?;
    "amount" => Amount: draft.event.amount = member.whole(AmountDraft::finish)?;
    "original_event_id" => OriginalEventId: draft.event.original_event_id = member.id()?;
    "attempt_of" => AttemptOf: draft.event.attempt_of = member.id()?;
    "entry_mode" => EntryMode:
        draft.event.entry_mode = member.word(EntryMode::parse, RejectReason::UnknownWord)?;
    "lawful_basis" => LawfulBasis: draft.event.lawful_basis = member.text()?;
    "payer" => Payer: {
        member.object(&mut Side { party: &mut draft.event.payer, is_payee: false })?;
    };
    "payee" => Payee: {
        member.object(&mut Side { party: &mut draft.event.payee, is_payee: true })?;
    };
    "merchant" => Merchant: { member.object(&mut draft.event.merchant)?; };
    "terminal" => Terminal: { member.object(&mut draft.event.terminal)?; };
    "device" => Device: { member.object(&mut draft.event.device)?; };
    "network" => Network: { member.object(&mut draft.event.network)?; };
    "location" => Location: draft.event.location = member.whole(LocationDraft::finish)?;
    "consent" => Consent: { member.object(&mut draft.event.consent)?; };
    "referrer" => Referrer: draft.event.referrer = member.text()?.map(Sensitive::new);
    "verification" => Verification:
        draft.event.verification = member.whole(VerificationDraft::finish)?;
    "account_change" => AccountChange: {
        let mut change = ChangeDraft::default();
        member.object(&mut change)?;
        draft.event.account_change = change.what;
    };
    "attributes" => Attributes: draft.event.attributes = member.attributes()?;
    "of" => Of: draft.of = member.id()?;
    "result" => Result:
        draft.result = member.word(OutcomeResult::parse, RejectReason::UnknownWord)?;
    "code" => Code: draft.code = member.text()?;
    "truth" => Truth: draft.truth = member.word(Truth::parse, RejectReason::UnknownWord)?;
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

    /// The message, with what its service may not collect taken out.
    pub(super) fn finish(self, reading: &Reading) -> Result<Decoded<'a>, Reject> {
        let received_at = self.received_at;
        let present = reading.present;
        let unknown = reading.unknown;
        let kind = self.kind.ok_or(missing(Field::Kind))?;
        let (message, known, refused) = match kind {
            Said::Event(kind) => {
                let (event, outside, refused) = self.event(kind, present)?;
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
        Ok(Decoded { message, received_at, dropped: Dropped { known, refused, unknown } })
    }

    fn event(
        self,
        kind: Kind,
        present: FieldSet,
    ) -> Result<(PaymentEvent<'a>, FieldSet, FieldSet), Reject> {
        let mut event = self.event;
        event.event_id = self.event_id.ok_or(missing(Field::EventId))?;
        event.kind = kind;
        event.service = self.service.ok_or(missing(Field::Service))?;
        event.occurred_at = self.occurred_at.ok_or(missing(Field::OccurredAt))?;
        if kind.moves_money() && event.amount.is_none() {
            return Err(missing(Field::Amount));
        }
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
