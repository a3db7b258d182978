//! Bytes of a pipe to lines of a log.

/// No line grows beyond this; systemd's journal splits at 48 KiB too (`LineMax=` of journald.conf(5)).
const LONGEST: usize = 48 * 1024;

/// How many lines are kept for whoever asks what a unit last said.
pub(crate) const KEPT: usize = 100;

/// The beginning of a line whose end has not been read yet.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    /// Adds what was read and gives the lines it completes. Bytes that are not UTF-8 are replaced.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for &byte in bytes {
            if byte == b'\n' {
                lines.push(self.take());
                continue;
            }
            self.partial.push(byte);
            if self.partial.len() >= LONGEST {
                lines.push(self.take());
            }
        }
        lines
    }

    /// What stands there without a line break, when no more is to come.
    pub(crate) fn rest(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let line = std::mem::take(&mut self.partial);
        String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(&line)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_from_pieces() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"on"), [""; 0]);
        assert_eq!(lines.push(b"e\ntwo\r\n\nthr"), ["one", "two", ""]);
        assert_eq!(lines.rest().as_deref(), Some("thr"));
        assert_eq!(lines.rest(), None);
        assert_eq!(lines.push(&[0xff, b'\n']), ["\u{fffd}"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(&vec![b'a'; LONGEST + 1]).len(), 1);
        assert_eq!(lines.rest().as_deref(), Some("a"));
    }
}
