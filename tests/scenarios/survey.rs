//! What a survey sees of a cluster: the same on the double and on a real API server. There is no kubelet: a scenario says
//! itself what kubelet would say of its pods.

mod causes;
mod forbidden;
mod seen;
mod stage;

use libtest_mimic::Trial;

use crate::cluster::world::World;
use crate::support::api_server::ApiServer;
use crate::support::control_plane::{self, ControlPlane};
use crate::support::part::{trial, trial_with};

/// A name, and what happens in a world.
type Scenario = (&'static str, fn(&World));

pub fn trials() -> Vec<Trial> {
    let anywhere: Vec<Scenario> = [causes::SCENARIOS, seen::SCENARIOS, forbidden::SCENARIOS].concat();
    let on_double: Vec<Scenario> = [seen::ON_DOUBLE, forbidden::ON_DOUBLE].concat();
    let double = anywhere.iter().chain(&on_double).map(|&(name, scenario)| {
        trial(&format!("survey/double/{name}"), move || {
            scenario(&World::Double(ApiServer::start()));
        })
    });
    let real = anywhere.iter().chain(forbidden::ON_REAL).map(|&(name, scenario)| {
        trial_with(&format!("survey/real/{name}"), control_plane::missing(), move || {
            scenario(&World::Real(ControlPlane::shared()));
        })
    });
    double.chain(real).collect()
}
