//! Lines of code with their indentation.

/// Code that is being written.
pub struct Code {
    text: String,
    depth: usize,
    /// What one level is indented by.
    pub indent: &'static str,
}

impl Default for Code {
    fn default() -> Self {
        Self { text: String::new(), depth: 0, indent: "    " }
    }
}

impl Code {
    /// A line. Nothing stands before an empty one.
    pub fn line(&mut self, text: impl AsRef<str>) {
        let text = text.as_ref();
        if !text.is_empty() {
            for _ in 0..self.depth {
                self.text.push_str(self.indent);
            }
            self.text.push_str(text);
        }
        self.text.push('\n');
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Lines that stand one level deeper.
    pub fn indented(&mut self, write: impl FnOnce(&mut Self)) {
        self.depth += 1;
        write(self);
        self.depth -= 1;
    }

    /// `open`, deeper lines, `close`.
    pub fn block(&mut self, open: &str, close: &str, write: impl FnOnce(&mut Self)) {
        self.line(open);
        self.indented(write);
        self.line(close);
    }

    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}
