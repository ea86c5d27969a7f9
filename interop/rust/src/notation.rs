//! Values as the suite writes them: every kind and every bit kept, in JSON.

use std::collections::BTreeMap;

use durable_workflow::AvroValue;
use serde_json::{json, Value};

/// The notation of a value: null, a boolean, or an object with one key that names the kind.
pub fn to_notation(value: &AvroValue) -> Value {
    match value {
        AvroValue::Null => Value::Null,
        AvroValue::Boolean(value) => Value::Bool(*value),
        AvroValue::Long(value) => json!({ "l": value.to_string() }),
        AvroValue::Double(value) => json!({ "d": format!("{:016x}", value.to_bits()) }),
        AvroValue::Bytes(value) => json!({ "b": hex(value) }),
        AvroValue::String(value) => json!({ "s": value }),
        AvroValue::Array(values) => json!({ "a": values.iter().map(to_notation).collect::<Vec<_>>() }),
        AvroValue::Map(values) => {
            let entries: Vec<Value> = values.iter().map(|(key, value)| json!([key, to_notation(value)])).collect();
            json!({ "m": entries })
        }
    }
}

/// The value of a notation; an error for what is none.
pub fn from_notation(notation: &Value) -> Result<AvroValue, String> {
    if notation.is_null() {
        return Ok(AvroValue::Null);
    }
    if let Some(value) = notation.as_bool() {
        return Ok(AvroValue::Boolean(value));
    }
    let (kind, value) = notation
        .as_object()
        .and_then(|object| object.iter().next())
        .ok_or("neither null, a boolean nor an object")?;
    let text = || value.as_str().ok_or_else(|| format!("{kind} needs a text"));
    let list = || value.as_array().ok_or_else(|| format!("{kind} needs a list"));
    match kind.as_str() {
        "l" => text()?.parse().map(AvroValue::Long).map_err(|error| error.to_string()),
        "d" => u64::from_str_radix(text()?, 16)
            .map(|bits| AvroValue::Double(f64::from_bits(bits)))
            .map_err(|error| error.to_string()),
        "b" => unhex(text()?).map(AvroValue::Bytes),
        "s" => Ok(AvroValue::String(text()?.to_owned())),
        "a" => list()?.iter().map(from_notation).collect::<Result<_, _>>().map(AvroValue::Array),
        "m" => list()?.iter().map(entry).collect::<Result<BTreeMap<_, _>, _>>().map(AvroValue::Map),
        _ => Err(format!("there is no kind {kind}")),
    }
}

fn entry(pair: &Value) -> Result<(String, AvroValue), String> {
    let key = pair[0].as_str().ok_or("a key must be a text")?;
    Ok((key.to_owned(), from_notation(&pair[1])?))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    (0..text.len() / 2)
        .map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).map_err(|error| error.to_string()))
        .collect()
}
