//! Large memory pages where the system has them.

/// What a huge page takes on x86-64 and, with pages of 4 KiB, on ARM.
const HUGE: usize = 2 << 20;
/// Below this many bytes the page table's entries are in the processor's cache anyway.
const WORTH_IT: usize = 4 * HUGE;

/// Asks that memory which is not touched yet be made of huge pages. Rows gathered from all over a matrix of a hundred
/// MiB miss the cache of page addresses at every row otherwise. A refusal changes nothing.
pub(in crate::device) fn prefer_huge<T>(values: &mut [T]) {
    let bytes = size_of_val(values);
    if bytes < WORTH_IT {
        return;
    }
    let start = values.as_mut_ptr().cast::<u8>();
    let skipped = start.align_offset(HUGE);
    let whole = (bytes - skipped) / HUGE * HUGE;
    advise(start.wrapping_add(skipped), whole);
}

#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    // SAFETY: the advice concerns how memory is backed, never what it holds.
    let _ = unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _bytes: usize) {}
