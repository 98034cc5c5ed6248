//! A reader of one table of the configuration: typed, with defaults, collecting every fault.
//!
//! Serde stops at the first fault; an operator wants all of them. So the spanned table is walked
//! by hand: each key is asked for once with its type, and what nobody asked for is unknown.

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fault::{Fault, Faults};
use crate::domain::nearest;

/// One file being read, and what is wrong with it so far.
pub(super) struct Document<'a> {
    file: &'a Path,
    text: &'a str,
    faults: RefCell<Vec<Fault>>,
}

impl<'a> Document<'a> {
    /// A document without faults yet.
    pub(super) fn new(file: &'a Path, text: &'a str) -> Self {
        Self { file, text, faults: RefCell::default() }
    }

    /// Reports a fault at a byte offset of the text, or of something absent.
    pub(super) fn fault(&self, at: Option<usize>, key: String, message: String) {
        let before = at.and_then(|at| self.text.as_bytes().get(..at));
        let line = before.map(|text| text.iter().filter(|byte| **byte == b'\n').count() + 1);
        self.faults.borrow_mut().push(Fault { file: self.file.to_path_buf(), line, key, message });
    }

    /// All faults, in the order of the lines; what is absent comes last.
    pub(super) fn into_faults(self) -> Faults {
        let mut faults = self.faults.into_inner();
        faults.sort_by_key(|fault| fault.line.unwrap_or(usize::MAX));
        Faults(faults)
    }
}

/// A value and where it stands; `at` is `None` for a shipped one.
struct Found<'a> {
    value: &'a DeValue<'a>,
    at: Option<usize>,
}

/// One table: the operator's over the shipped one.
pub(super) struct Section<'d, 'a> {
    document: &'d Document<'a>,
    path: String,
    user: Option<&'a DeTable<'a>>,
    shipped: Option<&'a DeTable<'a>>,
    asked: Vec<&'static str>,
    /// Where the table begins, for faults of what it lacks.
    at: Option<usize>,
}

impl<'d, 'a> Section<'d, 'a> {
    /// The root of a document.
    pub(super) fn root(
        document: &'d Document<'a>,
        user: &'a DeTable<'a>,
        shipped: &'a DeTable<'a>,
    ) -> Self {
        let (user, shipped) = (Some(user), Some(shipped));
        Self { document, path: String::new(), user, shipped, asked: Vec::new(), at: None }
    }

