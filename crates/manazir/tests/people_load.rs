//! All actions on people at once over HTTP, on a population with hubs: every answer is right, and no write that was
//! acknowledged is lost, also if the process dies. The same requests measure the service in `benches/people`.

#![allow(dead_code, reason = "what is shared with the benchmark measures more than is looked at here")]
#![allow(clippy::print_stdout, reason = "what is shared with the benchmark prints what it sees")]
#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

#[path = "../benches/people/afterwards.rs"]
mod afterwards;
#[path = "../benches/people/batch.rs"]
mod batch;
#[path = "../benches/people/filling.rs"]
mod filling;
#[path = "../benches/people/load.rs"]
mod load;
#[path = "../benches/people/open_loop.rs"]
mod open_loop;
#[path = "../benches/people/plan.rs"]
mod plan;
#[path = "../benches/people/running.rs"]
mod running;

use running::Start;

#[test]
fn under_a_load_of_all_actions_every_answer_is_right_and_no_write_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let (program, data) = (env!("CARGO_BIN_EXE_manazir").to_owned(), folder.path().join("data"));
    std::fs::create_dir(&data).unwrap();
    let start = Start { program, data, truth: None, config: folder.path().join("service.toml") };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let filled = runtime.block_on(filling::fill(&start.url(), &filling::population(2_000)));
    let mut running = start.run();
    assert!(load::load(&running, &filled, 300, 4, 1));
    batch::kill(&mut running, &filled, 1_500, 0.3);
    assert!(running.terminate());
}
