//! The pictures of the examples, under names of the atlas.

use super::folder::DraftSink;
use crate::failure::Outcome;
use archetypal::data::{Example, Examples};
use std::path::Path;

/// Copies the picture of each example to images/INDEX.EXTENSION and gives the examples with those names. Pictures
/// elsewhere on the web stay there.
pub fn copy(examples: &Examples, sink: &mut DraftSink<'_>) -> Outcome<Vec<Example>> {
    let mut copied = examples.items().to_vec();
    for (index, example) in copied.iter_mut().enumerate() {
        let Some(image) = &mut example.image else { continue };
        if ["http://", "https://"].iter().any(|scheme| image.starts_with(scheme)) {
            continue;
        }
        if let Some(path) = examples.image_path(index) {
            *image = format!("images/{index:05}{}", extension(&path));
            sink.copy(&path, image)?;
        }
    }
    Ok(copied)
}

/// ".webp", in small letters; nothing if there is none, or none that a URL could hold as it is.
fn extension(path: &Path) -> String {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
    match !extension.is_empty() && extension.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        true => format!(".{}", extension.to_ascii_lowercase()),
        false => String::new(),
    }
}
