//! `[payments]`: how customers may pay. Keys of a payment provider are secrets and stand elsewhere.

use jewel_runbooks::PaymentMethod;
use serde::{Deserialize, Serialize};

use super::file::File;
use super::validate::Problem;

/// Longer ones would not be read, and do not fit a line of an order's document.
const LONGEST_DETAILS: usize = 500;

/// `[payments]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Payments {
    /// The ways to pay, in the order they are offered.
    pub methods: Vec<PaymentMethod>,
    /// Where to transfer money to, in words for customers.
    pub bank_details: Option<String>,
}

impl Default for Payments {
    fn default() -> Self {
        Self { methods: vec![PaymentMethod::CashOnDelivery], bank_details: None }
    }
}

/// What could not work.
pub(super) fn problems(file: &File) -> Vec<Problem> {
    let payments = &file.payments;
    vec![
        (
            "payments",
            "methods",
            methods_problem(payments),
            "some of \"card\", \"bank_transfer\" and \"cash_on_delivery\", in the order customers see",
        ),
        (
            "payments",
            "bank_details",
            payments.bank_details.as_deref().and_then(details_problem),
            "one line, for instance `\"DBS Bank, account 003-912345-6, Maison Permata Pte Ltd\"`",
        ),
        (
            "local",
            "stripe_url",
            file.local.stripe_url.as_deref().and_then(url_problem),
            "for instance `http://127.0.0.1:12111`, where the instance itself finds it",
        ),
    ]
}

fn methods_problem(payments: &Payments) -> Option<String> {
    let methods = &payments.methods;
    let repeated = (1..methods.len()).find(|at| methods[..*at].contains(&methods[*at]));
    if methods.is_empty() {
        Some("is empty: nobody could pay".to_owned())
    } else if let Some(at) = repeated {
        Some(format!("names `{}` twice", methods[at].name()))
    } else if methods.contains(&PaymentMethod::BankTransfer) && payments.bank_details.is_none() {
        Some("offers `bank_transfer`, and `payments.bank_details` does not say where to".to_owned())
    } else {
        None
    }
}

fn details_problem(details: &str) -> Option<String> {
    let length = details.chars().count();
    if details.trim().is_empty() {
        Some("is empty".to_owned())
    } else if details.chars().any(char::is_control) {
        Some("has more than one line".to_owned())
    } else if length > LONGEST_DETAILS {
        Some(format!("has {length} characters; {LONGEST_DETAILS} are allowed"))
    } else {
        None
    }
}

/// The API refuses any other: it would send a key in the clear.
fn url_problem(url: &str) -> Option<String> {
    let ok = url.starts_with("https://") || url.starts_with("http://127.");
    (!ok).then(|| format!("is `{url}`; https://, or http:// and an address that begins with 127."))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn read(section: &str) -> Result<File, String> {
        let text = format!("project = \"shop\"\n[payments]\n{section}\n");
        super::super::environments::read(Path::new("jewel.toml"), &text, None).map_err(|failure| failure.render())
    }

    #[test]
    fn ways_to_pay_that_work() {
        use PaymentMethod::{BankTransfer, Card, CashOnDelivery};
        assert_eq!(read("").unwrap().payments.methods, [CashOnDelivery]);
        let both = read("methods = [\"card\", \"bank_transfer\"]\nbank_details = \"DBS 003-9\"").unwrap();
        assert_eq!(both.payments.methods, [Card, BankTransfer]);
    }

    #[test]
    fn ways_to_pay_that_do_not() {
        insta::assert_snapshot!(read("methods = [\"bank_transfer\"]").unwrap_err(), @r#"
        error: `jewel.toml`, line 3: `payments.methods` offers `bank_transfer`, and `payments.bank_details` does not say where to
          3 | methods = ["bank_transfer"]
            |           ^^^^^^^^^^^^^^^^^

        hint: some of "card", "bank_transfer" and "cash_on_delivery", in the order customers see
        "#);
        let long = format!("bank_details = \"{}\"", "x".repeat(501));
        for (section, what) in [
            ("methods = [\"card\", \"barter\"]", "unknown variant `barter`, expected one of `card`"),
            ("methods = []", "nobody could pay"),
            ("methods = [\"card\", \"card\"]", "`card` twice"),
            ("bank_details = \" \"", "is empty"),
            ("bank_details = \"a\\nb\"", "more than one line"),
            (long.as_str(), "501 characters"),
            ("[local]\nstripe_url = \"http://10.0.0.1\"", "http:// and an address"),
        ] {
            let text = read(section).expect_err(section);
            assert!(text.contains(what), "{text}");
        }
    }
}
