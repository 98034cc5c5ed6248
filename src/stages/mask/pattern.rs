//! The masks as data: what a profile may write beside a personal field.

use std::fmt;

/// How a personal value is shown. Every mask hides something; none shows a whole value.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mask {
    /// Not at all: the field is left out.
    #[default]
    Hidden,
    /// So many characters at either end and a star for each one between. At least four
    /// characters, and a third of all, are stars; the first ones give way before the last.
    Ends {
        /// Characters shown at the beginning.
        first: u8,
        /// Characters shown at the end.
        last: u8,
    },
    /// A phone number by its numbering plan: mainland 3 + 4, Hong Kong and Macau 2 + 2, Taiwan
    /// 2 + 3, a landline its area code and the last four, any other 2 + 2.
    Phone,
    /// The last character, and a star for each one before it; where names are written in letters,
    /// one star, because the length of such a name tells much of it.
    Name,
    /// So many characters of the local part (at most half of it), three stars, the domain.
    Email {
        /// Characters shown.
        local: u8,
    },
    /// An address down to its district, then eight stars.
    District,
    /// The maker's half (OUI), then three stars.
    Mac,
    /// The network: /24 of a v4 address, /48 of a v6 address.
    Prefix,
    /// The host of a web address; of any other address its scheme.
    Host,
    /// Degrees, rounded to so many decimals.
    Place {
        /// 2 is about 1.1 km.
        decimals: u8,
    },
}

impl Mask {
    /// Reads `hidden`, `ends(6,4)`, `phone`, `name`, `email(3)`, `district`, `mac`, `prefix`,
    /// `host`, `place(2)`.
    pub fn parse(text: &str) -> Option<Self> {
        let (word, arguments) = match text.split_once('(') {
            Some((word, rest)) => (word, rest.strip_suffix(')')?),
            None => (text, ""),
        };
        let mut numbers = arguments.split(',').map(|number| number.trim().parse::<u8>().ok());
        let mask = match word.trim() {
            "ends" => Self::Ends { first: numbers.next()??, last: numbers.next()?? },
            "email" => Self::Email { local: numbers.next()?? },
            "place" => Self::Place { decimals: numbers.next()?? },
            word => {
                let plain = [Self::Hidden, Self::Phone, Self::Name, Self::District, Self::Mac]
                    .into_iter()
                    .chain([Self::Prefix, Self::Host])
                    .find(|mask| mask.to_string() == word)?;
                return arguments.is_empty().then_some(plain);
            }
        };
        numbers.next().is_none().then_some(mask)
    }

    /// Whether this mask shows no more of a value than the other does.
    pub const fn shows_at_most(self, other: Self) -> bool {
        match (self, other) {
            (Self::Hidden, _)
            | (Self::Phone, Self::Phone)
            | (Self::Name, Self::Name)
            | (Self::District, Self::District)
            | (Self::Mac, Self::Mac)
            | (Self::Prefix, Self::Prefix)
            | (Self::Host, Self::Host) => true,
            (Self::Ends { first, last }, Self::Ends { first: first_max, last: last_max }) => {
                first <= first_max && last <= last_max
            }
            // Every numbering plan shows two and two at least; a name its last character.
            (Self::Ends { first, last }, Self::Phone) => first <= 2 && last <= 2,
            (Self::Ends { first, last }, Self::Name) => first == 0 && last <= 1,
            (Self::Email { local }, Self::Email { local: most }) => local <= most,
            (Self::Place { decimals }, Self::Place { decimals: most }) => decimals <= most,
            _ => false,
        }
    }
}

impl fmt::Display for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hidden => f.write_str("hidden"),
            Self::Ends { first, last } => write!(f, "ends({first},{last})"),
            Self::Phone => f.write_str("phone"),
            Self::Name => f.write_str("name"),
            Self::Email { local } => write!(f, "email({local})"),
            Self::District => f.write_str("district"),
            Self::Mac => f.write_str("mac"),
            Self::Prefix => f.write_str("prefix"),
            Self::Host => f.write_str("host"),
            Self::Place { decimals } => write!(f, "place({decimals})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An operator writes masks as words: each comes back as it was written, and no word is a mask
    /// that shows everything.
    #[test]
    fn masks_are_written_as_words() {
        for text in [
            "hidden",
            "ends(6,4)",
            "phone",
            "name",
            "email(3)",
            "district",
            "mac",
            "prefix",
            "host",
            "place(2)",
        ] {
            assert_eq!(Mask::parse(text).map(|mask| mask.to_string()).as_deref(), Some(text));
        }
        for text in ["", "full", "ends", "ends(6)", "ends(6,4", "ends(6,4,1)", "name(1)", "email()"]
        {
            assert_eq!(Mask::parse(text), None, "{text}");
        }
    }
}
