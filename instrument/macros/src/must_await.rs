//! `#[stallscope::must_await]`.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{format_ident, quote};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::{
    AttrStyle, Attribute, Error, Expr, ExprLit, FnArg, ItemFn, Lit, MetaNameValue, Pat, Path, Result,
    ReturnType, Signature, Token, TraitItemFn, Type,
};

/// The function that makes the future, which is watched. Its body runs as that of an async function does: it owns all the
/// arguments, and drops them in the same order. What is wrong is one error, and the function stays as it was.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let expanded = crate_path(arguments).and_then(|path| Ok(maker(&path, function(item)?)));
    expanded.unwrap_or_else(|error| {
        let error = error.to_compile_error();
        quote!(#error #item)
    })
}

fn crate_path(arguments: TokenStream) -> Result<Path> {
    let pairs = Punctuated::<MetaNameValue, Token![,]>::parse_terminated.parse2(arguments)?;
    let mut found = syn::parse_quote!(::stallscope);
    for MetaNameValue { path, value, .. } in pairs {
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &value else {
            return Err(Error::new_spanned(value, "a text in quotes is needed here"));
        };
        if !path.is_ident("crate") {
            return Err(Error::new_spanned(path, "no such argument: it takes crate"));
        }
        found = text.parse()?;
    }
    Ok(found)
}

fn function(item: &TokenStream) -> Result<ItemFn> {
    let function: ItemFn =
        syn::parse2(item.clone()).map_err(|error| match syn::parse2::<TraitItemFn>(item.clone()) {
            Ok(declared) => {
                let message = "a function without a body makes no future: put this on what implements it";
                Error::new_spanned(declared.sig.fn_token, message)
            }
            Err(_) => error,
        })?;
    match &function.sig {
        Signature { asyncness: None, fn_token, .. } => {
            let message = "only what an async function makes can be watched here: write `async fn`, or wrap the \
                           future that is returned in `stallscope::watched`";
            Err(Error::new_spanned(fn_token, message))
        }
        Signature { constness: Some(constness), .. } => {
            Err(Error::new_spanned(constness, "an async function cannot be const"))
        }
        _ => Ok(function),
    }
}

