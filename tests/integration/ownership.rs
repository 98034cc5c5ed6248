//! A journal belongs to its group: no other one goes on in its place.

use crate::broker::Topics;
use crate::events::{are_all_answered, borrowed, check_answers, payments};
use crate::service::Home;

/// A second process with another directory is refused before it joins the group or fences anybody: the
/// first one goes on, and a reader of committed records sees each decision once.
#[test]
fn another_journal_does_not_disturb_the_groups_own() {
    let topics = Topics::new(2);
    let (mut own, mut other) = (Home::new(), Home::new());
    for home in [&mut own, &mut other] {
        home.kafka = "transactions = true\n".to_owned();
    }
    let events = payments("owner", 400);
    let (before, after) = events.split_at(200);
    topics.produce(borrowed(before));
    let service = own.start(&topics);
    topics.read("decisions", |records| are_all_answered(records, before));

    let refused = other.refused(&topics);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("not the one that the group's positions belong to"), "{said}");

    topics.produce(borrowed(after));
    let decisions = topics.read("decisions", |records| are_all_answered(records, &events));
    assert_eq!(decisions.len(), events.len());
    check_answers(&decisions, &events);
    let (status, log) = service.stop();
    assert_eq!(status.code(), Some(0), "{}", log.join("\n"));

    // Also while nobody runs, until the operator says so.
    assert_eq!(other.refused(&topics).status.code(), Some(2));
    other.adopt = true;
    let service = other.start(&topics);
    let more = payments("more", 20);
    topics.produce(borrowed(&more));
    topics.read("decisions", |records| records.len() >= events.len() + more.len());
    assert_eq!(service.stop().0.code(), Some(0));
    assert_eq!(own.refused(&topics).status.code(), Some(2), "it is the other one's now");
}
