//! Side by side with the shells that are here: dash and bash, or else whatever `sh` is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::*;

const NAMES: [&str; 3] = ["REGISTRY", "REGISTRY_USERNAME", "REGISTRY_TOKEN"];

/// How many generated files are compared; the variable is for more of them, of other seeds, by hand.
const CASES: usize = 1500;
const CASES_VARIABLE: &str = "REGCRED_TEST_ENV_FILES";

/// What one of the names has; `None` where it has none.
type Values = [Option<Vec<u8>>; 3];

fn ours(text: &[u8]) -> Result<Values, Refused> {
    let found = assigned(text, NAMES)?;
    Ok(found.values.map(|value| value.map(|value| value.to_vec())))
}

/// Their paths: they are run with a PATH that leads to nothing.
fn shells() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let find = |shell: &str| {
        let mut files = std::env::split_paths(&path).map(|folder| folder.join(shell));
        files.find(|file| file.is_file())
    };
    let found: Vec<_> = ["dash", "bash"].into_iter().filter_map(find).collect();
    if found.is_empty() {
        vec!["/bin/sh".into()]
    } else {
        found
    }
}

/// What `shell` assigns by each of the files `0.env`, `1.env` …; `None` where it ends over one.
fn of_shell(shell: &Path, folder: &Path, count: usize) -> Vec<Option<Values>> {
    // In a subshell each; a name without a value is told from an empty one by what stands before it.
    let script = r#"
        dir=$1 count=$2 i=0
        while [ $i -lt $count ]; do
            (
                set -a
                . "$dir/$i.env" >/dev/null
                printf '%s\0%s\0%s\0' "${REGISTRY+=$REGISTRY}" "${REGISTRY_USERNAME+=$REGISTRY_USERNAME}" \
                    "${REGISTRY_TOKEN+=$REGISTRY_TOKEN}"
            ) >"$dir/$i.out" 2>/dev/null </dev/null
            i=$((i + 1))
        done"#;
    let status = Command::new(shell)
        .args(["-c", script, "sh"])
        .arg(folder)
        .arg(count.to_string())
        .current_dir(folder.join("cwd"))
        .env_clear()
        // No word of a file is the name of a program.
        .env("PATH", folder.join("cwd"))
        .status()
        .unwrap();
    assert!(status.success(), "{}: {status}", shell.display());
    let read = |i: usize| {
        let out = fs::read(folder.join(format!("{i}.out"))).unwrap();
        let mut parts = out
            .split(|byte| *byte == 0)
            .map(|part| part.strip_prefix(b"=").map(<[u8]>::to_vec));
        let values = [parts.next()?, parts.next()?, parts.next()?];
        parts.next().map(|_| values)
    };
    (0..count).map(read).collect()
}

/// Compares every file that is read with what the shells assign. Says how many were read.
fn compare(files: &[Vec<u8>]) -> usize {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("cwd")).unwrap();
    for (i, file) in files.iter().enumerate() {
        fs::write(folder.path().join(format!("{i}.env")), file).unwrap();
    }
    let read: Vec<_> = files.iter().map(|file| ours(file)).collect();
    for shell in shells() {
        let theirs = of_shell(&shell, folder.path(), files.len());
        for ((file, ours), theirs) in files.iter().zip(&read).zip(theirs) {
            let Ok(ours) = ours else { continue };
            assert_eq!(
                Some(ours),
                theirs.as_ref(),
                "{}, of this file:\n{}",
                shell.display(),
                String::from_utf8_lossy(file)
            );
        }
    }
    read.iter().filter(|read| read.is_ok()).count()
}

/// The inputs of tests/fuzz, as far as they are read: nobody knows what a shell does with the others.
#[test]
fn what_fuzzing_found_is_assigned_as_by_a_shell() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus/env_file");
    // A package that was published has no such folder.
    let Ok(files) = fs::read_dir(folder) else { return };
    let mut files: Vec<_> = files.map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    // At the end of a line, the one thing that differs.
    for file in &mut files {
        file.retain(|byte| *byte != b'\r');
    }
    let read: Vec<_> = files.into_iter().filter(|file| ours(file).is_ok()).collect();
    assert_eq!(compare(&read), read.len());
}

