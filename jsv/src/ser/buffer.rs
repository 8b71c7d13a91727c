//! Where text is written to: bytes, or a `String`, which then need not be checked for UTF-8 afterwards.

/// A growing text. Sealed: `Vec<u8>` and `String` are all there are.
pub trait Buffer: sealed::Sealed {
    #[doc(hidden)]
    fn put(&mut self, text: &str);
    /// An ASCII character.
    #[doc(hidden)]
    fn put_ascii(&mut self, byte: u8);
    #[doc(hidden)]
    fn bytes(&self) -> &[u8];
    #[doc(hidden)]
    fn cut_to(&mut self, length: usize);
    #[doc(hidden)]
    fn insert_at(&mut self, at: usize, text: &str);
    #[doc(hidden)]
    fn remove_at(&mut self, at: usize);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for Vec<u8> {}
    impl Sealed for String {}
}

impl Buffer for Vec<u8> {
    #[inline]
    fn put(&mut self, text: &str) {
        self.extend_from_slice(text.as_bytes());
    }

    #[inline]
    fn put_ascii(&mut self, byte: u8) {
        self.push(byte);
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self
    }

    #[inline]
    fn cut_to(&mut self, length: usize) {
        self.truncate(length);
    }

    fn insert_at(&mut self, at: usize, text: &str) {
        self.splice(at..at, text.bytes());
    }

    fn remove_at(&mut self, at: usize) {
        self.remove(at);
    }
}

impl Buffer for String {
    #[inline]
    fn put(&mut self, text: &str) {
        self.push_str(text);
    }

    #[inline]
    fn put_ascii(&mut self, byte: u8) {
        self.push(char::from(byte));
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }

    #[inline]
    fn cut_to(&mut self, length: usize) {
        self.truncate(length);
    }

    fn insert_at(&mut self, at: usize, text: &str) {
        self.insert_str(at, text);
    }

    fn remove_at(&mut self, at: usize) {
        self.remove(at);
    }
}
