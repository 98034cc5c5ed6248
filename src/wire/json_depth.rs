//! How deeply a JSON text is nested, found without recursion.

/// How deeply arrays and objects stand in each other, what stands in quotes left out.
///
/// A parser that recurses is led down by its input: 50,000 brackets are more than a thread's stack
/// holds, and a stack that overflows aborts the process. So whoever hands a text from outside to such
/// a parser asks here first. Up to the first byte that is no JSON, where every parser stops, the
/// answer is exact.
pub fn json_depth(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut quoted, mut escaped) = (0_usize, 0, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::json_depth;

    /// What stands in quotes nests nothing, however the quotes are escaped.
    #[test]
    fn brackets_outside_of_quotes_count() {
        for (text, depth) in [
            ("", 0),
            ("1", 0),
            ("[]", 1),
            (r#"{"a":[{}],"b":[]}"#, 3),
            (r#"["[[[[", "\"[[", "\\", "]"]"#, 1),
            (r#"["\\\"[", [1]]"#, 2),
            ("[[[", 3),
            ("]]][", 1),
        ] {
            assert_eq!(json_depth(text.as_bytes()), depth, "{text}");
        }
    }
}
