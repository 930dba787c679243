//! What becomes of one file: worked out without touching it.

use super::{Change, Config, Error, File, Memory, Remembered, Stood, Wanted};
use crate::model::Registry;

/// What a file would become.
#[derive(Clone, Debug)]
pub struct FilePlan {
    pub file: File,
    pub after: After,
    pub changes: Vec<Change>,
    /// What has to be remembered of it then.
    remembered: Remembered,
    /// How many of the folders above it go with it, where nothing else is in them.
    folders: usize,
    takes_out: bool,
}

/// What is in a file after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    Same,
    Document(Config),
    /// There is no file any more: we made it, and nothing else is in it.
    Gone,
}

impl FilePlan {
    /// Makes the file say what is wanted.
    pub fn set_up(file: File, wanted: &Wanted, memory: &Memory) -> Result<Self, Error> {
        let folders = file.missing_folders();
        Self::work_out(file, memory, |config, remembered, exists| {
            let changes = config.set_up(wanted, remembered)?;
            if !exists && !changes.is_empty() {
                remembered.document = Stood::Nothing;
                remembered.folders = folders;
            }
            Ok(changes)
        })
    }

    /// Takes our helper's name out of it, for these registries or everywhere.
    pub fn take_out(file: File, only: Option<&[Registry]>, memory: &Memory) -> Result<Self, Error> {
        let mut plan = Self::work_out(file, memory, |config, remembered, _| config.take_out(only, remembered))?;
        plan.takes_out = true;
        let (names_us, is_empty) = match &plan.after {
            After::Document(config) => (config.names_us(), config.is_empty()),
            After::Same | After::Gone => (plan.file.config.names_us(), false),
        };
        let folders = memory.of(&plan.file.target).folders;
        if is_empty && plan.remembered.document == Stood::Nothing {
            plan.after = After::Gone;
        }
        if plan.after == After::Gone || !plan.file.exists() {
            plan.folders = folders;
        }
        if !names_us {
            plan.remembered = Remembered::default();
        }
        Ok(plan)
    }

    fn work_out(
        file: File,
        memory: &Memory,
        change: impl FnOnce(&mut Config, &mut Remembered, bool) -> Result<Vec<Change>, super::ConfigError>,
    ) -> Result<Self, Error> {
        let mut config = file.config.clone();
        let mut remembered = memory.of(&file.target);
        let changes = change(&mut config, &mut remembered, file.exists()).map_err(|cause| Error::Document {
            path: file.path.clone(),
            cause,
        })?;
        let after = if config == file.config {
            After::Same
        } else {
            After::Document(config)
        };
        Ok(Self {
            file,
            after,
            changes,
            remembered,
            folders: 0,
            takes_out: false,
        })
    }

    /// Changes the file. [`Error::Changed`] where somebody else did so first: read it again, and plan again.
    pub fn apply(&self, memory: &mut Memory) -> Result<(), Error> {
        // What is about to be hidden is remembered first, and what is about to come back is forgotten last: killed in
        // between, nothing is lost, and doing it again ends it.
        if !self.takes_out {
            memory.set(&self.file.target, self.remembered.clone());
            memory.save()?;
        }
        match &self.after {
            After::Same => {}
            After::Document(config) => self.file.write(config.as_str())?,
            After::Gone => self.file.delete()?,
        }
        self.file.remove_empty_folders(self.folders);
        memory.set(&self.file.target, self.remembered.clone());
        memory.save()
    }
}
