//! Whether the log behind a partition's name is still the one that was read.
//!
//! A topic that is deleted and made again has the same name and counts from zero: a position in the old
//! one would pass over what stands before it in the new one. The client shows no id of a topic, so the
//! proof is what stands there. The message before our position is read again and compared with the
//! journal, which knows every event by its id and where it came from. Another message there, or none,
//! is another log: it is read from its own beginning, and what of it was decided before is known to be.
//! What this cannot see: a new log that holds the same event at the same place (it is decided already),
//! and one whose beginning up to our position was deleted before we looked.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use crate::domain::{EventTime, Source};
use crate::engine::Recognised;
use crate::stages::decode::{Encoded, Form};
use crate::telemetry::{Break, LogEvent, emit};

use super::contexts::ConsumerSide;
use super::edge::{client_config, form_of};
use super::{Edge, EdgeError, Handler};

/// A partition and where it would go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Position {
    pub(super) topic: u16,
    pub(super) partition: i32,
    /// The next offset to be read.
    pub(super) offset: i64,
    /// The offset after the newest message that the journal has.
    pub(super) journal: Option<i64>,
}

/// What the broker has of a partition: its first offset and the one after its last.
pub(super) type Extent = (i64, i64);

impl Position {
    /// The offset of a message that the journal should know, where the broker still has one.
    pub(super) fn evidence(&self, (first, end): Extent) -> Option<i64> {
        let journal = self.journal?;
        // Past the end: then the newest that there is, if it was passed.
        let after = if journal <= end { journal } else { self.offset.min(end) };
        (after > first).then_some(after - 1)
    }

    /// What the message that was read as evidence says: whether this is the log that was read.
    pub(super) fn is_same(&self, at: i64, found: Option<Recognised>) -> Option<bool> {
        let is_numbered = self.journal == Some(at + 1);
        match found {
            Some(Recognised::Here) => Some(true),
            Some(Recognised::Elsewhere) => Some(false),
            // The journal has a message from exactly there.
            Some(Recognised::Refused) | None if is_numbered => Some(false),
            Some(Recognised::Refused | Recognised::Unsure) | None => None,
        }
    }

    /// Where reading begins, and what has broken if that is not where it would go on.
    pub(super) fn begin(
        &self,
        (first, end): Extent,
        is_same: Option<bool>,
    ) -> (i64, Option<Break>) {
        match is_same {
            Some(false) => (first, Some(Break::Replaced)),
            Some(true) if self.offset > end => (end, Some(Break::Truncated)),
            None if self.offset.max(self.journal.unwrap_or(0)) > end => {
                (first, Some(Break::Replaced))
            }
            _ if self.offset < first => (first, Some(Break::Expired)),
            _ => (self.offset, None),
        }
    }
}

/// How long the messages are waited for.
const LOOK: Duration = Duration::from_secs(4);

/// The first message at or after a place: its offset, bytes and form.
type Found = (i64, Vec<u8>, Form);

impl<H: Handler> Edge<H> {
    /// Where each partition goes on, by what stands there; `None` when a stop came before an answer.
    pub(super) fn prove(&mut self, positions: &[Position]) -> Result<Option<Vec<i64>>, EdgeError> {
        let mut extents = Vec::with_capacity(positions.len());
        for position in positions {
            let Some(extent) = self.extent_of(position.topic, position.partition)? else {
                return Ok(None);
            };
            extents.push(extent);
        }
        let places: Vec<Option<Source>> = positions
            .iter()
            .zip(&extents)
            .map(|(position, extent)| {
                let Position { topic, partition, .. } = *position;
                let offset = position.evidence(*extent)?;
                Some(Source { topic, partition, offset })
            })
            .collect();
        let wanted: Vec<Source> = places.iter().copied().flatten().collect();
        let found = self.peek(&wanted)?;
        let now = self.work.now();
        let mut begins = Vec::with_capacity(positions.len());
        for ((position, extent), place) in positions.iter().zip(&extents).zip(&places) {
            let is_same = match place {
                None => None,
                Some(at) => self.compare(position, *at, found.get(at), now)?,
            };
            let (begin, what) = position.begin(*extent, is_same);
            if let Some(what) = what {
                if what == Break::Replaced {
                    self.work.note_replaced();
                }
                self.tell_break(position, begin, what);
            }
            begins.push(begin);
        }
        Ok(Some(begins))
    }

    fn compare(
        &mut self,
        position: &Position,
        at: Source,
        found: Option<&Found>,
        now: EventTime,
    ) -> Result<Option<bool>, EdgeError> {
        // Nothing came in time: that says nothing.
        let Some((offset, bytes, form)) = found else { return Ok(None) };
        let recognised = if *offset == at.offset {
            let message = Encoded { bytes, form: *form };
            Some(self.work.handler.recognise(message, at, now)?)
        } else {
            None
        };
        Ok(position.is_same(at.offset, recognised))
    }

