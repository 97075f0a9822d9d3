//! The arguments of `#[tokio::main]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprLit, Lit, LitStr, MetaNameValue, Path, Result, Token};

/// What the attribute's arguments ask for.
pub(crate) struct Arguments {
    pub(crate) crate_path: Path,
    /// `new_multi_thread` or `new_current_thread`, and what is called on the builder.
    pub(crate) constructor: TokenStream,
    pub(crate) settings: TokenStream,
}

impl Default for Arguments {
    fn default() -> Self {
        let settings = TokenStream::new();
        Self { crate_path: syn::parse_quote!(::stallscope), constructor: quote!(new_multi_thread), settings }
    }
}

impl Arguments {
    pub(crate) fn parse(tokens: TokenStream) -> Result<Self> {
        let pairs = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(tokens)?;
        let mut crate_path = syn::parse_quote!(::stallscope);
        let mut current_thread = false;
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
                _ => {
                    let known = "flavor, worker_threads, start_paused, unhandled_panic, name, crate";
                    return Err(Error::new_spanned(path, format!("no such argument: it takes {known}")));
                }
            }
        }
        if let Some(workers) = &workers {
            if current_thread {
                let message = "a current_thread runtime has one worker: leave worker_threads out";
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
        Ok(Self { crate_path, constructor, settings })
    }
}

fn text(value: &Expr) -> Result<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text.clone()),
        _ => Err(Error::new_spanned(value, "a text in quotes is needed here")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(tokens: TokenStream) -> String {
        let arguments = Arguments::parse(tokens).unwrap();
        format!("{} {}", arguments.constructor, arguments.settings)
    }

    fn refusal(tokens: TokenStream) -> String {
        Arguments::parse(tokens).err().expect("the arguments are refused").to_string()
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
