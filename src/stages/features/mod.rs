//! What has been happening? Windows, device matching, travel, first seen: the only state.
