//! Natural order of unit names: runs of digits compare as numbers, so web@2 comes before web@10.

use std::cmp::Ordering;

/// Compares two names with their numbers as numbers, of any length. Names that differ only in leading zeros
/// keep a fixed order, so this is a total order and equal means identical.
///
/// ```
/// let mut names = vec!["web@10.service", "web@2.service", "web@1.service"];
/// names.sort_by(|a, b| aye_bus::natural_order(a, b));
/// assert_eq!(names, ["web@1.service", "web@2.service", "web@10.service"]);
/// ```
pub fn compare(left: &str, right: &str) -> Ordering {
    let (mut a, mut b) = (left, right);
    loop {
        let ((run_a, rest_a), (run_b, rest_b)) = match (next_run(a), next_run(b)) {
            (Some(x), Some(y)) => (x, y),
            (x, y) => return x.is_some().cmp(&y.is_some()).then_with(|| left.cmp(right)),
        };
        match compare_runs(run_a, run_b) {
            Ordering::Equal => (a, b) = (rest_a, rest_b),
            different => return different,
        }
    }
}

fn compare_runs(a: &str, b: &str) -> Ordering {
    if !(is_number(a) && is_number(b)) {
        return a.cmp(b);
    }
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// The next run of digits, or the next single character that is none. One character at a time keeps the
/// order transitive: a longer text run could otherwise be compared past the place where a number begins.
fn next_run(text: &str) -> Option<(&str, &str)> {
    let first = text.chars().next()?;
    let end = if first.is_ascii_digit() {
        text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len())
    } else {
        first.len_utf8()
    };
    Some(text.split_at(end))
}

fn is_number(run: &str) -> bool {
    run.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(mut names: Vec<&str>) -> Vec<&str> {
        names.sort_by(|a, b| compare(a, b));
        names
    }

    #[test]
    fn puts_web_2_before_web_10() {
        assert_eq!(sorted(vec!["web@10", "web@1", "web@2"]), ["web@1", "web@2", "web@10"]);
    }

    #[test]
    fn compares_numbers_too_long_for_any_integer() {
        assert_eq!(compare("a99999999999999999999999999", "a100000000000000000000000000"), Ordering::Less);
    }

    #[test]
    fn compares_every_number_of_a_name() {
        assert_eq!(sorted(vec!["eu10-2", "eu9-10", "eu9-9"]), ["eu9-9", "eu9-10", "eu10-2"]);
    }

    #[test]
    fn a_prefix_comes_first() {
        assert_eq!(sorted(vec!["web-b", "web"]), ["web", "web-b"]);
    }

    proptest! {
        #[test]
        fn is_a_total_order(a in "[a-c0-2@]{0,6}", b in "[a-c0-2@]{0,6}", c in "[a-c0-2@]{0,6}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &b) == Ordering::Equal, a == b);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }

        #[test]
        fn instances_sort_by_their_number(a in any::<u64>(), b in any::<u64>()) {
            prop_assert_eq!(compare(&format!("web@{a}.service"), &format!("web@{b}.service")), a.cmp(&b));
        }
    }
}
