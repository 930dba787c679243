//! Parses an unfinished command line: its command, the arguments so far, and what is to be completed.

use std::collections::BTreeMap;

use clap::{Arg, ArgAction, Command};

/// A command line up to the word to complete.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The command that the words select.
    pub command: &'a Command,
    /// The words before the last one.
    pub words: &'a [String],
    /// The arguments so far with their values, by id; `None` for a flag without a value.
    pub given: BTreeMap<String, Vec<String>>,
    /// What the last word can be.
    pub wanted: Wanted<'a>,
}

/// What can complete the last word.
#[derive(Debug)]
pub(super) enum Wanted<'a> {
    /// A command below this one.
    Subcommand(&'a str),
    /// A flag of this command.
    Flag(&'a str),
    /// A value.
    Value {
        /// Of this argument.
        arg: &'a Arg,
        /// The text before it in the same word, which is a part of the candidate, as in `-nhoneydue`.
        before: &'a str,
        /// The typed part of it.
        typed: &'a str,
    },
    /// Nothing can follow.
    Nothing,
}

impl<'a> Line<'a> {
    /// Parses the words after `kubectl regcred`, of which the last is the one to complete. `root` has been built.
    pub(super) fn read(root: &'a Command, words: &'a [String]) -> Self {
        let (last, words) = words
            .split_last()
            .map_or(("", words), |(last, before)| (last.as_str(), before));
        let mut line = Self {
            command: root,
            words,
            given: BTreeMap::new(),
            wanted: Wanted::Nothing,
        };
        let mut awaiting: Option<&Arg> = None;
        let (mut positionals, mut only_positionals) = (0, false);
        for word in words {
            if let Some(arg) = awaiting.take() {
                line.note(arg, Some(word));
            } else if only_positionals || !is_flag(word) {
                let below = line.command.find_subcommand(word).filter(|_| !only_positionals);
                if let Some(below) = below {
                    line.command = below;
                    line.given.clear();
                    positionals = 0;
                } else if let Some(arg) = line.positional(positionals) {
                    line.note(arg, Some(word));
                    positionals += 1;
                } else {
                    return line;
                }
            } else if word == "--" {
                only_positionals = true;
            } else {
                awaiting = line.flags(word);
            }
        }
        line.wanted = match awaiting {
            Some(arg) => Wanted::Value {
                arg,
                before: "",
                typed: last,
            },
            None => line.wanted_for(last, positionals, only_positionals),
        };
        line
    }

    /// The last value that the argument with this id was given.
    pub(super) fn value(&self, id: &str) -> Option<&str> {
        self.given.get(id)?.last().map(String::as_str)
    }

    fn wanted_for(&self, last: &'a str, positionals: usize, only_positionals: bool) -> Wanted<'a> {
        if last.starts_with('-') && !only_positionals {
            return self.flag_value(last).unwrap_or(Wanted::Flag(last));
        }
        if self.command.has_subcommands() {
            return Wanted::Subcommand(last);
        }
        match self.positional(positionals) {
            Some(arg) => Wanted::Value {
                arg,
                before: "",
                typed: last,
            },
            // Only flags can follow, so they are shown.
            None if last.is_empty() && !only_positionals => Wanted::Flag(last),
            None => Wanted::Nothing,
        }
    }

    /// The value in `--flag=va`, `-f=va` or `-fva`.
    fn flag_value(&self, last: &'a str) -> Option<Wanted<'a>> {
        if last.starts_with("--") {
            let (name, typed) = last.split_once('=')?;
            return Some(
                self.long(name)
                    .filter(|arg| takes_value(arg))
                    .map_or(Wanted::Nothing, |arg| {
                        // cobra's shell scripts complete only the part after `=`.
                        Wanted::Value { arg, before: "", typed }
                    }),
            );
        }
        let (arg, rest) = self.short_with_value(last)?;
        match (rest.strip_prefix('='), rest) {
            (_, "") => None,
            (Some(typed), _) => Some(Wanted::Value { arg, before: "", typed }),
            (None, typed) => Some(Wanted::Value {
                arg,
                before: &last[..last.len() - rest.len()],
                typed,
            }),
        }
    }

    /// Records the flags of one word, and returns the one that still needs its value.
    fn flags(&mut self, word: &'a str) -> Option<&'a Arg> {
        if word.starts_with("--") {
            let (name, value) = word
                .split_once('=')
                .map_or((word, None), |(name, value)| (name, Some(value)));
            let arg = self.long(name)?;
            self.note(arg, value);
            return (value.is_none() && takes_value(arg) && !arg.is_require_equals_set()).then_some(arg);
        }
        for letter in word.chars().skip(1) {
            let Some(arg) = self.short(letter) else { break };
            if takes_value(arg) {
                break;
            }
            self.note(arg, None);
        }
        let (arg, rest) = self.short_with_value(word)?;
        let value = rest.strip_prefix('=').unwrap_or(rest);
        self.note(arg, (!rest.is_empty()).then_some(value));
        rest.is_empty().then_some(arg)
    }

    /// The first flag of a word of short ones that takes a value, and what comes after it.
    fn short_with_value(&self, word: &'a str) -> Option<(&'a Arg, &'a str)> {
        let mut letters = word.strip_prefix('-')?.chars();
        while let Some(letter) = letters.next() {
            let arg = self.short(letter)?;
            if takes_value(arg) {
                return Some((arg, letters.as_str()));
            }
        }
        None
    }

    fn note(&mut self, arg: &Arg, value: Option<&str>) {
        let values = self.given.entry(arg.get_id().to_string()).or_default();
        values.extend(value.map(str::to_owned));
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        let name = name.strip_prefix("--")?;
        self.command.get_arguments().find(|arg| arg.get_long() == Some(name))
    }

    fn short(&self, letter: char) -> Option<&'a Arg> {
        self.command.get_arguments().find(|arg| arg.get_short() == Some(letter))
    }

    /// The last positional takes all that follow if it is repeatable.
    fn positional(&self, at: usize) -> Option<&'a Arg> {
        let all: Vec<&Arg> = self.command.get_positionals().collect();
        all.get(at)
            .or_else(|| all.last().filter(|arg| is_repeatable(arg)))
            .copied()
    }
}

fn is_flag(word: &str) -> bool {
    word.len() > 1 && word.starts_with('-')
}

/// Whether a value can follow the flag, in the same word or in the next.
pub(super) fn takes_value(arg: &Arg) -> bool {
    arg.get_action().takes_values()
}

/// Whether it may be given more than once.
pub(super) fn is_repeatable(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Append | ArgAction::Count)
}
