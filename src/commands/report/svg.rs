//! A figure as inline SVG: no script, nothing loaded, told apart without colour when printed.

use std::fmt::Write as _;

use super::figure::{Axis, Bars, Curves, Figure, Matrix, Unit};
use super::html::escaped;

/// The drawing's own units; a browser scales them to the page.
const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 46.0;
/// Side of a matrix cell, at most.
const CELL_MAX: f64 = 34.0;
/// Room for the names beside a matrix.
const NAMES: f64 = 118.0;

/// What figures add to the page's style.
pub(super) const STYLE: &str = "\
figure{margin:.8rem 0 1.4rem;max-width:62rem}figcaption{color:var(--quiet);font-size:.93em}\
svg{display:block;width:100%;height:auto}\
svg text{font:11px system-ui,-apple-system,'Segoe UI',Roboto,sans-serif;fill:var(--quiet)}\
svg .grid{stroke:var(--line);stroke-width:1}svg .axis{stroke:var(--quiet);stroke-width:1}\
svg .curve{fill:none;stroke-width:2;stroke-linejoin:round}\
svg .c0{stroke:var(--f0)}svg .c1{stroke:var(--f1);stroke-dasharray:7 4}\
svg .c2{stroke:var(--f2);stroke-dasharray:2 3}svg .c3{stroke:var(--f3);stroke-dasharray:9 3 2 3}\
svg .b0{fill:var(--f0)}svg .b1{fill:var(--f1)}svg .b2{fill:var(--f2)}svg .b3{fill:var(--f3)}\
svg .cell{fill:var(--f0)}svg .mark{fill:var(--paper);stroke:var(--ink);stroke-width:1.5}\
svg .said{fill:var(--ink);font-weight:600;paint-order:stroke;stroke:var(--paper);stroke-width:3px}svg .inverse{fill:var(--paper)}\
:root{--f0:#1d5fbf;--f1:#e08a1e;--f2:#2c8a57;--f3:#8a4fb5}\
@media(prefers-color-scheme:dark){:root{--f0:#6ea8ff;--f1:#f0b25e;--f2:#6fd39c;--f3:#c79bea}}\
@media print{:root{--f0:#222;--f1:#aaa;--f2:#555;--f3:#777}figure{break-inside:avoid}}";

/// The figure with its caption.
pub(super) fn push_figure(out: &mut String, figure: &Figure) {
    let (title, svg) = match figure {
        Figure::Curves(curves) => (&curves.title, of_curves(curves)),
        Figure::Bars(bars) => (&bars.title, of_bars(bars)),
        Figure::Matrix(matrix) => (&matrix.title, of_matrix(matrix)),
    };
    let title = escaped(title);
    // Writing into a `String` does not fail.
    let _ = writeln!(out, "<figure>{svg}<figcaption>{title}</figcaption></figure>");
}

fn open(title: &str, height: f64) -> String {
    let title = escaped(title);
    format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{title}\">")
}

