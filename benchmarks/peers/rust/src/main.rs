//! Times the codec of the Rust SDK: arguments are a blob and how often. Prints microseconds to decode it and to encode it.

use std::time::Instant;

use durable_workflow::{decode_avro_value, encode_avro_value, PayloadEnvelope, DEFAULT_CODEC};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let times: u32 = arguments[1].parse().expect("how often is a number");
    let envelope = PayloadEnvelope { codec: DEFAULT_CODEC.to_owned(), blob: arguments[0].clone() };
    let value = decode_avro_value(&envelope).expect("the blob is a payload");
    let started = Instant::now();
    for _ in 0..times {
        std::hint::black_box(decode_avro_value(&envelope).expect("the blob is a payload"));
    }
    let decoded = Instant::now();
    for _ in 0..times {
        std::hint::black_box(encode_avro_value(&value).expect("the value has a form"));
    }
    let us = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1e6 / f64::from(times);
    println!("{} {}", us(started, decoded), us(decoded, Instant::now()));
}
