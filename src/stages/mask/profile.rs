//! A disclosure profile: one reader's view of an event, as data.

use super::{Mask, Open, Secret};

/// What one kind of reader sees of an event.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Profile {
    name: String,
    secrets: [Mask; Secret::ALL.len()],
    /// One bit per [`Open`] field that is shown.
    open: u64,
    /// Custom fields that are shown, each under a mask: what they hold is not known here, so that
    /// none is shown in clear. All others are hidden.
    attributes: Vec<(String, Mask)>,
}

const _: () = assert!(Open::ALL.len() <= 64, "one bit each");

/// Why a profile cannot be used. Names are the operator's own, never a client's.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ProfileFault {
    /// The field does not exist.
    #[error("`{field}` is not a field of an event; see event.proto, or `attributes.NAME`")]
    UnknownField {
        /// As written.
        field: String,
    },
    /// The rule does not exist.
    #[error(
        "`{field}: {rule}` is not a rule; write full or hidden for an open field, and for a \
             personal one hidden, ends(6,4), phone, name, email(3), district, mac, prefix, host \
             or place(2)"
    )]
    UnknownRule {
        /// The field.
        field: String,
        /// As written.
        rule: String,
    },
    /// The rule shows more than the field's class allows.
    #[error("`{field}: {rule}` shows more than its class allows; write {ceiling} or less")]
    ShowsTooMuch {
        /// The field.
        field: String,
        /// As written.
        rule: String,
        /// The most that may be shown.
        ceiling: Mask,
    },
}

impl Profile {
    /// The names of the shipped profiles.
    pub const SHIPPED: [&'static str; 2] = ["default", "minimal"];

    /// A shipped profile: `default` shows what DOMAIN section 2 says, `minimal` only the money.
    pub fn shipped(name: &str) -> Option<Self> {
        let mut profile = Self::empty(name);
        match name {
            "default" => {
                profile.secrets = std::array::from_fn(|index| Secret::ALL[index].ceiling());
                for open in Open::ALL.iter().filter(|open| open.shipped()) {
                    profile.open |= 1 << *open as u8;
                }
            }
            "minimal" => profile.open = 1 << Open::Amount as u8,
            _ => return None,
        }
        Some(profile)
    }

    /// A profile that shows nothing of the event.
    pub fn empty(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            secrets: [Mask::Hidden; Secret::ALL.len()],
            open: 0,
            attributes: Vec::new(),
        }
    }

    /// This profile under a new name and with some rules changed; every fault at once.
    ///
    /// A rule is a field's name and `full` or `hidden` (open fields) or a mask's word (personal
    /// fields and `attributes.NAME`).
    pub fn with<'a>(
        &self,
        name: &str,
        rules: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Vec<ProfileFault>> {
        let mut profile = Self { name: name.to_owned(), ..self.clone() };
        let faults: Vec<_> =
            rules.into_iter().filter_map(|(field, rule)| profile.set(field, rule).err()).collect();
        if faults.is_empty() { Ok(profile) } else { Err(faults) }
    }

    fn set(&mut self, field: &str, rule: &str) -> Result<(), ProfileFault> {
        let unknown =
            || ProfileFault::UnknownRule { field: field.to_owned(), rule: rule.to_owned() };
        if let Some(open) = Open::ALL.iter().find(|open| open.name() == field) {
            let bit = 1 << *open as u8;
            match rule {
                "full" => self.open |= bit,
                "hidden" => self.open &= !bit,
                _ => return Err(unknown()),
            }
            return Ok(());
        }
        if let Some(secret) = Secret::ALL.iter().find(|secret| secret.name() == field) {
            let ceiling = secret.ceiling();
            let too_much = || ProfileFault::ShowsTooMuch {
                field: field.to_owned(),
                rule: rule.to_owned(),
                ceiling,
            };
            if rule == "full" {
                return Err(too_much());
            }
            let mask = Mask::parse(rule).ok_or_else(unknown)?;
            if !mask.shows_at_most(ceiling) {
                return Err(too_much());
            }
            // A number is an index: the fields' test holds it.
            self.secrets[*secret as usize] = mask;
            return Ok(());
        }
        let Some(attribute) = field.strip_prefix("attributes.") else {
            return Err(ProfileFault::UnknownField { field: field.to_owned() });
        };
        let mask = Mask::parse(rule).ok_or_else(unknown)?;
        self.attributes.retain(|(name, _)| name != attribute);
        self.attributes.push((attribute.to_owned(), mask));
        Ok(())
    }

    /// The name that a sink calls it by.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How a personal field is shown.
    pub const fn mask(&self, secret: Secret) -> Mask {
        self.secrets[secret as usize]
    }

    /// Whether an open field is shown.
    pub const fn shows(&self, open: Open) -> bool {
        self.open >> open as u8 & 1 == 1
    }

    /// How a custom field is shown.
    pub(super) fn attribute(&self, name: &str) -> Mask {
        self.attributes
            .iter()
            .find(|(known, _)| known == name)
            .map_or(Mask::Hidden, |(_, mask)| *mask)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A profile can only be narrowed: whoever writes a configuration cannot open a personal field,
    /// and learns of every fault at once.
    #[test]
    fn a_profile_shows_at_most_what_the_class_allows() {
        let shipped = Profile::shipped("default").unwrap();
        let narrowed = shipped
            .with(
                "bank",
                [
                    ("payer.card.number", "ends(0,4)"),
                    ("payer.phone", "ends(0,2)"),
                    ("merchant.name", "hidden"),
                    ("network.port", "full"),
                    ("attributes.home", "district"),
                ],
            )
            .unwrap();
        assert_eq!(narrowed.name(), "bank");
        assert_eq!(narrowed.mask(Secret::PayerCardNumber), Mask::Ends { first: 0, last: 4 });
        assert!(narrowed.shows(Open::NetworkPort) && !narrowed.shows(Open::MerchantName));
        assert_eq!(narrowed.attribute("home"), Mask::District);
        assert_eq!(narrowed.attribute("other"), Mask::Hidden);
        let faults = shipped
            .with(
                "leaky",
                [
                    ("payer.card.number", "full"),
                    ("payer.card.number", "ends(6,5)"),
                    ("payer.name", "email(3)"),
                    ("location", "place(3)"),
                    ("merchant.name", "ends(1,1)"),
                    ("payer.nick", "hidden"),
                    ("attributes.home", "full"),
                ],
            )
            .unwrap_err();
        assert_eq!(faults.len(), 7);
        assert_eq!(
            faults[1].to_string(),
            "`payer.card.number: ends(6,5)` shows more than its class allows; write ends(6,4) or \
             less"
        );
    }

    /// Sinks name their profile: each shipped name gives one.
    #[test]
    fn every_shipped_name_gives_a_profile() {
        for name in Profile::SHIPPED {
            assert_eq!(Profile::shipped(name).unwrap().name(), name);
        }
        assert_eq!(Profile::shipped("full"), None);
    }
}