fn of_curves(curves: &Curves) -> String {
    let mut out = open(&curves.title, HEIGHT);
    let (x, y) =
        (Scale::of(&curves.x, LEFT, WIDTH - RIGHT), Scale::of(&curves.y, HEIGHT - BOTTOM, TOP));
    push_grid(&mut out, &curves.y, &y);
    let whole = |tick: &f64| curves.x.unit != Unit::Whole || tick.fract() == 0.0;
    for tick in ticks(curves.x.low, curves.x.high, 8).into_iter().filter(whole) {
        let (at, text) = (x.place(tick), shown(tick, &curves.x));
        let _ = write!(
            out,
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            HEIGHT - BOTTOM + 16.0
        );
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    let name = escaped(&curves.x.name);
    let _ = write!(
        out,
        "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
        HEIGHT - 10.0
    );
    for (nth, curve) in curves.lines.iter().take(Curves::LINES_MAX).enumerate() {
        let points: Vec<String> = curve
            .points
            .iter()
            .map(|(at, value)| format!("{:.1},{:.1}", x.place(*at), y.place(*value)))
            .collect();
        let _ = write!(out, "<polyline class=\"curve c{nth}\" points=\"{}\"/>", points.join(" "));
    }
    push_marks(&mut out, curves, (&x, &y));
    let names: Vec<&str> = curves.lines.iter().map(|curve| &*curve.name).collect();
    push_legend(&mut out, &names, "curve c");
    out + "</svg>"
}

/// Points that are pointed out; a text that would lie on another one is left to the table.
fn push_marks(out: &mut String, curves: &Curves, (x, y): (&Scale, &Scale)) {
    let mut said: Vec<(f64, f64)> = Vec::new();
    for mark in &curves.marks {
        let (at, high) = (x.place(mark.at.0), y.place(mark.at.1));
        let _ = write!(out, "<circle class=\"mark\" cx=\"{at:.1}\" cy=\"{high:.1}\" r=\"4\"/>");
        let wide = mark.text.chars().count() as f64 * 7.0;
        if said.iter().any(|(x, y)| (x - at).abs() < wide && (y - high).abs() < 14.0) {
            continue;
        }
        said.push((at, high));
        // A text that would leave the drawing on the right stands on the left of its point.
        let right = at + 9.0 + wide > WIDTH;
        let (anchor, beside) = if right { ("end", at - 9.0) } else { ("start", at + 9.0) };
        let below = if high < TOP + 18.0 { high + 16.0 } else { high - 8.0 };
        let text = escaped(&mark.text);
        let _ = write!(
            out,
            "<text class=\"said\" x=\"{beside:.1}\" y=\"{below:.1}\" \
             text-anchor=\"{anchor}\">{text}</text>"
        );
    }
}

fn of_bars(bars: &Bars) -> String {
    let mut out = open(&bars.title, HEIGHT);
    let sum =
        |at: usize| -> u64 { bars.parts.iter().filter_map(|(_, heights)| heights.get(at)).sum() };
    let highest = (0..bars.names.len()).map(sum).max().unwrap_or(0).max(1);
    let axis = Axis { name: String::new(), low: 0.0, high: highest as f64, unit: Unit::Number };
    let y = Scale::of(&axis, HEIGHT - BOTTOM, TOP);
    push_grid(&mut out, &axis, &y);
    let room = (WIDTH - LEFT - RIGHT) / bars.names.len().max(1) as f64;
    let every = bars.names.len().div_ceil(12).max(1);
    for (at, name) in bars.names.iter().enumerate() {
        let left = LEFT + room * at as f64;
        let mut under = 0;
        for (nth, (_, heights)) in bars.parts.iter().enumerate() {
            let height = heights.get(at).copied().unwrap_or(0);
            let (low, high) = (y.place(under as f64), y.place((under + height) as f64));
            under += height;
            let (inset, wide) = (left + room * 0.12, room * 0.76);
            let _ = write!(
                out,
                "<rect class=\"b{nth}\" x=\"{inset:.1}\" y=\"{high:.1}\" width=\"{wide:.1}\" \
                 height=\"{:.1}\"/>",
                low - high
            );
        }
        if at.is_multiple_of(every) {
            let (middle, name) = (left + room / 2.0, escaped(name));
            let _ = write!(
                out,
                "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{name}</text>",
                HEIGHT - BOTTOM + 16.0
            );
        }
    }
    let names: Vec<&str> = bars.parts.iter().map(|(name, _)| &**name).collect();
    push_legend(&mut out, &names, "b");
    out + "</svg>"
}

fn of_matrix(matrix: &Matrix) -> String {
    let count = matrix.names.len().max(1) as f64;
    let cell = ((WIDTH - NAMES - RIGHT) / count).min(CELL_MAX);
    let mut out = open(&matrix.title, NAMES + cell * count + 8.0);
    for (at, name) in matrix.names.iter().enumerate() {
        let (along, name) = (NAMES + cell * (at as f64 + 0.5) + 4.0, escaped(name));
        let _ = write!(
            out,
            "<text x=\"{:.1}\" y=\"{along:.1}\" text-anchor=\"end\">{name}</text><text \
             transform=\"translate({along:.1} {:.1}) rotate(-60)\">{name}</text>",
            NAMES - 7.0,
            NAMES - 7.0
        );
    }
    for (row, cells) in matrix.rows.iter().enumerate() {
        for (column, share) in cells.iter().enumerate() {
            let (left, top) = (NAMES + cell * column as f64, NAMES + cell * row as f64);
            let value = share.filter(|value| value.is_finite()).unwrap_or(0.0).clamp(0.0, 1.0);
            let _ = write!(
                out,
                "<rect class=\"cell\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" \
                 height=\"{:.1}\" fill-opacity=\"{:.2}\"/>",
                cell - 1.0,
                cell - 1.0,
                0.04 + value * 0.96
            );
            if value >= 0.005 && cell >= 20.0 {
                let class = if value > 0.5 { " class=\"inverse\"" } else { "" };
                let (middle, low) = (left + cell / 2.0 - 0.5, top + cell / 2.0 + 4.0);
                let _ = write!(
                    out,
                    "<text{class} x=\"{middle:.1}\" y=\"{low:.1}\" text-anchor=\"middle\">{:.0}</text>",
                    value * 100.0
                );
            }
        }
    }
    out + "</svg>"
}

fn push_grid(out: &mut String, axis: &Axis, scale: &Scale) {
    for tick in ticks(axis.low, axis.high, 6) {
        let (high, text) = (scale.place(tick), shown(tick, axis));
        let right = WIDTH - RIGHT;
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{high:.1}\" y2=\"{high:.1}\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
            LEFT - 7.0,
            high + 4.0
        );
    }
    let (base, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
    let _ = write!(
        out,
        "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{base}\" y2=\"{base}\"/>"
    );
    let name = escaped(&axis.name);
    let _ = write!(out, "<text x=\"4\" y=\"14\">{name}</text>");
}

/// Samples and names in the drawing's first line, from the right.
fn push_legend(out: &mut String, names: &[&str], class: &str) {
    // One line is named by its axis.
    if names.len() < 2 {
        return;
    }
    let mut right = WIDTH - RIGHT;
    for (nth, name) in names.iter().enumerate().rev() {
        // Seven units a character are enough at this size; a legend is short.
        let left = right - name.chars().count() as f64 * 6.6 - 34.0;
        let sample = match class {
            "b" => format!(
                "<rect class=\"b{nth}\" x=\"{:.1}\" y=\"5\" width=\"12\" height=\"10\"/>",
                left + 10.0
            ),
            _ => format!(
                "<line class=\"{class}{nth}\" x1=\"{left:.1}\" x2=\"{:.1}\" y1=\"10\" y2=\"10\"/>",
                left + 22.0
            ),
        };
        let _ =
            write!(out, "{sample}<text x=\"{:.1}\" y=\"14\">{}</text>", left + 27.0, escaped(name));
        right = left - 14.0;
    }
}

/// From values to places.
struct Scale {
    low: f64,
    span: f64,
    from: f64,
    to: f64,
}

impl Scale {
    fn of(axis: &Axis, from: f64, to: f64) -> Self {
        let span = axis.high - axis.low;
        // An axis of one value, or of none that is a number, has all of them at its beginning.
        let span = if span.is_finite() && span > 0.0 { span } else { f64::INFINITY };
        Self { low: axis.low, span, from, to }
    }

    fn place(&self, value: f64) -> f64 {
        let share = ((value - self.low) / self.span).clamp(0.0, 1.0);
        let share = if share.is_finite() { share } else { 0.0 };
        self.from + (self.to - self.from) * share
    }
}

/// Round numbers between two ends, about as many as wanted.
fn ticks(low: f64, high: f64, wanted: u32) -> Vec<f64> {
    let span = high - low;
    if !span.is_finite() || span <= 0.0 {
        return vec![low];
    }
    let rough = span / f64::from(wanted);
    let magnitude = 10_f64.powi(rough.log10().floor() as i32);
    let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * magnitude);
    let step = step.into_iter().find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|nth| nth as f64 * step).collect()
}

