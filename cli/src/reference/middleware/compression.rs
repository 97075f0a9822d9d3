use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};

/// Bodies below fit into one packet anyway, in bytes.
const WORTH_IT: u64 = 1_024;

/// Compresses responses for clients that take gzip, where that saves something: images are compressed already, and an event of a
/// stream is to go out at once.
pub(super) fn compression() -> CompressionLayer<impl Predicate> {
    CompressionLayer::new()
        .compress_when(SizeAbove::new(WORTH_IT).and(NotForContentType::IMAGES).and(NotForContentType::SSE))
}
