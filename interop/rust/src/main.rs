//! The released Rust SDK as a peer of the interop suite: `interop-peer codec` or `interop-peer worker URL QUEUE`.

mod codec;
mod notation;
mod worker;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["codec"] => codec::run(),
        ["worker", url, queue] => worker::run(url, queue),
        _ => {
            eprintln!("usage: interop-peer codec | worker URL QUEUE");
            std::process::exit(2);
        }
    }
}
