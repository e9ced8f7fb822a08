//! The orders in which a selection takes values.

use bytemuck::Pod;

/// What may be taken, and what comes first.
pub(super) trait Order {
    /// What stands for a value in comparisons.
    type Place: Pod + PartialOrd + Send;
    /// Below the place of all that may be taken; what may not be taken is not above it.
    const NEVER: Self::Place;

    /// The place of a value.
    fn place(value: f32) -> Self::Place;

    /// The place as a number that ascends as the places from [`Order::NEVER`] on do.
    fn rank(place: Self::Place) -> u32;

    /// The place of a rank.
    fn of_rank(rank: u32) -> Self::Place;

    /// The value of a rank.
    fn value(rank: u32) -> f32;

    /// The place just below, [`Order::NEVER`] at the least.
    fn below(place: Self::Place) -> Self::Place;

    /// The place of a value that is smaller by `slack`, [`Order::NEVER`] at the least.
    fn lowered(place: Self::Place, slack: f32) -> Self::Place;
}

/// Values above zero: NaN, zero and what is negative are never taken. Their bits ascend as they do.
pub(super) struct Relu;

impl Order for Relu {
    type Place = f32;
    const NEVER: f32 = 0.0;

    #[inline(always)]
    fn place(value: f32) -> f32 {
        value
    }

    #[inline(always)]
    fn rank(place: f32) -> u32 {
        place.to_bits()
    }

    #[inline(always)]
    fn of_rank(rank: u32) -> f32 {
        f32::from_bits(rank)
    }

    #[inline(always)]
    fn value(rank: u32) -> f32 {
        f32::from_bits(rank)
    }

    #[inline(always)]
    fn below(place: f32) -> f32 {
        if place > 0.0 { place.next_down() } else { 0.0 }
    }

    #[inline(always)]
    fn lowered(place: f32, slack: f32) -> f32 {
        (place - slack).max(0.0)
    }
}

/// All values but NaN; −0 is 0. With the other bits of a negative float turned over, all floats ascend as integers.
pub(super) struct Signed;

/// The bits of a float as an integer of the same order, and back.
#[inline(always)]
fn turn_over(bits: i32) -> i32 {
    bits ^ ((bits >> 31) & i32::MAX)
}

impl Order for Signed {
    type Place = i32;
    const NEVER: i32 = i32::MIN;

    #[inline(always)]
    fn place(value: f32) -> i32 {
        let place = turn_over((value + 0.0).to_bits() as i32);
        if value.is_nan() { Self::NEVER } else { place }
    }

    #[inline(always)]
    fn rank(place: i32) -> u32 {
        (place ^ i32::MIN) as u32
    }

    #[inline(always)]
    fn of_rank(rank: u32) -> i32 {
        rank as i32 ^ i32::MIN
    }

    #[inline(always)]
    fn value(rank: u32) -> f32 {
        f32::from_bits(turn_over(rank as i32 ^ i32::MIN) as u32)
    }

    #[inline(always)]
    fn below(place: i32) -> i32 {
        place.saturating_sub(1)
    }

    #[inline(always)]
    fn lowered(place: i32, slack: f32) -> i32 {
        match slack {
            0.0 => place,
            _ => Self::place(Self::value(Self::rank(place)) - slack),
        }
    }
}
