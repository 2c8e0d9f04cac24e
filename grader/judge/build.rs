//! Writes, for each exercise, the reference that its judge has within its own process.

use interface::rewrite::{in_f64, with_crate};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::{Item, parse_quote};

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let mut names = vec![];
    for entry in fs::read_dir(root.join("exercises"))? {
        let folder = entry?.file_name().to_string_lossy().into_owned();
        let Some((_, name)) = folder.split_once('-') else {
            continue;
        };
        names.push((folder.clone(), name.to_owned()));
    }
    for (folder, name) in &names {
        let worker = root.join(format!("grader/workers/src/bin/{name}.rs"));
        let solution = root.join("solutions").join(folder).join("src");
        for read in [&worker, &solution] {
            println!("cargo::rerun-if-changed={}", read.display());
        }
        let mut worker = syn::parse_file(&fs::read_to_string(worker)?)?;
        worker
            .items
            .retain(|item| !matches!(item, Item::Fn(function) if function.sig.ident == "main"));
        let worker = worker.items.into_iter();
        let worker: TokenStream = worker.map(ToTokens::into_token_stream).collect();
        let mut reference = worker.clone();
        for (_, name) in &names {
            let other = syn::parse_str(&format!("{name}_solution"))?;
            reference = with_crate(reference, name, &other);
        }
        let solution = syn::parse_file(&fs::read_to_string(solution.join("lib.rs"))?)?.items;
        let solution = quote! { #(#solution)* };
        let is_in_f32 = !solution.to_string().contains("tch ::");
        let (in_f64, table) = match is_in_f32 {
            false => (quote! {}, quote! { None }),
            true => {
                let solution = in_f64(solution);
                let worker =
                    with_crate(in_f64(worker), name, &parse_quote!(super::solution_in_f64));
                let modules = quote! {
                    #[allow(clippy::all, dead_code, unreachable_pub, unused_imports)]
                    mod solution_in_f64 { #solution }
                    #[allow(clippy::all, dead_code, unused_imports)]
                    mod reference_in_f64 {
                        #worker
                        pub(super) static TABLE: &[Operation] = OPERATIONS;
                    }
                };
                (modules, quote! { Some(reference_in_f64::TABLE) })
            }
        };
        let source = quote! {
            #[allow(clippy::all, dead_code, unused_imports)]
            mod reference {
                #reference
                pub(super) static TABLE: &[Operation] = OPERATIONS;
            }
            #in_f64
            pub(crate) static EXERCISE: judge::Exercise = judge::Exercise {
                reference: reference::TABLE,
                reference_in_f64: #table,
            };
        };
        fs::write(out.join(format!("{name}.rs")), source.to_string())?;
    }
    Ok(())
}
