//! What a resource costs by the month.

use std::{fmt, iter::Sum, ops::Add};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An amount of US dollars, exact to a millionth: fractions of cents are added up before anything is rounded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Usd(u64);

impl Usd {
    /// Millionths of a dollar.
    pub const fn micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Cents.
    pub const fn cents(cents: u64) -> Self {
        Self(cents * 10_000)
    }

    /// The amount nearest to so many dollars; nothing when it is less than nothing.
    pub fn dollars(dollars: f64) -> Self {
        Self(nearest(dollars * 1e6))
    }

    /// So many times the amount.
    #[must_use]
    pub fn times(self, quantity: f64) -> Self {
        Self(nearest(self.0 as f64 * quantity))
    }

    /// The nearest whole cent, half a cent upwards, as a bill would say it.
    #[must_use]
    pub const fn rounded(self) -> Self {
        Self((self.0 + 5_000) / 10_000 * 10_000)
    }

    /// Dollars, for programs.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// With as many digits as the amount has, two at least: prices of single requests are far below a cent.
    pub fn exact(self) -> String {
        let digits = format!("{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000);
        let shortest = digits.len() - 4;
        let (head, tail) = digits.split_at(shortest);
        format!("{head}{}", tail.trim_end_matches('0'))
    }
}

fn nearest(micros: f64) -> u64 {
    // A cast of a float saturates: less than nothing is nothing.
    micros.round() as u64
}

/// To the cent.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cents = self.rounded().0 / 10_000;
        f.pad(&format!("{}.{:02}", cents / 100, cents % 100))
    }
}

impl Add for Usd {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self(0), Add::add)
    }
}

impl Serialize for Usd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Usd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(Self::dollars)
    }
}

/// What is paid for a resource by the month, before tax.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Price {
    /// What is paid for, such as `Lightsail instance small_3_0`. Prices of one item share what is free of it.
    pub item: String,
    /// How many units a month.
    pub quantity: f64,
    /// What one is, such as `GB`.
    pub unit: String,
    /// The price of one.
    pub unit_usd: Usd,
    /// How many units a month cost nothing, for all of the account together.
    pub free: f64,
    /// What of it a subscription pays that the whole stack has, or may have.
    pub covered: Covered,
    /// The assumption that the quantity is; nothing for a fixed price.
    pub assumption: Option<String>,
    /// The Region the price is of, or `global`.
    pub region: String,
    /// Where the price was read, or why there is none.
    pub source: String,
    /// The day it was read, `YYYY-MM-DD`.
    pub as_of: String,
    /// False when no first-hand source confirms it for this Region.
    pub confirmed: bool,
}

/// What of a price a subscription pays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covered {
    /// Nothing.
    #[default]
    Nothing,
    /// So many units a month.
    Units(f64),
    /// All of it.
    Everything,
}

/// Whether a subscription pays what it covers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subscription {
    /// There is none, and none is asked for.
    #[default]
    None,
    /// It is asked for; the cloud may refuse it.
    Possible,
    /// It pays.
    Active,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_of_cents_survive_until_the_end() {
        let half: Usd = [Usd::micros(375_000), Usd::micros(450_000), Usd::cents(3_200)].into_iter().sum();
        assert_eq!((half.to_string().as_str(), half.exact().as_str()), ("32.83", "32.825"));
        assert_eq!(Usd::micros(4_000).times(12.5), Usd::cents(5));
        assert_eq!((Usd::cents(1_200).exact().as_str(), Usd::micros(4).exact().as_str()), ("12.00", "0.000004"));
    }

    #[test]
    fn amounts_survive_json() {
        for micros in [0, 1, 32_825_000, 999_999_999] {
            let text = serde_json::to_string(&Usd(micros)).unwrap();
            assert_eq!(serde_json::from_str::<Usd>(&text).unwrap(), Usd(micros), "{text}");
        }
        assert_eq!(Usd::dollars(-1.0), Usd::default());
    }
}
