//! Loops over all cores: rayon's, and in the browser, where there are no threads, the same names over plain iterators.
//!
//! Only what this crate uses is there under both. Without rayon the module of the npm package is a fifth smaller.

#[cfg(not(target_arch = "wasm32"))]
pub(crate) use rayon::{current_num_threads, iter::split, prelude::*};
#[cfg(target_arch = "wasm32")]
pub(crate) use sequential::*;

/// Runs many short loops in a row on a thread of the pool: a thread from outside would be put to sleep and woken for
/// each of them.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn in_pool<T: Send>(loops: impl FnOnce() -> T + Send) -> T {
    rayon::scope(|_| loops())
}

/// How many items there are.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn count_of(items: &impl IndexedParallelIterator) -> usize {
    items.len()
}

/// Folds items into one or more sums that begin `empty`, and adds those up; the addition must not care for its order.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn fold_and_add<T, S: Send>(
    items: impl ParallelIterator<Item = T>,
    empty: impl Fn() -> S + Send + Sync,
    fold: impl Fn(S, T) -> S + Send + Sync,
    add: impl Fn(S, S) -> S + Send + Sync,
) -> S {
    items.fold(&empty, fold).reduce(&empty, add)
}

#[cfg(target_arch = "wasm32")]
mod sequential {
    use std::{
        cmp::Ordering,
        slice::{Chunks, ChunksMut, IterMut},
    };

    pub(crate) fn current_num_threads() -> usize {
        1
    }

    pub(crate) use ParallelIterator as IndexedParallelIterator;

    pub(crate) fn in_pool<T>(loops: impl FnOnce() -> T) -> T {
        loops()
    }

    /// The whole, which need not be split.
    pub(crate) fn split<D>(
        whole: D,
        _splitter: impl Fn(D) -> (D, Option<D>),
    ) -> impl Iterator<Item = D> {
        std::iter::once(whole)
    }

    /// Exact for what this crate makes of slices and ranges.
    pub(crate) fn count_of(items: &impl Iterator) -> usize {
        items.size_hint().0
    }

    pub(crate) fn fold_and_add<T, S>(
        items: impl Iterator<Item = T>,
        empty: impl Fn() -> S,
        fold: impl Fn(S, T) -> S,
        _add: impl Fn(S, S) -> S,
    ) -> S {
        items.fold(empty(), fold)
    }

    pub(crate) trait ParallelSlice<T> {
        fn par_chunks(&self, size: usize) -> Chunks<'_, T>;
    }

    impl<T> ParallelSlice<T> for [T] {
        fn par_chunks(&self, size: usize) -> Chunks<'_, T> {
            self.chunks(size)
        }
    }

    pub(crate) trait ParallelSliceMut<T> {
        fn par_iter_mut(&mut self) -> IterMut<'_, T>;
        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T>;
        fn par_sort_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering);
    }

    impl<T> ParallelSliceMut<T> for [T] {
        fn par_iter_mut(&mut self) -> IterMut<'_, T> {
            self.iter_mut()
        }

        fn par_chunks_mut(&mut self, size: usize) -> ChunksMut<'_, T> {
            self.chunks_mut(size)
        }

        fn par_sort_by(&mut self, compare: impl FnMut(&T, &T) -> Ordering) {
            self.sort_by(compare);
        }
    }

    pub(crate) trait IntoParallelIterator: IntoIterator + Sized {
        fn into_par_iter(self) -> Self::IntoIter {
            self.into_iter()
        }
    }

    impl<I: IntoIterator> IntoParallelIterator for I {}

    pub(crate) trait ParallelExtend<T>: Extend<T> {
        fn par_extend(&mut self, values: impl IntoIterator<Item = T>) {
            self.extend(values);
        }
    }

    impl<T, C: Extend<T>> ParallelExtend<T> for C {}

    /// What rayon's iterators can do and plain ones cannot.
    pub(crate) trait ParallelIterator: Iterator + Sized {
        fn with_min_len(self, _rows: usize) -> Self {
            self
        }

        fn map_init<S, R>(
            self,
            init: impl Fn() -> S,
            mut act: impl FnMut(&mut S, Self::Item) -> R,
        ) -> impl Iterator<Item = R> {
            let mut state = init();
            self.map(move |item| act(&mut state, item))
        }

        fn for_each_init<S>(self, init: impl Fn() -> S, mut act: impl FnMut(&mut S, Self::Item)) {
            let mut state = init();
            self.for_each(|item| act(&mut state, item));
        }

        fn flat_map_iter<R: IntoIterator>(
            self,
            act: impl FnMut(Self::Item) -> R,
        ) -> impl Iterator<Item = R::Item> {
            self.flat_map(act)
        }
    }

    impl<I: Iterator> ParallelIterator for I {}
}
