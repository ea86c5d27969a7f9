//! A worker of the interop activities, until standard input ends.

use std::time::Duration;

use durable_workflow::{
    ActivityContext, ActivityError, AvroValue, Client, Result, Worker, WorkerProtocolVersion,
};
use tokio::io::{AsyncReadExt, stdin};

#[tokio::main]
pub async fn run(url: &str, queue: &str) {
    if let Err(error) = serve(url, queue).await {
        eprintln!("worker: {error}");
        std::process::exit(1);
    }
    println!("{{\"event\":\"stopped\"}}");
}

async fn serve(url: &str, queue: &str) -> Result<()> {
    let protocol = match std::env::var("INTEROP_WORKER_PROTOCOL").as_deref() {
        Ok("1.19") => WorkerProtocolVersion::V119,
        _ => WorkerProtocolVersion::V120,
    };
    let token = std::env::var("INTEROP_TOKEN").ok();
    let client = Client::builder(url).token(token).worker_protocol_version(protocol).build()?;
    let mut worker = Worker::new(client, queue).poll_timeout(Duration::from_secs(2));
    worker.register_activity_avro_value("interop.echo", |_, arguments| async move { Ok(first(arguments)) });
    worker.register_activity_avro_value("interop.arguments", |_, arguments| async move { Ok(arguments) });
    worker.register_activity_avro_value("interop.fail-until", fail_until);
    worker.register_activity_avro_value("interop.fail-for-good", |_, _| async move {
        Err(ActivityError::new("CardDeclined", "the card was declined").non_retryable(true).into())
    });
    worker.run_until(end_of_input()).await
}

/// Fails, retryably, up to the attempt before the given one, which returns its number.
async fn fail_until(context: ActivityContext, arguments: AvroValue) -> Result<AvroValue> {
    let AvroValue::Long(last) = first(arguments) else {
        return Err(ActivityError::new("WrongArgument", "an integer is needed").non_retryable(true).into());
    };
    let attempt = i64::try_from(context.attempt_number).unwrap_or(i64::MAX);
    if attempt < last {
        return Err(ActivityError::new("NotYet", format!("attempt {attempt} of {last}")).into());
    }
    Ok(AvroValue::Long(attempt))
}

fn first(arguments: AvroValue) -> AvroValue {
    match arguments {
        AvroValue::Array(values) => values.into_iter().next().unwrap_or(AvroValue::Null),
        other => other,
    }
}

async fn end_of_input() {
    let mut rest = Vec::new();
    // An error is an end, too.
    let _ = stdin().read_to_end(&mut rest).await;
}
