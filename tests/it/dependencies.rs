//! Versions of libraries that the program relies on beyond their documented behaviour.

/// The version whose XML the streamed workbook (`src/output/xlsx/splice`) was compared with.
const STREAMED_WITH: &str = "0.102.0";

#[test]
fn rust_xlsxwriter_is_the_version_that_the_streamed_workbook_was_tested_with() {
    let root = env!("CARGO_MANIFEST_DIR");
    let lock = std::fs::read_to_string(format!("{root}/Cargo.lock")).unwrap();
    let package = lock.split("[[package]]").find(|package| package.contains("name = \"rust_xlsxwriter\""));
    let version = package.and_then(|package| package.split("version = \"").nth(1)?.split('"').next());
    assert_eq!(
        version,
        Some(STREAMED_WITH),
        "sheets are streamed between pieces of XML that rust_xlsxwriter writes, which another version may write \
         differently. Before you change STREAMED_WITH: run `PROPTEST_CASES=2000 cargo test splice` (both ways to \
         write a workbook are compared), run .ci/run (the Open XML SDK validator and LibreOffice read workbooks of \
         every kind), and open a workbook of 1,000 tasks"
    );
}
