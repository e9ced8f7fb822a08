//! Large memory pages where the system has them.

/// What a huge page takes on x86-64 and, with pages of 4 KiB, on ARM.
const HUGE: usize = 2 << 20;
/// Below this many bytes the page table's entries are in the processor's cache anyway.
const WORTH_IT: usize = 4 * HUGE;

/// Asks that memory which is not touched yet be made of huge pages. Rows gathered from all over a matrix of a hundred
/// MiB miss the cache of page addresses at every row otherwise. A refusal changes nothing.
pub(in crate::device) fn prefer_huge<T>(values: &mut [T]) {
    let bytes = size_of_val(values);
    if bytes >= WORTH_IT {
        let start = values.as_mut_ptr().cast::<u8>();
        let (skipped, whole) = whole_pages(start.addr(), bytes);
        advise(start.wrapping_add(skipped), whole);
    }
}

/// How far from `start` the first huge page that lies wholly within `bytes` begins, and the bytes of all of these.
fn whole_pages(start: usize, bytes: usize) -> (usize, usize) {
    let skipped = start.next_multiple_of(HUGE) - start;
    (skipped, bytes.saturating_sub(skipped) / HUGE * HUGE)
}

#[cfg(target_os = "linux")]
fn advise(start: *mut u8, bytes: usize) {
    // SAFETY: the advice concerns how memory is backed, never what it holds.
    let _ = unsafe { libc::madvise(start.cast(), bytes, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise(_start: *mut u8, _bytes: usize) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_that_lie_wholly_within() {
        assert_eq!(whole_pages(3 * HUGE, 2 * HUGE), (0, 2 * HUGE));
        assert_eq!(whole_pages(3 * HUGE, 2 * HUGE - 1), (0, HUGE));
        assert_eq!(whole_pages(3 * HUGE + 16, 2 * HUGE), (HUGE - 16, HUGE));
        assert_eq!(whole_pages(3 * HUGE + 1, HUGE / 2).1, 0);
    }

    #[test]
    fn values_stay() {
        let mut values: Vec<u32> = (0..WORTH_IT as u32).collect();
        prefer_huge(&mut values);
        assert!(values.iter().enumerate().all(|(i, &value)| value == i as u32));
    }
}
