// What expressions call, beside what numbers.wgsl has: to a few units in the last place on every device, where the
// built-in ones may be far off or overflow.

// ln x; of zero and of negative numbers whatever the device gives.
fn ln_exact(x: f32) -> f32 {
    if is_nan(x) || x < 1.1754944e-38 || x > 3.4028234e38 {
        return log(x);
    }
    // x = 2ᵉ m with m near 1; ln m = 2 artanh((m − 1)/(m + 1)).
    let shifted = bitcast<i32>(x) - 0x3f3504f3;
    let exponent = shifted >> 23u;
    let m = bitcast<f32>(shifted - (exponent << 23u) + 0x3f3504f3);
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let near_one = 2.0 * s + 2.0 * s * q * (0.33333334 + q * (0.2 + q * (0.14285715 + q * 0.11111111)));
    // ln 2 in two parts, of which the first times the exponent is exact.
    let e = f32(exponent);
    return e * 0.693145751953125 + (near_one + e * 1.428606820309417e-6);
}

// cos(x) for |x| ≤ 1e4.
fn cos_exact(x: f32) -> f32 {
    let n = floor(x * 0.3183098861837907);
    let half = n + 0.5;
    // cos((n + ½)π + r) = −(−1)ⁿ sin r
    let r = (x - half * 3.140625) - half * 9.67653589793e-4;
    let value = sin_exact(r);
    return select(-value, value, (i32(n) & 1) != 0);
}

fn tanh_exact(x: f32) -> f32 {
    let u = abs(x);
    if u < 0.25 {
        let s = x * x;
        return x + x * s * (-0.33333334 + s * (0.13333334 + s * (-0.053968254 + s * (0.021869488 - s * 0.008863236))));
    }
    let e = exp_exact(-2.0 * u);
    return sign(x) * ((1.0 - e) / (1.0 + e));
}

// 1 − tanh² x, without the difference.
fn tanh_slope(x: f32) -> f32 {
    let e = exp_exact(-2.0 * abs(x));
    return 4.0 * e / ((1.0 + e) * (1.0 + e));
}

// max(x, 0), where NaN stays NaN.
fn relu(x: f32) -> f32 {
    return select(max(x, 0.0), x, is_nan(x));
}

// xⁿ by squaring.
fn whole_power(x: f32, n: u32) -> f32 {
    var factor = x;
    var product = 1.0;
    for (var left = n; left > 0u; left >>= 1u) {
        if (left & 1u) != 0u {
            product *= factor;
        }
        factor *= factor;
    }
    return product;
}

// xᵖ for a p that is not whole; of negative numbers whatever the device makes of their logarithm.
fn real_power(x: f32, p: f32) -> f32 {
    if x == 0.0 {
        return select(0.0, 1.0 / x, p < 0.0);
    }
    return exp_exact(p * ln_exact(x));
}
