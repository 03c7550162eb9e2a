//! The least that fetching can cost: requests in flight with reqwest, whose answers are parsed and dropped.
//!
//! `plain URL COUNT CONCURRENCY`; `benches/job.py plain` compares the program with it.

use futures::StreamExt;
use serde::Deserialize;

#[derive(Deserialize)]
struct Answer {
    result_list: Vec<Verification>,
}

#[derive(Deserialize)]
struct Verification {
    consistency_result: Vec<Check>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "parsed, not used")]
struct Check {
    dir_check: String,
    num_total_files: u64,
    num_different_files: u64,
    num_target_miss_files: u64,
    num_target_more_files: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, count, concurrency] = arguments.as_slice() else { return Err("URL COUNT CONCURRENCY".into()) };
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build()?;
    let fetch = async |number: u64| -> Result<usize, Box<dyn std::error::Error>> {
        let url = format!("{url}/v3/tasks/137224b7-8d7c-4919-b33e-{number:012}/consistency-result");
        let body = client.get(url).send().await?.error_for_status()?.bytes().await?;
        let answer: Answer = serde_json::from_slice(&body)?;
        Ok(answer.result_list.iter().map(|verification| verification.consistency_result.len()).sum())
    };
    let mut answers =
        futures::stream::iter(0..count.parse()?).map(fetch).buffer_unordered(concurrency.parse()?);
    let mut directories = 0;
    while let Some(found) = answers.next().await {
        directories += found?;
    }
    if directories == 0 {
        return Err("the answers have no directories".into());
    }
    Ok(())
}
