//! The findings, from what the clusters need and what the registries answered. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::ask::Answer;
use super::observe::{Observed, Seen};
use super::plan::{Plan, Planned, Source};
use super::platform::misfits;
use crate::cluster::images::{How, ImageUse, InvalidImage, Node, Unread};
use crate::cluster::survey::{NamespaceSelection, Unreadable};
use crate::cluster::{self, Namespace};
use crate::commands::status::Code;
use crate::commands::status::finding::{Finding, Object, Remedy};
use crate::commands::status::given_flags::{Flag, GivenFlags};
use crate::model::{CommandLine, Version, count, printable};

/// The longest name of a Secret that is shown, in characters.
const MAX_SECRET: usize = 80;
/// The longest answer of a registry that is shown, in characters.
const MAX_CAUSE: usize = 300;
/// The most parts of a cluster that could not be read of which each is a finding.
const MAX_UNREAD: usize = 50;

/// The findings of all clusters.
pub(super) fn findings(clusters: &[Observed], plan: &Plan<'_>, answers: &[Answer], flags: &GivenFlags) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, cluster) in clusters.iter().enumerate() {
        match &cluster.seen {
            Err(error) => findings.push(Finding::unreachable(&cluster.context, error)),
            Ok(seen) => {
                findings.extend(unread(cluster, seen, flags));
                findings.extend(invalid(cluster, seen));
                let planned = plan.planned.iter().filter(|planned| planned.cluster == at);
                findings.extend(of_images(cluster, seen, planned, answers));
            }
        }
    }
    findings
}

fn context(cluster: &Observed) -> Option<String> {
    Some(cluster.context.clone()).filter(|context| !context.is_empty())
}

/// What could not be read: whatever it holds was not checked.
fn unread(cluster: &Observed, seen: &Seen, flags: &GivenFlags) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    let mut known = BTreeSet::new();
    for unread in seen.needs.unread.iter().take(MAX_UNREAD) {
        findings.push(match unread {
            Unread::Kind(kind) => {
                known.insert(kind.object.resource);
                unreadable(cluster, seen, kind, flags)
            }
            Unread::CustomResource { group, plural, why } => Finding {
                remedy: Remedy::advice(format!(
                    "if it is not allowed: {} --api-group GROUP prints the Role, with {group} for GROUP",
                    rbac(seen).as_str()
                )),
                ..not_read(cluster, None, &format!("{plural}.{group}"), why)
            },
            Unread::Object { object, namespace, why } => {
                let namespace = namespace.as_ref().map(ToString::to_string);
                not_read(cluster, namespace, object, why)
            }
            Unread::Discovery { .. } | Unread::TooMany => not_read(cluster, None, "images", &unread.to_string()),
        });
    }
    let others = seen.survey.unseen.iter();
    let others = others.filter(|unseen| !known.contains(&unseen.object.resource));
    findings.extend(others.map(|unseen| unreadable(cluster, seen, unseen, flags)));
    if let Err(error) = &seen.nodes {
        findings.push(Finding {
            message: None,
            code: match error {
                cluster::Error::Forbidden(_) => Code::NotAllowed,
                _ => Code::ClusterUnreachable,
            },
            object: Object {
                context: context(cluster),
                namespace: None,
                kind: "resource",
                name: "nodes".to_owned(),
            },
            cause: format!("it is not known for which platforms images are needed: {error}"),
            remedy: Remedy::command(grant(cluster, seen, error, flags)),
        });
    }
    findings
}

fn not_read(cluster: &Observed, namespace: Option<String>, name: &str, why: &str) -> Finding {
    Finding {
        message: None,
        code: Code::ImagesUnread,
        object: Object {
            context: context(cluster),
            namespace,
            kind: "object",
            name: name.to_owned(),
        },
        cause: why.to_owned(),
        remedy: Remedy::default(),
    }
}

fn unreadable(cluster: &Observed, seen: &Seen, unseen: &Unreadable, flags: &GivenFlags) -> Finding {
    let is_forbidden = matches!(unseen.error, cluster::Error::Forbidden(_));
    Finding {
        message: None,
        code: if is_forbidden {
            Code::NotAllowed
        } else {
            Code::ImagesUnread
        },
        object: Object {
            context: context(cluster),
            namespace: unseen.object.namespace.as_ref().map(ToString::to_string),
            kind: "resource",
            name: unseen.object.resource.plural().to_owned(),
        },
        cause: if is_forbidden {
            "objects of this kind may not be listed".to_owned()
        } else {
            unseen.error.to_string()
        },
        remedy: if is_forbidden {
            Remedy::command(grant(cluster, seen, &unseen.error, flags))
                .and("an administrator of the cluster has to run this")
        } else {
            Remedy::of(unseen.error.hint())
        },
    }
}

