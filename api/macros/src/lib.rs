//! The attribute `#[ftl::main]`, which marks where a component begins.
//!
//! It leaves the function as it stands and adds one line after it, a call of the macro
//! `ftl::entry!`. All the rest, entry symbol included, is written there in plain sight; what a
//! macro by example cannot do is only to find the function's name. That takes no parser: it
//! is the word after `fn`.

use proc_macro::{TokenStream, TokenTree};

/// Marks the function in which a component begins.
///
/// The function takes the component's `Environ` (generated from its `component.yml`) and
/// returns `Result<()>`, `()` or a status. When it returns, the component ends.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if !arguments.is_empty() {
        return error("`#[ftl::main]` takes no arguments");
    }
    let mut tokens = item.clone().into_iter();
    while let Some(token) = tokens.next() {
        if is_word(&token, "async") {
            return error("a component's main is not `async`: it is a loop over `events.next()`");
        }
        if is_word(&token, "fn") {
            let Some(TokenTree::Ident(name)) = tokens.next() else {
                break;
            };
            let entry: TokenStream = match format!("::ftl::entry!({name});").parse() {
                Ok(entry) => entry,
                Err(_) => break,
            };
            // Where no entry point is made, as in tests, it must still count as used.
            let used: TokenStream = "#[allow(dead_code)]".parse().unwrap_or_default();
            return [used, item, entry].into_iter().collect();
        }
    }
    error("`#[ftl::main]` belongs on a function")
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident.to_string() == word)
}

fn error(message: &str) -> TokenStream {
    // The text holds no quotes or backslashes, so it is a valid string literal as it stands.
    format!("::core::compile_error!(\"{message}\");")
        .parse()
        .unwrap_or_default()
}
