//! Findings about stuck pods. Pure: the registries were asked about the images before.

use crate::cluster::SecretName;
use crate::cluster::survey::{Cause, HeldToken, Login, StuckPull, Verdict as OfToken};
use crate::commands::status::cluster_view::ClusterView;
use crate::commands::status::code::Code;
use crate::commands::status::finding::{Finding, Remedy};
use crate::commands::status::tokens::Images;
use crate::model::pull::{Mismatch, PullSecret, pull};
use crate::model::{CommandLine, ImageReference, Registry, printable, printable_around};
use crate::registry::ImageAccess;

/// The longest part of kubelet's message that is shown.
const MAX_MESSAGE: usize = 240;
/// The longest name of an image that is shown.
const MAX_IMAGE: usize = 200;
/// The longest list of pull Secrets that is shown. Kubernetes accepts any text as the name of one.
const MAX_LIST: usize = 600;

/// The explanation of a stuck pod.
struct Explanation {
    code: Code,
    cause: String,
    remedy: Remedy,
}

/// The findings about pods that are stuck.
pub fn judge(view: &ClusterView<'_>, images: &Images) -> Vec<Finding> {
    let stuck = view.survey.stuck.iter();
    stuck
        .filter_map(|pod| {
            let registry = view.registries.get(pod.interest)?;
            let said = Stuck { view, pod, registry }.explain(&pod.cause, images);
            Some(Finding {
                code: said.code,
                object: view.object("pod", pod.namespace.as_str(), &pod.pod),
                cause: said.cause,
                message: Some(pod.message.clone()).filter(|message| !message.is_empty()),
                remedy: said.remedy,
            })
        })
        .collect()
}

struct Stuck<'a> {
    view: &'a ClusterView<'a>,
    pod: &'a StuckPull,
    registry: &'a Registry,
}

