use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// A body from this length on, in bytes: of a shorter one too little is saved to pay for the work.
const WORTH_IT: u64 = 512;

/// Compresses responses for clients that take gzip, where that saves something: images are compressed already, and an event of a
/// stream is to go out at once.
pub(super) fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .compress_when(SizeAbove::new(WORTH_IT).and(NotForContentType::IMAGES).and(NotForContentType::SSE))
}
