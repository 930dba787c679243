//! The flags of `images prune`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::rules::{Age, Pattern, Rules};
use crate::commands::args::{DocumentFormat, TrialArgs, with_help};
use crate::commands::images::args::{ImageRegistryArgs, ImageUsersArgs, Selection, TEXTS};

#[derive(Debug, Args)]
#[command(
    mut_args(|arg| with_help(arg, &TEXTS)),
    after_help = "Nothing is deleted without --yes or a typed answer. A tag that goes is set aside first: pulls by its name fail, `images restore` brings it back, and a later run deletes it for good when the grace is over. Name every cluster that pulls these images with --context.

Examples:
  kubectl regcred images prune admin --keep 30 --context prod --context spare
  kubectl regcred images prune admin/api --keep 10 --older-than 30d --context prod --yes
  kubectl regcred images prune admin --keep 5 --match 'pr-*' --context prod
  kubectl regcred images prune admin --keep 30 --exclude '*/api:*' --context prod --plan plan.json   # to read, and to apply later
  kubectl regcred images prune --apply plan.json --yes
  kubectl regcred images prune admin --keep 30 --context prod --dry-run=client -o json"
)]
pub struct ImagesPruneArgs {
    /// All images of a user or an organisation, or one image (repeatable). Charts and other artifacts go only if their
    /// name is given
    #[arg(
        value_name = "OWNER[/NAME]",
        required_unless_present = "apply",
        conflicts_with = "apply"
    )]
    pub images: Vec<Selection>,
    /// How many tags of each image stay, newest first
    #[arg(long, value_name = "N", required_unless_present = "apply", conflicts_with = "apply")]
    pub keep: Option<usize>,
    /// Only what was pushed before this time, such as 30d
    #[arg(long, value_name = "TIME", conflicts_with = "apply")]
    pub older_than: Option<Age>,
    /// Only tags that match: pr-*, or with the image */api:pr-* (repeatable). --keep counts only these
    #[arg(long = "match", value_name = "GLOB", conflicts_with = "apply")]
    pub matching: Vec<Pattern>,
    /// Never tags that match (repeatable)
    #[arg(long, value_name = "GLOB", conflicts_with = "apply")]
    pub exclude: Vec<Pattern>,
    /// How long it is set aside before a later run deletes it; 0 deletes at once, and there is no way back
    #[arg(long, value_name = "TIME", default_value = "7d", conflicts_with = "apply")]
    pub grace: Age,
    /// Do it without asking
    #[arg(long)]
    pub yes: bool,
    /// Write the plan to this file, and delete nothing
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["apply", "yes"])]
    pub plan: Option<PathBuf>,
    /// Do what this plan says, as far as it is still true: everything is read again
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub apply: Option<PathBuf>,
    /// Whether the plan is only printed.
    #[command(flatten)]
    pub trial: TrialArgs,
    /// Print a document instead of text
    #[arg(short, long, value_name = "json|yaml")]
    pub output: Option<DocumentFormat>,
    /// The registry, and who asks it.
    #[command(flatten)]
    pub source: ImageRegistryArgs,
    /// The clusters that use the images.
    #[command(flatten)]
    pub users: ImageUsersArgs,
}

impl ImagesPruneArgs {
    /// The rules that the flags give; `None` with `--apply`.
    pub fn rules(&self) -> Option<Rules> {
        Some(Rules {
            keep: self.keep?,
            older_than: self.older_than,
            matching: self.matching.clone(),
            exclude: self.exclude.clone(),
            grace: self.grace,
        })
    }
}
