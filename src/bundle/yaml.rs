//! YAML to a tree that knows the place of everything in it.
//!
//! Anchors, aliases, tags and merge keys are refused: a rule must say what it says where it stands,
//! and what cannot be expanded cannot explode. So a tree is never larger than its file.

use std::collections::BTreeSet;

use serde_saphyr::granit_parser::{self, Event, Parser, ScalarStyle};

use super::fault::{At, Report, shown};

/// Largest file of a bundle, in bytes.
pub const FILE_MAX_BYTES: usize = 8 << 20;
/// Deepest nesting.
const DEPTH_MAX: usize = 16;

/// A value and where it begins.
#[derive(Debug)]
pub(super) struct Node {
    /// Where.
    pub(super) at: At,
    /// What.
    pub(super) shape: Shape,
}

/// What a node is.
#[derive(Debug)]
pub(super) enum Shape {
    /// One value.
    Scalar(Scalar),
    /// `[a, b]`.
    List(Vec<Node>),
    /// `{a: 1}`, keys in the order of the file, each once.
    Map(Vec<(Key, Node)>),
}

/// One value: text until someone asks for a number.
#[derive(Debug)]
pub(super) struct Scalar {
    /// After escapes and folding.
    pub(super) text: String,
    /// Written without quotes and on the line, so that it may be a number or a boolean.
    pub(super) plain: bool,
}

/// A key of a map.
#[derive(Debug)]
pub(super) struct Key {
    /// Where.
    pub(super) at: At,
    /// Its name.
    pub(super) text: String,
}

impl Node {
    /// What it is, for messages.
    pub(super) const fn kind(&self) -> &'static str {
        match self.shape {
            Shape::Scalar(_) => "a single value",
            Shape::List(_) => "a list",
            Shape::Map(_) => "a map",
        }
    }
}

/// Reads one file; an unreadable one is a fault and `None`. An empty one is an empty map.
pub(super) fn parse(bytes: &[u8], report: &mut Report<'_>) -> Option<Node> {
    let whole = At::default();
    if bytes.len() > FILE_MAX_BYTES {
        report.fault(whole, format!("larger than {} MiB; split it", FILE_MAX_BYTES >> 20));
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() as u32 + 1;
            report.fault(At { line, column: 1 }, "not UTF-8; save the file as UTF-8");
            return None;
        }
    };
    let options = granit_parser::options! {
        emit_comments: false,
        disallow_directives: true,
        flow_nesting_limit: DEPTH_MAX,
        block_nesting_limit: DEPTH_MAX,
        simple_key_max_lookahead: 1_024,
    };
    let lines = text.lines().collect();
    let mut builder = Builder { lines, open: Vec::new(), root: None, faulty: false };
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                let at = place(&span.start);
                builder.event(event, at, report);
            }
            Err(error) => {
                report.fault(place(error.marker()), format!("not YAML: {}", shown(&error.info())));
                return None;
            }
        }
    }
    let root = builder.root.unwrap_or(Node { at: whole, shape: Shape::Map(Vec::new()) });
    (!builder.faulty).then_some(root)
}

fn place(marker: &granit_parser::Marker) -> At {
    At { line: marker.line() as u32, column: marker.col() as u32 + 1 }
}

/// A container whose end has not come yet.
enum Open {
    List(At, Vec<Node>),
    Map { at: At, entries: Vec<(Key, Node)>, names: BTreeSet<String>, key: Option<Key> },
}