/// Pieces of files, of which nearly all are of the kind that shells and readers of such files differ about.
fn file() -> impl Strategy<Value = Vec<u8>> {
    let name = select(vec![
        "REGISTRY",
        "REGISTRY_TOKEN",
        "REGISTRY_USERNAME",
        "OTHER",
        "X",
        "REGISTRY_",
    ]);
    let pieces: Vec<&[u8]> = vec![
        b"abc",
        b"a.example.com",
        b":5000",
        b"/x",
        b"'a b'",
        b"\"a b\"",
        b"''",
        b"\"\"",
        b"'$X'",
        b"\"$X\"",
        b"$X",
        b"${X}",
        b"$",
        b"\"a$\"",
        b"'\"'",
        b"\"'\"",
        b"\\ ",
        b"\\\\",
        b"\\\"",
        b"\\'",
        b"\"\\\"\"",
        b"\"\\a\"",
        b"\"\\\\\"",
        b"\"\\$X\"",
        b"\\$",
        b"#",
        b"#x",
        b"=",
        b"~",
        b":~",
        b"*",
        b"?",
        b"[a]",
        b"{a,b}",
        b"!",
        b"%",
        b"@",
        b"+",
        b"\\\n",
        b"'a\nREGISTRY=old'",
        b"\"a\nREGISTRY_TOKEN=old\n\"",
        b"\"a\\\nb\"",
        b"\xc3\xa9",
        b"\xe9",
        b"'",
        b"\"",
        b"`",
        b"$(x)",
        b"$'a'",
        b"$\"a\"",
        b";",
        b"&",
        b"|",
        b"<",
        b">",
        b"(",
        b")",
        b"&&",
    ];
    let value = prop::collection::vec(select(pieces), 0..4).prop_map(|pieces| pieces.concat());
    let operator = prop_oneof![12 => Just("="), 1 => Just("+="), 1 => Just(" = "), 1 => Just("= "), 1 => Just("[0]=")];
    let before = prop_oneof![
        6 => Just(""), 2 => Just("export "), 1 => Just("export\t"), 1 => Just("export -- "), 1 => Just("  "),
        1 => Just("set -a; "), 1 => Just("\\\n"), 1 => Just("export X "),
    ];
    let after = prop_oneof![
        8 => Just("\n"), 1 => Just(" # c'\n"), 1 => Just(";"), 1 => Just("; "), 1 => Just(" "), 1 => Just("\t\n\n"),
        1 => Just(" b\n"), 1 => Just(";;\n"), 1 => Just(""),
    ];
    let line = (before, name, operator, value, after).prop_map(|(before, name, operator, value, after)| {
        [
            before.as_bytes(),
            name.as_bytes(),
            operator.as_bytes(),
            &value,
            after.as_bytes(),
        ]
        .concat()
    });
    let comment = select(vec![
        "# a 'comment\n",
        "\n",
        "#\u{e9} $(x\n",
        "export X\n",
        "set +a\n",
        "set -o allexport # x\n",
    ]);
    let line = prop_oneof![6 => line, 1 => comment.prop_map(|text| text.as_bytes().to_vec())];
    prop::collection::vec(line, 1..5).prop_map(|lines| lines.concat())
}

#[test]
fn what_is_read_is_what_the_shells_assign() {
    let by_hand = std::env::var(CASES_VARIABLE).ok();
    let cases = by_hand.as_ref().map_or(CASES, |count| count.parse().unwrap());
    let mut runner = match by_hand {
        Some(_) => TestRunner::default(),
        None => TestRunner::deterministic(),
    };
    let strategy = file();
    let files: Vec<_> = (0..cases)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    let read = compare(&files);
    assert!(read > cases / 5, "{read} of {cases} were read: the others show nothing");
}