fn maker(crate_path: &Path, function: ItemFn) -> TokenStream {
    let ItemFn { mut attrs, vis, mut sig, block, .. } = function;
    for attribute in &mut attrs {
        // One that stands in the body holds for the function.
        attribute.style = AttrStyle::Outer;
    }
    let track_caller = (!attrs.iter().any(|attribute| attribute.path().is_ident("track_caller")))
        .then(|| quote!(#[track_caller]));
    sig.asyncness = None;
    let arguments = take_arguments(&mut sig);
    let output = std::mem::replace(&mut sig.output, ReturnType::Default);
    let (output, body) = body(crate_path, &output, &arguments, &quote!(#block));
    // The opening `impl` is ours: it captures as the macro's edition does, which is as an async function does.
    sig.output = syn::parse_quote!(-> impl ::core::future::Future<Output = #output>);
    let name = sig.ident.to_string();
    let name = name.trim_start_matches("r#");
    quote! {
        #(#attrs)*
        #track_caller
        #vis #sig {
            #crate_path::__private::made_by(
                ::core::concat!(::core::module_path!(), "::", #name),
                async move { #body },
            )
        }
    }
}

/// Gives the arguments names that the body can take them by; the statements that do so, which an async function has too.
fn take_arguments(sig: &mut Signature) -> TokenStream {
    let mut statements = TokenStream::new();
    for (number, argument) in sig.inputs.iter_mut().enumerate() {
        let argument = match argument {
            FnArg::Receiver(_) => {
                // Without a use of its own it would be dropped before the future is.
                statements.extend(quote!(let _ = &self;));
                continue;
            }
            FnArg::Typed(argument) => argument,
        };
        let attributes = argument.attrs.clone();
        argument.attrs.retain(|attribute| !is_lint_level(attribute));
        match &mut *argument.pat {
            Pat::Ident(known) if known.by_ref.is_none() && known.subpat.is_none() => {
                let (mutability, name) = (known.mutability.take(), &known.ident);
                statements.extend(quote!(#(#attributes)* let #mutability #name = #name;));
            }
            pattern => {
                let name = Ident::new(&format!("argument_{number}"), Span::mixed_site());
                statements.extend(quote! {
                    let #name = #name;
                    #(#attributes)* let #pattern = #name;
                });
                *pattern = syn::parse_quote!(#name);
            }
        }
    }
    statements
}

/// A level belongs to the statement that takes the argument; the argument itself is always used.
fn is_lint_level(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|level| attribute.path().is_ident(level))
}

/// What the future yields, and what it does. The type is told to the body, which an async block else would have to guess;
/// and the body's last temporaries are dropped before its arguments.
fn body(
    crate_path: &Path,
    output: &ReturnType,
    arguments: &TokenStream,
    block: &TokenStream,
) -> (TokenStream, TokenStream) {
    let result = format_ident!("result", span = Span::mixed_site());
    match output {
        ReturnType::Default => (quote!(()), quote!(#arguments let () = #block;)),
        ReturnType::Type(_, output) if matches!(**output, Type::Never(_)) => {
            // `!` may be written as what a function returns and nowhere else.
            (quote!(<fn() -> ! as #crate_path::__private::Returns>::Output), quote!(#arguments #block))
        }
        ReturnType::Type(_, output) if holds_impl(&quote!(#output)) => {
            (quote!(#output), quote!(#arguments let #result = #block; #result))
        }
        ReturnType::Type(_, output) => {
            let body = quote! {
                if let ::core::option::Option::Some(#result) = ::core::option::Option::None::<#output> {
                    #[allow(unreachable_code, reason = "the body may never come to its end, and mostly does")]
                    return #result;
                }
                #arguments
                let #result: #output = #block;
                #[allow(unreachable_code, reason = "the body may never come to its end, and mostly does")]
                #result
            };
            (quote!(#output), body)
        }
    }
}

/// Whether a type has an `impl Trait` in it, which cannot be named.
fn holds_impl(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => holds_impl(&group.stream()),
        TokenTree::Ident(word) => word == "impl",
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(arguments: TokenStream, item: &TokenStream) -> String {
        expand(arguments, item).to_string()
    }

    #[test]
    fn the_function_makes_a_future_that_is_counted_where_it_is_called() {
        let text = text(
            quote!(),
            &quote!(
                /// Loads.
                #[inline]
                pub async fn load<T: Clone>(&self, mut id: u32, (a, b): (T, T)) -> Result<T, Error>
                where
                    T: Send,
                {
                    body()
                }
            ),
        );
        for part in [
            "# [doc = r\" Loads.\"] # [inline] # [track_caller] pub fn load < T : Clone >",
            "(& self , id : u32 , argument_2 : (T , T))",
            "-> impl :: core :: future :: Future < Output = Result < T , Error > > where T : Send ,",
            ":: stallscope :: __private :: made_by (",
            "\"load\"",
            "let _ = & self ; let mut id = id ; let argument_2 = argument_2 ; let (a , b) = argument_2 ;",
            "let result : Result < T , Error > = { body () } ;",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn types_that_cannot_be_named_are_not() {
        let text = text(
            quote!(crate = "renamed"),
            &quote!(
                async fn numbers() -> impl Iterator<Item = u8> {
                    0..3
                }
            ),
        );
        assert!(text.contains("Output = impl Iterator < Item = u8 >"), "{text}");
        assert!(text.contains("let result = { 0 .. 3 } ; result"), "{text}");
        assert!(text.contains("renamed :: __private :: made_by"), "{text}");
    }

    #[test]
    fn what_is_refused_is_one_error_and_the_function_is_there() {
        for (arguments, item, error) in [
            (
                quote!(),
                quote!(
                    fn load() -> Ready<()> {
                        ready(())
                    }
                ),
                "write `async fn`",
            ),
            (
                quote!(),
                quote!(
                    async fn load(&self);
                ),
                "without a body",
            ),
            (
                quote!(),
                quote!(
                    struct Load;
                ),
                "expected",
            ),
            (
                quote!(name = "x"),
                quote!(
                    async fn load() {}
                ),
                "it takes crate",
            ),
            (
                quote!(crate = x),
                quote!(
                    async fn load() {}
                ),
                "quotes",
            ),
        ] {
            let text = text(arguments, &item);
            assert!(text.contains("compile_error") && text.contains(error), "{text}");
            assert!(text.ends_with(&item.to_string()), "{text}");
        }
    }
}
