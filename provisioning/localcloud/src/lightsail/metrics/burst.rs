//! Burst capacity, as a model: AWS measures its hosts, we have only arithmetic.
//!
//! An instance earns its baseline all the time, spends what it computes, and can save a day of earnings; that is how AWS
//! describes it ("Viewing instance burst capacity"). It begins full. One sample stands for one minute.

/// What one sample stands for.
const SAMPLE_SECONDS: f64 = 60.0;

/// How much can be saved: the earnings of a day.
const SAVED_SECONDS: f64 = 24.0 * 60.0 * 60.0;

/// The capacity of one instance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Burst {
    /// Seconds at full utilization.
    seconds: f64,
    /// The part of full utilization that can be kept up for ever.
    baseline: f64,
}

impl Burst {
    /// Full, for an instance with this baseline.
    pub(crate) fn full(baseline: f64) -> Self {
        Self { seconds: SAVED_SECONDS * baseline, baseline }
    }

    /// One sample later, with this utilization (0 to 1) in it.
    pub(crate) fn after(self, utilization: f64) -> Self {
        let seconds = self.seconds + (self.baseline - utilization) * SAMPLE_SECONDS;
        Self { seconds: seconds.clamp(0.0, SAVED_SECONDS * self.baseline), ..self }
    }

    /// `BurstCapacityTime`.
    pub(crate) fn seconds(self) -> f64 {
        self.seconds
    }

    /// `BurstCapacityPercentage`.
    pub(crate) fn percentage(self) -> f64 {
        100.0 * self.seconds / (SAVED_SECONDS * self.baseline)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_the_baseline_is_spent_and_what_is_below_is_saved() {
        let full = Burst::full(0.2);
        assert_eq!((full.percentage(), full.seconds()), (100.0, 17280.0));
        assert_eq!(full.after(0.1), full, "no more than full");
        let spent = full.after(1.0);
        assert!((spent.seconds() - 17232.0).abs() < 1e-9);
        assert!((spent.after(0.0).seconds() - 17244.0).abs() < 1e-9);
        let empty = (0..1000).fold(full, |burst, _| burst.after(1.0));
        assert_eq!(empty.percentage(), 0.0);
    }
}
