// Compilers may assume that no NaN exists and drop `x != x`; they cannot do so with its bits.
fn is_nan(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

// e^x to about one unit in the last place; the built-in one may be off by 3 + 2|x| of them.
// Finite for every finite x (clamped below the largest float32), 1 at 0, NaN at NaN.
fn exp_exact(x: f32) -> f32 {
    if is_nan(x) {
        return x;
    }
    let bounded = clamp(x, -87.0, 88.0);
    let n = round(bounded * 1.4426950408889634);
    // ln 2 in two parts, of which the first times n is exact; as fma, for compilers may join the parts otherwise.
    let r = fma(-n, 1.428606820309417e-6, fma(-n, 0.693145751953125, bounded));
    let tail = 0.5 + r * (0.16666667 + r * (0.041666668 + r * (0.008333334 + r * (0.0013888889 + r * 0.0001984127))));
    let near_one = 1.0 + (r + r * r * tail);
    return near_one * bitcast<f32>(u32(i32(n) + 127) << 23u);
}

// sin(x) for |x| ≤ 1e4 to a few units in the last place; the built-in one may be off by 2⁻¹¹.
fn sin_exact(x: f32) -> f32 {
    let n = round(x * 0.3183098861837907);
    let r = fma(-n, 9.67653589793e-4, fma(-n, 3.140625, x));
    let s = r * r;
    let odd = s * (-0.16666667 + s * (0.008333334 + s * (-0.0001984127 + s * (2.7557319e-6 - s * 2.5052108e-8))));
    let value = r + r * odd;
    return select(value, -value, (i32(n) & 1) != 0);
}
