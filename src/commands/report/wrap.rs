//! Text broken to a width, by the columns that a terminal gives each character.

use console::measure_text_width;

/// Text of a file that anyone may have written must not steer a terminal.
pub(in crate::commands) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Breaks a text into lines of at most `width` columns: between words where it can.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(4);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0);
    for word in text.split(' ') {
        let word_width = measure_text_width(word);
        let gap = usize::from(!line.is_empty());
        if used + gap + word_width <= width {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            used += gap + word_width;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        for c in word.chars() {
            let size = measure_text_width(c.encode_utf8(&mut [0; 4]));
            if used + size > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += size;
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

/// A text with the spaces that fill it to a width.
pub(super) fn pad(text: &str, width: usize, align: super::Align) -> String {
    let room = " ".repeat(width.saturating_sub(measure_text_width(text)));
    match align {
        super::Align::Left | super::Align::Whole => format!("{text}{room}"),
        super::Align::Right => format!("{room}{text}"),
    }
}
