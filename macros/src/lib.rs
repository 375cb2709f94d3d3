//! The attribute macros of labnet; use them as `labnet::test`.

use proc_macro::TokenStream;
use quote::quote;
use syn::{
    Ident, ItemFn, LitInt, LitStr, Token,
    parse::{Parse, ParseStream},
    parse_macro_input,
};

/// What stands in the parentheses: `"topology/lab.toml"`, and perhaps `timeout = 30` (seconds).
struct Options {
    topology: LitStr,
    timeout: u64,
}

const DEFAULT_TIMEOUT: u64 = 60;

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let topology = input.parse()?;
        let mut timeout = DEFAULT_TIMEOUT;
        if input.parse::<Option<Token![,]>>()?.is_some() && !input.is_empty() {
            let key: Ident = input.parse()?;
            if key != "timeout" {
                return Err(syn::Error::new(key.span(), "the only option is `timeout = SECONDS`"));
            }
            input.parse::<Token![=]>()?;
            timeout = input.parse::<LitInt>()?.base10_parse()?;
        }
        Ok(Self { topology, timeout })
    }
}

/// A test in a lab of its own.
#[proc_macro_attribute]
pub fn test(options: TokenStream, item: TokenStream) -> TokenStream {
    let Options { topology, timeout } = parse_macro_input!(options as Options);
    let function = parse_macro_input!(item as ItemFn);
    if function.sig.asyncness.is_none() || function.sig.inputs.len() != 1 {
        let message = "a labnet test is an async function with one parameter, the lab";
        return syn::Error::new_spanned(&function.sig, message).to_compile_error().into();
    }
    let (attributes, visibility, name) = (&function.attrs, &function.vis, &function.sig.ident);
    let (parameter, output, body) =
        (&function.sig.inputs[0], &function.sig.output, &function.block);
    quote! {
        #[::core::prelude::v1::test]
        #(#attributes)*
        #visibility fn #name() {
            async fn #name(#parameter) #output #body
            ::labnet::run_test(
                ::labnet::TestOptions {
                    topology: #topology,
                    package: ::core::env!("CARGO_MANIFEST_DIR"),
                    name: ::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)),
                    timeout: ::core::time::Duration::from_secs(#timeout),
                },
                #name,
            );
        }
    }
    .into()
}
