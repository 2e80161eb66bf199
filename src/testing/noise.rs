//! Numbers that look random and are the same in every run, beside those that the program draws itself.

use crate::random::SplitMix64;

impl SplitMix64 {
    /// Uniform in (0, 1).
    pub(crate) fn uniform(&mut self) -> f64 {
        ((self.draw() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Normal by the sum of twelve uniforms: good enough in the middle, which is what tests of statistics are about.
    pub(crate) fn bell(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
