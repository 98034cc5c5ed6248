//! `[admin]`: where people change lists and rules of a running service, and who may.

use crate::edges::admin::{ApproverKey, People, Role, Settings};

use super::section::Section;

/// Reads the section; without a socket nobody changes anything.
pub(super) fn admin(mut section: Section<'_, '_>) -> Settings {
    let socket = section.optional_path("socket");
    let mut people = People::default();
    for (word, key) in
        [(Role::Analyst, "analysts"), (Role::Approver, "approvers"), (Role::Operator, "operators")]
    {
        for name in texts(&mut section, key) {
            people.users.push((name, word));
        }
    }
    for text in texts(&mut section, "approver_keys") {
        match ApproverKey::parse(&text) {
            Some(key) => people.keys.push(key),
            None => section.fault(
                "approver_keys",
                "is not name:key with the 64 hexadecimal digits of an Ed25519 public key",
            ),
        }
    }
    if socket.is_some() && people.users.is_empty() {
        section
            .fault("socket", "and nobody has a role: name users in analysts, approvers, operators");
    }
    section.finish();
    Settings { socket, people }
}

fn texts(section: &mut Section<'_, '_>, key: &'static str) -> Vec<String> {
    if section.is_given(key) {
        return section.texts(key);
    }
    section.allow(key);
    Vec::new()
}
