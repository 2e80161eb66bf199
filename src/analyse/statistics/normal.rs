//! The normal distribution, for the approximations of large samples and for power.

use std::f64::consts::PI;

/// Probability that a standard normal variable is at most `x`.
///
/// In the middle the series Φ(x) = ½ + φ(x)·(x + x³/3 + x⁵/(3·5) + …) (Abramowitz & Stegun 26.2.11; Marsaglia,
/// "Evaluating the Normal Distribution", J. Stat. Software 11(4), 2004), in the tails the continued fraction
/// 1 − Φ(x) = φ(x) / (x + 1/(x + 2/(x + 3/…))) (A&S 26.2.14). Both are good to about 1e-15.
pub fn normal_cdf(x: f64) -> f64 {
    if x.is_nan() {
        return f64::NAN;
    }
    let density = (-x * x / 2.0).exp() / (2.0 * PI).sqrt();
    if x.abs() > 5.0 {
        let size = x.abs();
        let fraction = (1..=60).rev().fold(size, |below, k| size + f64::from(k) / below);
        let tail = density / fraction;
        return if x > 0.0 { 1.0 - tail } else { tail };
    }
    let mut term = x;
    let mut sum = x;
    let mut odd = 3.0;
    while term.abs() > f64::EPSILON * sum.abs() * 0.01 {
        term *= x * x / odd;
        sum += term;
        odd += 2.0;
    }
    0.5 + density * sum
}

/// The value below which a standard normal variable lies with the given probability; infinite at 0 and 1.
pub fn normal_quantile(probability: f64) -> f64 {
    if probability.is_nan() || probability <= 0.0 {
        return f64::NEG_INFINITY;
    }
    if probability >= 1.0 {
        return f64::INFINITY;
    }
    // The lower tail keeps its digits where the upper one loses them to 1 − p.
    if probability > 0.5 {
        return -normal_quantile(1.0 - probability);
    }
    let (mut low, mut high) = (-40.0, 0.0);
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if normal_cdf(middle) < probability {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distribution_has_its_published_values() {
        // Abramowitz & Stegun, tables 26.1 and 26.2; the last is Φ(−6) = 9.865876450e-10.
        for (x, p) in
            [(0.0, 0.5), (1.0, 0.841_344_746_068_543), (1.96, 0.975_002_104_851_780), (-3.0, 0.001_349_898_031_630)]
        {
            assert!((normal_cdf(x) - p).abs() < 1e-13, "{x}: {}", normal_cdf(x));
        }
        assert!((normal_cdf(-6.0) / 9.865_876_450_376_98e-10 - 1.0).abs() < 1e-10);
        assert!((normal_cdf(5.000_001) - normal_cdf(4.999_999)).abs() < 1e-11);
    }

    #[test]
    fn quantiles_are_the_inverse() {
        for (p, x) in
            [(0.5, 0.0), (0.95, 1.644_853_626_951_472), (0.975, 1.959_963_984_540_054), (0.8, 0.841_621_233_572_914)]
        {
            assert!((normal_quantile(p) - x).abs() < 1e-10, "{p}: {}", normal_quantile(p));
        }
        assert!(normal_quantile(0.0).is_infinite() && normal_quantile(0.0) < 0.0);
        assert!(normal_quantile(1.0).is_infinite() && normal_quantile(1.0) > 0.0);
    }
}
