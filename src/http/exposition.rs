//! Prometheus' text form, of which a caller sees some tenants' series only.

use std::borrow::Cow;
use std::collections::HashSet;

/// The label that says whose a series is.
const TENANT: &str = "tenant";

/// Those lines that are of one of these tenants, or of no tenant.
pub(super) fn of_tenants(text: &str, tenants: &HashSet<&str>) -> String {
    let is_shown = |line: &&str| tenant_of(line).is_none_or(|tenant| tenants.contains(tenant.as_ref()));
    text.split_inclusive('\n').filter(is_shown).collect()
}

/// The tenant in a line's labels; `None` for a comment and for a series without that label.
fn tenant_of(line: &str) -> Option<Cow<'_, str>> {
    let mut rest = line.split_once('{').filter(|(name, _)| is_name(name))?.1;
    // A value may hold everything that labels are made of, but each quote and backslash in it stands behind a backslash.
    loop {
        let (label, from_value) = rest.split_once("=\"")?;
        let end = end_of_value(from_value)?;
        if label.trim_start_matches(',').trim() == TENANT {
            return Some(unescaped(&from_value[..end]));
        }
        rest = &from_value[end + 1..];
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:".contains(&byte))
}

/// Where the quote stands that ends a label's value.
fn end_of_value(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    })
}

fn unescaped(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut plain = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        plain.push(match letter {
            '\\' => match letters.next() {
                Some('n') => '\n',
                Some(other) => other,
                None => '\\',
            },
            letter => letter,
        });
    }
    Cow::Owned(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# HELP runs Runs, by tenant="south".
# TYPE runs counter
runs{tenant="north",state="finished"} 1
runs{state="finished",tenant="south"} 2
runs{state="of tenant=\"north\"",tenant="south"} 3
runs{state="a\\",tenant="south"} 4
runs{of_tenant="south"} 5
runs{tenant="a \"quoted\" one\\"} 6
up 1

"#;

    #[test]
    fn a_caller_sees_the_series_of_its_own_tenants_and_those_of_none() {
        let of = |tenants: &[&str]| -> Vec<String> {
            let shown = of_tenants(TEXT, &tenants.iter().copied().collect());
            let values = shown.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
            values.map(|line| line.rsplit(' ').next().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(of(&["north"]), ["1", "5", "1"]);
        assert_eq!(of(&["south"]), ["2", "3", "4", "5", "1"]);
        assert_eq!(of(&["a \"quoted\" one\\"]), ["5", "6", "1"]);
        assert_eq!(of(&[]), ["5", "1"]);
        let all = ["north", "south", "a \"quoted\" one\\"];
        assert_eq!(of_tenants(TEXT, &all.into_iter().collect()), TEXT);
    }
}
