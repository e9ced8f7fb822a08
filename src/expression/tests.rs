use super::*;

fn parsed(text: &str) -> Expression {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// f and a central difference of it, in float64.
fn expected(f: impl Fn(f64) -> f64, v: f64) -> (f64, f64) {
    (f(v), (f(v + 1e-6) - f(v - 1e-6)) / 2e-6)
}

#[track_caller]
fn check(text: &str, f: impl Fn(f64) -> f64) {
    for v in [-2.3_f32, -0.7, 0.4, 1.9] {
        let ((value, slope), want) = (parsed(text).at(v), expected(&f, v.into()));
        if want.0.is_nan() {
            assert!(value.is_nan(), "{text} at {v}: {value}");
            continue;
        }
        let near = |got: f32, want: f64| (f64::from(got) - want).abs() <= 2e-6 * (1.0 + want.abs());
        assert!(near(value, want.0), "{text} at {v}: {value}, expected {}", want.0);
        assert!(near(slope, want.1), "f′ of {text} at {v}: {slope}, expected {}", want.1);
    }
}

#[test]
fn values_and_derivatives() {
    check("3", |_| 3.0);
    check("v", |v| v);
    check("-v^2", |v| -v * v);
    check("(-v)^2", |v| v * v);
    check("2 - 3 - v", |v| -1.0 - v);
    check("12 / 4 / v * 2", |v| 6.0 / v);
    check("2^3^2 * v", |v| 512.0 * v);
    check("v^-2", |v| v.powi(-2));
    check("v^0 + v^1 + v^3 + v^4 + v^5", |v| 1.0 + v + v.powi(3) + v.powi(4) + v.powi(5));
    check("v^-1", |v| 1.0 / v);
    check("v^(1/2)", f64::sqrt);
    check("(v^2 + 1)^-0.75", |v| (v * v + 1.0).powf(-0.75));
    check("abs(v) + sqrt(v^2 + .1)", |v| v.abs() + (v * v + 0.1).sqrt());
    check("exp(v) * log(v^2 + 1) - ln(3)", |v| v.exp() * (v * v + 1.0).ln() - 3.0_f64.ln());
    check("tanh(v) / (1 + sin(v)^2)", |v| v.tanh() / (1.0 + v.sin().powi(2)));
    check("cos(2*v)", |v| (2.0 * v).cos());
    check("relu(v) + relu(-v - 1)", |v| v.max(0.0) + (-v - 1.0).max(0.0));
    check("max(v, v^2) * min(1e0, 1 - -v)", |v| v.max(v * v) * 1.0_f64.min(1.0 + v));
    check("log(v)", f64::ln);
}

#[test]
fn corners_have_the_derivatives_that_are_documented() {
    assert_eq!(parsed("abs(v)").at(0.0), (0.0, 0.0));
    assert_eq!(parsed("relu(v)").at(0.0), (0.0, 0.0));
    assert_eq!(parsed("max(2*v, 3*v)").at(0.0), (0.0, 2.0));
    assert_eq!(parsed("min(2*v, 3*v)").at(0.0), (0.0, 2.0));
    assert_eq!(parsed("v^0").at(0.0), (1.0, 0.0));
    assert_eq!(parsed("v^2").at(0.0), (0.0, 0.0));
    assert!(parsed("relu(v)").at(f32::NAN).0.is_nan());
    assert_eq!(parsed("1 / v").at(0.0).0, f32::INFINITY);
}

#[test]
fn text_is_canonical_and_round_trips() {
    for (text, want) in [
        ("  v ", "v"),
        ("((v))+(2*v)", "v + 2 * v"),
        ("1-(2-v)", "1 - (2 - v)"),
        ("(1-2)-v", "1 - 2 - v"),
        ("v/(2*v)*3", "v / (2 * v) * 3"),
        ("(v+1)*(v-1)", "(v + 1) * (v - 1)"),
        ("-(v+1)", "-(v + 1)"),
        ("(-v)^2 - -v^2", "(-v)^2 - -v^2"),
        ("(v^2)^.5", "(v^2)^0.5"),
        ("2^-(1/2) * v", "2^-0.5 * v"),
        ("ln( max( v , 1E-3 ) )", "log(max(v, 0.001))"),
        ("1e-9*abs(v)", "1e-9 * abs(v)"),
    ] {
        let f = parsed(text);
        assert_eq!(f.to_string(), want);
        assert_eq!(parsed(&f.to_string()), f, "{text}");
        let json = serde_json::to_string(&f).unwrap();
        assert_eq!(json, format!("\"{want}\""));
        assert_eq!(serde_json::from_str::<Expression>(&json).unwrap(), f);
    }
}

#[test]
fn errors_tell_the_place() {
    for (text, column) in [
        ("", 1),
        ("   ", 4),
        ("v +", 4),
        ("2v", 2),
        ("v v", 3),
        ("(v", 3),
        ("v)", 2),
        ("1.2.3", 1),
        (".", 1),
        ("1e", 2),
        ("v + foo(v)", 5),
        ("x", 1),
        ("abs v", 5),
        ("max(v)", 6),
        ("max(v, 1, 2)", 9),
        ("v ^ v", 5),
        ("v^65", 3),
        ("v^(1/0)", 6),
        ("v / (1 - 1)", 5),
        ("1e39 * v", 1),
        ("v * log(0)", 5),
        ("sqrt(-1)", 1),
        ("2^64^64", 3),
        ("é + $", 1),
        ("v + $", 5),
        ("+v", 1),
    ] {
        let error = text.parse::<Expression>().unwrap_err().to_string();
        assert!(error.contains(&format!("At column {column}:")), "{text:?}: {error}");
        assert!(error.contains("expression") && error.contains("min(a, b)"), "{error}");
    }
    assert!(serde_json::from_str::<Expression>("\"2 +\"").is_err());
}

#[test]
fn size_and_depth_are_limited() {
    for text in
        ["(".repeat(100_000), "-".repeat(100_000), "v^".repeat(100_000), "abs(".repeat(100_000)]
    {
        assert!(text.parse::<Expression>().is_err());
    }
    assert!(format!("v{}", "+v".repeat(100_000)).parse::<Expression>().is_err());
    let deep = format!("{}v{}", "(1 + ".repeat(60), ")".repeat(60));
    assert_eq!(parsed(&deep).at(0.5), (60.5, 1.0));
    let long = format!("v{}", "+v".repeat(120));
    assert_eq!(parsed(&long).at(0.5), (60.5, 121.0));
}
