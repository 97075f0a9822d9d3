use image::{DynamicImage, ImageError, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Width and height of a thumbnail are at most this many pixels.
pub(super) const LARGEST: u32 = 128;
/// Width and height of an image that is taken, in pixels.
const LARGEST_IMAGE: u32 = 8_192;
/// What decoding may take, in bytes: a few kilobytes of file can ask for gigabytes.
const MEMORY: u64 = 64 * 1_024 * 1_024;

/// A small picture of a picture.
#[derive(Debug)]
pub(super) struct Thumbnail {
    /// Width and height of what came.
    pub(super) original: (u32, u32),
    /// Width and height of the thumbnail.
    pub(super) size: (u32, u32),
    pub(super) png: Vec<u8>,
}

/// Computes for tens of milliseconds: never to be called on an event loop.
///
/// # Errors
/// When the bytes are no image of the format, or one past the limits.
pub(super) fn thumbnail(bytes: &[u8], format: ImageFormat) -> Result<Thumbnail, ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(LARGEST_IMAGE);
    limits.max_image_height = Some(LARGEST_IMAGE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits);
    let image = reader.decode()?;
    let small = shrunk(&image);
    let mut png = Vec::new();
    small.write_to(&mut Cursor::new(&mut png), ImageFormat::Png)?;
    Ok(Thumbnail { original: size(&image), size: size(&small), png })
}

/// One that is small already is not blown up.
fn shrunk(image: &DynamicImage) -> DynamicImage {
    let (width, height) = size(image);
    if width.max(height) <= LARGEST { image.clone() } else { image.thumbnail(LARGEST, LARGEST) }
}

fn size(image: &DynamicImage) -> (u32, u32) {
    (image.width(), image.height())
}
