//! `#[stallscope::main]`.

use crate::arguments::Arguments;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use std::path::Path;
use syn::{Error, ItemFn};

/// The function that runs on a runtime. What is wrong with the attribute or the function is one error: the function is there
/// all the same, so that no other error says it is missing.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut function: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => return refused(&error, item),
    };
    if function.sig.asyncness.take().is_none() {
        let message = "only an async function can be run on a runtime: write `async fn`";
        return refused(&Error::new_spanned(function.sig.fn_token, message), item);
    }
    match Arguments::parse(arguments) {
        Ok(arguments) => entry(arguments, function),
        Err(error) => refused(&error, &entry(Arguments::default(), function)),
    }
}

fn refused(error: &Error, function: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #function)
}

fn entry(arguments: Arguments, function: ItemFn) -> TokenStream {
    let Arguments { crate_path, constructor, settings } = arguments;
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let root = source_root();
    // Made where the function's arguments are not yet hidden by ours, under a name that hides none of them.
    let body = Ident::new("body", Span::mixed_site());
    quote! {
        #(#attrs)*
        #vis #sig {
            let #body = async #block;
            let mut builder = #crate_path::__private::Builder::#constructor();
            builder.enable_all();
            #settings
            #crate_path::__private::run(builder, ::core::option_env!("CARGO_CRATE_NAME"), #root, #body)
        }
    }
}

/// The folder that the compiler's relative paths start from: where cargo runs it for the crates of a workspace, which is
/// where the workspace's `Cargo.lock` lies. Empty when cargo is not at work.
fn source_root() -> String {
    let Some(manifest) = std::env::var_os("CARGO_MANIFEST_DIR") else { return String::new() };
    let manifest = Path::new(&manifest);
    let root = manifest.ancestors().find(|folder| folder.join("Cargo.lock").is_file()).unwrap_or(manifest);
    root.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(arguments: TokenStream, item: &TokenStream) -> String {
        expand(arguments, item).to_string()
    }

    #[test]
    fn the_function_runs_its_body_as_the_root_future() {
        let text = text(
            quote!(),
            &quote!(
                async fn main() -> u8 {
                    7
                }
            ),
        );
        assert!(text.starts_with("fn main () -> u8"), "{text}");
        assert!(text.contains("async { 7 }"), "{text}");
    }

    #[test]
    fn the_body_sees_an_argument_that_is_called_as_our_own_variable() {
        let text = text(
            quote!(),
            &quote!(
                async fn run(builder: u8) -> u8 {
                    builder
                }
            ),
        );
        assert!(text.find("async { builder }") < text.find("let mut builder"), "{text}");
    }

    #[test]
    fn a_build_without_cargo_has_no_name_for_its_crate() {
        let text = text(
            quote!(),
            &quote!(
                async fn main() {}
            ),
        );
        assert!(text.contains("option_env ! (\"CARGO_CRATE_NAME\")"), "{text}");
    }

    #[test]
    fn what_is_refused_is_one_error_and_the_function_is_there() {
        for (arguments, item, error) in [
            (
                quote!(),
                quote!(
                    fn main() {}
                ),
                "async fn",
            ),
            (
                quote!(bad = 1),
                quote!(
                    async fn main() {}
                ),
                "no such argument",
            ),
        ] {
            let text = text(arguments, &item);
            assert!(text.contains("compile_error") && text.contains(error), "{text}");
            assert!(text.contains("fn main ()") && !text.contains("async fn main"), "{text}");
        }
    }
}
