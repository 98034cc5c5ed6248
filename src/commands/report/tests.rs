//! Drawing: nothing wider than asked for, nothing that steers a terminal or a page.

use console::measure_text_width;

use super::terminal::{Ink, draw};
use super::wrap::wrap;
use super::*;

/// A page that runs or loads something would be a way in; a wide one cannot be read.
#[test]
fn hostile_text_is_text() {
    let evil = "<script>alert(1)</script>\u{1b}[2J\n&\"'";
    let mut document = Document::new(evil, evil);
    document.heading(evil);
    document.note(evil);
    document.verdict(evil, Tone::Bad);
    document.lines(vec![Line::under(3, evil, evil), Line::new("a name", "a value")]);
    let mut table = Table::new(&["text", ">number"]);
    table.row([Cell::from(evil), Cell::from(1_234_567_u64)]);
    document.table(table);
    let page = html(&document);
    assert!(!page.contains("<script>") && !page.contains('\u{1b}'), "{page}");
    assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    assert!(page.contains("1,234,567"));
    let text = draw(&document, 100, Ink { colour: false });
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// A hundred columns hold whatever is drawn, and no text is lost on the way.
#[test]
fn nothing_is_wider_than_the_terminal() {
    let long = "西安市雁塔区 ".repeat(12) + &"x".repeat(150);
    let mut document = Document::new("t", long.clone());
    document.lines(vec![Line::under(2, long.clone(), long.clone())]);
    let mut table = Table::new(&["a", "b", ">c"]);
    table.row([Cell::from(&*long), Cell::from("short"), Cell::from(1_000_000_u64)]);
    document.table(table);
    for width in [60, 80, 100] {
        let text = draw(&document, width, Ink { colour: false });
        for line in text.lines() {
            assert!(measure_text_width(line) <= width, "{width}: {line}");
        }
        assert_eq!(text.matches('x').count(), 4 * 150, "{text}");
    }
    assert_eq!(wrap("", 10), [""]);
    assert_eq!(wrap("ab cd", 4), ["ab", "cd"]);
    assert_eq!(grouped(0), "0");
    assert_eq!(grouped(1_234), "1,234");
}
