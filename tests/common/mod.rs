#![allow(missing_docs, dead_code)]
pub fn gpu() -> Option<archetypal::Device> {
    None
}
