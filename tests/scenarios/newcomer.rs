//! Somebody who has a desktop with kubectl, krew and docker, and has read nothing but README: from the installation to the
//! end, at a real terminal. Whatever is typed stands in README.
//!
//! `tests/newcomer.sh` shows the session.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use rexpect::ReadUntil;
use rexpect::session::PtySession;

use super::documents::{blocks, read, session};
use super::krew::left;
use crate::support::control_plane::{self, ADMIN_TOKEN, ControlPlane};
use crate::support::krew::{self, Release};
use crate::support::part::{missing, program, until};
use crate::support::parts::{BASH, BASH_COMPLETION, KREW, REAL_PARTS};
use crate::support::scenario::Part;
use crate::support::world::World;

/// What the system has: these, kubectl and krew.
const PROGRAMS: [&str; 6] = ["bash", "sh", "git", "rm", "cat", "docker"];
/// Where the session is written to, for whoever wants to see it.
const TRANSCRIPT: &str = "REGCRED_TEST_TRANSCRIPT";

/// What the newcomer types.
const TYPED: Part = Part::new(|| missing(&PROGRAMS));

const PROMPT: &str = "newcomer$ ";
const NAMESPACE: &str = "honeydue-newcomer";
/// docker's file, from before: another indentation than ours, and no line break at its end.
const DOCKER_FILE: &str = "{\n   \"detachKeys\": \"ctrl-e,e\"}";

scenario!(types_the_readme, needs(REAL_PARTS, KREW, BASH, TYPED));
fn types_the_readme() {
    let release = Release::of_this_tree();
    release.publish(&release.manifest(None));
    let desktop = Desktop::new(&release);
    let before = left(&desktop.world);
    let mut person = desktop.sit_down();

    person.types_block("kubectl krew index add");
    person.types_inline("kubectl regcred completion install");
    person.completes_a_namespace();
    let first = person.types_block("kubectl regcred login gitea.example.com -u admin\nkubectl regcred docker setup");
    assert!(first.contains("gitea-credentials created in namespace"), "{first}");
    assert!(first.contains("token-over-scoped: "), "{first}");
    assert!(desktop.docker_gets().contains(&person.token));
    person.types_block("kubectl regcred login gitea.example.com -u admin --use cluster");
    let well = person.types_again("kubectl regcred status -n honeydue");
    assert!(
        well.contains("all is well, 1 thing to note: 1 of 1 Secret in sync"),
        "{well}"
    );
    let old = person.token.clone();
    let rotated = person.types_block("kubectl regcred rotate");
    assert!(
        rotated.contains("revoked the old token") && old != person.token,
        "{rotated}"
    );
    assert!(!desktop.world.gitea.state().tokens.iter().any(|pat| pat.value == old));
    let well = person.types_again("kubectl regcred status -n honeydue");
    assert!(
        well.contains("all is well, 1 thing to note: 1 of 1 Secret in sync"),
        "{well}"
    );
    person.types_block("kubectl regcred docker remove");
    let current = person.token.clone();
    let seen = person.leaves();
    if let Some(file) = std::env::var_os(TRANSCRIPT) {
        fs::write(file, &seen).unwrap();
    }

    // Nothing is left but the Secret, which pods go on using.
    assert_eq!(left(&desktop.world), before);
    let docker = desktop.world.home().join(".docker/config.json");
    assert_eq!(fs::read_to_string(docker).unwrap(), DOCKER_FILE);
    assert_eq!(desktop.world.keychain().list().unwrap(), []);
    assert!(desktop.world.document("gitea-credentials").contains(&current));
    let history = fs::read_to_string(desktop.world.home().join(".bash_history")).unwrap();
    assert!(history.contains("kubectl regcred rotate "), "{history}");
    for token in desktop
        .world
        .gitea
        .state()
        .tokens
        .iter()
        .map(|pat| &pat.value)
        .chain([&old])
    {
        assert!(!seen.contains(token) && !history.contains(token));
    }
}

/// A home folder as it is before, with a session bus and its keyring.
struct Desktop {
    world: World,
    index: String,
}

impl Desktop {
    fn new(release: &Release) -> Self {
        let mut world = World::of_real_parts();
        let namespace = format!("{{apiVersion: v1, kind: Namespace, metadata: {{name: {NAMESPACE}}}}}");
        let _ = ControlPlane::shared().kubectl_ok(&["apply", "-f", "-"], &namespace);
        NAMESPACE.clone_into(&mut world.namespace);
        let home = world.home();
        let bin = world.folder().join("bin");
        fs::create_dir(&bin).unwrap();
        let kubectl = control_plane::programs().unwrap().join("kubectl");
        let programs = PROGRAMS.map(|name| program(name).unwrap());
        for file in programs
            .into_iter()
            .chain([kubectl, krew::programs().unwrap().join("kubectl-krew")])
        {
            symlink(&file, bin.join(file.file_name().unwrap())).unwrap();
        }
        let path = std::env::join_paths([home.join(".krew/bin"), bin]).unwrap();
        world.variables.insert("PATH".to_owned(), path);
        fs::create_dir(home.join(".kube")).unwrap();
        let kubeconfig = ControlPlane::shared().kubeconfig_for(ADMIN_TOKEN);
        fs::write(home.join(".kube/config"), kubeconfig).unwrap();
        world
            .variables
            .insert("KUBECONFIG".to_owned(), home.join(".kube/config").into());
        fs::create_dir(home.join(".docker")).unwrap();
        fs::write(home.join(".docker/config.json"), DOCKER_FILE).unwrap();
        // A desktop's bash completes, and whoever uses kubectl has its line there.
        let rc = format!("PS1='<$?:\\#>{PROMPT}'\n. {BASH_COMPLETION}\n. <(kubectl completion bash)\n");
        fs::write(home.join(".bashrc"), rc).unwrap();
        fs::write(home.join(".inputrc"), "set enable-bracketed-paste off\n").unwrap();
        let index = release.index().display().to_string();
        Self { world, index }
    }

