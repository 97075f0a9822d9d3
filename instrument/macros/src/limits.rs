//! The limits of `#[stallscope::test]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Error, Expr, ExprLit, Lit, LitStr, Result};

/// The finest that is told of a stall or a lag, in nanoseconds.
const FINEST_NS: u64 = 1_000_000;
const MS: u64 = 1_000_000;

/// The units of a duration, in nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", MS),
    ("s", 1_000 * MS),
    ("m", 60_000 * MS),
    ("h", 3_600_000 * MS),
];

/// What a test may do at most: durations in nanoseconds, and counts; none: anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    max_stall: Option<u64>,
    max_lag: Option<u64>,
    max_leaked_tasks: Option<u64>,
    max_leaked_sockets: Option<u64>,
    max_never_awaited: Option<u64>,
}

impl Default for Limits {
    /// What can stand on every test: one that starts a server may leave it to the runtime to end it, and one without an eye on
    /// lag may have more to do than its worker manages.
    fn default() -> Self {
        Self {
            max_stall: Some(100 * MS),
            max_lag: None,
            max_leaked_tasks: None,
            max_leaked_sockets: None,
            max_never_awaited: Some(0),
        }
    }
}

impl Limits {
    /// Takes in an argument; whether it is a limit.
    ///
    /// # Errors
    /// Says what is wrong with its value, where that stands.
    pub(crate) fn take(&mut self, name: &str, value: &Expr) -> Result<bool> {
        let (limit, parse): (_, fn(&Expr) -> Result<u64>) = match name {
            "max_stall" => (&mut self.max_stall, duration),
            "max_lag" => (&mut self.max_lag, duration),
            "max_leaked_tasks" => (&mut self.max_leaked_tasks, count),
            "max_leaked_sockets" => (&mut self.max_leaked_sockets, count),
            "max_never_awaited" => (&mut self.max_never_awaited, count),
            _ => return Ok(false),
        };
        let off = text(value).is_some_and(|text| text.value() == "off");
        *limit = if off { None } else { Some(parse(value)?) };
        Ok(true)
    }
}

/// The fields of `stallscope::__private::Allowed`.
impl ToTokens for Limits {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { max_stall, max_lag, max_leaked_tasks, max_leaked_sockets, max_never_awaited } = *self;
        for (name, limit) in [
            (quote!(max_stall), max_stall),
            (quote!(max_lag), max_lag),
            (quote!(max_leaked_tasks), max_leaked_tasks),
            (quote!(max_leaked_sockets), max_leaked_sockets),
            (quote!(max_never_awaited), max_never_awaited),
        ] {
            let limit = match limit {
                Some(limit) => quote!(::core::option::Option::Some(#limit)),
                None => quote!(::core::option::Option::None),
            };
            tokens.extend(quote!(#name: #limit,));
        }
    }
}

/// The text that a value is, also where a macro has put it there.
pub(crate) fn text(value: &Expr) -> Option<&LitStr> {
    match literal(value) {
        Some(Lit::Str(text)) => Some(text),
        _ => None,
    }
}

fn literal(value: &Expr) -> Option<&Lit> {
    match value {
        Expr::Lit(ExprLit { lit, .. }) => Some(lit),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

fn count(value: &Expr) -> Result<u64> {
    match literal(value) {
        Some(Lit::Int(count)) => count.base10_parse(),
        _ => Err(Error::new_spanned(value, "write how many there may be, as in 0, or \"off\"")),
    }
}

fn duration(value: &Expr) -> Result<u64> {
    let text = text(value)
        .ok_or_else(|| Error::new_spanned(value, "write a duration in quotes, as in \"20ms\", or \"off\""))?;
    nanos(&text.value()).map_err(|problem| Error::new(text.span(), problem))
}

/// The nanoseconds of a duration: the grammar is that of the command line.
fn nanos(text: &str) -> std::result::Result<u64, String> {
    let like = "write it like 250us, 20ms or 1.5s";
    let trimmed = text.trim();
    let number = trimmed.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
    let unit = trimmed[number.len()..].trim_start();
    if number.is_empty() {
        return Err(format!("the duration \"{text}\" has no number: {like}"));
    }
    if unit.is_empty() {
        return Err(format!("the duration \"{text}\" has no unit: {like}"));
    }
    let Some((_, scale)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!("the duration \"{text}\" has an unknown unit \"{unit}\": {like}"));
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || !digits(whole) || !digits(fraction) {
        return Err(format!("the duration \"{text}\" has a number that is none: {like}"));
    }
    let too_long = || format!("the duration \"{text}\" is too long");
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_long())? };
    let fraction = &fraction[..fraction.len().min(12)];
    let part =
        fraction.parse::<u128>().unwrap_or(0) * u128::from(*scale) / 10_u128.pow(fraction.len() as u32);
    let nanos =
        whole.checked_mul(*scale).and_then(|whole| whole.checked_add(part as u64)).ok_or_else(too_long)?;
    if nanos < FINEST_NS {
        return Err(format!("the limit \"{text}\" is too short: nothing shorter than 1ms is told"));
    }
    Ok(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    fn refusal(name: &str, value: &Expr) -> String {
        Limits::default().take(name, value).unwrap_err().to_string()
    }

    #[test]
    fn durations_are_those_of_the_command_line() {
        for (text, expected) in [
            ("20ms", 20 * MS),
            ("1.5s", 1_500 * MS),
            ("1500us", 1_500_000),
            ("2500 µs", 2_500_000),
            (" 1ms ", MS),
            (".5s", 500 * MS),
            ("2m", 120_000 * MS),
            ("0.001h", 3_600 * MS),
            ("1000000ns", MS),
        ] {
            assert_eq!(nanos(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_limit_says_why() {
        for (text, why) in [
            ("", "has no number"),
            ("ms", "has no number"),
            ("20", "has no unit"),
            ("20 days", "unknown unit \"days\""),
            ("2.ms", "a number that is none"),
            ("1.2.3ms", "a number that is none"),
            ("-5ms", "a number that is none"),
            ("99999999999999h", "too long"),
            ("250us", "nothing shorter than 1ms"),
            ("0ms", "nothing shorter than 1ms"),
        ] {
            let said = refusal("max_stall", &parse_quote!(#text));
            assert!(said.contains(why), "{text}: {said}");
        }
        assert!(refusal("max_lag", &parse_quote!(20)).contains("a duration in quotes"));
        assert!(refusal("max_leaked_tasks", &parse_quote!("none")).contains("how many"));
        assert!(refusal("max_leaked_sockets", &parse_quote!(-1)).contains("how many"));
        assert!(refusal("max_never_awaited", &parse_quote!(99999999999999999999)).contains("too large"));
    }

    #[test]
    fn a_limit_is_set_or_taken_off() {
        let mut limits = Limits::default();
        assert!(limits.take("max_stall", &parse_quote!("20ms")).unwrap());
        assert!(limits.take("max_never_awaited", &parse_quote!("off")).unwrap());
        assert!(limits.take("max_leaked_tasks", &parse_quote!(2)).unwrap());
        assert!(!limits.take("flavor", &parse_quote!("off")).unwrap());
        let expected = Limits {
            max_stall: Some(20 * MS),
            max_never_awaited: None,
            max_leaked_tasks: Some(2),
            ..Limits::default()
        };
        assert_eq!(limits, expected);
        let fields = expected.to_token_stream().to_string();
        assert!(
            fields.starts_with("max_stall : :: core :: option :: Option :: Some (20000000u64) ,"),
            "{fields}"
        );
    }
}
