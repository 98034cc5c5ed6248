//! A figure: what a plot shows, without a word of how it is drawn.

/// What is plotted.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Figure {
    /// Lines over two axes.
    Curves(Curves),
    /// Stacked bars, one for each name.
    Bars(Bars),
    /// A square of shares: rows against columns of the same names.
    Matrix(Matrix),
}

/// Lines over two axes.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Curves {
    pub(in crate::commands) title: String,
    pub(in crate::commands) x: Axis,
    pub(in crate::commands) y: Axis,
    /// At most [`Curves::LINES_MAX`]: more cannot be told apart in print.
    pub(in crate::commands) lines: Vec<Curve>,
    pub(in crate::commands) marks: Vec<Mark>,
}

impl Curves {
    /// Lines that a reader can tell apart without colour.
    pub(in crate::commands) const LINES_MAX: usize = 4;
}

/// One axis, from its least to its greatest value.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Axis {
    pub(in crate::commands) name: String,
    pub(in crate::commands) low: f64,
    pub(in crate::commands) high: f64,
    pub(in crate::commands) unit: Unit,
}

/// How the numbers of an axis are written.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::commands) enum Unit {
    /// As percentages; 1 is a hundred.
    Share,
    /// As they are.
    Number,
    /// Counts: there is nothing between two.
    Whole,
}

/// One line, its points in order.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Curve {
    pub(in crate::commands) name: String,
    pub(in crate::commands) points: Vec<(f64, f64)>,
}

/// A point that is pointed out.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Mark {
    pub(in crate::commands) at: (f64, f64),
    pub(in crate::commands) text: String,
}

/// Stacked bars.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Bars {
    pub(in crate::commands) title: String,
    /// One bar each, in order.
    pub(in crate::commands) names: Vec<String>,
    /// Name and one height a bar, from the bottom up.
    pub(in crate::commands) parts: Vec<(String, Vec<u64>)>,
}

/// A square of shares.
#[derive(Clone, Debug)]
pub(in crate::commands) struct Matrix {
    pub(in crate::commands) title: String,
    pub(in crate::commands) names: Vec<String>,
    /// Row by row, 0 to 1; `None` where there is nothing to divide by.
    pub(in crate::commands) rows: Vec<Vec<Option<f64>>>,
}
