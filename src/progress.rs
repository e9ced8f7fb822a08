//! Progress of a part of some work as progress of the whole.

/// The whole, in parts.
const WHOLE: usize = 1000;

/// Tells `whole` of a part that goes from one thousandth of it to another; the part says how much of it is done, of how
/// much.
pub(crate) fn part(
    whole: &mut dyn FnMut(usize, usize),
    from: usize,
    to: usize,
) -> impl FnMut(usize, usize) {
    move |done, of| whole(from + (to - from) * done / of.max(1), WHOLE)
}

#[cfg(test)]
mod tests {
    #[test]
    fn parts_join() {
        let mut told = Vec::new();
        let mut whole = |done, of| told.push((done, of));
        super::part(&mut whole, 0, 600)(1, 2);
        super::part(&mut whole, 600, 1000)(0, 0);
        super::part(&mut whole, 600, 1000)(3, 3);
        assert_eq!(told, [(300, 1000), (600, 1000), (1000, 1000)]);
    }
}
