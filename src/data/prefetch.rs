//! Reading ahead on a thread of its own.

use super::{Batch, BatchStream, Batches};
use crate::error::{Error, Result};
use std::{
    sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    thread::JoinHandle,
};

/// Reads up to two batches ahead of the one that is asked for, on a thread of its own. Dropping it ends the thread.
pub struct Prefetch {
    /// `None` once the stream has ended.
    batches: Option<Receiver<Result<Batch>>>,
    returned: Sender<Batch>,
    thread: Option<JoinHandle<()>>,
}

impl Prefetch {
    /// Starts reading `batches`.
    ///
    /// # Errors
    /// [`Error::Io`] if the system gives no thread.
    pub fn new(batches: Batches) -> Result<Self> {
        // One waits in the channel and one in the reader's hands: two ahead.
        let (send, receive) = sync_channel(1);
        let (returned, recycled) = channel();
        let source = batches.source().clone();
        let thread = std::thread::Builder::new()
            .name("read ahead".into())
            .spawn(move || read_all(batches, &send, &recycled))
            .map_err(|e| Error::io("read ahead from", source.locate(0).file, e))?;
        Ok(Self { batches: Some(receive), returned, thread: Some(thread) })
    }

    /// Waits for the thread; a panic in it goes on here.
    fn join(&mut self) {
        self.batches = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl BatchStream for Prefetch {
    fn next(&mut self) -> Option<Result<Batch>> {
        let batch = self.batches.as_ref()?.recv();
        if !matches!(batch, Ok(Ok(_))) {
            self.join();
        }
        batch.ok()
    }

    fn recycle(&mut self, batch: Batch) {
        // The thread may be done already; then the memory is freed.
        let _ = self.returned.send(batch);
    }
}

impl Drop for Prefetch {
    fn drop(&mut self) {
        self.join();
    }
}

fn read_all(mut batches: Batches, send: &SyncSender<Result<Batch>>, recycled: &Receiver<Batch>) {
    loop {
        while let Ok(batch) = recycled.try_recv() {
            batches.recycle(batch);
        }
        let Some(batch) = batches.next() else { return };
        // Nobody listens any more: the stream was dropped within the epoch.
        if send.send(batch).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{InMemory, Location, Normalizer, Order, Shuffle, Source};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    };
    use std::time::Duration;

    fn batches(source: Arc<dyn Source>, size: usize) -> Batches {
        let order = Order::new(source.rows(), 0, Shuffle::seeded(4), 1);
        let normalizer = Arc::new(Normalizer::identity(source.width()));
        Batches::new(source, normalizer, order, size, 0)
    }

    fn counting(rows: usize) -> Arc<dyn Source> {
        Arc::new(InMemory::new("x", 2, (0..rows * 2).map(|i| i as f32).collect()).unwrap())
    }

    #[test]
    fn gives_the_same_batches_as_reading_in_place() {
        let mut plain = batches(counting(1003), 10);
        let mut ahead = Prefetch::new(batches(counting(1003), 10)).unwrap();
        while let Some(expected) = plain.next() {
            let got = ahead.next().unwrap().unwrap();
            assert_eq!(got, expected.unwrap());
            ahead.recycle(got);
        }
        assert!(ahead.next().is_none() && ahead.next().is_none());
    }

    /// Counts reads, and answers some of them badly.
    struct Odd {
        reads: AtomicUsize,
        fail_at: usize,
        panic_at: usize,
    }

    impl Source for Odd {
        fn rows(&self) -> usize {
            1000
        }
        fn width(&self) -> usize {
            1
        }
        fn read(&self, _: &[usize], out: &mut [f32]) -> Result<()> {
            out.fill(0.0);
            let read = self.reads.fetch_add(1, SeqCst);
            assert!(read != self.panic_at, "the source broke");
            if read == self.fail_at { Err(Error::file("x", "gone", "")) } else { Ok(()) }
        }
        fn read_range(&self, _: usize, out: &mut [f32]) -> Result<()> {
            self.read(&[], out)
        }
        fn locate(&self, row: usize) -> Location {
            Location { file: "odd".into(), row }
        }
    }

    fn odd(fail_at: usize, panic_at: usize) -> Arc<Odd> {
        Arc::new(Odd { reads: AtomicUsize::new(0), fail_at, panic_at })
    }

    #[test]
    fn stays_two_batches_ahead_and_ends_when_dropped() {
        let source = odd(usize::MAX, usize::MAX);
        let mut ahead = Prefetch::new(batches(source.clone(), 10)).unwrap();
        for taken in 1..=3 {
            ahead.next().unwrap().unwrap();
            std::thread::sleep(Duration::from_millis(50));
            assert!(source.reads.load(SeqCst) <= taken + 2);
        }
        drop(ahead);
        let at_drop = source.reads.load(SeqCst);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(source.reads.load(SeqCst), at_drop);
        assert_eq!(Arc::strong_count(&source), 1);
    }

    #[test]
    fn an_error_comes_in_its_place_and_ends_the_stream() {
        let mut ahead = Prefetch::new(batches(odd(4, usize::MAX), 10)).unwrap();
        for _ in 0..4 {
            assert!(ahead.next().unwrap().is_ok());
        }
        assert!(matches!(ahead.next(), Some(Err(Error::File { .. }))));
        assert!(ahead.next().is_none());
    }

    #[test]
    #[should_panic(expected = "the source broke")]
    fn a_panic_of_a_source_is_not_taken_for_the_end() {
        let mut ahead = Prefetch::new(batches(odd(usize::MAX, 2), 10)).unwrap();
        while let Some(batch) = ahead.next() {
            batch.unwrap();
        }
    }
}
