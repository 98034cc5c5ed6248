//! One line of CSV, as a spreadsheet may open it without harm.

/// Appends one line; a value is quoted where it has to be.
pub(in crate::commands) fn push_row(out: &mut String, values: &[&str]) {
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        // A spreadsheet takes a value that begins with one of these for a formula.
        let formula = value.starts_with(['=', '+', '-', '@']) && value.parse::<f64>().is_err();
        let guard = if formula { "'" } else { "" };
        if value.contains([',', '"', '\n', '\r']) {
            out.push_str(&format!("\"{guard}{}\"", value.replace('"', "\"\"")));
        } else {
            out.push_str(guard);
            out.push_str(value);
        }
    }
    out.push_str("\r\n");
}
