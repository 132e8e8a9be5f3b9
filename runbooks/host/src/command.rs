//! A command for an instance as a value: built here, run by [`crate::exec`], compared in tests without any SSH.

use std::fmt;
use std::time::Duration;

/// How long a command may take unless it says otherwise.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// A program and its arguments, quoted by us and never by the caller. Holds no secrets: those go through standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    argv: Vec<String>,
    sudo: bool,
    timeout: Duration,
}

impl Command {
    /// A command without arguments yet.
    pub fn new(program: impl Into<String>) -> Self {
        Self { argv: vec![program.into()], sudo: false, timeout: DEFAULT_TIMEOUT }
    }

    /// A shell script that stops at its first error, with `$1`, `$2`, ... as its arguments.
    pub fn script(text: impl Into<String>) -> Self {
        Self::new("sh").arg("-euc").arg(text).arg("sh")
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.argv.push(arg.into());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: Into<String>>(mut self, args: I) -> Self {
        self.argv.extend(args.into_iter().map(Into::into));
        self
    }

    /// Runs it as root.
    #[must_use]
    pub fn sudo(mut self) -> Self {
        self.sudo = true;
        self
    }

    /// Gives it that long instead of a minute.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long it may take.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        self.timeout
    }

    /// Its name for messages: the line, on one line and not too long.
    #[must_use]
    pub fn summary(&self) -> String {
        const LONGEST: usize = 80;
        let words: Vec<&str> = match self.argv.as_slice() {
            [sh, flags, text, _, args @ ..] if sh == "sh" && flags == "-euc" => {
                let first = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
                std::iter::once(first).chain(args.iter().map(String::as_str)).collect()
            }
            argv => argv.iter().map(String::as_str).collect(),
        };
        let mut line = words.join(" ");
        if line.chars().count() > LONGEST {
            line = line.chars().take(LONGEST - 1).chain(['…']).collect();
        }
        line
    }
}

impl fmt::Display for Command {
    /// The line as it is sent: every word quoted for a POSIX shell where it needs to be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.sudo {
            f.write_str("sudo -n -- ")?;
        }
        for (index, word) in self.argv.iter().enumerate() {
            if index > 0 {
                f.write_str(" ")?;
            }
            f.write_str(&quote(word))?;
        }
        Ok(())
    }
}

/// Quotes one word for a POSIX shell.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_quoted_only_where_needed() {
        let command = Command::new("echo").arg("plain").arg("two words").arg("it's").arg("").arg("$HOME").sudo();
        assert_eq!(command.to_string(), r#"sudo -n -- echo plain 'two words' 'it'\''s' '' '$HOME'"#);
    }

    #[test]
    fn a_script_is_named_by_its_first_line() {
        let command = Command::script("\n  mv \"$1\" \"$2\"\n  sync\n").args(["a", "b"]);
        assert_eq!(command.summary(), r#"mv "$1" "$2" a b"#);
    }

    proptest! {
        #[test]
        fn a_shell_gives_every_word_back(word in "[^\u{0}]{0,40}") {
            let line = Command::new("printf").arg("%s").arg(word.clone()).to_string();
            let output = std::process::Command::new("sh").arg("-c").arg(line).output().unwrap();
            prop_assert_eq!(output.stdout, word.into_bytes());
        }
    }
}
