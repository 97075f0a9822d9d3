//! Computing for long.

use crate::time::Work;
use flate2::Compression;
use flate2::read::GzEncoder;
use regex::Regex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::hint::black_box;
use std::io::Read;

/// Numbers without a pattern, as decimal text.
fn text(bytes: usize) -> String {
    let random = |seed: &mut u32| {
        *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        Some(seed.to_string())
    };
    let mut text: String = (0..bytes / 8).scan(1, |seed, _| random(seed)).collect();
    text.truncate(bytes);
    text
}

pub(super) async fn own_loop() {
    let work = Work::computing();
    while work.goes_on() {
        black_box((0..100_000_u64).fold(0, |sum, n| black_box(sum ^ (n << 3)))); // blocks here: cpu
    }
}

pub(super) async fn compression() {
    // So long that the encoder's own making and end, on other lines, take next to none of the time.
    let (text, work) = (text(200_000), Work::computing());
    while work.goes_on() {
        let mut encoder = GzEncoder::new(text.as_bytes(), Compression::best());
        encoder.read_to_end(&mut Vec::new()).unwrap(); // blocks here: cpu
    }
}

pub(super) async fn hashing() {
    let (text, work) = (text(20_000), Work::computing());
    while work.goes_on() {
        black_box(Sha256::digest(&text)); // blocks here: cpu
    }
}

pub(super) async fn regular_expression() {
    let slow = Regex::new("[0-4]*1[0-9]{12}x").unwrap();
    let (text, work) = (text(10_000), Work::computing());
    while work.goes_on() {
        black_box(slow.is_match(&text)); // blocks here: cpu
    }
}

pub(super) async fn json() {
    let (text, work) = (format!("[{}]", vec![text(100); 100].join(",")), Work::computing());
    while work.goes_on() {
        black_box(serde_json::from_str::<Value>(&text).unwrap()); // blocks here: cpu
    }
}
