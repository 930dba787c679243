//! What is made from the command line's own description: the shells' static scripts and the pages for `man`.

use std::fmt::Write as _;

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use regcred::commands;

/// A file's name and text.
pub type File = (String, String);

/// What every script begins with, where the shell wants nothing else there.
const NOTE: &str = "\
# Completion of `kubectl-regcred`, called by that name. For `kubectl regcred` and its namespaces, contexts, Secrets and
# registries there is: kubectl regcred completion install
# Generated from the command line's description: cargo run --example generate -- completions completions
";

/// The files of `completions/`.
#[must_use]
pub fn completions() -> Vec<File> {
    let shells = [
        (Shell::Bash, "kubectl-regcred.bash"),
        (Shell::Zsh, "_kubectl-regcred"),
        (Shell::Fish, "kubectl-regcred.fish"),
        (Shell::PowerShell, "_kubectl-regcred.ps1"),
    ];
    shells.map(|(shell, name)| (name.to_owned(), script(shell))).into()
}

fn script(shell: Shell) -> String {
    let mut bytes = Vec::new();
    // Under the name that it is called by here, and not as kubectl's `kubectl regcred`.
    let mut command = commands::command().name("kubectl-regcred").bin_name("kubectl-regcred");
    clap_complete::generate(shell, &mut command, "kubectl-regcred", &mut bytes);
    // clap_complete 4.6.11 for bash writes the dash of a program's name in two ways, and then finds no verb of it.
    let text = String::from_utf8(bytes)
        .unwrap()
        .replace("kubectl__subcmd__regcred", "kubectl__regcred");
    let lines: Vec<&str> = text.trim_start().lines().map(str::trim_end).collect();
    // zsh finds the name of the command in the first line.
    let first = usize::from(shell == Shell::Zsh);
    let (head, rest) = lines.split_at(first);
    let all: Vec<&str> = [head, &NOTE.lines().collect::<Vec<_>>(), rest].concat();
    all.join("\n") + "\n"
}

/// The pages for `man`: one for each verb, and one for docker's helper, as of this date.
#[must_use]
pub fn man(date: &str) -> Vec<File> {
    let mut root = commands::command();
    root.build();
    let mut pages = vec![("docker-credential-gitea.1".to_owned(), helper(date))];
    pages_of(&root, "kubectl-regcred", date, &mut pages);
    pages
}

fn pages_of(command: &Command, name: &str, date: &str, pages: &mut Vec<File>) {
    pages.push((format!("{name}.1"), page(command, name, date)));
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        pages_of(below, &format!("{name}-{}", below.get_name()), date, pages);
    }
}

fn page(command: &Command, name: &str, date: &str) -> String {
    let after = [command.get_after_long_help(), command.get_after_help()];
    let after = after
        .into_iter()
        .flatten()
        .next()
        .map(ToString::to_string)
        .unwrap_or_default();
    // What comes after the flags is laid out by hand, which a paragraph of man's would undo.
    // clap takes only names that live for ever, and this program does not live for long.
    let name: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let man = Man::new(
        command
            .clone()
            .name(name)
            .display_name(name)
            .after_help("")
            .after_long_help(""),
    )
    .title(name.to_uppercase())
    .date(date)
    .manual("regcred");
    let mut bytes = Vec::new();
    man.render_title(&mut bytes).unwrap();
    man.render_name_section(&mut bytes).unwrap();
    man.render_synopsis_section(&mut bytes).unwrap();
    man.render_description_section(&mut bytes).unwrap();
    man.render_options_section(&mut bytes).unwrap();
    if command.has_subcommands() {
        man.render_subcommands_section(&mut bytes).unwrap();
    }
    // Breaks around an empty line, which is one: mandoc finds them worth a warning.
    let text = String::from_utf8(bytes).unwrap();
    let mut text = text.replace("\n\n", "\n.sp\n");
    while let Some(at) = text
        .find("\n.br\n.sp")
        .or_else(|| text.find("\n.sp\n.br").map(|at| at + 4))
    {
        text.replace_range(at..at + 4, "");
    }
    for part in after.split("\n\n") {
        let (heading, body) = match part.split_once(":\n") {
            Some((heading, body)) if !heading.contains('\n') => (heading.to_uppercase(), body),
            _ => ("NOTES".to_owned(), part),
        };
        let _ = writeln!(text, ".SH \"{heading}\"\n.nf\n{}\n.fi", as_it_is(body));
    }
    text
}

/// Text in which man's language has nothing to find.
fn as_it_is(text: &str) -> String {
    let line = |line: &str| {
        let line = line.replace('\\', "\\e").replace('-', "\\-").replace('…', "...");
        if line.starts_with(['.', '\'']) {
            format!("\\&{line}")
        } else {
            line
        }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn helper(date: &str) -> String {
    format!(
        ".TH DOCKER\\-CREDENTIAL\\-GITEA 1 \"{date}\" \"{}\" \"regcred\"
.SH NAME
docker\\-credential\\-gitea \\- give docker the registry credentials of the OS keychain
.SH SYNOPSIS
\\fBdocker\\-credential\\-gitea\\fR get|store|erase|list|version
.SH DESCRIPTION
Docker, podman, buildah, skopeo and other clients run it when their configuration names \\fBgitea\\fR as the credential
helper of a registry, which \\fBkubectl regcred docker setup\\fR arranges.
It speaks docker's credential helper protocol on standard input and output, and keeps what it is given in the OS
keychain: the Secret Service of the session bus, the macOS keychain, or the Windows credential manager.
.SH ACTIONS
.TP
\\fBget\\fR
read a registry, print its user and token as JSON
.TP
\\fBstore\\fR
read a registry, a user and a token as JSON, and keep them
.TP
\\fBerase\\fR
read a registry, and forget its token
.TP
\\fBlist\\fR
print the registries and their users as JSON, never a token
.TP
\\fBversion\\fR
print the version
.SH \"EXIT STATUS\"
0, or 1 with the reason on standard output, as docker expects it.
.SH \"SEE ALSO\"
\\fBkubectl\\-regcred\\fR(1), \\fBkubectl\\-regcred\\-login\\fR(1)
",
        env!("CARGO_PKG_VERSION")
    )
}
