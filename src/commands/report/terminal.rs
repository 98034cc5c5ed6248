//! A document on a terminal: at most a hundred columns, colour only where somebody looks.

use std::io::{self, Write};

use console::{Style, Term, measure_text_width};

use super::wrap::{pad, printable, wrap};
use super::{Align, Block, Cell, Document, Line, Table, Tone};

/// Wider lines are hard to read, whatever the terminal offers.
const WIDTH_MAX: usize = 100;
/// Narrower than this nothing is readable; the terminal wraps then.
const WIDTH_MIN: usize = 60;

/// Writes a document to standard error, where people read.
pub(in crate::commands) fn print(document: &Document) -> io::Result<()> {
    let term = Term::stderr();
    let width = match term.size_checked() {
        Some((_, columns)) => usize::from(columns).clamp(WIDTH_MIN, WIDTH_MAX),
        None => WIDTH_MAX,
    };
    let text = draw(document, width, Ink { colour: console::colors_enabled_stderr() });
    io::stderr().lock().write_all(text.as_bytes())
}

/// Whether there is colour.
#[derive(Clone, Copy)]
pub(super) struct Ink {
    pub(super) colour: bool,
}

impl Ink {
    fn paint(self, text: &str, tone: Tone) -> String {
        let style = Style::new().force_styling(self.colour);
        let style = match tone {
            Tone::Plain => return text.to_owned(),
            Tone::Good => style.green(),
            Tone::Warning => style.yellow(),
            Tone::Bad => style.red(),
            Tone::Quiet => style.dim(),
            Tone::Strong => style.bold(),
        };
        if self.colour { style.apply_to(text).to_string() } else { text.to_owned() }
    }
}

/// The document as text.
pub(super) fn draw(document: &Document, width: usize, ink: Ink) -> String {
    let mut out = String::new();
    push_wrapped(&mut out, &document.title, (0, width), Tone::Strong, ink);
    if !document.lead.is_empty() {
        push_wrapped(&mut out, &document.lead, (0, width), Tone::Plain, ink);
    }
    for block in &document.blocks {
        match block {
            Block::Heading(text) => {
                out.push('\n');
                push_wrapped(&mut out, text, (0, width), Tone::Strong, ink);
            }
            Block::Note(text) => push_wrapped(&mut out, text, (2, width), Tone::Quiet, ink),
            Block::Verdict(Cell { text, tone }) => {
                out.push('\n');
                push_wrapped(&mut out, text, (0, width), *tone, ink);
            }
            Block::Lines(lines) => draw_lines(&mut out, lines, width, ink),
            Block::Table(table) => draw_table(&mut out, table, width, ink),
            // A plot of letters says less than the table beside it.
            Block::Figure(_) => {}
        }
    }
    out
}

fn push_wrapped(
    out: &mut String,
    text: &str,
    (indent, width): (usize, usize),
    tone: Tone,
    ink: Ink,
) {
    for line in wrap(&printable(text), width - indent) {
        out.push_str(&" ".repeat(indent));
        out.push_str(&ink.paint(&line, tone));
        out.push('\n');
    }
}

/// Names on the left, values in one column beside them.
fn draw_lines(out: &mut String, lines: &[Line], width: usize, ink: Ink) {
    let name_width = |line: &Line| 2 + line.indent * 2 + measure_text_width(&line.name);
    // One long name must not push every value to the edge.
    let widest = lines.iter().map(name_width).max().unwrap_or(0).min(width * 6 / 10);
    for line in lines {
        let indent = 2 + line.indent * 2;
        let names = wrap(&printable(&line.name), widest.saturating_sub(indent).max(8));
        let values = wrap(&printable(&line.value.text), width.saturating_sub(widest + 2));
        for row in 0..names.len().max(values.len()) {
            let name = names.get(row).map_or("", String::as_str);
            let value = values.get(row).map_or("", String::as_str);
            let left = format!("{}{name}", " ".repeat(indent));
            let left = pad(&left, widest + 2, Align::Left);
            let text = format!("{left}{}", ink.paint(value, line.value.tone));
            out.push_str(text.trim_end());
            out.push('\n');
        }
    }
}

fn draw_table(out: &mut String, table: &Table, width: usize, ink: Ink) {
    let widths = column_widths(table, width - 2);
    let head: Vec<Cell> = table.columns.iter().map(|column| Cell::from(&*column.name)).collect();
    draw_row(out, table, &head, &widths, |text, _| ink.paint(text, Tone::Quiet));
    for row in &table.rows {
        draw_row(out, table, row, &widths, |text, tone| ink.paint(text, tone));
    }
}

/// Natural widths; what is too much is taken from the widest column of text.
fn column_widths(table: &Table, width: usize) -> Vec<usize> {
    let natural = |at: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(at));
        let widest = cells.map(|cell| measure_text_width(&cell.text)).max().unwrap_or(0);
        widest.max(measure_text_width(&table.columns[at].name))
    };
    let mut widths: Vec<usize> = (0..table.columns.len()).map(natural).collect();
    let gaps = 2 * widths.len().saturating_sub(1);
    let elastic = |at: &usize| table.columns[*at].align == Align::Left;
    loop {
        let total: usize = widths.iter().sum::<usize>() + gaps;
        let widest = (0..widths.len()).filter(elastic).max_by_key(|at| widths[*at]);
        match widest {
            Some(at) if total > width && widths[at] > 8 => {
                // Down to the next widest or to what is needed, whichever comes first.
                widths[at] -= (total - width).min(widths[at] - 8).clamp(1, 4);
            }
            _ => return widths,
        }
    }
}

fn draw_row(
    out: &mut String,
    table: &Table,
    cells: &[Cell],
    widths: &[usize],
    paint: impl Fn(&str, Tone) -> String,
) {
    let wrapped: Vec<Vec<String>> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| wrap(&printable(&cell.text), *width))
        .collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    for row in 0..height {
        let mut text = String::from(" ");
        for (at, lines) in wrapped.iter().enumerate() {
            let line = lines.get(row).map_or("", String::as_str);
            let padded = pad(line, widths[at], table.columns[at].align);
            text.push_str(if at == 0 { " " } else { "  " });
            text.push_str(&paint(&padded, cells[at].tone));
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
}