impl Stuck<'_> {
    fn explain(&self, cause: &Cause, images: &Images) -> Explanation {
        let Self { pod, registry, .. } = *self;
        if !self.matches_what_sync_writes() && is_about_entries(cause) {
            return self.renamed();
        }
        match cause {
            Cause::SecretMissing { secrets } => self.fixed_by_sync(
                Code::PodSecretMissing,
                format!("its pull Secret {} does not exist", list(secrets)),
                secrets,
            ),
            Cause::WrongType { secrets } => explanation(
                Code::PodSecretMissing,
                format!("its pull Secret {} has a type that kubelet ignores", list(secrets)),
                Remedy::advice(format!(
                    "create another with {}, and let the pod use that",
                    self.view.sync_another(&pod.namespace, registry)
                )),
            ),
            Cause::EntryMissing { secrets, similar } => {
                let similar = similar.as_ref().map_or(String::new(), |key| format!(", though one for the similar {key}"));
                let cause = format!("its pull Secret {} has no entry for {registry}{similar}", list(secrets));
                self.fixed_by_sync(Code::PodEntryMissing, cause, secrets)
            }
            Cause::KeyMismatch { secret, key, why } => self.fixed_by_sync(
                Code::PodKeyMismatch,
                format!("the entry {key} of its pull Secret {secret} does not match the image: {}", mismatch(why)),
                std::slice::from_ref(secret),
            ),
            Cause::TokenRejected {
                secret, login, verdict, ..
            } => self.rejected(secret, login.as_ref(), *verdict, images),
            Cause::TagMissing { .. } => self.missing(images),
            Cause::OlderThanAccount { account, secrets } => self.recreated(
                Code::PodOlderThanAccount,
                format!(
                    "it was created before its ServiceAccount {account} named the pull Secret {}, and a pod keeps the list that it was created with",
                    list(secrets)
                ),
                secrets.first(),
            ),
            Cause::NoPullSecret { account } => self.attached(account),
            Cause::SecretBroken { secret } => explanation(
                Code::PodSecretBroken,
                format!("its pull Secret {secret} cannot be decoded, and kubelet then uses none of its pull Secrets"),
                Remedy::advice("fix the Secret as the finding secret-broken above says"),
            ),
            // The Secret is right, but the registry may refuse this image.
            Cause::Heals { .. } if self.is_not_given(images) => self.by_access(images).unwrap_or_else(|| self.unknown()),
            Cause::Heals { secret, .. } => {
                let cause = format!("it could not pull, and its pull Secret {secret} is right by now: kubelet tries again within five minutes");
                self.recreated(Code::PodWillRetry, cause, Some(secret))
            }
            Cause::Unreachable => explanation(
                Code::PodRegistryUnreachable,
                format!("its node cannot reach {registry}, or does not trust it: {}", self.message()),
                Remedy::advice("check on the node: crictl pull, its DNS, its firewall, and the CA certificates of its container runtime"),
            ),
            Cause::Page => explanation(
                Code::PodRegistryUnreachable,
                format!(
                    "its node asks for {}, and a web page comes instead of {registry}'s answer: a sign-in page, a proxy or a \
                     firewall stands between",
                    self.image()
                ),
                Remedy::advice(format!("check on the node what answers at https://{registry}/v2/")),
            ),
            Cause::OtherPlatform => explanation(
                Code::PodImagePlatform,
                format!("{registry} has {}, but not for the platform of the pod's node", self.image()),
                Remedy::advice(format!(
                    "build and push it for that platform too (docker buildx build --platform), or let {} choose other nodes \
                     with a nodeSelector kubernetes.io/arch",
                    self.owner()
                )),
            ),
            Cause::InvalidName => explanation(
                Code::PodImageName,
                format!("{} is not a valid image name: {}", self.image(), self.message()),
                Remedy::advice(format!(
                    "correct the image in {}: lower case, no scheme before the registry, one tag or digest",
                    self.owner()
                )),
            ),
            Cause::NeverPulled => explanation(
                Code::PodImageNeverPulled,
                format!(
                    "it has imagePullPolicy: Never, and its node does not have {}, or only from a pull with another credential",
                    self.image()
                ),
                Remedy::advice(format!(
                    "let {} have imagePullPolicy: IfNotPresent, or put the image on the node",
                    self.owner()
                )),
            ),
            _ => self.unknown(),
        }
    }

    /// Whether kubelet would use the entry that sync writes for the image. It compares ports, and knows Docker Hub only by
    /// certain names.
    fn matches_what_sync_writes(&self) -> bool {
        let key = self.registry.config_key();
        !pull(&self.pod.image, &[PullSecret::Entries(vec![key])])
            .entries()
            .is_empty()
    }

    /// The explanation for an image name that no entry of sync can match.
    fn renamed(&self) -> Explanation {
        let registry = self.registry;
        let path = self.pod.image.split_once('/').map_or("", |(_, path)| path);
        let name = printable(&format!("{registry}/{path}"), MAX_IMAGE);
        explanation(
            Code::PodKeyMismatch,
            format!(
                "kubelet uses an entry for {registry} only for images whose name begins with it, and the pod's image is {}",
                self.image()
            ),
            Remedy::advice(format!("write the image as {name} in {}", self.owner())),
        )
    }

    fn is_not_given(&self, images: &Images) -> bool {
        matches!(self.access(images), Some(ImageAccess::Refused | ImageAccess::Missing))
    }

    /// The registry's answer about the image, if it was asked.
    fn access(&self, images: &Images) -> Option<ImageAccess> {
        let image: ImageReference = self.pod.image.parse().ok()?;
        images.get(&image).copied()
    }

    fn image(&self) -> String {
        printable(&self.pod.image, MAX_IMAGE)
    }

    /// The object that defines the image.
    fn owner(&self) -> String {
        printable(self.pod.controller.as_deref().unwrap_or("the pod"), MAX_IMAGE)
    }

    /// The explanation for a pod that a sync of the first of these Secrets fixes.
    fn fixed_by_sync(&self, code: Code, cause: String, secrets: &[String]) -> Explanation {
        let Some(secret) = secrets.first() else {
            return self.unknown();
        };
        explanation(code, cause, self.synced(secret, &[]))
    }

    /// The sync that writes this Secret, after a login if there is no credential for the registry.
    fn synced(&self, secret: &str, more: &[&'static str]) -> Remedy {
        let mut sync = self.view.sync(self.pod.namespace.as_str(), secret, self.registry);
        sync.more = more.to_vec();
        let target = ClusterView::target(&self.pod.namespace, secret);
        let user = target.and_then(|target| self.view.user_in(&target, self.registry));
        self.view.after_login(self.registry, user, Remedy::sync(sync))
    }

    /// The explanation for a pod that has to be replaced by a new one.
    fn recreated(&self, code: Code, cause: String, secret: Option<&String>) -> Explanation {
        let remedy = match (&self.pod.controller, secret) {
            (Some(_), Some(secret)) => self.synced(secret, &["--unstick"]),
            _ if code == Code::PodWillRetry => Remedy::advice("wait for it"),
            _ => Remedy::advice("delete and recreate it: no controller does that"),
        };
        explanation(code, cause, remedy)
    }

    fn attached(&self, account: &str) -> Explanation {
        let cause = format!(
            "neither it nor its ServiceAccount {account} names a pull Secret, and {} is private or does not exist",
            self.image()
        );
        let mut sync = self
            .view
            .sync(self.pod.namespace.as_str(), SecretName::DEFAULT, self.registry);
        sync.service_accounts = vec![account.to_owned()];
        let mut remedy = Remedy::sync(sync.clone());
        if self.pod.controller.is_some() {
            sync.more = vec!["--unstick"];
            remedy.sync = Some(sync);
        } else {
            remedy = remedy.and("then delete and recreate the pod: a pod keeps the list that it was created with");
        }
        let remedy = self.view.after_login(self.registry, None, remedy);
        explanation(Code::PodWithoutSecret, cause, remedy)
    }

    fn rejected(&self, secret: &str, login: Option<&Login>, verdict: Option<OfToken>, images: &Images) -> Explanation {
        let Self { registry, .. } = *self;
        if verdict == Some(OfToken::Accepted) {
            return self.by_access(images).unwrap_or_else(|| self.refused());
        }
        let is_kept = login.is_some_and(|login| matches!(login.token, HeldToken::Stored(_)));
        let cause = match (verdict, login) {
            (_, None) => format!("the entry for {registry} in its pull Secret {secret} has neither user nor password"),
            (Some(_), _) => format!("{registry} does not accept the token in its pull Secret {secret}"),
            (None, _) => format!(
                "kubelet reports that {registry} refused the credential in its pull Secret {secret}: {}",
                self.message()
            ),
        };
        let remedy = if is_kept {
            Remedy::advice(if verdict.is_some() {
                format!("replace the token as the finding token-rejected about {registry} above says")
            } else {
                "kubectl regcred status without --offline finds out whether it is the token or the image's owner"
                    .to_owned()
            })
        } else {
            self.synced(secret, &[])
        };
        explanation(Code::PodTokenRejected, cause, remedy)
    }

    /// The token is valid, but has no access to this image.
    fn refused(&self) -> Explanation {
        explanation(
            Code::PodImageRefused,
            format!(
                "{} accepts the token in its pull Secret, but not for {}",
                self.registry,
                self.image()
            ),
            Remedy::advice(
                "let the token's account read the packages of the image's owner: at Gitea, if that is an organisation, as a member \
                 of one of its teams; if it is a user, with a token of that user's own",
            ),
        )
    }

    /// The registry has answered kubelet that there is no such image.
    fn missing(&self, images: &Images) -> Explanation {
        let reported = || {
            let cause = format!(
                "kubelet reports that {} has no {}; this was not checked",
                self.registry,
                self.image()
            );
            explanation(Code::PodImageMissing, cause, self.push())
        };
        self.by_access(images).unwrap_or_else(reported)
    }

    /// The explanation from the registry's current answer about the image.
    fn by_access(&self, images: &Images) -> Option<Explanation> {
        let Self { pod, registry, .. } = *self;
        Some(match self.access(images)? {
            ImageAccess::Missing => explanation(
                Code::PodImageMissing,
                format!("{registry} has no {}", self.image()),
                self.push(),
            ),
            ImageAccess::Refused => self.refused(),
            ImageAccess::Allowed => self.recreated(
                Code::PodWillRetry,
                format!(
                    "it could not pull, and {registry} gives {} by now: kubelet tries again within five minutes",
                    self.image()
                ),
                pod.pull_secrets.first(),
            ),
        })
    }

    fn push(&self) -> Remedy {
        Remedy::advice(format!(
            "push {}, or correct the image in {}",
            self.image(),
            self.owner()
        ))
    }

    fn unknown(&self) -> Explanation {
        let pod = self.pod;
        let describe = CommandLine::new("kubectl describe pod").value("POD", &pod.pod).option(
            "-n",
            "NAMESPACE",
            pod.namespace.as_str(),
        );
        explanation(
            Code::PodStuck,
            format!("it waits for {} ({}): {}", self.image(), pod.reason, self.message()),
            Remedy::command(self.view.flags.cluster(self.view.flag, describe)),
        )
    }

    fn message(&self) -> String {
        match printable_around(&self.pod.message, MAX_MESSAGE) {
            text if text.is_empty() => "kubelet gives no message".to_owned(),
            text => text,
        }
    }
}

