//! Broken rows are kept with file, line and reason; limits are kept too.

#![allow(clippy::unwrap_used, reason = "what a test sets up may panic")]

use manazir_catalog::{FileSource, Limits, REJECTS_FILE, Reason, Rejects, SourceReader, collect, unwatched};

fn source(name: &str, bytes: &[u8], limits: Limits) -> (tempfile::TempDir, FileSource) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(name), bytes).unwrap();
    let source = FileSource::new([folder.path().to_str().unwrap()], limits);
    (folder, source)
}

fn rows(count: usize) -> String {
    let rows: String = (0..count).map(|row| format!("{},{row}.5\n", 1_700_000_000 + 60 * row)).collect();
    format!("timestamp,value\n{rows}")
}

#[test]
fn all_rejects_are_written_and_few_are_kept() {
    let text = rows(50) + &"broken\n".repeat(30);
    let (folder, source) = source("a.csv", text.as_bytes(), Limits::default());
    let mut rejects = Rejects::written_to(folder.path(), 5, 1 << 20).unwrap();
    let collection = collect(&source, &mut rejects, &mut unwatched).unwrap();
    rejects.finish().unwrap();
    assert_eq!(collection.series[0].len(), 50);
    assert_eq!((rejects.total(), rejects.kept().len()), (30, 5));
    assert_eq!(rejects.kept()[0].reason, Reason::FieldCount { expected: 2, found: 1 });
    let written = std::fs::read_to_string(folder.path().join(REJECTS_FILE)).unwrap();
    assert_eq!(written.lines().count(), 30);
    let first: serde_json::Value = serde_json::from_str(written.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&first["file"], &first["line"], &first["raw"]),
        (&"a.csv".into(), &52.into(), &"broken".into())
    );
    // Its own output is no input of the next run.
    assert_eq!(source.discover(&mut unwatched).unwrap().tables.len(), 1);
}

#[test]
fn the_rejects_file_is_bounded() {
    let text = rows(50) + &"broken\n".repeat(200);
    let (folder, source) = source("a.csv", text.as_bytes(), Limits::default());
    let mut rejects = Rejects::written_to(folder.path(), 5, 300).unwrap();
    collect(&source, &mut rejects, &mut unwatched).unwrap();
    rejects.finish().unwrap();
    assert_eq!(rejects.total(), 200);
    assert!(std::fs::metadata(folder.path().join(REJECTS_FILE)).unwrap().len() < 600);
}

#[test]
fn a_long_line_is_skipped() {
    let text = rows(50) + &"9".repeat(5_000) + "\n1800000000,7\n";
    let (_folder, source) =
        source("a.csv", text.as_bytes(), Limits { line_bytes_max: 1_000, ..Limits::default() });
    let mut rejects = Rejects::in_memory(5);
    let collection = collect(&source, &mut rejects, &mut unwatched).unwrap();
    assert_eq!(collection.series[0].values.last(), Some(&7.0));
    assert_eq!(rejects.kept()[0].reason, Reason::TooLong);
    assert_eq!(rejects.kept()[0].line, 52);
}

#[test]
fn too_many_columns_and_files_are_said() {
    let wide: String = (0..50).map(|column| format!("c{column},")).collect();
    let text = format!("{wide}z\n{}1\n", "1,".repeat(50));
    let (_folder, source) = source("a.csv", text.as_bytes(), Limits { columns_max: 20, ..Limits::default() });
    let catalog = source.discover(&mut unwatched).unwrap();
    assert_eq!(catalog.skipped[0].reason, "51 columns, more than the limit of 20");

    let folder = tempfile::tempdir().unwrap();
    for file in 0..5 {
        std::fs::write(folder.path().join(format!("{file}.csv")), rows(5)).unwrap();
    }
    let limits = Limits { files_max: 3, ..Limits::default() };
    let source = FileSource::new([folder.path().to_str().unwrap()], limits);
    let error = source.discover(&mut unwatched).unwrap_err();
    assert_eq!(error.to_string(), "more than 3 files: name a narrower folder or raise the limit");
}

#[test]
fn sources_are_files_folders_and_patterns() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::create_dir(path("deep")).unwrap();
    std::fs::write(path("one.csv"), rows(9)).unwrap();
    std::fs::write(path("deep/two.csv"), rows(9)).unwrap();
    // A link to its own parent must not make the walk endless, one to nowhere must not end it.
    std::os::unix::fs::symlink(folder.path(), path("deep/loop")).unwrap();
    std::os::unix::fs::symlink(path("nowhere"), path("broken.csv")).unwrap();
    let files = |sources: &[String]| {
        let source = FileSource::new(sources.iter().cloned(), Limits::default());
        let catalog = source.discover(&mut unwatched).map_err(|error| error.to_string())?;
        let names = catalog.tables.iter().flat_map(|table| &table.files).map(|file| file.name.clone());
        Ok::<_, String>(names.collect::<Vec<_>>())
    };
    let all = path("");
    assert_eq!(files(std::slice::from_ref(&all)).unwrap(), ["deep/two.csv", "one.csv"]);
    assert_eq!(files(&[path("one.csv")]).unwrap(), ["one.csv"]);
    assert_eq!(files(&[path("*/*.csv")]).unwrap(), ["two.csv"]);
    assert_eq!(files(&[all, path("one.csv")]).unwrap(), ["deep/two.csv", "one.csv"]);
    assert_eq!(files(&[path("three.csv")]).unwrap_err(), format!("found nothing at {}", path("three.csv")));
    assert!(files(&["a[".to_owned()]).unwrap_err().starts_with("cannot read the pattern"));
}
