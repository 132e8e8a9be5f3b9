//! Views in an order in which they can be made: one that mentions another comes after it.

use std::collections::VecDeque;

use super::Part;
use crate::server::quote;

/// Sorts views so that each comes after those whose names stand in it. Servers print names in backticks; a name may stand
/// there and mean something else, and if two mention each other for that reason either may come first.
pub(crate) fn sorted(views: Vec<Part>) -> Vec<Part> {
    let mut left: VecDeque<Part> = views.into();
    let mut sorted = Vec::new();
    let mut passed_over = 0;
    while let Some(view) = left.pop_front() {
        let waits = left.iter().any(|other| view.create.contains(&quote(&other.name)));
        if waits && passed_over < left.len() {
            passed_over += 1;
            left.push_back(view);
        } else {
            passed_over = 0;
            sorted.push(view);
        }
    }
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Kind;

    fn order(views: &[(&str, &str)]) -> Vec<String> {
        let view = |(name, create): &(&str, &str)| Part {
            kind: Kind::View,
            name: (*name).into(),
            create: (*create).into(),
            session: Vec::new(),
        };
        sorted(views.iter().map(view).collect()).into_iter().map(|view| view.name).collect()
    }

    #[test]
    fn what_is_needed_comes_first_and_a_circle_ends() {
        assert_eq!(order(&[("a", "from `c`"), ("b", "from `a`"), ("c", "from t")]), ["c", "a", "b"]);
        assert_eq!(order(&[("a", "as `b`"), ("b", "as `a`"), ("c", "from t")]), ["c", "b", "a"]);
        assert_eq!(order(&[("a", "`a`"), ("b", "1")]), ["a", "b"]);
    }
}
