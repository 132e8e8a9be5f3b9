//! A database's directory: made, owned by the user the server runs as, and removed.
//!
//! `data` (the server's), `binlog`, `run` (socket), `tmp`, `tls`, and `server.log`.

use std::{
    fs::{OpenOptions, Permissions},
    io::{self, Write as _},
    net::Ipv4Addr,
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, chown},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::User;

use super::{
    engine::{Engine, Flavour},
    error::Error,
    process::{Jail, flag},
    template,
    tls::Authority,
};

/// How long making the system tables may take on a busy machine.
const INITIALISE_WITHIN: Duration = Duration::from_secs(120);

/// A log that has grown beyond this is put aside when the server is started.
const LOG_BYTES: u64 = 16 << 20;

/// Says that `data` is whole; without it, it is begun anew.
const COMPLETE: &str = "initialised";

/// One database's directory.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    pub(crate) path: PathBuf,
    pub(crate) jail: Jail,
    pub(crate) user: &'static str,
}

impl Directory {
    pub(crate) fn new(path: PathBuf, program: &Path) -> Self {
        let user = if owner("mysql").is_some() { "mysql" } else { "nobody" };
        Self { jail: Jail::new(path.clone(), program), path, user }
    }

    /// The server's own data under the database directory `path`.
    pub(crate) fn data(path: &Path) -> PathBuf {
        path.join("data")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.path.join("run").join("mysqld.sock")
    }

    /// Where the binary log is.
    pub(crate) fn binary_log(path: &Path) -> PathBuf {
        path.join("binlog")
    }

    pub(crate) fn log(&self) -> PathBuf {
        Self::log_in(&self.path)
    }

    /// What the server of the database directory `path` says.
    pub(crate) fn log_in(path: &Path) -> PathBuf {
        path.join("server.log")
    }

    /// Whether its data is whole.
    pub(crate) fn is_complete(&self) -> bool {
        self.path.join(COMPLETE).exists()
    }

    /// Says that its data is whole.
    pub(crate) fn complete(&self) -> Result<(), Error> {
        let marker = self.path.join(COMPLETE);
        let file = fs_err::File::create(&marker).and_then(|file| file.sync_all());
        file.map_err(Error::file("create", &marker))
    }

    /// Makes the directory and the system tables in it. Nothing happens when they are whole.
    pub(crate) async fn prepare(&self, engine: &Engine, cache: &Path) -> Result<(), Error> {
        if self.is_complete() {
            return Ok(());
        }
        remove(&self.path).await?;
        self.lay_out()?;
        let data = Self::data(&self.path);
        let template = template::ensure(cache, engine).await.inspect_err(|error| {
            tracing::debug!(%error, "no template; making a database takes longer without");
        });
        let taken = match template {
            Ok(template) => template::take(&template, &data).await,
            Err(_) => false,
        };
        if !taken {
            // A copy that was cut short must not be built upon.
            remove(&data).await?;
            self.lay_out()?;
            self.initialise(engine).await?;
        }
        self.complete()
    }

    /// Makes the directories; those that are there stay.
    pub(crate) fn lay_out(&self) -> Result<(), Error> {
        for directory in ["", "data", "binlog", "run", "tmp", "tls"] {
            let path = if directory.is_empty() { self.path.clone() } else { self.path.join(directory) };
            fs_err::create_dir_all(&path).map_err(Error::file("create", &path))?;
            self.give(&path, 0o700)?;
        }
        Ok(())
    }

    /// Makes the system tables.
    pub(crate) async fn initialise(&self, engine: &Engine) -> Result<(), Error> {
        let data = Self::data(&self.path);
        let inside = flag("--datadir=", self.jail.inside().join("data"));
        let mut command = match engine.flavour {
            Flavour::MySql => {
                let mut command = self.jail.command(None, &data, &engine.binary);
                command.args(["--no-defaults", "--initialize-insecure", "--loose-innodb-redo-log-capacity=64M"]);
                command
            }
            Flavour::MariaDb => {
                let installer = engine.installer().ok_or_else(|| Error::UnknownEngine {
                    binary: engine.binary.clone(),
                    reason: "there is no mariadb-install-db to make its data with".to_owned(),
                })?;
                let mut command = self.jail.command(None, &data, &installer);
                command.args(["--no-defaults", "--skip-test-db", "--auth-root-authentication-method=normal"]);
                // It would refuse to work on a machine that cannot look its own name up, which nothing here needs.
                command.arg("--force");
                command.args(["--skip-name-resolve", "--innodb-log-file-size=48M"]);
                command
            }
        };
        // Not the machine's own: several are made at once, and what one leaves there another may stumble over.
        command.arg(inside).arg(flag("--tmpdir=", self.jail.inside().join("tmp")));
        command.arg(format!("--user={}", self.user)).kill_on_drop(true);
        let failed = |status: String, said: &str| Error::Initialise {
            id: self.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            status,
            last_lines: last_lines(said),
        };
        let program = command.as_std().get_program().into();
        let output = tokio::time::timeout(INITIALISE_WITHIN, command.output()).await;
        let output = output.map_err(|_| failed(format!("not within {} s", INITIALISE_WITHIN.as_secs()), ""))?;
        let output = output.map_err(|source| Error::Spawn { program, source })?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(failed(output.status.to_string(), &String::from_utf8_lossy(&said)))
    }

    /// Writes the server's certificate for `address`, signed by the cloud's authority, anew at each start.
    pub(crate) fn write_certificate(&self, authority: &Authority, address: Ipv4Addr) -> Result<(), Error> {
        let leaf = authority.issue(address)?;
        self.write("tls/ca.pem", &authority.certificate)?;
        self.write("tls/server.pem", &leaf.certificate)?;
        self.write("tls/server-key.pem", &leaf.key)
    }

    /// Writes a file that only the server's user can read.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let path = self.path.join(name);
        let write = |path: &Path| {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())
        };
        write(&path).map_err(Error::file("write", &path))?;
        self.give(&path, 0o600)
    }

    /// The log to append to; one that is too long is put aside first.
    pub(crate) fn open_log(&self) -> Result<std::fs::File, Error> {
        let path = self.log();
        if std::fs::metadata(&path).is_ok_and(|log| log.len() > LOG_BYTES) {
            let aside = path.with_extension("log.1");
            fs_err::rename(&path, &aside).map_err(Error::file("put aside", &path))?;
        }
        let opened = OpenOptions::new().append(true).create(true).mode(0o600).open(&path);
        opened.map_err(Error::file("open", &path))
    }

    /// The end of what the server said, for error messages.
    pub(crate) fn end_of_log(&self) -> String {
        let bytes = fs_err::read(self.log()).unwrap_or_default();
        last_lines(&String::from_utf8_lossy(&bytes[bytes.len().saturating_sub(4096)..]))
    }

    fn give(&self, path: &Path, mode: u32) -> Result<(), Error> {
        let given = owner(self.user).map_or(Ok(()), |user| {
            chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(mode)))
        });
        given.map_err(Error::file("set the owner of", path))
    }
}

/// Removes a database's directory, if it is there.
pub(crate) async fn remove(path: &Path) -> Result<(), Error> {
    match fs_err::tokio::remove_dir_all(path).await {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::file("remove", path)(error)),
    }
}

fn owner(name: &str) -> Option<User> {
    User::from_name(name).ok().flatten()
}

fn last_lines(said: &str) -> String {
    const LINES: usize = 8;
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}
