//! The storefront is compiled into the program; build again when a file of it changes.

#![expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]

fn main() {
    println!("cargo:rerun-if-changed=../api/storefront");
    println!("cargo:rerun-if-changed=build.rs");
}
