//! What a file of a bundle may be called: a name that stays one name wherever it is joined to a path.

use super::fault::shown;

/// Longest name of a file, in bytes.
const NAME_MAX: usize = 128;

/// Checks a file's name: letters, digits, `.`, `_` and `-` of ASCII, no dot in front. So it is one
/// component of a path on every system, and neither hidden nor absolute nor a way up.
///
/// Names come with a proposal, from a directory and from a journal; whoever takes files from outside
/// asks here, and whoever writes them asks again. A journal of before that rule may hold other names:
/// compiling does not ask, so that it still loads.
pub fn check_file_name(name: &str) -> Result<(), String> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let is_fine = !name.is_empty() && !name.starts_with('.') && name.bytes().all(is_plain);
    if is_fine && name.len() <= NAME_MAX {
        return Ok(());
    }
    Err(format!(
        "`{}` is no name of a bundle's file: use letters, digits, `.`, `_` and `-`, no dot in front \
         and at most {NAME_MAX} in all",
        shown(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::check_file_name;

    /// A name from outside is joined to a directory's path: it must be one component of it, whatever
    /// somebody writes.
    #[test]
    fn a_name_is_one_component_of_a_path() {
        for fine in ["a", "bundle.yaml", "R-1_2.csv", "README.md", "a..b", "_", "-"] {
            assert_eq!(check_file_name(fine), Ok(()), "{fine}");
        }
        let long = "a".repeat(129);
        for wrong in [
            "",
            ".",
            "..",
            ".a",
            "../a",
            "/a",
            "a/b",
            "a/../b",
            "a\\b",
            "a b",
            "a\0",
            "a\n",
            "\u{7f}",
            "C:a",
            "~",
            "％2e",
            "r\u{e8}gle.yaml",
            "\u{202e}a",
            "a:b",
            "a%2fb",
            &long,
        ] {
            assert!(check_file_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
