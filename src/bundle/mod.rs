//! What did the analysts write? A rules directory, checked as a whole.
