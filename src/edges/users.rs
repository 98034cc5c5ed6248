//! The machine's users: the names that stand behind numbers.

use std::fs;

/// The name of a user, as `/etc/passwd` has it; his number where it has none.
pub fn name(uid: u32) -> String {
    let file = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&file, uid).unwrap_or_else(|| uid.to_string())
}

/// Whether somebody can be known by this name: a user of `/etc/passwd`, or a number.
pub fn is_known(name: &str) -> bool {
    let file = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name.parse::<u32>().is_ok() || file.lines().any(|line| line.split(':').next() == Some(name))
}

fn name_in(file: &str, uid: u32) -> Option<String> {
    file.lines().find_map(|line| {
        let mut parts = line.split(':');
        let (name, _, number) = (parts.next()?, parts.next()?, parts.next()?);
        (number.parse() == Ok(uid) && !name.is_empty()).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::name_in;

    /// A number must never pass for somebody else's name.
    #[test]
    fn a_name_stands_behind_its_own_number() {
        let file = "root:x:0:0:root:/root:/bin/sh\nli:x:1000:1000::/home/li:\n:x:7:7::/:\nbroken\n";
        assert_eq!(name_in(file, 1_000).as_deref(), Some("li"));
        assert_eq!(name_in(file, 0).as_deref(), Some("root"));
        for unknown in [7, 100, 10_000] {
            assert_eq!(name_in(file, unknown), None);
        }
    }
}