    fn docker_gets(&self) -> String {
        let helper: PathBuf = self.world.home().join(".krew/bin/docker-credential-gitea");
        self.world
            .run(self.world.command(helper).arg("get"), &self.world.registry())
            .done()
    }

    fn sit_down(&self) -> Person<'_> {
        let mut bash = self.world.command("bash");
        bash.arg("-i").env("TERM", "xterm").env("NO_COLOR", "1");
        let mut this = Person {
            desktop: self,
            terminal: rexpect::session::spawn_command(bash, Some(120_000)).unwrap(),
            seen: String::new(),
            token: String::new(),
            prompts: 0,
        };
        this.sees_prompt("");
        this
    }
}

/// Who has README in front of them.
struct Person<'a> {
    desktop: &'a Desktop,
    terminal: PtySession,
    seen: String,
    /// What was typed last where a token was asked for.
    token: String,
    /// How many prompts there were.
    prompts: u32,
}

impl Person<'_> {
    /// Types the block of README that begins so, line by line. Returns what was to be seen.
    fn types_block(&mut self, begins: &str) -> String {
        let blocks = blocks::of("README.md");
        let block = blocks.iter().rfind(|block| block.text.starts_with(begins));
        let block = block.unwrap_or_else(|| panic!("README has no block {begins:?}"));
        let commands = block.commands();
        commands.iter().map(|command| self.types(&command.line)).collect()
    }

    /// Types what README says within a sentence.
    fn types_inline(&mut self, line: &str) {
        assert!(read("README.md").contains(&format!("`{line}`")), "{line}");
        self.types(line);
    }

    /// Types a line of one of README's blocks once more.
    fn types_again(&mut self, line: &str) -> String {
        let blocks = blocks::of("README.md");
        let mut lines = blocks.iter().flat_map(|block| block.text.lines());
        assert!(lines.any(|known| known == line), "{line}");
        self.types(line)
    }

    fn types(&mut self, line: &str) -> String {
        let typed = line
            .replace("https://gitea.example.com/regcred/krew-index.git", &self.desktop.index)
            .replace("gitea.example.com", &self.desktop.world.registry())
            .replace("honeydue", NAMESPACE);
        // This terminal does not show what is typed.
        self.seen.extend([&typed, "\n"]);
        self.terminal.send_line(&typed).unwrap();
        let (shown, code) = self.sees_prompt(line);
        let is_right = code == 0 || (code == 3 && line.starts_with("kubectl regcred status"));
        assert!(is_right, "{line}\n{}", self.seen);
        shown
    }

    /// Waits for the next prompt, and answers what is asked until then.
    fn sees_prompt(&mut self, line: &str) -> (String, i32) {
        let mut shown = String::new();
        loop {
            let until = [session::TOKEN, PROMPT].map(|text| ReadUntil::String(text.to_owned()));
            let found = self.terminal.exp_any(until.into());
            let (before, matched) = found.unwrap_or_else(|error| panic!("{error}\n{}{shown}", self.seen));
            shown += &before;
            shown += &matched;
            if let Some(text) = shown.strip_suffix(PROMPT) {
                let (code, number) = text.rsplit_once('<').unwrap().1.split_once(':').unwrap();
                let number: u32 = number.trim_end_matches('>').parse().unwrap();
                // A Tab may have shown the last one once more.
                if number > self.prompts {
                    self.prompts = number;
                    let code = code.parse().unwrap();
                    self.seen += &shown;
                    return (shown, code);
                }
                continue;
            }
            let is_for_clusters = line.contains("--use cluster") || line.contains(" rotate ");
            let scopes = if is_for_clusters {
                "read:package"
            } else {
                "write:package"
            };
            self.token = self.desktop.world.gitea.add_token("admin", scopes);
            shown += &session::answer(&mut self.terminal, &self.token);
        }
    }

    /// Types a part of a namespace and presses Tab, until it is there: a busy cluster is not waited for.
    fn completes_a_namespace(&mut self) {
        let typed = "kubectl regcred sync -n honeydue-newc";
        until("the namespace is completed", || {
            // Then to the beginning of the line, which is shown and not run.
            self.terminal.send(&format!("{typed}\t\u{1}echo + \u{5};:\r")).unwrap();
            self.terminal.flush().unwrap();
            self.seen.extend([typed, "<Tab>\n"]);
            let (shown, _) = self.sees_prompt(typed);
            // As it is typed, the line ends with a semicolon.
            shown.contains(&format!("+ kubectl regcred sync -n {NAMESPACE}\r\n"))
        });
    }

    /// Ends the session. Returns all that was to be seen.
    fn leaves(mut self) -> String {
        self.terminal.send_line("exit").unwrap();
        self.terminal.exp_eof().unwrap();
        self.seen
    }
}
