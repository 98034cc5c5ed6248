//! A document as one HTML file: nothing is loaded from elsewhere, nothing runs, and it prints.

use std::fmt::Write as _;

use super::{Align, Block, Cell, Document, Line, Table, Tone};

/// The whole style. System fonts only, and black on white when printed.
const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1d2430;--paper:#fff;--quiet:#667085;--line:#e2e6ec;\
--head:#f5f7fa;--good:#157f3b;--warn:#9a6400;--bad:#b42318}\
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ef;--paper:#14181f;--quiet:#98a2b3;\
--line:#2c3440;--head:#1b212b;--good:#5fd08a;--warn:#e5b454;--bad:#ff8a7a}}\
*{box-sizing:border-box}\
body{margin:0 auto;padding:2.5rem 1.5rem 4rem;max-width:72rem;color:var(--ink);\
background:var(--paper);font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans CJK SC',\
sans-serif}\
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .3rem}\
h2{font-size:1.08rem;margin:2.2rem 0 .6rem;padding-bottom:.3rem;border-bottom:1px solid var(--line)}\
p{margin:.4rem 0;max-width:60rem}\
.lead{color:var(--quiet);margin-bottom:1.2rem}\
.note{color:var(--quiet);font-size:.93em}\
.verdict{margin:1rem 0;padding:.7rem 1rem;border-left:4px solid var(--line);background:var(--head);\
font-weight:600;border-radius:0 6px 6px 0}\
.verdict.good{border-color:var(--good)}.verdict.warning{border-color:var(--warn)}\
.verdict.bad{border-color:var(--bad)}\
.scroll{overflow-x:auto}\
table{border-collapse:collapse;margin:.5rem 0 1rem;font-variant-numeric:tabular-nums;\
font-size:.93em}\
th,td{text-align:left;vertical-align:top;padding:.28rem .9rem .28rem 0;\
border-bottom:1px solid var(--line);overflow-wrap:break-word}\
th{color:var(--quiet);font-weight:600;white-space:nowrap}\
td{min-width:3.5rem}\
.whole{white-space:nowrap}.long{overflow-wrap:anywhere;min-width:9rem}\
.number{text-align:right;white-space:nowrap;overflow-wrap:normal}\
.lines th{font-weight:400;color:var(--ink);white-space:normal;min-width:20rem;max-width:34rem;\
font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.93em}\
.lines td{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.93em}\
.good{color:var(--good)}.warning{color:var(--warn)}.bad{color:var(--bad)}.quiet{color:var(--quiet)}\
.strong{font-weight:600}\
.verdict,.verdict.good,.verdict.bad,.verdict.warning{color:var(--ink)}\
footer{margin-top:3rem;color:var(--quiet);font-size:.85em}\
@media print{:root{color-scheme:light;--ink:#000;--paper:#fff;--quiet:#444;--line:#bbb;--head:#fff;\
--good:#000;--warn:#000;--bad:#000}\
body{max-width:none;padding:0;font-size:9.5pt}h2{break-after:avoid}tr,.few{break-inside:avoid}\
thead{display:table-header-group}.scroll{overflow:visible}.lines.few{break-after:avoid}\
table{font-size:8pt}th,td{padding:.16rem .6rem .16rem 0}td{min-width:2rem}th{white-space:normal}\
.lines th{min-width:15rem}.slim{columns:2;column-gap:9mm}.slim table{width:100%;margin-top:0}\
.slim .lines th{min-width:0}.slim table{font-size:6.7pt}\
.slim th,.slim td{padding-right:.25rem;min-width:0}@page{margin:14mm 13mm}}";

/// A table of so few rows stays on one page.
const FEW: usize = 8;
/// A table of at least so many rows is printed in two columns,
const MANY: usize = 24;
/// when nine in ten rows are at most so many characters wide.
const SLIM: usize = 50;
/// A word of more characters may be broken: a hash, never a name or a moment.
const WORD: usize = 48;

/// The document as one self-contained page.
pub(in crate::commands) fn html(document: &Document) -> String {
    let mut out = String::with_capacity(16 << 10);
    let title = escaped(&document.title);
    // The policy makes "self-contained" a fact and not a promise: a browser fetches nothing.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>{STYLE}{}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        super::svg::STYLE
    );
    if !document.lead.is_empty() {
        let _ = writeln!(out, "<p class=\"lead\">{}</p>", escaped(&document.lead));
    }
    for block in &document.blocks {
        push_block(&mut out, block);
    }
    let _ = writeln!(
        out,
        "<footer>Tidegate {}. Tokens in place of personal values.</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    );
    out
}

fn push_block(out: &mut String, block: &Block) {
    // Writing into a `String` does not fail.
    let _ = match block {
        Block::Heading(text) => writeln!(out, "<h2>{}</h2>", escaped(text)),
        Block::Note(text) => writeln!(out, "<p class=\"note\">{}</p>", escaped(text)),
        Block::Verdict(Cell { text, tone }) => {
            writeln!(out, "<p class=\"verdict {}\">{}</p>", class(*tone), escaped(text))
        }
        Block::Lines(lines) => {
            push_lines(out, lines);
            Ok(())
        }
        Block::Table(table) => {
            push_table(out, table);
            Ok(())
        }
        Block::Figure(figure) => {
            super::svg::push_figure(out, figure);
            Ok(())
        }
    };
}

fn push_lines(out: &mut String, lines: &[Line]) {
    let wide =
        |line: &Line| line.indent * 2 + line.name.chars().count() + line.value.text.chars().count();
    let scroll = scroll(lines.iter().map(wide).collect());
    let few = if lines.len() <= FEW { " few" } else { "" };
    let _ = writeln!(out, "<div class=\"{scroll}\"><table class=\"lines{few}\"><tbody>");
    for line in lines {
        let indent = match line.indent {
            0 => String::new(),
            depth => format!(" style=\"padding-left:{}em\"", depth as f64 * 1.4),
        };
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\"{indent}>{}</th><td class=\"{}{}\">{}</td></tr>",
            escaped(&line.name),
            class(line.value.tone),
            long(&line.value.text),
            escaped(&line.value.text)
        );
    }
    out.push_str("</tbody></table></div>\n");
}