/// The command that prints the Role for `images` where it looked.
fn rbac(seen: &Seen) -> CommandLine {
    let places = match &seen.places {
        NamespaceSelection::All => vec![Flag::alone("-A")],
        NamespaceSelection::Selected(selector) => vec![Flag::new("-l", "SELECTOR", selector)],
        NamespaceSelection::Named(names) => names.iter().map(|name| Flag::new("-n", "NAMESPACE", name)).collect(),
    };
    Flag::add(CommandLine::new("kubectl regcred rbac"), &places).words("--images")
}

/// The command that applies it.
fn grant(cluster: &Observed, seen: &Seen, error: &cluster::Error, flags: &GivenFlags) -> CommandLine {
    let context = cluster.flag.as_deref();
    let user = match error {
        cluster::Error::Forbidden(forbidden) => forbidden.user.as_deref(),
        _ => None,
    };
    flags.grant(context, rbac(seen), user)
}

fn invalid(cluster: &Observed, seen: &Seen) -> Vec<Finding> {
    let of = |invalid: &InvalidImage| Finding {
        message: None,
        code: Code::ImageNameInvalid,
        object: image(cluster, &invalid.image),
        cause: format!("no node can pull it; {} names it", place(&invalid.used)),
        remedy: Remedy::advice(
            "write a name in lower case letters, digits, and single . _ or - between them, and one tag or digest",
        ),
    };
    seen.needs.invalid.iter().map(of).collect()
}

fn image(cluster: &Observed, name: &str) -> Object {
    Object {
        context: context(cluster),
        namespace: None,
        kind: "image",
        name: name.to_owned(),
    }
}

/// `deployment.apps/api in namespace web (template)`
fn place(used: &ImageUse) -> String {
    let object = used.controller.as_ref().unwrap_or(&used.object);
    match &used.namespace {
        Some(namespace) => format!("{object} in namespace {namespace} ({})", used.how),
        None => format!("{object} ({})", used.how),
    }
}

/// The first of them, and how many more there are.
fn places<'a>(uses: impl IntoIterator<Item = &'a ImageUse>) -> String {
    let all: BTreeSet<(&How, String)> = uses.into_iter().map(|used| (&used.how, place(used))).collect();
    let first = all.first().map_or_else(String::new, |(_, place)| place.clone());
    match all.len().saturating_sub(1) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What is wrong with an image, for the uses that it is wrong for.
type Wrong<'a> = BTreeMap<(Code, String, String), (Vec<&'a ImageUse>, String, &'static str)>;

/// A Secret that is not there: its namespace and name, and whether there is one of another type.
type LackingSecret<'a> = (Option<&'a Namespace>, &'a str, bool);
/// The images that are to be pulled with it, and their uses.
type Lacking<'a> = BTreeMap<LackingSecret<'a>, (BTreeSet<String>, Vec<&'a ImageUse>)>;

fn of_images<'a>(
    cluster: &Observed,
    seen: &Seen,
    planned: impl Iterator<Item = &'a Planned<'a>>,
    answers: &[Answer],
) -> Vec<Finding> {
    let mut wrong: Wrong<'a> = BTreeMap::new();
    let mut lacking: Lacking<'a> = BTreeMap::new();
    for one in planned {
        let mut add = |code: Code, cause: String, advice: &'static str| {
            let key = (code, one.image.to_string(), cause.clone());
            let (uses, ..) = wrong.entry(key).or_insert_with(|| (Vec::new(), cause, advice));
            uses.push(one.used);
        };
        match &one.source {
            Source::Broken { secret } => add(
                Code::ImageRefused,
                format!("kubelet cannot decode the Secret {secret}, and then asks for nothing"),
                "status shows what is wrong with the Secret, and the command that writes it anew",
            ),
            Source::Anonymous => add(
                Code::ImageWithoutCredential,
                "kubelet has no credential for it: neither the pod nor its ServiceAccount names a Secret with one"
                    .to_owned(),
                "if the registry does not give it to everybody: kubectl regcred sync --service-account attaches a Secret",
            ),
            Source::Lacking {
                secret,
                is_of_wrong_type,
            } => {
                let key = (one.used.namespace.as_ref(), secret.as_str(), *is_of_wrong_type);
                let (images, uses) = lacking.entry(key).or_default();
                images.insert(one.image.to_string());
                uses.push(one.used);
            }
            Source::Unseen { secret } => add(
                Code::ImageUnclear,
                format!("the Secret {secret} that it is pulled with was not looked at"),
                "",
            ),
            Source::Secret | Source::Unknown => {}
        }
        let Some(answer) = one.question.and_then(|at| answers.get(at)) else {
            continue;
        };
        judge(one, answer, seen.nodes.as_deref().unwrap_or_default(), &mut add);
    }
    let wrong = wrong
        .into_iter()
        .map(|((code, name, _), (uses, cause, advice))| Finding {
            message: None,
            code,
            object: image(cluster, &name),
            cause: format!("{cause}; needed by {}", places(uses)),
            remedy: if advice.is_empty() {
                Remedy::default()
            } else {
                Remedy::advice(advice)
            },
        });
    let lacking = lacking.into_iter().map(|(secret, what)| missing(cluster, secret, what));
    lacking.chain(wrong).collect()
}

