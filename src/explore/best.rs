//! The few best of many, in memory for the few only.

/// Something with a score, of which the `most` highest are kept: descending by score, and of equals the first come.
/// Of items with the same group only the best stays.
#[derive(Clone, Debug)]
pub(super) struct Best {
    most: usize,
    items: Vec<Item>,
}

/// A row and its score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Item {
    pub row: usize,
    pub score: f64,
    group: usize,
}

impl Best {
    /// Of nothing yet.
    pub fn new(most: usize) -> Self {
        Self { most, items: Vec::new() }
    }

    /// Offers a row.
    #[inline]
    pub fn offer(&mut self, row: usize, score: f64, group: usize) {
        if self.items.len() == self.most && self.items.last().is_none_or(|last| score <= last.score)
        {
            return;
        }
        self.insert(Item { row, score, group });
    }

    fn insert(&mut self, item: Item) {
        if let Some(same) = self.items.iter().position(|other| other.group == item.group) {
            if self.items[same].score >= item.score {
                return;
            }
            self.items.remove(same);
        } else if self.items.len() == self.most {
            self.items.pop();
        }
        let place = self.items.partition_point(|other| other.score >= item.score);
        self.items.insert(place, item);
    }

    /// The best, highest first.
    pub fn items(&self) -> &[Item] {
        &self.items
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(best: &Best) -> Vec<usize> {
        best.items().iter().map(|item| item.row).collect()
    }

    #[test]
    fn keeps_the_highest_and_the_first_of_equals() {
        let mut best = Best::new(3);
        for (row, score) in [1.0, 3.0, 2.0, 3.0, 0.5, 2.0, 2.5].into_iter().enumerate() {
            best.offer(row, score, row);
        }
        assert_eq!(rows(&best), [1, 3, 6]);
        let mut none = Best::new(0);
        none.offer(0, 1.0, 0);
        assert!(none.items().is_empty());
    }

    #[test]
    fn a_group_is_there_once_with_its_best() {
        let mut best = Best::new(2);
        // Groups of three rows.
        for (row, score) in [5.0, 7.0, 6.0, 1.0, 2.0, 9.0, 3.0, 8.0, 4.0].into_iter().enumerate() {
            best.offer(row, score, row / 3);
        }
        assert_eq!(rows(&best), [5, 7]);
    }
}
