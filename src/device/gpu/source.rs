//! The text of shaders.

/// What a kernel is made of: texts that are joined as its module is compiled, so that each is in the program once.
pub(crate) type Source = &'static [&'static str];

/// The texts of some files of `shaders/`, one after the other. In a browser's module bare of comments and indentation, which would be an
/// eighth of what it has to load.
macro_rules! wgsl {
    ($($file:tt),+) => {{
        const SOURCE: $crate::device::gpu::source::Source =
            &[$($crate::device::gpu::source::text!($file)),+];
        SOURCE
    }};
}
pub(super) use wgsl;

macro_rules! text {
    ($file:tt) => {{
        const TEXT: &str = include_str!(concat!("../../../shaders/", $file));
        #[cfg(not(target_arch = "wasm32"))]
        const SOURCE: &str = TEXT;
        #[cfg(target_arch = "wasm32")]
        const SOURCE: &str = {
            const BARE: [u8; $crate::device::gpu::source::bare_len(TEXT)] =
                $crate::device::gpu::source::bare(TEXT);
            match str::from_utf8(&BARE) {
                Ok(text) => text,
                Err(_) => panic!("a comment ends within a character"),
            }
        };
        SOURCE
    }};
}
pub(super) use text;

/// Bytes of `text` without its comments, empty lines and indentation.
#[cfg(any(target_arch = "wasm32", test))]
pub(super) const fn bare_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut len) = (next(bytes, 0, true), 0);
    while at < bytes.len() {
        len += 1;
        at = next(bytes, at + 1, bytes[at] == b'\n');
    }
    len
}

/// `text` without its comments, empty lines and indentation; N is what [`bare_len`] says.
#[cfg(any(target_arch = "wasm32", test))]
pub(super) const fn bare<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let mut out = [0; N];
    let (mut at, mut len) = (next(bytes, 0, true), 0);
    while at < bytes.len() {
        out[len] = bytes[at];
        len += 1;
        at = next(bytes, at + 1, bytes[at] == b'\n');
    }
    out
}

/// The first byte from `at` on that stays: after a comment, and at the start of a line after all that is white. WGSL has no
/// strings that could hold a comment.
#[cfg(any(target_arch = "wasm32", test))]
const fn next(bytes: &[u8], mut at: usize, line_starts: bool) -> usize {
    loop {
        if at + 1 < bytes.len() && bytes[at] == b'/' && bytes[at + 1] == b'/' {
            while at < bytes.len() && bytes[at] != b'\n' {
                at += 1;
            }
        } else if line_starts && at < bytes.len() && (bytes[at] == b' ' || bytes[at] == b'\n') {
            at += 1;
        } else {
            return at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_what_is_white_at_the_start_of_a_line_go() {
        const TEXT: &str = "// ∂loss\nlet a = b / c; // ‖x‖²\n\n    d();//\n/";
        const BARE: [u8; bare_len(TEXT)] = bare(TEXT);
        assert_eq!(str::from_utf8(&BARE).unwrap(), "let a = b / c; \nd();\n/");
    }
}
