//! Counts by name, in the order in which the names came first, and of not too many names.

/// The name under which those beyond the limit are counted.
const OTHERS: &str = "others";

#[derive(Debug, Clone)]
pub(crate) struct Shelf<T> {
    rows: Vec<(String, T)>,
    most: usize,
}

impl<T: Default> Shelf<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { rows: Vec::new(), most }
    }

    /// The count of a name.
    pub(super) fn entry(&mut self, name: &str) -> &mut T {
        let name = if self.rows.len() < self.most || self.has(name) { name } else { OTHERS };
        let index = self.rows.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.rows.push((name.to_owned(), T::default()));
            self.rows.len() - 1
        });
        &mut self.rows[index].1
    }

    fn has(&self, name: &str) -> bool {
        self.rows.iter().any(|(known, _)| known == name)
    }
}

impl<T> Shelf<T> {
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = (&str, &T)> {
        self.rows.iter().map(|(name, count)| (name.as_str(), count))
    }
}

impl Shelf<u64> {
    pub(crate) fn sum(&self) -> u64 {
        self.rows.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_beyond_the_limit_are_counted_together() {
        let mut shelf = Shelf::<u64>::new(2);
        for name in ["b", "a", "c", "d", "a"] {
            *shelf.entry(name) += 1;
        }
        assert_eq!(shelf.rows().collect::<Vec<_>>(), [("b", &1), ("a", &2), ("others", &2)]);
        assert_eq!(shelf.sum(), 5);
    }
}
