//! The flags of `images list`.

use clap::{Args, ValueEnum};

use crate::commands::args::{DocumentFormat, with_help};
use crate::commands::images::args::{ImageRegistryArgs, ImageUsersArgs, Selection, TEXTS};

#[derive(Debug, Args)]
#[command(
    mut_args(|arg| with_help(arg, &TEXTS)),
    after_help = "Nothing is changed. At other registries than Gitea and Forgejo, name the image too: they list no owner's images.

Examples:
  kubectl regcred images list admin --context prod
  kubectl regcred images list admin/api --context prod --context spare -o wide
  kubectl regcred images list acme/app --registry ghcr.io
  kubectl regcred images list admin -o json"
)]
pub struct ImagesListArgs {
    /// All images of a user or an organisation, or one image (repeatable)
    #[arg(value_name = "OWNER[/NAME]", required = true)]
    pub images: Vec<Selection>,
    /// `wide` adds columns and cuts nothing off; `json` and `yaml` print a document
    #[arg(short, long, value_name = "wide|json|yaml")]
    pub output: Option<ImagesListFormat>,
    /// The registry, and who asks it.
    #[command(flatten)]
    pub source: ImageRegistryArgs,
    /// The clusters that use the images.
    #[command(flatten)]
    pub users: ImageUsersArgs,
}

/// `-o` of `images list`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ImagesListFormat {
    /// A table with more columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

impl ImagesListFormat {
    pub fn document(self) -> Option<DocumentFormat> {
        match self {
            Self::Wide => None,
            Self::Json => Some(DocumentFormat::Json),
            Self::Yaml => Some(DocumentFormat::Yaml),
        }
    }
}
