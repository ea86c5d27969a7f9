//! Answers each line of standard input with one of standard output: `{"blob"}` is decoded, `{"value"}` encoded.

use std::io::{BufRead, Write};

use durable_workflow::{decode_avro_value, encode_avro_value, Error, PayloadEnvelope, DEFAULT_CODEC};
use serde_json::{json, Value};

use crate::notation::{from_notation, to_notation};

pub fn run() {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input is UTF-8");
        // Written at once: when a frame is the end of this process, the one without an answer is it.
        writeln!(out, "{}", answer(&line)).and_then(|()| out.flush()).expect("standard output is open");
    }
}

fn answer(line: &str) -> Value {
    let request: Value = serde_json::from_str(line).expect("a request is JSON");
    let outcome = match request["blob"].as_str() {
        Some(blob) => decode(blob).map(|(value, blob)| json!({ "value": value, "blob": blob })),
        None => encode(&request["value"]).map(|blob| json!({ "blob": blob })),
    };
    outcome.unwrap_or_else(|error| json!({ "error": error }))
}

/// The value, and what it is when it is encoded again.
fn decode(blob: &str) -> Result<(Value, String), String> {
    let envelope = PayloadEnvelope { codec: DEFAULT_CODEC.to_owned(), blob: blob.to_owned() };
    let value = decode_avro_value(&envelope).map_err(|error| text_of(&error))?;
    let again = encode_avro_value(&value).map_err(|error| text_of(&error))?;
    Ok((to_notation(&value), again.blob))
}

fn encode(notation: &Value) -> Result<String, String> {
    let value = from_notation(notation)?;
    encode_avro_value(&value).map(|envelope| envelope.blob).map_err(|error| text_of(&error))
}

fn text_of(error: &Error) -> String {
    match error {
        Error::Codec(message) => message.clone(),
        other => other.to_string(),
    }
}
