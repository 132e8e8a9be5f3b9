//! Backups of a database on a disk, by the library alone: what benchmarks and tests run as a program of its own.
//!
//! ```sh
//! export DATABASE_PASSWORD=…
//! backup keys KEYS                                       # makes identity, recipients and seal in the folder KEYS
//! backup create KEYS STORE USER@HOST:PORT/SCHEMA         # prints what happens, and the backup's name last
//! backup verify KEYS STORE ID
//! backup restore KEYS STORE USER@HOST:PORT/SCHEMA ID
//! ```
//!
//! `DATABASE_TLS=1` asks for TLS. The last line on standard error says how much memory it took at most.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program of examples, for people and tests to read")]

use std::{error::Error, io::Write, path::Path, sync::Arc};

use jewel_backup::{
    CreateOptions, Event, Folder, MakingKeys, ReadingKeys, RestoreOptions, Seal, Server, Slice, Tls, create, generate,
    restore, verify,
};

/// Rows are read into many small pieces of memory, and what that costs is the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["keys", folder] => make_keys(Path::new(folder))?,
        ["create", keys, store, database] => {
            let (server, schema) = server(database)?;
            let folder = Arc::new(Folder::new(store));
            let options = CreateOptions::new(schema, "example");
            let made = create(&server, &folder, &making(Path::new(keys))?, &options, &mut say).await?;
            println!("{}", made.id);
        }
        ["verify", keys, store, id] => {
            let found = verify(&Folder::new(store), id, &reading(Path::new(keys))?, Slice::ALL, &mut say).await?;
            println!("{} objects read, {} damaged", found.read, found.damaged.len());
        }
        ["restore", keys, store, database, id] => {
            let (server, schema) = server(database)?;
            let folder = Arc::new(Folder::new(store));
            let options = RestoreOptions::new(schema);
            restore(&folder, id, &reading(Path::new(keys))?, &server, &options, &mut say).await?;
            println!("restored");
        }
        _ => return Err("the first lines of this program's source say how it is called".into()),
    }
    eprintln!("{}", peak_memory()?);
    Ok(())
}

/// One line at once, so that whoever reads them may stop this program between two.
fn say(event: Event) {
    println!("{event:?}");
    // A reader who has gone away hears no more.
    let _ = std::io::stdout().flush();
}

fn make_keys(folder: &Path) -> Result<()> {
    let ((shop, to_shop), (printed, to_printed)) = (generate(), generate());
    std::fs::create_dir_all(folder)?;
    for (name, text) in [
        ("identity", secret(&shop)),
        ("printed-identity", secret(&printed)),
        ("recipients", &format!("{to_shop}\n{to_printed}")),
        ("seal", secret(&generate().0)),
    ] {
        let mut file =
            std::os::unix::fs::OpenOptionsExt::mode(std::fs::OpenOptions::new().write(true).create_new(true), 0o600)
                .open(folder.join(name))?;
        writeln!(file, "{text}")?;
    }
    Ok(())
}

fn secret(text: &secrecy::SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(text)
}

fn seal(folder: &Path) -> Result<Seal> {
    Ok(Seal::new(std::fs::read_to_string(folder.join("seal"))?.trim().to_owned().into())?)
}

fn making(folder: &Path) -> Result<MakingKeys> {
    let recipients = std::fs::read_to_string(folder.join("recipients"))?;
    Ok(MakingKeys::new(&recipients.lines().collect::<Vec<_>>(), seal(folder)?)?)
}

fn reading(folder: &Path) -> Result<ReadingKeys> {
    Ok(ReadingKeys::new(&std::fs::read_to_string(folder.join("identity"))?.into(), seal(folder)?)?)
}

/// `USER@HOST:PORT/SCHEMA`.
fn server(text: &str) -> Result<(Server, &str)> {
    let parts = || {
        let (user, rest) = text.split_once('@')?;
        let (place, schema) = rest.split_once('/')?;
        let (host, port) = place.split_once(':')?;
        Some((user, host, port, schema))
    };
    let (user, host, port, schema) = parts().ok_or("a database is USER@HOST:PORT/SCHEMA")?;
    let tls = if std::env::var_os("DATABASE_TLS").is_some() { Tls::Required } else { Tls::Off };
    let password = std::env::var("DATABASE_PASSWORD")?.into();
    Ok((Server { host: host.to_owned(), port: port.parse()?, user: user.to_owned(), password, tls }, schema))
}

/// The most that was resident at any moment, as Linux counts it.
fn peak_memory() -> Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    Ok(status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default().to_owned())
}
