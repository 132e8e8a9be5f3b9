//! What the shop costs, in words and in a table of at most 80 columns.

use jewel_aws::Rate;
use jewel_engine::{Line, Usd};

use super::table;
use crate::commands::cost::Cost;

/// Marks prices that no first-hand source confirms.
const UNCONFIRMED: &str = "*";

/// Before and after, against the budget, in two lines.
pub(crate) fn lines(cost: &jewel_engine::Cost) -> String {
    let mut text = format!("cost a month: USD {} before, USD {} after", cost.before_usd, cost.after_usd);
    if let Some(budget) = cost.budget_usd {
        let over = if cost.is_over_budget() { ", over the budget of USD" } else { ", within the budget of USD" };
        text.push_str(&format!("{over} {budget}"));
    }
    text.push_str(&details(cost));
    text
}

/// What is paid by the month once the plan is carried out.
pub(crate) fn after(cost: &jewel_engine::Cost) -> String {
    format!("cost a month: USD {}{}", cost.after_usd, details(cost))
}

fn details(cost: &jewel_engine::Cost) -> String {
    if cost.after_usd == Usd::default() {
        return String::new();
    }
    let mut text = format!("\n  USD {} of it is expected use", cost.after_expected_usd);
    if let Some(less) = cost.after_subscribed_usd {
        text.push_str(&format!("; with CloudFront's Free plan USD {less} in all"));
    }
    text
}

/// The bill: what is paid, and in one line what is not.
pub(crate) fn bill(cost: &Cost, everything: bool) -> String {
    let nothing = Usd::default();
    let lines = &cost.bill.lines;
    let shown = |line: &&Line| everything || line.usd > nothing || line.price.unit_usd > nothing;
    let total = |usd: Option<Usd>| usd.map(|usd| usd.to_string()).unwrap_or_default();
    let sums = |name: &str, usd: String, free: String| [name.to_owned(), String::new(), String::new(), usd, free];
    let totals = [
        sums("total", cost.total_usd.to_string(), total(cost.free_plan_total_usd)),
        sums("budget", cost.budget_usd.to_string(), String::new()),
    ];
    let rows = lines.iter().filter(shown).map(|line| row(line, cost.free_plan_total_usd.is_some())).chain(totals);
    let mut text = table(["item", "a month", "each", "USD", "Free plan"], rows);
    text.push('\n');
    if cost.bill.lines.iter().filter(shown).any(|line| !line.price.confirmed) {
        text.push_str(&format!("\n{UNCONFIRMED} no source of AWS's own confirms this price for this Region"));
    }
    let hidden = lines.iter().filter(|line| !shown(line)).count();
    if hidden > 0 {
        text.push_str(&format!("\n{hidden} more items cost nothing; -v lists them, --json says why and since when"));
    }
    if cost.free_plan_total_usd.is_some() {
        text.push_str("\nFree plan: if CloudFront grants it; the budget is compared with the dearer sum");
    }
    text.push_str("\nuse is what `[traffic]` of the file expects; tax is not included");
    text
}

fn row(line: &Line, with_plan: bool) -> [String; 5] {
    let price = &line.price;
    let mark = if price.confirmed { "" } else { UNCONFIRMED };
    let free = if price.free > 0.0 { format!(", {} free", number(price.free)) } else { String::new() };
    [
        price.item.clone(),
        format!("{} {}{free}", number(price.quantity), plural(&price.unit, price.quantity)),
        format!("{}{mark}", price.unit_usd.exact()),
        line.usd.to_string(),
        if with_plan { line.subscribed_usd.to_string() } else { String::new() },
    ]
}

/// The unit of so many; measures and numerals stay as they are.
fn plural(unit: &str, quantity: f64) -> String {
    let plain = quantity == 1.0 || matches!(unit, "GB" | "thousand" | "million");
    if plain { unit.to_owned() } else { format!("{unit}s") }
}

fn number(quantity: f64) -> String {
    let text = format!("{quantity:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The table of all prices.
pub(crate) fn rates(rates: &[Rate]) -> String {
    let rows = rates.iter().map(|rate| {
        let mark = if rate.confirmed { "" } else { UNCONFIRMED };
        let price = format!("{}{mark}", rate.usd.exact());
        [rate.item.to_owned(), price, rate.unit.to_owned(), rate.region.to_owned(), rate.as_of.to_owned()]
    });
    format!(
        "{}\n\n{UNCONFIRMED} not from AWS itself, or of another Region; --json names the sources",
        table(["item", "USD", "for one", "Region", "as of"], rows)
    )
}
