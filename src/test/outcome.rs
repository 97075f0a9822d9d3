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
        let (error, fine): (Renamed, Renamed) = (Err("why".to_owned()), Ok(7));
        // As the attribute asks: by a reference.
        let (of_error, of_fine) = (&Outcome(&error), &Outcome(&fine));
        assert!(of_error.failed() && !of_fine.failed());
        let (of_nothing, of_other) = (&Outcome(&()), &Outcome(&Some(7)));
        assert!(!of_nothing.failed() && !of_other.failed());
    }
}
