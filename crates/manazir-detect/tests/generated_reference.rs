//! The reference page of detectors is what the tables say; `cargo xtask generate` writes it anew.

use expect_test::expect_file;

#[test]
fn generated_page_of_detectors() {
    let page = expect_file!["../../../docs/reference/detectors.md"];
    page.assert_eq(&manazir_detect::reference::reference_markdown());
}
