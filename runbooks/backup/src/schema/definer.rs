//! Whose rights a view or a routine has. The restored one has those of whoever restores it: only with SUPER could it be
//! made somebody else's, and the old one need not exist.

/// The statement without its `DEFINER=…`, which servers print in its first words.
pub(crate) fn without(create: &str) -> String {
    const WORD: &str = "DEFINER=";
    // The server prints it before any name or text of a user's, so the first one is it, if only words stand before it.
    let Some(start) = create.find(WORD) else { return create.to_owned() };
    if create[..start].contains(['`', '\'', '"', '(']) {
        return create.to_owned();
    }
    let account = &create[start + WORD.len()..];
    let Some(mut rest) = after_name(account) else { return create.to_owned() };
    if let Some(host) = rest.strip_prefix('@') {
        rest = after_name(host).unwrap_or(host);
    }
    format!("{}{}", &create[..start], rest.trim_start())
}

/// What follows a name in backticks.
fn after_name(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix('`')?;
    loop {
        rest = &rest[rest.find('`')? + 1..];
        match rest.strip_prefix('`') {
            Some(doubled) => rest = doubled,
            None => return Some(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn only_the_header_s_definer_goes() {
        let view =
            "CREATE ALGORITHM=UNDEFINED DEFINER=`a``b`@`%` SQL SECURITY DEFINER VIEW `v` AS select 'DEFINER=`x`@`y`'";
        let bare = "CREATE ALGORITHM=UNDEFINED SQL SECURITY DEFINER VIEW `v` AS select 'DEFINER=`x`@`y`'";
        assert_eq!(without(view), bare);
        assert_eq!(without(bare), bare);
        assert_eq!(without("CREATE DEFINER=`role` FUNCTION `f`()"), "CREATE FUNCTION `f`()");
    }
}
