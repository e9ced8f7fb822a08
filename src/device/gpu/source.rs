//! The text of shaders, joined at compile time.

/// The text of some files of `shaders/`, one after the other. In a browser's module without comments, which would be an
/// eighth of what it has to load.
macro_rules! wgsl {
    ($($file:tt),+) => {{
        const TEXT: &str = concat!($(include_str!(concat!("../../../shaders/", $file))),+);
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
pub(super) use wgsl;

/// Bytes of `text` without its comments.
#[cfg(any(target_arch = "wasm32", test))]
pub(super) const fn bare_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut len) = (0, 0);
    while at < bytes.len() {
        at = after_comment(bytes, at);
        if at < bytes.len() {
            at += 1;
            len += 1;
        }
    }
    len
}

/// `text` without its comments; N is what [`bare_len`] says.
#[cfg(any(target_arch = "wasm32", test))]
pub(super) const fn bare<const N: usize>(text: &str) -> [u8; N] {
    let bytes = text.as_bytes();
    let mut out = [0; N];
    let (mut at, mut len) = (0, 0);
    while at < bytes.len() {
        at = after_comment(bytes, at);
        if at < bytes.len() {
            out[len] = bytes[at];
            at += 1;
            len += 1;
        }
    }
    out
}

/// The end of the line if a comment begins at `at`, else `at`: WGSL has no strings that could hold one.
#[cfg(any(target_arch = "wasm32", test))]
const fn after_comment(bytes: &[u8], at: usize) -> usize {
    let mut end = at;
    if at + 1 < bytes.len() && bytes[at] == b'/' && bytes[at + 1] == b'/' {
        while end < bytes.len() && bytes[end] != b'\n' {
            end += 1;
        }
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_nothing_else() {
        const TEXT: &str = "// ∂loss\nlet a = b / c; // ‖x‖²\n\n    d();//\n/";
        const BARE: [u8; bare_len(TEXT)] = bare(TEXT);
        assert_eq!(str::from_utf8(&BARE).unwrap(), "\nlet a = b / c; \n\n    d();\n/");
    }
}
