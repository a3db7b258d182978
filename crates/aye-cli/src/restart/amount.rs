//! `N` or `N%`: how many units an option means, of how many there are. A share is rounded to the safe side, which side that
//! is being the option's affair.

use std::fmt;
use std::str::FromStr;

/// A number of units, or a share of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    Units(usize),
    /// 0 to 100.
    Percent(usize),
}

impl Amount {
    /// The number of units, rounded down.
    pub(crate) fn at_most(self, of: usize) -> usize {
        match self {
            Self::Units(units) => units,
            Self::Percent(percent) => of * percent / 100,
        }
    }

    /// The number of units, rounded up.
    pub(crate) fn at_least(self, of: usize) -> usize {
        match self {
            Self::Units(units) => units,
            Self::Percent(percent) => (of * percent).div_ceil(100),
        }
    }
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused =
            || format!("expected a number of units such as 2, or a share such as 25%, found '{text}'");
        match text.strip_suffix('%') {
            Some(share) => {
                let percent = share.parse().ok().filter(|&percent| percent <= 100);
                percent.map(Self::Percent).ok_or_else(refused)
            }
            None => text.parse().map(Self::Units).map_err(|_| refused()),
        }
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Units(units) => write!(f, "{units}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_amount() {
        for text in ["", "%", "-1", "1.5", "101%", "ten", "1 %", "99999999999999999999"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_share_is_rounded_to_the_side_asked_for() {
        let share: Amount = "34%".parse().unwrap();
        assert_eq!((share.at_most(8), share.at_least(8)), (2, 3));
        assert_eq!((Amount::Percent(100).at_most(7), Amount::Percent(100).at_least(7)), (7, 7));
        assert_eq!((Amount::Percent(0).at_most(7), Amount::Percent(0).at_least(7)), (0, 0));
    }

    #[test]
    fn a_number_is_itself_whatever_there_is() {
        assert_eq!((Amount::Units(3).at_most(1), Amount::Units(3).at_least(1)), (3, 3));
    }
}
