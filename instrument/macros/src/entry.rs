//! `#[stallscope::main]` and `#[stallscope::test]`.

use crate::arguments::{Arguments, Item};
use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use std::path::Path;
use syn::{Attribute, Error, ItemFn, ReturnType, Type};

/// The function that runs on a runtime. What is wrong with the attribute or the function is one error: the function is there
/// all the same, so that no other error says it is missing.
pub(crate) fn expand(item: Item, arguments: TokenStream, function: &TokenStream) -> TokenStream {
    let tokens = function;
    let mut function: ItemFn = match syn::parse2(tokens.clone()) {
        Ok(function) => function,
        Err(error) => return refused(&error, tokens),
    };
    if function.sig.asyncness.take().is_none() {
        let message = "only an async function can be run on a runtime: write `async fn`";
        return refused(&Error::new_spanned(function.sig.fn_token, message), tokens);
    }
    if let Some(second) = function.attrs.iter().find(|attribute| item == Item::Test && is_test(attribute)) {
        let message = "a second test attribute would run the test twice: leave it out";
        return refused(&Error::new_spanned(second, message), tokens);
    }
    match Arguments::parse(arguments, item) {
        Ok(arguments) => entry(item, arguments, function),
        Err(error) => refused(&error, &entry(item, Arguments::none(item), function)),
    }
}

/// Whether an attribute makes a function a test of the standard harness's.
fn is_test(attribute: &Attribute) -> bool {
    attribute.path().segments.last().is_some_and(|last| last.ident == "test")
}

fn refused(error: &Error, function: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #function)
}

fn entry(item: Item, arguments: Arguments, function: ItemFn) -> TokenStream {
    let Arguments { crate_path, constructor, settings, limits } = arguments;
    let ItemFn { attrs, vis, sig, block, .. } = function;
    let root = source_root();
    // Made where the function's arguments are not yet hidden by ours, under a name that hides none of them.
    let body = Ident::new("body", Span::mixed_site());
    let crate_name = quote!(::core::option_env!("CARGO_CRATE_NAME"));
    // Behind all others, so that those which make several tests of one see it.
    let (harness, run) = match item {
        Item::Main => (None, quote!(#crate_path::__private::run(builder, #crate_name, #root, #body))),
        Item::Test => {
            let about = quote!(#crate_path::__private::Crate { name: #crate_name, source_root: #root });
            let allowed = quote!(#crate_path::__private::Allowed { #limits });
            let failed = failed(&sig.output, &crate_path);
            let name = sig.ident.to_string();
            let name = quote!(::core::concat!(::core::module_path!(), "::", #name));
            let run = called_at(
                sig.ident.span(),
                quote!(#crate_path::__private::run_test),
                quote!(#name, builder, #about, #allowed, #failed, #body),
            );
            (Some(quote!(#[::core::prelude::v1::test])), run)
        }
    };
    quote! {
        #(#attrs)*
        #harness
        #vis #sig {
            let #body = async #block;
            let mut builder = #crate_path::__private::Builder::#constructor();
            builder.enable_all();
            #settings
            #run
        }
    }
}

/// Tells whether what a test returns is a failure of its own: an error, whatever the function calls its type.
fn failed(output: &ReturnType, crate_path: &syn::Path) -> TokenStream {
    match output {
        ReturnType::Type(_, returned)
            if !matches!(**returned, Type::Never(_)) && is_one_type(returned.to_token_stream()) =>
        {
            quote! {
                |output: &#returned| {
                    use #crate_path::__private::{CannotFail as _, MayFail as _};
                    (&#crate_path::__private::Outcome(output)).failed()
                }
            }
        }
        _ => quote!(|_| false),
    }
}

/// Whether what is written is the same type wherever it stands: `impl Trait` is not.
fn is_one_type(returned: TokenStream) -> bool {
    returned.into_iter().all(|token| match token {
        TokenTree::Ident(word) => word != "impl",
        TokenTree::Group(group) => is_one_type(group.stream()),
        _ => true,
    })
}

/// A call that takes its caller's place for a panic from the user's own code.
fn called_at(span: Span, path: TokenStream, arguments: TokenStream) -> TokenStream {
    let mut call: TokenStream = path.into_iter().map(|token| placed(token, span)).collect();
    call.extend([placed(TokenTree::Group(Group::new(Delimiter::Parenthesis, arguments)), span)]);
    call
}

fn placed(mut token: TokenTree, span: Span) -> TokenTree {
    token.set_span(span);
    token
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

    fn text(arguments: TokenStream, function: &TokenStream) -> String {
        expand(Item::Main, arguments, function).to_string()
    }

    #[test]
    fn a_test_keeps_its_attributes_and_arguments_and_is_the_harnesss_last() {
        let function = quote!(
            #[should_panic]
            #[case(1)]
            async fn adds(#[case] number: u8) -> Result<u8, Wrong> {
                Ok(number)
            }
        );
        let text = expand(Item::Test, quote!(max_stall = "20ms"), &function).to_string();
        let attributes = "# [should_panic] # [case (1)] # [:: core :: prelude :: v1 :: test] fn adds";
        assert!(text.starts_with(attributes), "{text}");
        assert!(text.contains("(# [case] number : u8) -> Result < u8 , Wrong > {"), "{text}");
        assert!(text.contains("new_current_thread") && text.contains("Some (20000000u64)"), "{text}");
    }

    #[test]
    fn what_a_test_returns_is_asked_only_where_its_type_can_be_written_again() {
        for (returned, asked) in [
            (quote!(Result<(), Wrong>), true),
            (quote!(Result<(), impl Debug>), false),
            (quote!((u8, [impl Debug; 2])), false),
            (quote!(impl Termination), false),
            (quote!(!), false),
        ] {
            let text = expand(Item::Test, quote!(), &quote!(async fn f() -> #returned {})).to_string();
            assert_eq!(text.contains("| output :"), asked, "{text}");
        }
    }

    #[test]
    fn a_second_test_attribute_is_refused() {
        for second in [quote!(#[test]), quote!(#[tokio::test])] {
            let text = expand(Item::Test, quote!(), &quote!(#second async fn f() {})).to_string();
            assert!(text.contains("compile_error") && text.contains("run the test twice"), "{text}");
        }
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