/// The finding for a Secret that images are to be pulled with.
fn missing(
    cluster: &Observed,
    (namespace, secret, is_of_wrong_type): LackingSecret<'_>,
    (images, uses): (BTreeSet<String>, Vec<&ImageUse>),
) -> Finding {
    let (is, advice) = if is_of_wrong_type {
        (
            "it has a type that kubelet ignores",
            "a Secret's type cannot be changed: let what needs it name another",
        )
    } else {
        (
            "it does not exist",
            "kubectl regcred sync --secret makes one of this name; or let what needs it name another",
        )
    };
    let first = images.first().map_or("", String::as_str);
    let more = match images.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Finding {
        message: None,
        code: Code::SecretMissing,
        object: Object {
            context: context(cluster),
            namespace: namespace.map(ToString::to_string),
            kind: "secret",
            name: printable(secret, MAX_SECRET),
        },
        cause: format!(
            "{is}, and kubelet has no other credential for {first}{more}; needed by {}",
            places(uses)
        ),
        remedy: Remedy::advice(advice),
    }
}

fn judge(one: &Planned<'_>, answer: &Answer, nodes: &[Node], add: &mut impl FnMut(Code, String, &'static str)) {
    let there = match answer {
        Answer::There(there) => there,
        Answer::Missing => {
            return add(
                Code::ImageMissing,
                "the registry has no such tag or digest".to_owned(),
                "push it again; what prune has set aside, kubectl regcred images restore brings back",
            );
        }
        Answer::Refused(why) => {
            return add(
                Code::ImageRefused,
                printable(why, MAX_CAUSE),
                "status says which token is rejected; for a token that works, its account needs access to the image",
            );
        }
        Answer::Unclear(why) => return add(Code::ImageUnclear, printable(why, MAX_CAUSE), ""),
    };
    if !there.missing.is_empty() {
        add(
            Code::ImageIncomplete,
            format!("the registry does not have {}", there.missing.join(", ")),
            "build and push it again under the same tag",
        );
    }
    if let (Version::Tag(_), Some(running)) = (one.image.version(), &one.used.running)
        && !there.ids.contains(running)
    {
        add(
            Code::TagMoved,
            format!("it runs as {running}, and the tag is {} by now", there.digest),
            "restart what runs it to have the new one, or name the image by its digest",
        );
    }
    if let Some(pod) = &one.used.pod
        && !there.platforms.is_empty()
    {
        let misfits = misfits(nodes, pod, &there.platforms);
        if !misfits.is_empty() {
            let misfits: Vec<&str> = misfits.into_iter().collect();
            add(
                Code::ImagePlatform,
                format!(
                    "it is for {}, and a node is {}",
                    there.platforms.join(", "),
                    misfits.join(", ")
                ),
                "build it for that platform too, or keep its pods on other nodes with a nodeSelector",
            );
        }
    }
}

/// What was checked, for the last line.
pub(super) fn checked(clusters: &[Observed], plan: &Plan<'_>) -> Vec<String> {
    let seen = || clusters.iter().filter_map(|cluster| cluster.seen.as_ref().ok());
    let images: BTreeSet<_> = plan.planned.iter().map(|planned| planned.image).collect();
    let mut parts = vec![format!("{} checked", count::show(images.len(), "image"))];
    let passed_over: usize = seen().map(|seen| seen.needs.passed_over).sum();
    if passed_over > 0 {
        parts.push(format!("{} of other registries not", count::show(passed_over, "use")));
    }
    parts
}