fn explanation(code: Code, cause: String, remedy: Remedy) -> Explanation {
    Explanation { code, cause, remedy }
}

/// Whether the cause can be fixed by another entry in the pod's Secrets.
fn is_about_entries(cause: &Cause) -> bool {
    matches!(
        cause,
        Cause::SecretMissing { .. }
            | Cause::WrongType { .. }
            | Cause::EntryMissing { .. }
            | Cause::KeyMismatch { .. }
            | Cause::NoPullSecret { .. }
    )
}

fn list(names: &[String]) -> String {
    printable(&names.join(", "), MAX_LIST)
}

/// Why kubelet does not use an entry for the image.
pub fn mismatch(why: &Mismatch) -> String {
    match why {
        Mismatch::NotAnAddress => "it is not an address".to_owned(),
        Mismatch::Repeated => "it is duplicated, and the last one counts".to_owned(),
        Mismatch::OtherHost => "it is another registry".to_owned(),
        Mismatch::Similar => "it is a different host with a similar name".to_owned(),
        Mismatch::Port { key, image } => {
            let port = |port: &Option<String>| {
                port.as_ref()
                    .map_or("no port".to_owned(), |port| format!("port {port}"))
            };
            format!("it has {}, and the image {}", port(key), port(image))
        }
        Mismatch::Spelling => "it is the same registry in a spelling that kubelet does not know".to_owned(),
        Mismatch::VersionPath => "kubelet reads /v1 or /v2 without a slash after it as the path of an image".to_owned(),
        Mismatch::HubName => "kubelet does not know this name for Docker Hub".to_owned(),
        Mismatch::Path { path } => format!("it is only for images below {path}"),
        Mismatch::Wildcard => "a * stands for one part of a host's name, not for several".to_owned(),
    }
}

#[cfg(test)]
mod tests;