fn push_table(out: &mut String, table: &Table) {
    let side = |align| match align {
        Align::Left => "",
        Align::Whole => " whole",
        Align::Right => " number",
    };
    let wide = |row: &Vec<Cell>| row.iter().map(|cell| cell.text.chars().count() + 2).sum();
    let scroll = scroll(table.rows.iter().map(wide).collect());
    let few = if table.rows.len() <= FEW { " class=\"few\"" } else { "" };
    let _ = write!(out, "<div class=\"{scroll}\"><table{few}><thead><tr>");
    for column in &table.columns {
        let (side, name) = (side(column.align), escaped(&column.name));
        let _ = write!(out, "<th scope=\"col\" class=\"{}\">{name}</th>", side.trim());
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in &table.rows {
        out.push_str("<tr>");
        for (cell, column) in row.iter().zip(&table.columns) {
            let (tone, side, long) = (class(cell.tone), side(column.align), long(&cell.text));
            let _ = write!(out, "<td class=\"{tone}{side}{long}\">{}</td>", escaped(&cell.text));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
}

/// What a table stands in: many short rows are printed side by side.
fn scroll(mut widths: Vec<usize>) -> &'static str {
    widths.sort_unstable();
    // The few that are wider than the rest are wrapped.
    match widths.get(widths.len() * 9 / 10) {
        Some(wide) if widths.len() >= MANY && *wide <= SLIM => "scroll slim",
        _ => "scroll",
    }
}

/// Whether a text holds a word that no line could.
fn long(text: &str) -> &'static str {
    if text.split_whitespace().any(|word| word.chars().count() > WORD) { " long" } else { "" }
}

const fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Plain => "plain",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
        Tone::Quiet => "quiet",
        Tone::Strong => "strong",
    }
}

/// Text as HTML; what steers a terminal or a page stands as a question mark.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('?'),
            c => out.push(c),
        }
    }
    out
}
