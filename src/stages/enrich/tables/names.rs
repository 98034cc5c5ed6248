//! Interned names: a register of millions of rows names few cities.

use std::collections::HashMap;

/// The number of a name in [`Names`].
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Name(u32);

impl Name {
    /// The empty name: nothing is known.
    pub const NONE: Self = Self(0);
}

/// Names in one buffer, each once.
#[derive(Debug)]
pub struct Names {
    text: String,
    /// Where name `n` ends; it begins where the one before ends.
    ends: Vec<u32>,
    /// Only while loading; dropped by [`Names::seal`].
    known: HashMap<Box<str>, Name>,
}

impl Names {
    /// Only the empty name.
    pub fn new() -> Self {
        Self { text: String::new(), ends: vec![0], known: HashMap::new() }
    }

    /// The number of a name, new or known. Past 4 GiB of names a name stays empty.
    pub fn intern(&mut self, name: &str) -> Name {
        let name = name.trim();
        if name.is_empty() {
            return Name::NONE;
        }
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        let (Ok(end), Ok(number)) =
            (u32::try_from(self.text.len() + name.len()), u32::try_from(self.ends.len()))
        else {
            return Name::NONE;
        };
        self.text.push_str(name);
        self.ends.push(end);
        self.known.insert(name.into(), Name(number));
        Name(number)
    }

    /// Gives the memory of loading back.
    pub fn seal(&mut self) {
        self.known = HashMap::new();
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// The name, or nothing when it is empty.
    pub fn get(&self, name: Name) -> Option<&str> {
        let number = name.0 as usize;
        let start = *self.ends.get(number.checked_sub(1)?)? as usize;
        self.text.get(start..*self.ends.get(number)? as usize)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each name once, found again after loading; the empty name is nothing.
    #[test]
    fn a_name_is_kept_once() {
        let mut names = Names::new();
        let (a, b) = (names.intern("上海"), names.intern("北京"));
        assert_eq!(names.intern(" 上海 "), a);
        assert_eq!(names.intern(" "), Name::NONE);
        names.seal();
        assert_eq!((names.get(a), names.get(b)), (Some("上海"), Some("北京")));
        assert_eq!(names.get(Name::NONE), None);
        assert_eq!(names.get(Name(9)), None);
    }
}
