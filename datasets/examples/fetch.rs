//! Fetches a data set into a folder, and loads it: `fetch mnist|fashion-mnist FOLDER`.

use std::error::Error;
use std::path::Path;

use datasets::fetch::{Progress, fetch};
use datasets::{fashion_mnist, mnist};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = arguments.as_slice() else {
        return Err("usage: fetch mnist|fashion-mnist FOLDER".into());
    };
    let folder = Path::new(folder);
    let (source, load): (_, fn(&Path) -> _) = match name.as_str() {
        "mnist" => (mnist::source(), mnist::load),
        "fashion-mnist" => (fashion_mnist::source(), fashion_mnist::load),
        _ => return Err(format!("no data set is called {name}").into()),
    };

    fetch(&source, folder, |progress| match progress {
        Progress::Waiting => eprintln!("waiting for another process that fetches into the folder"),
        Progress::Failed { url, fault } => eprintln!("\n{url}: {fault}"),
        Progress::Received { file, bytes } => {
            eprint!("\r{}: {bytes} of {} bytes", file.name, file.bytes);
            if bytes == file.bytes {
                eprintln!();
            }
        }
    })?;
    let split = load(folder)?;
    println!(
        "{name}: {} images to learn from, {} to choose by, {} to test with",
        split.train.len(),
        split.validation.len(),
        split.test.len()
    );
    Ok(())
}