/// Builds the tree from the parser's events, without recursion.
struct Builder<'a> {
    lines: Vec<&'a str>,
    open: Vec<Open>,
    root: Option<Node>,
    faulty: bool,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, at: At, report: &mut Report<'_>) {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_only(anchor, tag.is_some(), at, report);
                let plain = style == ScalarStyle::Plain;
                let at = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => self.block_place(&text, at),
                    // The text stands behind its quote.
                    ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                        At { column: at.column + 1, ..at }
                    }
                    _ => at,
                };
                let text = match style {
                    ScalarStyle::Folded => self.unfolded(&text, at),
                    _ => text.into_owned(),
                };
                super::letters::check(&text, at, report);
                let scalar = Scalar { text, plain };
                self.node(Node { at, shape: Shape::Scalar(scalar) }, report);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.plain_only(anchor, tag.is_some(), at, report);
                self.open.push(Open::List(at, Vec::new()));
            }
            Event::MappingStart(_, anchor, tag) => {
                self.plain_only(anchor, tag.is_some(), at, report);
                let (entries, names) = (Vec::new(), BTreeSet::new());
                self.open.push(Open::Map { at, entries, names, key: None });
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(at, items)) => {
                    self.node(Node { at, shape: Shape::List(items) }, report);
                }
                Some(Open::Map { at, entries, .. }) => {
                    self.node(Node { at, shape: Shape::Map(entries) }, report);
                }
                None => {}
            },
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse(at, "aliases (`*name`) are not taken; write the value out", report);
                let scalar = Scalar { text: String::new(), plain: true };
                self.node(Node { at, shape: Shape::Scalar(scalar) }, report);
            }
            _ => {}
        }
    }

    /// Where the text of a block scalar begins. The parser points below its `|`; the first line
    /// that is not blank shows the indentation, and the text keeps the blank lines before it.
    fn block_place(&self, text: &str, below: At) -> At {
        let from = (below.line as usize).saturating_sub(1);
        let lines = self.lines.get(from..).unwrap_or_default();
        let Some(first) = lines.iter().position(|line| !line.trim().is_empty()) else {
            return below;
        };
        let line = lines.get(first).copied().unwrap_or_default();
        let indent = line.len() - line.trim_start_matches(' ').len();
        let blank = text.chars().take_while(|letter| *letter == '\n').count();
        let line = (from + first + 1).saturating_sub(blank);
        At { line: line as u32, column: indent as u32 + 1 }
    }

    /// A folded text with its line breaks back where folding has put spaces, so that a fault in it
    /// has its line and column. A text whose blank lines were folded too stays as it is.
    fn unfolded(&self, folded: &str, at: At) -> String {
        let (from, indent) = ((at.line as usize).saturating_sub(1), at.column as usize - 1);
        let breaks = folded.trim_end_matches('\n').chars().count();
        let (mut lines, mut letters) = (String::new(), 0);
        for line in self.lines.get(from..).unwrap_or_default() {
            if letters >= breaks {
                break;
            }
            letters += line.chars().count().saturating_sub(indent) + 1;
            if !lines.is_empty() {
                lines.push('\n');
            }
            lines.push_str(line.get(indent..).unwrap_or_default().trim_end_matches('\r'));
        }
        if lines.replace('\n', " ") == folded.trim_end_matches('\n') {
            lines
        } else {
            folded.to_owned()
        }
    }

    fn refuse(&mut self, at: At, message: &str, report: &mut Report<'_>) {
        self.faulty = true;
        report.fault(at, message);
    }

    fn plain_only(&mut self, anchor: usize, tagged: bool, at: At, report: &mut Report<'_>) {
        if anchor != 0 {
            self.refuse(at, "anchors (`&name`) are not taken; write the value out", report);
        }
        if tagged {
            self.refuse(at, "tags (`!name`) are not taken; remove it", report);
        }
    }

    /// A node is finished: it belongs to the innermost open container, else it is the root.
    fn node(&mut self, node: Node, report: &mut Report<'_>) {
        let at = node.at;
        let refused = match self.open.last_mut() {
            Some(Open::List(_, items)) => {
                items.push(node);
                None
            }
            Some(Open::Map { entries, names, key, .. }) => match (key.take(), node.shape) {
                (Some(key), shape) => {
                    entries.push((key, Node { at, shape }));
                    None
                }
                (None, Shape::Scalar(Scalar { text, .. })) => {
                    let twice = !names.insert(text.clone());
                    let message = twice.then(|| format!("key `{}` stands twice", shown(&text)));
                    *key = Some(Key { at, text });
                    message
                }
                (None, _) => {
                    *key = Some(Key { at, text: String::new() });
                    Some("a key must be a name".to_owned())
                }
            },
            None if self.root.is_some() => Some("a second document; keep one a file".to_owned()),
            None => {
                self.root = Some(node);
                None
            }
        };
        if let Some(message) = refused {
            self.refuse(at, &message, report);
        }
    }
}
