//! Whether the client that is built in takes our settings: asked of the client itself, without a broker.
//!
//! What it knows depends on what it was built with, so no list of ours could say it. Both clients are
//! made and dropped; without an address they speak to nobody.

use rdkafka::ClientContext;
use rdkafka::config::{FromClientConfigAndContext as _, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{BaseProducer, DeliveryResult, ProducerContext};

use super::Settings;
use super::edge::client_config;
use super::settings::Property;

/// Says nothing: what matters comes back as an error.
struct Silent;

impl ClientContext for Silent {
    fn log(&self, _level: RDKafkaLogLevel, _facility: &str, _text: &str) {}

    fn error(&self, _error: KafkaError, _reason: &str) {}
}

impl ConsumerContext for Silent {}

impl ProducerContext for Silent {
    type DeliveryOpaque = ();

    fn delivery(&self, _result: &DeliveryResult<'_>, _opaque: ()) {}
}

/// What the client refuses: the key within `[kafka]` where it names one of ours, and its sentence.
pub fn refusals(settings: &Settings) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let consumer = try_with(settings.consumer(), |config| {
        BaseConsumer::from_config_and_context(config, Silent).map(drop)
    });
    let producer = try_with(settings.producer(), |config| {
        BaseProducer::<Silent>::from_config_and_context(config, Silent).map(drop)
    });
    for error in [consumer, producer].into_iter().filter_map(Result::err) {
        let refusal = told(error);
        if !found.contains(&refusal) {
            found.push(refusal);
        }
    }
    found
}

fn try_with(
    properties: Vec<Property>,
    make: impl FnOnce(&rdkafka::ClientConfig) -> KafkaResult<()>,
) -> KafkaResult<()> {
    let mut config = client_config(properties);
    config.remove("bootstrap.servers");
    make(&config)
}

fn told(error: KafkaError) -> (&'static str, String) {
    let (property, text) = match error {
        KafkaError::ClientConfig(_, text, property, _) => (property, text),
        KafkaError::ClientCreation(text) => (String::new(), text),
        other => (String::new(), other.to_string()),
    };
    let key = match property.as_str() {
        "compression.type" | "compression.codec" => "kafka.compression",
        "sasl.mechanism" | "sasl.mechanisms" => "kafka.security.mechanism",
        kerberos if kerberos.starts_with("sasl.kerberos.") => "kafka.security.mechanism",
        // Only an error of making the client may be about the mechanism, and says so.
        "" if text.contains("SASL mechanism") => "kafka.security.mechanism",
        "ssl.ca.location" => "kafka.security.ca_file",
        "ssl.certificate.location" => "kafka.security.certificate_file",
        "ssl.key.location" => "kafka.security.key_file",
        "" if text.contains("ssl.") => "kafka.security",
        _ => "kafka",
    };
    (key, format!("the Kafka client that is built in refuses it: {}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::super::settings::tests::settings;
    use super::super::{Compression, Mechanism, Protocol, Secret, Security};
    use super::*;

    /// What the configuration offers is what this build can do; each refusal names its key. Without its
    /// library Kerberos is refused here, and not by a service that has started.
    #[test]
    fn the_client_is_asked_what_it_can_do() {
        for (name, compression) in Compression::NAMED {
            let settings = Settings { compression, ..settings("127.0.0.1:1") };
            assert_eq!(refusals(&settings), [], "{name}");
        }
        for (name, mechanism) in Mechanism::NAMED {
            let security = Security {
                protocol: Protocol::SaslPlaintext,
                mechanism,
                username: Some("user".to_owned()),
                // Any text does.
                password: Secret::from_env("PATH").ok(),
                ..Security::default()
            };
            let settings = Settings { security, ..settings("127.0.0.1:1") };
            let found = refusals(&settings);
            let is_built_in = mechanism != Mechanism::Gssapi || cfg!(feature = "gssapi");
            assert_eq!(found.is_empty(), is_built_in, "{name}: {found:?}");
            assert!(found.iter().all(|(key, _)| *key == "kafka.security.mechanism"), "{found:?}");
        }
    }

    /// A property that the client does not know is named by the key that it comes from.
    #[test]
    fn a_refused_property_is_told_by_its_key() {
        for (property, value, key) in [
            ("compression.type", "lzma", "kafka.compression"),
            ("sasl.mechanism", "TELEPATHY", "kafka.security.mechanism"),
            ("no.such.property", "1", "kafka"),
        ] {
            let mut properties = settings("127.0.0.1:1").producer();
            properties.push(("security.protocol", "sasl_plaintext".to_owned()));
            properties.push((property, value.to_owned()));
            let error = try_with(properties, |config| {
                BaseProducer::<Silent>::from_config_and_context(config, Silent).map(drop)
            });
            assert_eq!(told(error.unwrap_err()).0, key);
        }
    }
}
