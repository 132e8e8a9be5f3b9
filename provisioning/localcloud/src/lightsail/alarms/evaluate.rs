//! From the last periods of a metric to the state of an alarm; pure.
//!
//! The rules for what is missing are CloudWatch's ("Configuring how CloudWatch alarms treat missing data"), whose alarms
//! these are under another name.

use serde::{Deserialize, Serialize};

/// As the model's `AlarmState` spells them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum AlarmState {
    Ok,
    Alarm,
    InsufficientData,
}

impl AlarmState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Alarm => "ALARM",
            Self::InsufficientData => "INSUFFICIENT_DATA",
        }
    }
}

/// As the model's `ComparisonOperator` spells them.
#[expect(clippy::enum_variant_names, reason = "the model's names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Comparison {
    GreaterThanOrEqualToThreshold,
    GreaterThanThreshold,
    LessThanThreshold,
    LessThanOrEqualToThreshold,
}

impl Comparison {
    /// Whether `value` breaches the threshold.
    pub(crate) fn holds(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::GreaterThanOrEqualToThreshold => value >= threshold,
            Self::GreaterThanThreshold => value > threshold,
            Self::LessThanThreshold => value < threshold,
            Self::LessThanOrEqualToThreshold => value <= threshold,
        }
    }
}

/// What a period without data counts as; the model's `TreatMissingData`.
#[expect(clippy::enum_variant_names, reason = "the model's names")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Missing {
    Breaching,
    NotBreaching,
    Ignore,
    Missing,
}

/// The state after `current`, by whether each of the last periods (oldest first) breaches the threshold; `None` has no
/// data. `to_alarm` of them must.
pub(crate) fn next(current: AlarmState, periods: &[Option<bool>], to_alarm: u32, missing: Missing) -> AlarmState {
    let count = |wanted: Option<bool>| periods.iter().filter(|period| **period == wanted).count();
    let (breaching, fine, absent) = (count(Some(true)), count(Some(false)), count(None));
    let to_alarm = to_alarm as usize;
    let breaching = breaching + if missing == Missing::Breaching { absent } else { 0 };
    if breaching >= to_alarm {
        return AlarmState::Alarm;
    }
    match missing {
        Missing::Breaching | Missing::NotBreaching => AlarmState::Ok,
        Missing::Ignore if fine == 0 => current,
        Missing::Missing if fine + breaching == 0 => AlarmState::InsufficientData,
        Missing::Missing if fine == 0 => {
            // All there is breaches, and what is old enough would have been joined by what is missing.
            let oldest = periods.iter().position(|period| *period == Some(true)).unwrap_or(periods.len());
            if periods.len() - oldest >= to_alarm { AlarmState::Alarm } else { current }
        }
        Missing::Ignore | Missing::Missing => AlarmState::Ok,
    }
}

#[cfg(test)]
mod tests {
    use super::{AlarmState::*, *};

    fn periods(text: &str) -> Vec<Option<bool>> {
        let period = |c| match c {
            'X' => Some(true),
            '0' => Some(false),
            _ => None,
        };
        text.chars().map(period).collect()
    }

    /// Rows of the table in CloudWatch's documentation, for three of three; and the state when it is kept.
    #[test]
    fn missing_data_is_treated_as_in_the_documentation() {
        for (text, as_missing, ignored, breaching, not_breaching) in [
            ("0X0", Ok, Ok, Ok, Ok),
            ("---", InsufficientData, Ok, Alarm, Ok),
            ("0--", Ok, Ok, Ok, Ok),
            ("X--", Alarm, Ok, Alarm, Ok),
            ("XXX", Alarm, Alarm, Alarm, Alarm),
            ("--X", Ok, Ok, Alarm, Ok),
        ] {
            for (missing, expected) in [
                (Missing::Missing, as_missing),
                (Missing::Ignore, ignored),
                (Missing::Breaching, breaching),
                (Missing::NotBreaching, not_breaching),
            ] {
                assert_eq!(next(Ok, &periods(text), 3, missing), expected, "{text} {missing:?}");
            }
        }
    }

    #[test]
    fn some_of_the_periods_may_be_enough() {
        assert_eq!(next(Ok, &periods("X0X0"), 2, Missing::Missing), Alarm);
        assert_eq!(next(Alarm, &periods("00X0"), 2, Missing::Missing), Ok);
    }

    #[test]
    fn names_are_the_ones_serde_writes() {
        for state in [Ok, Alarm, InsufficientData] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        assert_eq!(serde_json::to_value(Missing::NotBreaching).unwrap(), "notBreaching");
    }

    #[test]
    fn a_threshold_is_compared_as_the_operator_says() {
        use Comparison::{
            GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanOrEqualToThreshold, LessThanThreshold,
        };
        let held = |value| {
            [GreaterThanOrEqualToThreshold, GreaterThanThreshold, LessThanThreshold, LessThanOrEqualToThreshold]
                .map(|comparison: Comparison| comparison.holds(value, 5.0))
        };
        assert_eq!(held(5.0), [true, false, false, true]);
        assert_eq!(held(6.0), [true, true, false, false]);
        assert_eq!(held(4.0), [false, false, true, true]);
    }
}
