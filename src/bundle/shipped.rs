//! The pack that is compiled in: the files of `rules/`, so that what ships is what was tested.

use std::collections::BTreeMap;

/// Embeds files of `rules/` by name.
macro_rules! embedded {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/", $name)))),+]
    };
}

/// Each file with its content. A test holds that none is missing.
const FILES: &[(&str, &[u8])] = embedded!(
    "README.md",
    "bundle.yaml",
    "card.yaml",
    "device.yaml",
    "features.yaml",
    "fx.csv",
    "geo.yaml",
    "laundering.yaml",
    "merchant.yaml",
    "policy.yaml",
    "terminal.yaml",
);

/// The files of the shipped pack, by name.
pub fn shipped_files() -> BTreeMap<String, Vec<u8>> {
    FILES.iter().map(|(name, content)| ((*name).to_owned(), content.to_vec())).collect()
}
