//! Whether what a test returned is a failure, told by its type: a result's own method is found before that of any other type.

/// What a test returned.
#[derive(Debug)]
pub struct Outcome<'a, T>(pub &'a T);

/// A type that may say that the test failed.
pub trait MayFail {
    /// Whether it does.
    fn failed(&self) -> bool;
}

impl<T, E> MayFail for Outcome<'_, Result<T, E>> {
    fn failed(&self) -> bool {
        self.0.is_err()
    }
}

/// Any other type.
pub trait CannotFail {
    /// Never.
    fn failed(&self) -> bool;
}

impl<T> CannotFail for &Outcome<'_, T> {
    fn failed(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_failure_and_nothing_else_is() {
        type Renamed = Result<u8, String>;
        let error: Renamed = Err("why".to_owned());
        assert!((&Outcome(&error)).failed());
        assert!(!(&Outcome(&Renamed::Ok(7))).failed());
        assert!(!(&Outcome(&())).failed() && !(&Outcome(&Some(7))).failed());
    }
}
