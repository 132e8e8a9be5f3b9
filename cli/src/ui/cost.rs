//! What the shop costs, in words.

use jewel_engine::Cost;

/// Before and after, against the budget, in a line or two.
pub(crate) fn lines(cost: &Cost) -> String {
    let mut text = format!("cost a month: USD {} before, USD {} after", cost.before_usd, cost.after_usd);
    if let Some(budget) = cost.budget_usd {
        text.push_str(&format!(" of USD {budget} budgeted"));
    }
    text.push_str(&format!("\n  {} of it is expected use (`[traffic]`)", cost.after_expected_usd));
    if let Some(less) = cost.after_subscribed_usd {
        text.push_str(&format!("; USD {less} if CloudFront's Free plan is granted"));
    }
    text
}
