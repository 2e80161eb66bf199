//! The `tonnage` program: parse, run, exit code.

fn main() -> std::process::ExitCode {
    tonnage::main()
}
