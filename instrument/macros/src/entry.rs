//! `#[stallscope::main]`.

use crate::arguments::Arguments;
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use std::path::Path;
use syn::{Error, ItemFn, Result};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let mut function: ItemFn = syn::parse2(item)?;
    if function.sig.asyncness.take().is_none() {
        let message = "only an async function can be run on a runtime: write `async fn`";
        return Err(Error::new_spanned(function.sig.fn_token, message));
    }
    let Arguments { crate_path, constructor, settings } = Arguments::parse(arguments)?;
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let root = source_root();
    // Made where the function's arguments are not yet hidden by ours, under a name that hides none of them.
    let body = Ident::new("body", Span::mixed_site());
    Ok(quote! {
        #(#attrs)*
        #vis #sig {
            let #body = async #block;
            let mut builder = #crate_path::__private::Builder::#constructor();
            builder.enable_all();
            #settings
            #crate_path::__private::run(builder, ::core::option_env!("CARGO_CRATE_NAME"), #root, #body)
        }
    })
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

    #[test]
    fn the_function_runs_its_body_as_the_root_future() {
        let text = expand(
            quote!(),
            quote!(
                async fn main() -> u8 {
                    7
                }
            ),
        )
        .unwrap()
        .to_string();
        assert!(text.starts_with("fn main () -> u8"), "{text}");
        assert!(text.contains("async { 7 }"), "{text}");
    }

    #[test]
    fn the_body_sees_an_argument_that_is_called_as_our_own_variable() {
        let item = quote!(
            async fn run(builder: u8) -> u8 {
                builder
            }
        );
        let text = expand(quote!(), item).unwrap().to_string();
        assert!(text.find("async { builder }") < text.find("let mut builder"), "{text}");
    }

    #[test]
    fn a_build_without_cargo_has_no_name_for_its_crate() {
        let text = expand(
            quote!(),
            quote!(
                async fn main() {}
            ),
        )
        .unwrap()
        .to_string();
        assert!(text.contains("option_env ! (\"CARGO_CRATE_NAME\")"), "{text}");
    }

    #[test]
    fn a_function_that_is_not_async_is_refused() {
        let refusal = expand(
            quote!(),
            quote!(
                fn main() {}
            ),
        )
        .unwrap_err()
        .to_string();
        assert!(refusal.contains("async fn"), "{refusal}");
    }
}
