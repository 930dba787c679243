//! What a survey sees of a cluster: the same on the double and on a real API server. There is no kubelet: a scenario says
//! itself what kubelet would say of its pods.

mod causes;
mod fixture;
mod forbidden;
mod objects;
