//! The program that tells how Go reads what docker, kubectl and kubelet read, and the inputs that it is asked about.
//!
//! [`Oracle::ask`] takes many questions at once: the program of `tests/parts/oracle` says in its source which there are.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::Value;

use super::part::cache;

/// How many inputs are generated for each comparison, where [`CASES`] does not say it.
const DEFAULT_CASES: usize = 1000;
/// A number of generated inputs, for a longer run by hand: `REGCRED_TEST_CASES=100000 cargo test --test scenarios -- oracle`.
const CASES: &str = "REGCRED_TEST_CASES";
/// Any number: another series of inputs, for a longer run by hand. The default one is the same everywhere and each time.
const SEED: &str = "REGCRED_TEST_SEED";

/// The program, as `tests/run.sh` found it or as it lies in the cache.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os("REGCRED_TEST_ORACLE").map(PathBuf::from);
    let folder = named.or_else(|| newest(&cache()?.join("regcred/parts")));
    folder.map(|folder| folder.join("oracle")).filter(|file| file.is_file())
}

/// The folder that was built last: its name holds a sum of its source.
fn newest(parts: &std::path::Path) -> Option<PathBuf> {
    let folders = parts.read_dir().ok()?.filter_map(Result::ok);
    folders
        .filter(|folder| folder.file_name().to_string_lossy().starts_with("oracle-"))
        .filter(|folder| folder.path().join("oracle").is_file())
        .max_by_key(|folder| folder.metadata().and_then(|metadata| metadata.modified()).ok())
        .map(|folder| folder.path())
}

/// What is missing for a comparison with Go.
#[must_use]
pub fn missing_parts() -> Vec<&'static str> {
    program()
        .is_none()
        .then_some("the oracle (tests/parts/oracle.sh)")
        .into_iter()
        .collect()
}

/// Go's answers to these questions, in their order. What Go refuses is `Err`, in Go's words.
///
/// # Panics
/// Where the program is missing or does not know the kind of question.
#[must_use]
pub fn ask(questions: &[Value]) -> Vec<Result<Value, String>> {
    let mut oracle = Command::new(program().expect("the oracle is here"))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // kubelet's keyring tells its log of each key that it passes over.
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = String::new();
    for question in questions {
        lines.push_str(&question.to_string());
        lines.push('\n');
    }
    let mut stdin = oracle.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = oracle.wait_with_output().unwrap();
    assert!(output.status.success(), "the oracle: {output:?}");
    writer.join().unwrap().unwrap();
    let answers: Vec<_> = serde_json::Deserializer::from_slice(&output.stdout)
        .into_iter::<Value>()
        .map(|answer| {
            let answer = answer.unwrap();
            match answer.get("error").and_then(Value::as_str) {
                Some(error) => Err(error.to_owned()),
                None => Ok(answer),
            }
        })
        .collect();
    assert_eq!(answers.len(), questions.len(), "an answer to each question");
    answers
}

/// Bytes in a question.
#[must_use]
pub fn bytes(bytes: impl AsRef<[u8]>) -> Value {
    STANDARD.encode(bytes).into()
}

/// Bytes in an answer; what Go leaves out or has as `null` is empty.
#[must_use]
pub fn bytes_of(answer: &Value) -> Vec<u8> {
    STANDARD.decode(answer.as_str().unwrap_or_default()).unwrap()
}

/// Inputs of this kind: the same ones each time, as many as are asked for.
#[must_use]
pub fn generated<S: Strategy>(inputs: &S) -> Vec<S::Value> {
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect(name));
    let cases: u64 = number(CASES).unwrap_or(DEFAULT_CASES as u64);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number(SEED).unwrap_or(0).to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..cases)
        .map(|_| inputs.new_tree(&mut runner).unwrap().current())
        .collect()
}

/// Says every difference of a comparison at once, the shortest input first.
///
/// # Panics
/// Where there is one.
pub fn assert_none(compared: usize, mut differences: Vec<String>) {
    const SHOWN: usize = 12;
    differences.sort_by_key(String::len);
    let count = differences.len();
    differences.truncate(SHOWN);
    assert!(
        count == 0,
        "{count} of {compared} inputs are read in another way than Go's:\n{}",
        differences.join("\n")
    );
}