#[test]
fn every_way_to_write_a_value_is_read_as_the_shells_read_it() {
    let cases: [(&[u8], &str); 26] = [
        (b"REGISTRY=abc", "abc"),
        (b"REGISTRY=abc;", "abc"),
        (b"REGISTRY=abc ; OTHER=x", "abc"),
        (b"OTHER=x REGISTRY=abc", "abc"),
        (b"export\tREGISTRY=abc", "abc"),
        (b"export OTHER REGISTRY=abc", "abc"),
        (b"set -a; REGISTRY=abc; set +a", "abc"),
        (b"REGISTRY=old\nREGISTRY=abc", "abc"),
        (b"REGISTRY=\"a\"b", "ab"),
        (b"REGISTRY='a'\\''b'", "a'b"),
        (b"REGISTRY=a\\ b", "a b"),
        (b"REGISTRY=\"a\\$b\"", "a$b"),
        (b"REGISTRY=\"a\\b\"", "a\\b"),
        (b"REGISTRY='robot$ci'", "robot$ci"),
        (b"REGISTRY=a#b # c", "a#b"),
        (b"REGISTRY=#b", "#b"),
        (b"REGISTRY=a=b", "a=b"),
        (b"REGISTRY=ab\\\nc", "abc"),
        (b"REGISTRY=a~b", "a~b"),
        (b"REGISTRY=a*{b,c}", "a*{b,c}"),
        (b"REGISTRY='a;b&c|d<e(f)'", "a;b&c|d<e(f)"),
        (b"REGISTRY='a\nb'", "a\nb"),
        (b"# \xe9t\xe9\nOTHER=\xe9\nREGISTRY=abc", "abc"),
        (b"OTHER=\"x\nREGISTRY=old\n\"\nREGISTRY=abc", "abc"),
        (b"X=abc OTHER=\"$X ${X}\" REGISTRY=abc", "abc"),
        (b"REGISTRY=", ""),
    ];
    for (file, value) in cases {
        let read = ours(file).unwrap_or_else(|refused| panic!("{}: {refused}", String::from_utf8_lossy(file)));
        assert_eq!(
            read[0].as_deref(),
            Some(value.as_bytes()),
            "{}",
            String::from_utf8_lossy(file)
        );
    }
    compare(&cases.map(|(file, _)| file.to_vec()));
}

#[test]
fn a_line_of_windows_ends_before_its_carriage_return() {
    let read = ours(b"REGISTRY=a\r\nREGISTRY_USERNAME='b'\r\n\r\n# c\r\nREGISTRY_TOKEN=c\r").unwrap();
    assert_eq!(read, ["a", "b", "c"].map(|value| Some(value.as_bytes().to_vec())));
}

#[test]
fn what_is_not_read_is_said_with_its_line() {
    for (text, says) in [
        ("\n\u{feff}REGISTRY=a", "line 2: this is a command"),
        ("\u{feff}REGISTRY=a", "line 1: it begins with a byte order mark"),
        ("#\nREGISTRY = a", "line 2: there is a space before the ="),
        ("export REGISTRY = a", "line 1: there is a space before the ="),
        ("REGISTRY= a", "line 1: REGISTRY has a space in it"),
        ("REGISTRY=a b", "line 1: REGISTRY has a space in it"),
        ("REGISTRY+=a", "line 1: REGISTRY is extended with +="),
        ("REGISTRY[0]=a", "line 1: REGISTRY is used as an array"),
        (
            "REGISTRY_USERNAME=robot$ci",
            "line 1: REGISTRY_USERNAME has a $ in it, which a shell replaces: put the value in single quotes",
        ),
        ("REGISTRY=\"robot$ci\"", "single quotes"),
        ("REGISTRY=`a`", "line 1: REGISTRY is shell code"),
        ("REGISTRY=$(a)", "line 1: REGISTRY is shell code"),
        ("OTHER=$((REGISTRY=1))", "line 1: a variable is shell code"),
        ("OTHER=${REGISTRY:=a}", "line 1: a variable is shell code"),
        ("export OTHER=$X", "line 1: a variable has a $ in it"),
        ("REGISTRY=$'a'", "line 1: REGISTRY is shell code"),
        ("\nREGISTRY='a\n\n", "line 2: REGISTRY has a quote that is not closed"),
        ("REGISTRY=a&b", "line 1: REGISTRY has a & outside of quotes"),
        ("REGISTRY=a | b", "line 1: REGISTRY has a | outside of quotes"),
        ("REGISTRY=(a)", "line 1: REGISTRY has a ( outside of quotes"),
        ("REGISTRY=~/a", "line 1: REGISTRY has a ~"),
        ("export REGISTRY={a,b}", "line 1: REGISTRY has a {"),
        (
            "REGISTRY=a;; OTHER=b",
            "line 1: a ; stands there with nothing before it",
        ),
        ("REGISTRY=a\n. ./other.env", "line 2: this is a command"),
        ("REGISTRY=a\nunset REGISTRY", "line 2: this is a command"),
        ("set -e\nREGISTRY=a", "line 1: this is a command"),
        ("REGISTRY=a\\", "line 1: REGISTRY ends with a backslash"),
        ("REGISTRY=a\0b", "line 1: there is a NUL"),
    ] {
        let said = ours(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(says), "{text}\n{said}");
    }
}
