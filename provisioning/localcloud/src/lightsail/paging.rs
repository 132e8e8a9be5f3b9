//! Lists in pages. A page token is the key of the last item of the page before, so that what is added or removed
//! between two requests neither repeats nor hides anything else.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

use super::fault::Fault;

/// How many resources one answer holds. AWS does not say how many; callers must follow tokens anyway.
pub(crate) const PAGE: usize = 100;

#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next: Option<String>,
}

/// The page after `token` of items sorted by their keys.
///
/// # Errors
/// When the token is none of ours.
pub(crate) fn page<K: AsRef<str>, T>(
    items: impl IntoIterator<Item = (K, T)>,
    token: Option<&str>,
    size: usize,
) -> Result<Page<T>, Fault> {
    let after = token.map(decode).transpose()?;
    let mut left = items.into_iter().filter(|(key, _)| after.as_deref().is_none_or(|after| key.as_ref() > after));
    let mut page = Page { items: Vec::new(), next: None };
    let mut last = String::new();
    for (key, item) in left.by_ref().take(size) {
        key.as_ref().clone_into(&mut last);
        page.items.push(item);
    }
    if left.next().is_some() {
        page.next = Some(URL_SAFE_NO_PAD.encode(format!("after {last}")));
    }
    Ok(page)
}

fn decode(token: &str) -> Result<String, Fault> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    let key = text.as_deref().and_then(|text| text.strip_prefix("after "));
    key.map(str::to_owned).ok_or_else(|| Fault::invalid("The page token is not valid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_together_are_the_whole_list() {
        let names = ["a", "b", "c", "d", "e"];
        for size in 1..=6 {
            let (mut seen, mut token, mut pages) = (Vec::new(), None, 0);
            loop {
                let page = page(names.map(|name| (name, name)), token.as_deref(), size).unwrap();
                seen.extend(page.items);
                pages += 1;
                token = page.next;
                if token.is_none() {
                    break;
                }
            }
            assert_eq!(seen, names);
            assert_eq!(pages, names.len().div_ceil(size));
        }
    }

    #[test]
    fn a_foreign_token_is_refused() {
        assert!(page([("a", 1)], Some("rubbish!"), 1).is_err());
        assert!(page([("a", 1)], Some("YWZ0ZXI"), 1).is_err());
    }
}
