//! Who may see what? An event and a decision to a disclosure, by profile.
