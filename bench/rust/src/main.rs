//! The Rust clients as workers of bench/run.

fn main() {
    memoxide_bench::main(None);
}
