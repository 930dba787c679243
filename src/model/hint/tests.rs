use super::*;
use std::process::Command;

/// Words that are quoted, one that needs no quotes, and some that cannot be quoted for all four shells.
const QUOTED: &[&str] = &[
    "a b",
    "$HOME",
    "$(touch x)",
    "`id`",
    "a;b",
    "a|b",
    "a&b",
    "!x",
    "*",
    "~",
    "~root",
    "%self",
    "{a,b}",
    "a,b",
    "[::1]:5000",
    r"C:\Users\jane doe\kube config",
    "=ls",
    "@args",
    "#x",
    "zoë",
    "(x)",
    "<x>",
    "^x",
    "a?",
    "x=$y",
    "1 2  3",
    r"a\nb",
    ":x",
];
const PLAIN: &[&str] = &[
    "gitea.example.com:3000",
    "/home/a/.kube/config",
    "a@b",
    "x=y",
    "2024-01-01",
    "a_b",
    "1e3",
];
const REFUSED: &[&str] = &[
    "",
    "it's",
    "a\nb",
    "a\rb",
    r"a\",
    r"\\server\share",
    "\"",
    "‘x",
    "’; rm -rf /",
    "-n",
    "--as",
    "a\u{202e}b",
    "a\u{2028}b",
    "\u{1b}[2J",
    r"\'; touch x; #",
];

#[test]
fn a_word_is_plain_quoted_or_a_placeholder() {
    for word in PLAIN {
        assert_eq!(quoted(word).as_deref(), Some(*word));
    }
    for word in QUOTED {
        assert_eq!(quoted(word).as_deref(), Some(&*format!("'{word}'")));
    }
    for word in REFUSED {
        assert_eq!(CommandLine::new("x").value("WORD", word).as_str(), "x WORD", "{word:?}");
    }
}

#[test]
fn a_tenants_word_is_a_name_or_a_placeholder() {
    for name in [
        "robot",
        "jane@example.com",
        "system:serviceaccount:ci:deploy",
        "a/b",
        "x.y_z-1",
    ] {
        assert_eq!(
            CommandLine::new("x").foreign("USER", name).as_str(),
            format!("x {name}")
        );
    }
    let long = "a".repeat(MAX_FOREIGN + 1);
    for name in QUOTED
        .iter()
        .chain(REFUSED)
        .copied()
        .chain(["robot$ci", "a=b", "a+b", ":(glob)*", &long])
    {
        assert_eq!(
            CommandLine::new("x").foreign("USER", name).as_str(),
            "x USER",
            "{name:?}"
        );
    }
}

#[test]
fn what_a_command_says() {
    let apply = CommandLine::new("kubectl apply").words("-f -");
    let line = CommandLine::new("kubectl regcred rbac")
        .option("--user", "USER", "jane doe")
        .pipe(&apply);
    assert_eq!(
        line.as_str(),
        "kubectl regcred rbac --user 'jane doe' | kubectl apply -f -"
    );
    assert_eq!(
        Hint::to("grant it", line).to_string(),
        "grant it: kubectl regcred rbac --user 'jane doe' | kubectl apply -f -"
    );
}

/// Runs the installed shells and compares each word. CI installs them all.
#[test]
fn the_shells_take_each_word_as_it_is() {
    for shell in ["sh", "dash", "bash", "zsh", "fish", "pwsh"] {
        let program = match Command::new(shell).arg("-c").arg("exit 0").output() {
            Ok(output) if output.status.success() => shell,
            _ => continue,
        };
        for word in PLAIN.iter().chain(QUOTED) {
            let line = CommandLine::new("printf '[%s]'").value("WORD", word);
            // In PowerShell, printf is the system's; -c works as in the others.
            let output = Command::new(program).arg("-c").arg(line.as_str()).output().unwrap();
            assert_eq!(
                String::from_utf8_lossy(&output.stdout),
                format!("[{word}]"),
                "{program}: {line}"
            );
        }
    }
}

/// PowerShell's grammar, for machines without it: in a single-quoted string only quotes are special, and a quote is any
/// of five characters (System.Management.Automation, `CharTraits.IsSingleQuote`).
#[test]
fn no_quote_of_powershells_is_within_a_quoted_word() {
    for c in ['\'', '\u{2018}', '\u{2019}', '\u{201a}', '\u{201b}'] {
        assert_eq!(quoted(&format!("a b{c}")), None);
    }
    // Special in an unquoted word: separators, operators, variables, and a parameter that ends with a period.
    for c in " ,;&|(){}<>$`\"'#%".chars() {
        assert_ne!(quoted(&format!("a{c}b")).as_deref(), Some(&*format!("a{c}b")));
    }
}
