//! The real program, to be killed.

use std::process::{Child, Command, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_jewel-api");

/// Starts it with these variables and no others; what it logs stands beside what the test says. It dies with the thread that started it.
pub(crate) fn serve(variables: Vec<(&'static str, String)>) -> Child {
    let mut program = Command::new("setpriv");
    program.args(["--pdeathsig", "KILL", "--", PROGRAM, "serve"]).env_clear().envs(variables);
    program.env("PATH", "/usr/bin:/bin").stdin(Stdio::null()).spawn().unwrap()
}

/// kill -9, and until it is gone.
pub(crate) fn kill(program: Option<Child>) {
    if let Some(mut program) = program {
        program.kill().unwrap();
        program.wait().unwrap();
    }
}

pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
