//! Pods on a real node, which pulls from a real Gitea: what kubelet and containerd do, and their own words for it.

mod beside;
mod causes;
mod ends;
mod fixture;
mod images;
mod pulls;
mod records;
