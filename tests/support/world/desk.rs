//! A second workstation: another keychain and another home, at the same registry and the same cluster.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::mem::swap;

use super::super::gated_store::GatedStore;
use super::super::keyring::Keyring;
use super::{Keys, World};

/// What somebody leaves behind who goes to another workstation.
pub struct Desk {
    keys: Keys,
    variables: BTreeMap<String, OsString>,
}

impl World {
    /// A workstation of a colleague, which this name is seen of in Secrets.
    pub fn another_desk(&self, name: &str) -> Desk {
        let mut variables = BTreeMap::from([("REGCRED_NAME".to_owned(), name.into())]);
        let keys = match &self.keys {
            Keys::Memory(_) => {
                let home = self.folder.join(format!("home of {name}"));
                std::fs::create_dir_all(&home).unwrap();
                variables.insert("HOME".to_owned(), home.into());
                Keys::Memory(GatedStore::behind(&self.gate))
            }
            Keys::Real(_) => Keys::Real(Keyring::start()),
            Keys::Chosen(_) => panic!("it has a desktop"),
        };
        Desk { keys, variables }
    }

    /// Goes to the other workstation; what was here is there now.
    pub fn go_to(&mut self, desk: &mut Desk) {
        swap(&mut self.keys, &mut desk.keys);
        swap(&mut self.variables, &mut desk.variables);
    }
}
