//! The figures that were measured: one ring for each metric of each resource.
//!
//! Knows neither units nor what is measured.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;

/// How many samples a ring holds: a day of minutes, the longest an alarm looks back.
const KEPT: usize = 1440;

/// By resource and metric; oldest first.
type Rings = HashMap<String, HashMap<&'static str, VecDeque<(Timestamp, f64)>>>;

/// All rings. A resource is known by an id that is never given again.
#[derive(Default)]
pub(crate) struct Metrics {
    rings: Mutex<Rings>,
}

/// What the samples of one period come to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Statistics {
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) minimum: f64,
    pub(crate) maximum: f64,
}

impl Statistics {
    pub(crate) fn average(&self) -> f64 {
        self.sum / self.count as f64
    }

    fn of(value: f64) -> Self {
        Self { count: 1, sum: value, minimum: value, maximum: value }
    }

    fn add(&mut self, value: f64) {
        self.count += 1;
        self.sum += value;
        self.minimum = self.minimum.min(value);
        self.maximum = self.maximum.max(value);
    }
}

impl Metrics {
    /// Adds a sample; the oldest one gives way to it when the ring is full.
    pub(crate) fn push(&self, id: &str, metric: &'static str, time: Timestamp, value: f64) {
        let mut rings = self.rings();
        let ring = rings.entry(id.to_owned()).or_default().entry(metric).or_default();
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back((time, value));
    }

    /// Forgets the rings of resources that are gone.
    pub(crate) fn keep_only(&self, exists: impl Fn(&str) -> bool) {
        self.rings().retain(|id, _| exists(id));
    }

    /// The periods from `start` (inclusive) to `end` that have samples, by their number from 0.
    pub(crate) fn periods(
        &self,
        id: &str,
        metric: &str,
        start: Timestamp,
        end: Timestamp,
        period: Duration,
    ) -> BTreeMap<u32, Statistics> {
        let rings = self.rings();
        let samples = rings.get(id).and_then(|rings| rings.get(metric)).into_iter().flatten();
        let mut periods = BTreeMap::new();
        let length = period.as_nanos().max(1);
        for (time, value) in samples.filter(|(time, _)| (start..end).contains(time)) {
            let index = time.duration_since(start).unsigned_abs().as_nanos() / length;
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let figures = periods.entry(index);
            figures.and_modify(|figures: &mut Statistics| figures.add(*value)).or_insert(Statistics::of(*value));
        }
        periods
    }

    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.rings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn samples_are_gathered_in_periods_that_begin_at_the_start() {
        let metrics = Metrics::default();
        for (second, value) in [(10, 1.0), (70, 2.0), (75, 4.0), (200, 9.0), (250, 7.0)] {
            metrics.push("i-1", "CPUUtilization", at(second), value);
        }
        let minute = Duration::from_secs(60);
        let periods = metrics.periods("i-1", "CPUUtilization", at(70), at(250), minute);
        let figures = Statistics { count: 2, sum: 6.0, minimum: 2.0, maximum: 4.0 };
        assert_eq!(periods, BTreeMap::from([(0, figures), (2, Statistics::of(9.0))]));
        assert_eq!(figures.average(), 3.0);
        assert!(metrics.periods("i-2", "CPUUtilization", at(0), at(250), minute).is_empty());
        metrics.keep_only(|id| id != "i-1");
        assert!(metrics.periods("i-1", "CPUUtilization", at(0), at(250), minute).is_empty());
    }

    #[test]
    fn a_ring_does_not_grow() {
        let metrics = Metrics::default();
        (0..2000).for_each(|second| metrics.push("i-1", "NetworkIn", at(second), 1.0));
        let all = metrics.periods("i-1", "NetworkIn", at(0), at(9000), Duration::from_secs(9000));
        assert_eq!(all[&0].count, KEPT as u64);
    }
}
