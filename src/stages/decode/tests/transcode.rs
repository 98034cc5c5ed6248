//! JSON to protobuf by the `.proto` file and a protobuf library: what a client that was written
//! against it does. A second opinion on every number and type; integration tests take this file as
//! it is.

use prost_reflect::prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value,
};
use serde_json::{Map, Value as Json};

/// The compiled `event.proto`.
pub(crate) struct Transcoder(DescriptorPool);

impl Transcoder {
    pub(crate) fn new() -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/proto");
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/proto/tidegate/v1/event.proto");
        let set = protox::compile([file], [folder]).expect("event.proto compiles");
        Self(DescriptorPool::from_file_descriptor_set(set).expect("its descriptors are whole"))
    }

    /// The same message in protobuf. What has no field there is left out.
    pub(crate) fn transcode(&self, json: &[u8]) -> Vec<u8> {
        let json: Map<String, Json> = serde_json::from_slice(json).expect("an object");
        let (member, is_event) = match json.get("kind").and_then(Json::as_str) {
            Some("outcome") => ("outcome", false),
            Some("label") => ("label", false),
            _ => ("event", true),
        };
        let message = self.0.get_message_by_name("tidegate.v1.Message").expect("it is declared");
        let mut message = DynamicMessage::new(message);
        let field = message.descriptor_of(member);
        let Kind::Message(inner) = field.kind() else { panic!("{member} is a message") };
        let mut inner = fill(inner, &json);
        if let (false, Some(at)) = (is_event, json.get("occurred_at")) {
            inner.set_field_by_name("occurred_at_ms", milliseconds(at));
        }
        message.set_field(&field, Value::Message(inner));
        message.encode_to_vec()
    }
}

trait DescriptorOf {
    fn descriptor_of(&self, name: &str) -> FieldDescriptor;
}

impl DescriptorOf for DynamicMessage {
    fn descriptor_of(&self, name: &str) -> FieldDescriptor {
        use prost_reflect::ReflectMessage as _;
        self.descriptor().get_field_by_name(name).expect("it is declared")
    }
}

fn milliseconds(at: &Json) -> Value {
    let at: jiff::Timestamp = at.as_str().expect("a text").parse().expect("a time");
    Value::I64(at.as_millisecond())
}

fn fill(descriptor: MessageDescriptor, json: &Map<String, Json>) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for (key, value) in json.iter().filter(|(_, value)| !value.is_null()) {
        // The four members that the two forms spell differently.
        let (key, value) = match key.as_str() {
            "occurred_at" => {
                if let Some(field) = descriptor.get_field_by_name("occurred_at_ms") {
                    message.set_field(&field, milliseconds(value));
                }
                continue;
            }
            "account_change" => (key.as_str(), &value["what"]),
            "result" if descriptor.name() == "Verification" => {
                message.set_field_by_name("passed", Value::Bool(value == "passed"));
                continue;
            }
            "attributes" => {
                let field = descriptor.get_field_by_name(key).expect("it is declared");
                let Kind::Message(of) = field.kind() else { panic!("attributes are messages") };
                let members = value.as_object().expect("an object").iter();
                let list = members.map(|(name, value)| attribute(of.clone(), name, value));
                message.set_field(&field, Value::List(list.collect()));
                continue;
            }
            key => (key, value),
        };
        if let (Some(field), false) = (descriptor.get_field_by_name(key), value.is_null()) {
            message.set_field(&field, typed(&field.kind(), value));
        }
    }
    message
}

fn typed(kind: &Kind, json: &Json) -> Value {
    match kind {
        Kind::String => Value::String(json.as_str().expect("a text").to_owned()),
        Kind::Uint32 => Value::U32(json.as_u64().expect("a count") as u32),
        Kind::Uint64 => Value::U64(json.as_u64().expect("a count")),
        Kind::Double => Value::F64(json.as_f64().expect("a number")),
        Kind::Bool => Value::Bool(json.as_bool().expect("a flag")),
        Kind::Message(of) => Value::Message(fill(of.clone(), json.as_object().expect("an object"))),
        Kind::Enum(of) => {
            let name = json.as_str().expect("a word").to_uppercase();
            Value::EnumNumber(of.get_value_by_name(&name).expect("a declared word").number())
        }
        other => panic!("event.proto has no {other:?}"),
    }
}

fn attribute(of: MessageDescriptor, name: &str, json: &Json) -> Value {
    let mut message = DynamicMessage::new(of);
    message.set_field_by_name("name", Value::String(name.to_owned()));
    match json {
        Json::String(text) => message.set_field_by_name("text", Value::String(text.clone())),
        Json::Bool(flag) => message.set_field_by_name("flag", Value::Bool(*flag)),
        Json::Number(number) => match number.as_i64() {
            Some(whole) => message.set_field_by_name("integer", Value::I64(whole)),
            None => {
                message.set_field_by_name("number", Value::F64(number.as_f64().expect("a number")))
            }
        },
        _ => {}
    }
    Value::Message(message)
}