fn shown(value: f64, axis: &Axis) -> String {
    let span = axis.high - axis.low;
    match axis.unit {
        Unit::Share if span <= 0.000_04 => format!("{:.5} %", value * 100.0),
        Unit::Share if span <= 0.004 => format!("{:.3} %", value * 100.0),
        Unit::Share if span <= 0.04 => format!("{:.1} %", value * 100.0),
        Unit::Share => format!("{:.0} %", value * 100.0),
        Unit::Whole => super::grouped(value.abs() as u64),
        Unit::Number if span <= 2.0 => format!("{value:.2}"),
        Unit::Number if span <= 20.0 => format!("{}", (value * 10.0).round() / 10.0),
        Unit::Number => super::grouped(value.abs() as u64),
    }
}

#[cfg(test)]
mod tests {
    use super::super::figure::{Curve, Mark};
    use super::*;

    /// An axis has round numbers, and one without an extent does not divide by it.
    #[test]
    fn ticks_are_round() {
        assert_eq!(ticks(0.0, 1_000.0, 6), [0.0, 200.0, 400.0, 600.0, 800.0, 1_000.0]);
        assert_eq!(ticks(0.0, 1.0, 5), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert_eq!(ticks(5.0, 5.0, 6), [5.0]);
        assert_eq!(ticks(0.0, f64::NAN, 6).len(), 1);
    }

    /// Whatever is plotted, the drawing holds finite numbers and no text of others as markup.
    #[test]
    fn nothing_breaks_a_drawing() {
        let evil = "<script>\u{1b}\"&".to_owned();
        let axis = |high| Axis { name: evil.clone(), low: 0.0, high, unit: Unit::Share };
        let points = vec![(0.0, f64::NAN), (f64::INFINITY, 0.5), (-1.0, 7.0)];
        let curves = Curves {
            title: evil.clone(),
            x: axis(0.0),
            y: axis(1.0),
            lines: vec![Curve { name: evil.clone(), points }],
            marks: vec![Mark { at: (f64::NAN, 1.0), text: evil.clone() }],
        };
        let (names, none) = (vec![evil.clone(); 3], Vec::new());
        let parts = vec![(evil.clone(), vec![u64::from(u32::MAX), 0])];
        let rows = vec![vec![None, Some(f64::NAN), Some(9.0)]; 3];
        for figure in [
            Figure::Curves(curves),
            Figure::Bars(Bars { title: evil.clone(), names: names.clone(), parts }),
            Figure::Bars(Bars { title: evil.clone(), names: none, parts: Vec::new() }),
            Figure::Matrix(Matrix { title: evil.clone(), names, rows }),
        ] {
            let mut out = String::new();
            push_figure(&mut out, &figure);
            assert!(!out.contains("<script") && !out.contains('\u{1b}'), "{out}");
            assert!(!out.contains("NaN") && !out.contains("inf"), "{out}");
        }
    }
}
