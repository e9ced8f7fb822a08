//! An allocator that counts what is asked of it, by all threads.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);
static PACKED: AtomicUsize = AtomicUsize::new(0);
static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Whether memory is for operands that the crate `gemm` packs, anew for each product: nothing else asks for whole cache
/// lines.
fn is_packed(layout: Layout) -> bool {
    layout.align() >= 64
}

fn ask(layout: Layout) {
    if is_packed(layout) {
        PACKED.fetch_add(layout.size(), Relaxed);
        return;
    }
    CALLS.fetch_add(1, Relaxed);
    BYTES.fetch_add(layout.size(), Relaxed);
    let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
    PEAK.fetch_max(held, Relaxed);
}

fn give_back(layout: Layout) {
    if !is_packed(layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
    }
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ask(layout);
        // SAFETY: the caller keeps to the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ask(layout);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        give_back(layout);
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub bytes: usize,
    pub calls: usize,
    /// Bytes of packed operands, which are not among the others.
    pub packed: usize,
}

/// One test at a time may count.
pub fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `work` asks for.
pub fn asked(work: impl FnOnce()) -> Asked {
    let now = || [&BYTES, &CALLS, &PACKED].map(|counter| counter.load(Relaxed));
    let before = now();
    work();
    let after = now();
    let [bytes, calls, packed] = [0, 1, 2].map(|i| after[i] - before[i]);
    Asked { bytes, calls, packed }
}

/// The most bytes that `work` held at a time, packed operands left out.
pub fn peak(work: impl FnOnce()) -> usize {
    let before = HELD.load(Relaxed);
    PEAK.store(before, Relaxed);
    work();
    PEAK.load(Relaxed) - before
}
