//! How the system's allocator treats large blocks.

/// From so many bytes on a block has pages of its own, which go back to the system as soon as it is freed. Smaller ones,
/// such as what an encoder works in, are asked for again and again and would have to be made anew each time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const OWN_PAGES_FROM: libc::c_int = 16 << 20;
/// What a heap keeps at its end when smaller ones are freed; glibc would go back to 128 KiB once the other bound is fixed.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const KEPT: libc::c_int = 64 << 20;

/// Fixes these bounds. glibc would raise the first to 32 MiB as such blocks are freed, and then keep what is below in the heaps
/// of its threads: training of jump held half as much again as it used.
pub fn give_large_blocks_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: nothing has run before this, so no other thread is in the allocator.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, OWN_PAGES_FROM);
        libc::mallopt(libc::M_TRIM_THRESHOLD, KEPT);
    }
}
