//! Links between documents lead somewhere.

use std::path::{Component, Path, PathBuf};

use super::Finding;

/// Checks the links of a document; `exists` is asked with paths from the root of the workspace.
pub(super) fn check(path: &str, text: &str, exists: impl Fn(&Path) -> bool) -> Vec<Finding> {
    if !path.ends_with(".md") {
        return Vec::new();
    }
    let folder = Path::new(path).parent().unwrap_or(Path::new(""));
    let mut findings = Vec::new();
    let mut in_code = false;
    for (index, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line) {
            let resolved = resolve(folder, target);
            if !resolved.is_some_and(|file| exists(&file)) {
                findings.push(Finding::error(
                    path,
                    index + 1,
                    format!("the link to `{target}` leads nowhere"),
                ));
            }
        }
    }
    findings
}

/// What the links of a line point at inside the workspace, without the place in the page.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#', ' ']).next()?;
        let outside = target.contains("://") || target.starts_with("mailto:");
        (!target.is_empty() && !outside).then_some(target)
    })
}

/// `target` as seen from `folder`, without `..`; `None` if it leaves the workspace.
fn resolve(folder: &Path, target: &str) -> Option<PathBuf> {
    let mut resolved = PathBuf::new();
    for component in folder.join(target).components() {
        match component {
            Component::ParentDir => {
                if !resolved.pop() {
                    return None;
                }
            }
            Component::Normal(name) => resolved.push(name),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn expect(text: &str, expected: &[&str]) {
        let there = ["README.md", "docs/how-to/score.md", "docs/how-to"];
        let findings =
            check("docs/tutorial/a.md", text, |file| there.iter().any(|name| Path::new(name) == file));
        let found: Vec<_> = findings.iter().map(|finding| finding.says.as_str()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn links_lead_somewhere() {
        expect("See [score](../how-to/score.md#nab) and [it](../../README.md), [all](../how-to/).", &[]);
        expect(
            "A [page](https://example.com/a.md) far away, a [place](#here), `a[0](1)`",
            &["the link to `1` leads nowhere"],
        );
        expect("See [it](score.md).", &["the link to `score.md` leads nowhere"]);
        expect("Out [there](../../../a.md).", &["the link to `../../../a.md` leads nowhere"]);
        expect("```\n[code](nowhere.md)\n```\n", &[]);
    }
}