    fn tell_break(&self, position: &Position, begin: i64, what: Break) {
        let topic =
            self.settings.topics.get(usize::from(position.topic)).map_or("", String::as_str);
        let Position { partition, offset, .. } = *position;
        self.telemetry.meters.broken(what);
        emit(&LogEvent::Discontinued { topic, partition, offset, begin, what });
        let text = format!(
            "{topic}, partition {partition}: at offset {offset} {}; reading went on at {begin}",
            what.meaning()
        );
        self.telemetry.readiness.note(what.name(), text);
    }

    /// The first message at or after each place, read by a client of its own beside the group.
    fn peek(&self, places: &[Source]) -> Result<BTreeMap<Source, Found>, EdgeError> {
        let mut found = BTreeMap::new();
        if places.is_empty() {
            return Ok(found);
        }
        let mut config = client_config(self.settings.consumer());
        config.remove("group.instance.id");
        config.set("statistics.interval.ms", "0").set("queued.min.messages", "1");
        let side = ConsumerSide::new(self.telemetry.clone(), std::sync::Arc::default());
        let client: BaseConsumer<ConsumerSide> =
            BaseConsumer::from_config_and_context(&config, side).map_err(EdgeError::Client)?;
        let mut list = TopicPartitionList::with_capacity(places.len());
        for at in places {
            if let Some(topic) = self.settings.topics.get(usize::from(at.topic)) {
                // Fails only for an offset that the client cannot express.
                let _ = list.add_partition_offset(topic, at.partition, Offset::Offset(at.offset));
            }
        }
        client.assign(&list).map_err(EdgeError::Client)?;
        let deadline = Instant::now() + LOOK;
        while found.len() < places.len() && Instant::now() < deadline && !self.is_stopping() {
            let Some(Ok(message)) = client.poll(Duration::from_millis(50)) else { continue };
            let topic = self.topic_index(message.topic());
            let is_this =
                |at: &&Source| Some(at.topic) == topic && at.partition == message.partition();
            if let Some(at) = places.iter().find(is_this) {
                let bytes = message.payload().unwrap_or_default().to_vec();
                let form = form_of(&message, self.settings.format);
                found.entry(*at).or_insert((message.offset(), bytes, form));
            }
        }
        client.context().close();
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(offset: i64, journal: Option<i64>) -> Position {
        Position { topic: 0, partition: 0, offset, journal }
    }

    /// The message before the journal's position proves most; of a shorter log its last one is asked.
    #[test]
    fn the_evidence_is_a_message_that_was_read() {
        for (offset, journal, extent, expected) in [
            (100, Some(90), (0, 200), Some(89)),
            (100, Some(120), (0, 200), Some(119)),
            (100, Some(100), (0, 100), Some(99)),
            (100, Some(100), (99, 100), Some(99)),
            (100, Some(100), (100, 100), None),
            (100, Some(100), (0, 60), Some(59)),
            (40, Some(100), (0, 60), Some(39)),
            (100, Some(100), (0, 0), None),
            (100, None, (0, 200), None),
        ] {
            let found = position(offset, journal).evidence(extent);
            assert_eq!(found, expected, "{offset}, {journal:?} in {extent:?}");
        }
    }

    /// A missed log loses payments, a repeated one costs time: where the two cannot be told apart, the
    /// log is read from its beginning; but one that cannot be examined is believed.
    #[test]
    fn another_log_is_read_from_its_beginning() {
        use Break::{Expired, Replaced, Truncated};
        for (offset, extent, is_same, expected) in [
            (100, (0, 200), Some(true), (100, None)),
            (100, (0, 200), None, (100, None)),
            (100, (0, 200), Some(false), (0, Some(Replaced))),
            (100, (7, 60), Some(true), (60, Some(Truncated))),
            (100, (7, 60), None, (7, Some(Replaced))),
            (100, (0, 0), None, (0, Some(Replaced))),
            (100, (150, 200), None, (150, Some(Expired))),
            (100, (100, 100), None, (100, None)),
        ] {
            let begin = position(offset, Some(offset)).begin(extent, is_same);
            assert_eq!(begin, expected, "{offset} in {extent:?}, {is_same:?}");
        }
        // Also where only the journal has come further than the log has messages.
        assert_eq!(position(40, Some(100)).begin((0, 60), None), (0, Some(Replaced)));
    }

    /// Only where the journal has a number from is a refused message, or none, another log: between
    /// two of them a message that is no event leaves no trace.
    #[test]
    fn what_was_never_numbered_proves_nothing() {
        use Recognised::{Elsewhere, Here, Refused, Unsure};
        let position = position(100, Some(90));
        for (at, found, expected) in [
            (89, Some(Here), Some(true)),
            (89, Some(Elsewhere), Some(false)),
            (89, Some(Refused), Some(false)),
            (89, None, Some(false)),
            (89, Some(Unsure), None),
            (59, Some(Here), Some(true)),
            (59, Some(Elsewhere), Some(false)),
            (59, Some(Refused), None),
            (59, None, None),
        ] {
            assert_eq!(position.is_same(at, found), expected, "{at}, {found:?}");
        }
    }
}
