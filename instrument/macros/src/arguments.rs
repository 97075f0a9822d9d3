//! The arguments of `#[tokio::main]` and `#[tokio::test]`, and the limits of a test.

use crate::limits::Limits;
use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, MetaNameValue, Path, Result, Token};

/// What the attribute's arguments ask for.
pub(crate) struct Arguments {
    pub(crate) crate_path: Path,
    /// `new_multi_thread` or `new_current_thread`, and what is called on the builder.
    pub(crate) constructor: TokenStream,
    pub(crate) settings: TokenStream,
    /// Of a test.
    pub(crate) limits: Limits,
}

/// What the attribute is put on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    /// On a runtime of several threads, unless it is said otherwise.
    Main,
    /// On a runtime of one thread, unless it is said otherwise.
    Test,
}

impl Arguments {
    /// No arguments.
    pub(crate) fn none(item: Item) -> Self {
        let constructor = match item {
            Item::Main => quote!(new_multi_thread),
            Item::Test => quote!(new_current_thread),
        };
        Self {
            crate_path: syn::parse_quote!(::stallscope),
            constructor,
            settings: TokenStream::new(),
            limits: Limits::default(),
        }
    }

    pub(crate) fn parse(tokens: TokenStream, item: Item) -> Result<Self> {
        let pairs = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(tokens)?;
        let mut crate_path = syn::parse_quote!(::stallscope);
        let mut limits = Limits::default();
        let mut current_thread = item == Item::Test;
        let mut workers: Option<Expr> = None;
        let mut paused: Option<Expr> = None;
        let mut panic: Option<LitStr> = None;
        let mut settings = TokenStream::new();
        for MetaNameValue { path, value, .. } in pairs {
            let name = path.get_ident().map(ToString::to_string).unwrap_or_default();
            match name.as_str() {
                "flavor" => {
                    let flavor = text(&value)?;
                    current_thread = match flavor.value().as_str() {
                        "multi_thread" => false,
                        "current_thread" => true,
                        other => {
                            let message = format!(
                                "no flavor `{other}` is known: write \"multi_thread\" or \"current_thread\""
                            );
                            return Err(Error::new(flavor.span(), message));
                        }
                    };
                }
                "worker_threads" => workers = Some(value),
                "start_paused" => paused = Some(value),
                "unhandled_panic" => panic = Some(text(&value)?),
                "name" => {
                    let name = text(&value)?;
                    settings.extend(quote! { builder.name(#name); });
                }
                "crate" => crate_path = text(&value)?.parse()?,
                limit if item == Item::Test && limits.take(limit, &value)? => {}
                _ => {
                    let of_test = match item {
                        Item::Main => "",
                        Item::Test => {
                            ", and the limits max_stall, max_lag, max_leaked_tasks, max_leaked_sockets, max_never_awaited"
                        }
                    };
                    let known = format!(
                        "flavor, worker_threads, start_paused, unhandled_panic, name, crate{of_test}"
                    );
                    return Err(Error::new_spanned(path, format!("no such argument: it takes {known}")));
                }
            }
        }
        if let Some(workers) = &workers {
            if current_thread {
                let message = "a current_thread runtime has one worker: leave worker_threads out, or add flavor = \"multi_thread\"";
                return Err(Error::new_spanned(workers, message));
            }
            settings.extend(quote! { builder.worker_threads(#workers); });
        }
        if let Some(paused) = &paused {
            if !current_thread {
                let message =
                    "time can be paused on a current_thread runtime only: add flavor = \"current_thread\"";
                return Err(Error::new_spanned(paused, message));
            }
            settings.extend(quote! { builder.start_paused(#paused); });
        }
        if let Some(panic) = panic {
            let variant = match panic.value().as_str() {
                "ignore" => quote!(Ignore),
                "shutdown_runtime" if current_thread => quote!(ShutdownRuntime),
                "shutdown_runtime" => {
                    let message = "only a current_thread runtime can be shut down by a panic";
                    return Err(Error::new(panic.span(), message));
                }
                other => {
                    let message =
                        format!("no reaction `{other}` is known: write \"ignore\" or \"shutdown_runtime\"");
                    return Err(Error::new(panic.span(), message));
                }
            };
            settings.extend(
                quote! { builder.unhandled_panic(#crate_path::__private::UnhandledPanic::#variant); },
            );
        }
        let constructor = if current_thread { quote!(new_current_thread) } else { quote!(new_multi_thread) };
        Ok(Self { crate_path, constructor, settings, limits })
    }
}

fn text(value: &Expr) -> Result<LitStr> {
    let text = crate::limits::text(value).cloned();
    text.ok_or_else(|| Error::new_spanned(value, "a text in quotes is needed here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(tokens: TokenStream) -> String {
        settings_of(Item::Main, tokens)
    }

    fn settings_of(item: Item, tokens: TokenStream) -> String {
        let arguments = Arguments::parse(tokens, item).unwrap();
        format!("{} {}", arguments.constructor, arguments.settings)
    }

    fn refusal(tokens: TokenStream) -> String {
        refusal_of(Item::Main, tokens)
    }

    fn refusal_of(item: Item, tokens: TokenStream) -> String {
        Arguments::parse(tokens, item).err().expect("the arguments are refused").to_string()
    }

    #[test]
    fn a_test_has_one_thread_and_limits() {
        assert_eq!(settings_of(Item::Test, quote!()), "new_current_thread ");
        assert_eq!(
            settings_of(Item::Test, quote!(start_paused = true, max_stall = "20ms", max_leaked_tasks = 0)),
            "new_current_thread builder . start_paused (true) ;"
        );
        let two = settings_of(Item::Test, quote!(flavor = "multi_thread", worker_threads = 2));
        assert_eq!(two, "new_multi_thread builder . worker_threads (2) ;");
        assert!(refusal_of(Item::Test, quote!(worker_threads = 2)).contains("flavor = \"multi_thread\""));
        assert!(refusal_of(Item::Test, quote!(max_stal = "20ms")).contains("max_stall, max_lag"));
        assert!(refusal_of(Item::Test, quote!(max_lag = "20")).contains("has no unit"));
        let main = refusal(quote!(max_stall = "20ms"));
        assert!(main.contains("no such argument") && !main.contains("limits"), "{main}");
    }

    #[test]
    fn takes_what_tokio_takes() {
        assert_eq!(settings(quote!()), "new_multi_thread ");
        assert_eq!(settings(quote!(worker_threads = 4)), "new_multi_thread builder . worker_threads (4) ;");
        let paused = settings(quote!(flavor = "current_thread", start_paused = true));
        assert_eq!(paused, "new_current_thread builder . start_paused (true) ;");
        assert!(
            settings(quote!(flavor = "current_thread", unhandled_panic = "shutdown_runtime"))
                .contains("ShutdownRuntime")
        );
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(refusal(quote!(flavour = "x")).contains("it takes flavor"));
        assert!(refusal(quote!(flavor = "threads")).contains("no flavor `threads`"));
        assert!(refusal(quote!(flavor = "current_thread", worker_threads = 2)).contains("one worker"));
        assert!(refusal(quote!(start_paused = true)).contains("current_thread"));
        assert!(refusal(quote!(unhandled_panic = "explode")).contains("explode"));
        assert!(refusal(quote!(flavor = multi_thread)).contains("quotes"));
    }
}