    /// Reports a fault of one key.
    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        let at = self.user.and_then(|table| table.get(key)).map(|value| value.span().start);
        let name = if self.path.is_empty() { key.to_owned() } else { self.named(key) };
        self.document.fault(at.or(self.at), name, message.into());
    }

    /// Whether the operator's own file says anything about the key.
    pub(super) fn is_given(&self, key: &str) -> bool {
        self.user.is_some_and(|table| table.contains_key(key))
    }

    /// A table within this one, empty when absent.
    pub(super) fn section(&mut self, key: &'static str) -> Section<'d, 'a> {
        self.asked.push(key);
        let user = self.user.and_then(|table| table.get(key));
        if let Some(value) = user
            && value.get_ref().as_table().is_none()
        {
            self.fault(key, format!("must be a table: write [{}]", self.named(key)));
        }
        Section {
            document: self.document,
            path: self.named(key),
            user: user.and_then(|value| value.get_ref().as_table()),
            shipped: self.shipped.and_then(|table| table.get(key)?.get_ref().as_table()),
            asked: Vec::new(),
            at: user.map(|value| value.span().start),
        }
    }

    /// The tables of an array `[[key]]`: the operator's, or the shipped ones when there are none.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Section<'d, 'a>> {
        self.asked.push(key);
        let user = self.user.and_then(|table| table.get(key));
        let Some(found) = user.or_else(|| self.shipped.and_then(|table| table.get(key))) else {
            return Vec::new();
        };
        let Some(array) = found.get_ref().as_array() else {
            self.fault(key, format!("must be an array of tables: write [[{}]]", self.named(key)));
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in array.iter().enumerate() {
            let Some(table) = item.get_ref().as_table() else {
                self.fault(key, format!("must hold only tables: write [[{}]]", self.named(key)));
                continue;
            };
            sections.push(Section {
                document: self.document,
                path: format!("{}[{index}]", self.named(key)),
                user: Some(table),
                shipped: None,
                asked: Vec::new(),
                at: user.is_some().then(|| item.span().start),
            });
        }
        sections
    }

    /// A text that must be there and not empty.
    pub(super) fn text(&mut self, key: &'static str) -> String {
        let text = self.optional_text(key);
        if text.is_none() && !self.is_given(key) {
            self.fault(key, "is missing");
        }
        text.unwrap_or_default()
    }

    /// A text that may be absent.
    pub(super) fn optional_text(&mut self, key: &'static str) -> Option<String> {
        let found = self.found(key)?;
        match found.value.as_str() {
            Some("") => self.fault(key, "is empty"),
            Some(text) => return Some(text.to_owned()),
            None => self.wrong_type(key, &found, "a text in quotes"),
        }
        None
    }

    /// A path, relative to the file's directory.
    pub(super) fn path(&mut self, key: &'static str) -> PathBuf {
        let text = self.text(key);
        self.resolve(&text)
    }

    /// A path that may be absent.
    pub(super) fn optional_path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.optional_text(key).map(|text| self.resolve(&text))
    }

    /// Texts, at least one, none empty.
    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(found) = self.found(key) else {
            self.fault(key, "is missing");
            return Vec::new();
        };
        let texts: Option<Vec<String>> = found.value.as_array().and_then(|array| {
            array
                .iter()
                .map(|item| item.get_ref().as_str().filter(|text| !text.is_empty()))
                .map(|text| text.map(ToOwned::to_owned))
                .collect()
        });
        match texts {
            Some(texts) if !texts.is_empty() => texts,
            _ => {
                self.wrong_type(key, &found, "a list of texts: [\"...\"]");
                Vec::new()
            }
        }
    }

    /// A whole number within a range, in the unit that the key's name ends with.
    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<u64>) -> u64 {
        let (least, most) = (*range.start(), *range.end());
        let Some(found) = self.found(key) else {
            self.fault(key, "is missing");
            return least;
        };
        let Some(integer) = found.value.as_integer() else {
            self.wrong_type(key, &found, "a whole number");
            return least;
        };
        match i128::from_str_radix(integer.as_str(), integer.radix()).map(u64::try_from) {
            Ok(Ok(value)) if range.contains(&value) => value,
            _ => {
                self.fault(key, format!("is {}, must be {least} to {most}", integer.as_str()));
                least
            }
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        let Some(found) = self.found(key) else {
            self.fault(key, "is missing");
            return false;
        };
        found.value.as_bool().unwrap_or_else(|| {
            self.wrong_type(key, &found, "true or false");
            false
        })
    }

    /// One of a few names.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, names: &[(&str, T)]) -> Option<T> {
        let text = self.text(key);
        let found = names.iter().find(|(name, _)| *name == text);
        if found.is_none() && !text.is_empty() {
            let all: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
            let hint = nearest(&text, all.iter().copied());
            let hint = hint.map(|name| format!(" (did you mean {name:?}?)")).unwrap_or_default();
            self.fault(key, format!("is {text:?}, must be one of {}{hint}", all.join(", ")));
        }
        found.map(|(_, value)| *value)
    }

    /// Names a key that is refused with a reason of its own, if it is there.
    pub(super) fn refuse(&mut self, key: &'static str, why: &str) {
        self.asked.push(key);
        if self.is_given(key) {
            self.fault(key, why);
        }
    }

    /// A key that may be left out and has no default.
    pub(super) fn allow(&mut self, key: &'static str) {
        self.asked.push(key);
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        let Some(table) = self.user else { return };
        for (key, _) in table {
            let name: &str = key.get_ref();
            if self.asked.contains(&name) {
                continue;
            }
            let hint = nearest(name, self.asked.iter().copied());
            let hint = hint.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
            let message = format!("is not a known key{hint}");
            self.document.fault(Some(key.span().start), self.named(name), message);
        }
    }

    fn named(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn found(&mut self, key: &'static str) -> Option<Found<'a>> {
        self.asked.push(key);
        let value = |table: &'a DeTable<'a>| -> Option<&'a Spanned<DeValue<'a>>> { table.get(key) };
        if let Some(value) = self.user.and_then(value) {
            return Some(Found { value: value.get_ref(), at: Some(value.span().start) });
        }
        let shipped = self.shipped.and_then(value)?;
        Some(Found { value: shipped.get_ref(), at: None })
    }

    fn wrong_type(&self, key: &str, found: &Found<'_>, wanted: &str) {
        let kind = found.value.type_str();
        let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
        let message = format!("must be {wanted}, is {article} {kind}");
        self.document.fault(found.at, self.named(key), message);
    }

    fn resolve(&self, text: &str) -> PathBuf {
        self.document.file.parent().unwrap_or(Path::new("")).join(text)
    }
}
