//! What a comparison could find, and what many comparisons at once are worth.

use super::normal_quantile;
use super::signed_rank::reached_level;

/// Holm's step-down correction: p-values adjusted so that rejecting those at or below α keeps the chance of any
/// false rejection at α (Holm 1979). In the order given; a value that is not a number counts as 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let clean: Vec<f64> = p_values.iter().map(|p| if p.is_nan() { 1.0 } else { p.clamp(0.0, 1.0) }).collect();
    let mut order: Vec<usize> = (0..clean.len()).collect();
    order.sort_by(|&a, &b| clean[a].total_cmp(&clean[b]));
    let mut adjusted = vec![1.0; clean.len()];
    let mut floor = 0.0_f64;
    for (step, &index) in order.iter().enumerate() {
        floor = floor.max((clean[index] * (clean.len() - step) as f64).min(1.0));
        adjusted[index] = floor;
    }
    adjusted
}

/// The fewest pairs with which a one-sided signed-rank test can reach `alpha`: the smallest n with 2⁻ⁿ ≤ α.
pub(crate) fn fewest_pairs(alpha: f64) -> usize {
    if alpha > 0.0 { (-alpha.min(1.0).log2()).ceil().max(0.0) as usize } else { usize::MAX }
}

/// The smallest ratio above 1 that a one-sided signed-rank test on `pairs` log-ratios with the standard deviation
/// `spread` finds with the given `power` 1 − β.
///
/// exp((z₁₋α + z₁₋β) · σ · √(π/3) / √(n − z₁₋α²/2)): the t-test's formula with Guenther's correction for few pairs (*The
/// American Statistician* 35, 1981) and the signed-rank test's asymptotic relative efficiency 3/π for normal
/// differences (Lehmann, *Nonparametrics*, 4.2); α is the level that the exact test really reaches. `None` where the
/// test cannot reach `alpha` at all with so few pairs, or where the spread is not finite.
pub(crate) fn minimum_detectable_effect(spread: f64, pairs: usize, alpha: f64, power: f64) -> Option<f64> {
    if pairs == 0 || pairs < fewest_pairs(alpha) || !spread.is_finite() || spread < 0.0 {
        return None;
    }
    let z = normal_quantile(1.0 - reached_level(pairs, alpha));
    let effective = pairs as f64 - z * z / 2.0;
    let distance = z + normal_quantile(power);
    let effect = (distance * spread * (std::f64::consts::PI / 3.0).sqrt() / effective.sqrt()).exp();
    effect.is_finite().then_some(effect)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_gives_the_values_of_rs_p_adjust() {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") = 0.03 0.06 0.06 0.02
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.9, f64::NAN]), vec![1.0, 1.0]);
    }

    #[test]
    fn five_pairs_are_the_fewest_for_five_percent() {
        assert_eq!(fewest_pairs(0.05), 5);
        assert_eq!(fewest_pairs(0.01), 7);
        assert_eq!(fewest_pairs(0.0), usize::MAX);
        assert_eq!(minimum_detectable_effect(0.05, 4, 0.05, 0.8), None);
    }

    #[test]
    fn the_smallest_effect_shrinks_with_pairs_and_grows_with_noise() {
        let seven = minimum_detectable_effect(0.05, 7, 0.05, 0.8).unwrap();
        // 7 pairs reach 5/128: z = 1.761670; (z + 0.841621) · 0.05 · 1.023327 / √(7 − z²/2) = 0.0570661
        assert!((seven.ln() - 0.057_066_1).abs() < 1e-6, "{seven}");
        assert!(minimum_detectable_effect(0.05, 28, 0.05, 0.8).unwrap() < seven);
        assert!(minimum_detectable_effect(0.10, 7, 0.05, 0.8).unwrap() > seven);
        assert_eq!(minimum_detectable_effect(f64::NAN, 7, 0.05, 0.8), None);
    }
}
