//! Names, meanings and labels of every counter and gauge.

/// Declares metrics: variant, name, labels, meaning.
macro_rules! metrics_table {
    ($(#[$doc:meta])* $type:ident { $($variant:ident: $name:literal $labels:tt $help:literal;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $type { $(#[doc = $help] $variant,)+ }

        impl $type {
            /// All of them, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name that Prometheus sees.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What it means.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$variant => $help,)+ }
            }

            /// The names of its labels, in order.
            pub const fn labels(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &$labels,)+ }
            }
        }
    };
}

metrics_table! {
    /// A number that only grows.
    CounterName {
        Inputs: "tidegate_inputs_total" ["result"] "Messages taken, by what became of them";
        Decisions: "tidegate_decisions_total" ["kind", "service", "action"]
            "Events decided for the first time";
        Rejects: "tidegate_rejects_total" ["reason"] "Messages that became dead letters";
        DroppedFields: "tidegate_dropped_fields_total" ["field"]
            "Fields that the event's service or consent does not allow, dropped at the door";
        Placeholders: "tidegate_placeholder_values_total" ["field"]
            "Values that named nobody (a mask, a word for none), treated as absent";
        MalformedFields: "tidegate_malformed_fields_total" ["field"]
            "Fields that could not be read, dropped at the door";
        UnknownFields: "tidegate_unknown_fields_total" ["nearest"]
            "Messages with a field that the schema does not know, by the known one probably meant";
        Degradations: "tidegate_degradations_total" ["table"]
            "Events decided without a table that should have been asked";
        Delivered: "tidegate_delivered_total" ["output"] "Records that the broker acknowledged";
        Commits: "tidegate_commits_total" ["result"] "Commits of source positions";
        Pauses: "tidegate_pauses_total" [] "Times that reading paused for unacknowledged outputs";
        Rewinds: "tidegate_rewinds_total" [] "Transactions given up and taken again";
        Breaks: "tidegate_log_breaks_total" ["what"]
            "Partitions whose log did not go on where it was left";
        JournalBytes: "tidegate_journal_bytes_total" [] "Bytes appended to the journal";
        GuardTrips: "tidegate_guard_trips_total" ["measure"]
            "Times that a guard found too many declines, by what it did";
        Reloads: "tidegate_reloads_total" ["table", "result"] "Reference tables read again";
    }
}

metrics_table! {
    /// A number that goes up and down.
    GaugeName {
        ConsumerLag: "tidegate_consumer_lag" ["topic", "partition"]
            "Messages between the last one taken and the newest";
        Unacknowledged: "tidegate_unacknowledged" [] "Outputs on their way to the broker";
        PartitionsAssigned: "tidegate_partitions_assigned" [] "Partitions that this instance reads";
        PartitionsTotal: "tidegate_partitions" [] "Partitions of the source topics";
        PartitionsStalled: "tidegate_partitions_stalled" []
            "Partitions that are not read though the broker has more of them";
        BuildInfo: "tidegate_build_info" ["version"] "1, with the version of the program";
        StartTime: "tidegate_start_time_seconds" [] "When the service started, Unix time";
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Dashboards find metrics by these habits: one prefix, `_total` on counters only.
    #[test]
    fn names_follow_prometheus() {
        let mut names: Vec<&str> = CounterName::ALL.iter().map(|name| name.name()).collect();
        assert!(names.iter().all(|name| name.ends_with("_total")));
        let gauges: Vec<&str> = GaugeName::ALL.iter().map(|name| name.name()).collect();
        assert!(gauges.iter().all(|name| !name.ends_with("_total")));
        names.extend(gauges);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
        assert!(names.iter().all(|n| n.starts_with("tidegate_") && n.bytes().all(plain)));
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
