//! What does this expression mean? CEL, parsed, typed and compiled to programs over a row.
