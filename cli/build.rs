//! The storefront is compiled into the program; build again when a file of it changes.

fn main() {
    println!("cargo:rerun-if-changed=../api/storefront");
    println!("cargo:rerun-if-changed=build.rs");
}
