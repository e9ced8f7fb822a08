//! Memory that is kept from call to call: what a kernel works in besides its operands. A step that is warm asks the
//! allocator for none of it.

use bytemuck::{Pod, cast_slice, cast_slice_mut};
use std::{
    cell::RefCell,
    marker::PhantomData,
    ops::{Deref, DerefMut},
    sync::{Mutex, PoisonError},
};

/// What all kinds of values are kept in.
type Word = u64;

/// From how many words on memory is shared by all threads. Whole matrices are widened in it, by whichever thread a step
/// runs on: kept by threads, each would hold them in time.
const SHARED_FROM: usize = 1 << 14;

thread_local! {
    /// What is not in use, of this thread.
    static SPARE: RefCell<Vec<Vec<Word>>> = const { RefCell::new(Vec::new()) };
}

/// What is not in use, of all threads.
static SHARED: Mutex<Vec<Vec<Word>>> = Mutex::new(Vec::new());

/// Does something with what is not in use, of the kind that holds so many words.
fn with_spare<R>(words: usize, act: impl FnOnce(&mut Vec<Vec<Word>>) -> R) -> R {
    if words < SHARED_FROM {
        SPARE.with_borrow_mut(act)
    } else {
        act(&mut SHARED.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Values in memory that goes back in the end to where it came from: to all threads if it is large, else to this one, from
/// which it does not move, or memory would gather on another.
pub(super) struct Scratch<T> {
    words: Vec<Word>,
    len: usize,
    stays: PhantomData<*mut T>,
}

impl<T: Pod> Scratch<T> {
    /// Values that are unspecified.
    pub fn new(len: usize) -> Self {
        const { assert!(align_of::<T>() <= align_of::<Word>()) };
        let needed = (len * size_of::<T>()).div_ceil(size_of::<Word>());
        let words = with_spare(needed, |spare| take(spare, needed));
        Self { words: words.unwrap_or_else(|| vec![0; needed]), len, stays: PhantomData }
    }

    /// Copies of one value.
    pub fn filled(len: usize, value: T) -> Self {
        let mut scratch = Self::new(len);
        scratch.fill(value);
        scratch
    }
}

/// The smallest that is large enough. If there is none, the largest goes: a larger one will take its place.
fn take(spare: &mut Vec<Vec<Word>>, needed: usize) -> Option<Vec<Word>> {
    let by_length = |&(_, words): &(usize, &Vec<Word>)| words.len();
    let all = || spare.iter().enumerate();
    let fitting = all().filter(|(_, words)| words.len() >= needed).min_by_key(by_length);
    let (at, fits) = match (fitting, all().max_by_key(by_length)) {
        (Some((at, _)), _) => (at, true),
        (None, Some((at, _))) => (at, false),
        (None, None) => return None,
    };
    Some(spare.swap_remove(at)).filter(|_| fits)
}

impl<T: Pod> Deref for Scratch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        let bytes: &[u8] = cast_slice(&self.words);
        cast_slice(&bytes[..self.len * size_of::<T>()])
    }
}

impl<T: Pod> DerefMut for Scratch<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        let bytes: &mut [u8] = cast_slice_mut(&mut self.words);
        cast_slice_mut(&mut bytes[..self.len * size_of::<T>()])
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        let words = std::mem::take(&mut self.words);
        with_spare(words.len(), |spare| spare.push(words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_back_to_who_asks_for_about_as_much() {
        let places = || {
            let (large, small) = (Scratch::<f32>::filled(70, 1.0), Scratch::<[f64; 2]>::new(3));
            assert_eq!((&large[..], small.len()), (&[1.0; 70][..], 3));
            [large.as_ptr().addr(), small.as_ptr().addr()]
        };
        // A thread that has nothing yet.
        let check = || {
            let [large, small] = places();
            assert_ne!(large, small);
            assert_eq!(places(), [large, small]);
            assert_eq!(Scratch::<u8>::new(3).as_ptr().addr(), small);
            assert_eq!(Scratch::<u8>::new(50).as_ptr().addr(), large);
            assert_eq!(Scratch::<u8>::new(281).len(), 281);
            let lengths = SPARE.with_borrow(|spare| spare.iter().map(Vec::len).collect::<Vec<_>>());
            assert_eq!(lengths, [6, 36], "the larger one has grown");
        };
        std::thread::scope(|scope| scope.spawn(check).join()).unwrap();
    }
}
