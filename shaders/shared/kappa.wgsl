// The kernels that stand in for the derivative of jump's step, numbered as in `Kernel::ALL`.
override KERNEL: u32 = 6u;

// κ(x), with h = bw/2 and u = |x|/h. The clamps keep what overflows (u², e^u) from making NaN of a negligible tail.
fn kappa(x: f32, bandwidth: f32) -> f32 {
    let h = 0.5 * bandwidth;
    let u = abs(x) / h;
    switch KERNEL {
        case 0u: { // rectangle
            return select(0.0, 1.0 / bandwidth, u <= 1.0);
        }
        case 1u: { // gaussian
            let v = min(u, 20.0);
            return exp_exact(-0.5 * v * v) / (bandwidth * 2.5066282746310002);
        }
        case 2u: { // triangular
            return select(0.0, (1.0 - u) / h, u <= 1.0);
        }
        case 3u: { // cosine: cos(πv) = sin(π(½ − v))
            let v = min(0.5 * u, 1.0);
            return select(0.0, 0.5 * (1.0 + sin_exact(3.141592653589793 * (0.5 - v))), u <= 2.0);
        }
        case 4u: { // epanechnikov
            let v = min(u, 1.0);
            return 0.75 * (1.0 - v * v) / h;
        }
        case 5u: { // quartic
            let v = min(u, 1.0);
            let w = 1.0 - v * v;
            return 0.9375 * w * w / h;
        }
        case 6u: { // silverman
            let s = min(u, 120.0) * 0.7071067811865476;
            return exp_exact(-s) * sin_exact(s + 0.7853981633974483) / h;
        }
        default: { // cauchy
            let v = min(u, 1e18);
            return 1.0 / ((1.0 + v * v) * 3.141592653589793 * h);
        }
    }
}
