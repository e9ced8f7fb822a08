//! The page that shows an atlas, which travels inside the program if it was built with the feature `page`.

use super::folder::Draft;
use crate::failure::{Failure, Outcome};
use archetypal::explore::atlas::Sink;

// FILES: (name, bytes) of each file of the page, index.html among them; none without the feature.
include!(concat!(env!("OUT_DIR"), "/page.rs"));

/// Where index.html is told of an atlas.
const UNSET: &str = "<meta name=\"archetypal-atlas\" content=\"\"";

/// Refuses what needs the page where there is none.
pub fn check() -> Outcome {
    if !FILES.is_empty() {
        return Ok(());
    }
    Err(Failure::Usage(
        "this program was built without the explorer page; in a clone, `scripts/build-web.sh` and then `cargo install \
         --path . --features page` make one with it; or write the atlas alone with --out DIR --data-only"
            .into(),
    ))
}

/// Writes the page into `draft`.
pub fn put(draft: &Draft) -> Outcome {
    let mut sink = draft.sink("");
    Ok(FILES.iter().try_for_each(|(name, bytes)| match *name {
        "index.html" => sink.put(name, opening_on_the_atlas(bytes)),
        _ => sink.put(name, bytes.to_vec()),
    })?)
}

/// The page, told where its atlas is: on its own it would open on the sets that it ships with.
fn opening_on_the_atlas(index: &[u8]) -> Vec<u8> {
    let index = String::from_utf8_lossy(index);
    index.replace(UNSET, "<meta name=\"archetypal-atlas\" content=\"atlas/\"").into_bytes()
}
