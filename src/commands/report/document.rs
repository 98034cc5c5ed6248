//! A document: headings, lines, tables and verdicts, without a word of how they are drawn.

/// What a reader gets, on a terminal or on paper.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Document {
    /// What it is.
    pub(in crate::commands) title: String,
    /// Of what, in a sentence.
    pub(in crate::commands) lead: String,
    /// Its parts, in order.
    pub(in crate::commands) blocks: Vec<Block>,
}

/// One part.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Block {
    /// The name of what follows.
    Heading(String),
    /// A sentence or two.
    Note(String),
    /// The answer, if there is only time for one sentence.
    Verdict(Cell),
    /// Names with values, indented where one belongs to another.
    Lines(Vec<Line>),
    /// Rows and columns.
    Table(Table),
    /// A plot; on paper only, so a table beside it must say the same.
    Figure(super::Figure),
}

/// A name and a value.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Line {
    /// How deep it stands.
    pub(in crate::commands) indent: usize,
    /// The name.
    pub(in crate::commands) name: String,
    /// The value.
    pub(in crate::commands) value: Cell,
}

impl Line {
    /// A line at the margin.
    pub(in crate::commands) fn new(name: impl Into<String>, value: impl Into<Cell>) -> Self {
        Self { indent: 0, name: name.into(), value: value.into() }
    }

    /// A line under another.
    pub(in crate::commands) fn under(
        indent: usize,
        name: impl Into<String>,
        value: impl Into<Cell>,
    ) -> Self {
        Self { indent, name: name.into(), value: value.into() }
    }
}

/// Rows and columns.
#[derive(Clone, Debug, Default)]
pub(in crate::commands) struct Table {
    /// What the columns are.
    pub(in crate::commands) columns: Vec<Column>,
    /// As many cells each as there are columns.
    pub(in crate::commands) rows: Vec<Vec<Cell>>,
}

/// What a column is.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Column {
    /// Its name.
    pub(in crate::commands) name: String,
    /// On which side its cells stand.
    pub(in crate::commands) align: Align,
}

/// On which side a cell stands. What stands left is wrapped when room is short.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Align {
    /// Text.
    Left,
    /// Text that makes no sense in pieces.
    Whole,
    /// Numbers.
    Right,
}

impl Table {
    /// An empty table. A name that begins with `>` is a column of numbers, one with `=` is never
    /// wrapped.
    pub(in crate::commands) fn new(names: &[&str]) -> Self {
        let column = |name: &&str| {
            let (align, name) = match name.split_at_checked(1) {
                Some((">", name)) => (Align::Right, name),
                Some(("=", name)) => (Align::Whole, name),
                _ => (Align::Left, *name),
            };
            Column { name: name.to_owned(), align }
        };
        Self { columns: names.iter().map(column).collect(), rows: Vec::new() }
    }

    /// Appends a row.
    pub(in crate::commands) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len());
        self.rows.push(cells.into());
    }
}

/// Text with what it means for the reader.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(in crate::commands) struct Cell {
    /// The text.
    pub(in crate::commands) text: String,
    /// Good or bad news.
    pub(in crate::commands) tone: Tone,
}

/// What a text means for the reader; drawn as colour or weight, never the only carrier of a fact.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(in crate::commands) enum Tone {
    /// As any other.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// To be looked at.
    Warning,
    /// Not as it should be.
    Bad,
    /// Of lesser interest.
    Quiet,
    /// What is looked for.
    Strong,
}

impl Cell {
    /// A text with a tone.
    pub(in crate::commands) fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, tone: Tone::Plain }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::from(super::grouped(number))
    }
}

impl Document {
    /// An empty document.
    pub(in crate::commands) fn new(title: impl Into<String>, lead: impl Into<String>) -> Self {
        Self { title: title.into(), lead: lead.into(), blocks: Vec::new() }
    }

    /// Appends a heading.
    pub(in crate::commands) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    /// Appends a sentence.
    pub(in crate::commands) fn note(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Note(text.into()));
    }

    /// Appends the answer.
    pub(in crate::commands) fn verdict(&mut self, text: impl Into<String>, tone: Tone) {
        self.blocks.push(Block::Verdict(Cell::toned(text, tone)));
    }

    /// Appends lines, if there are any.
    pub(in crate::commands) fn lines(&mut self, lines: Vec<Line>) {
        if !lines.is_empty() {
            self.blocks.push(Block::Lines(lines));
        }
    }

    /// Appends a table, if it has rows.
    pub(in crate::commands) fn table(&mut self, table: Table) {
        if !table.rows.is_empty() {
            self.blocks.push(Block::Table(table));
        }
    }

    /// Appends a plot.
    pub(in crate::commands) fn figure(&mut self, figure: super::Figure) {
        self.blocks.push(Block::Figure(figure));
    }
}
