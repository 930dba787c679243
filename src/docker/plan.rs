//! Plans the change of one file.

use super::{Change, Config, DesiredConfig, Error, File, FileRecord, Replaced, SetupRecord};
use crate::model::Registry;

/// The planned change of a file.
#[derive(Clone, Debug)]
pub struct FilePlan {
    pub file: File,
    pub after: After,
    pub changes: Vec<Change>,
    /// What has to be remembered about it after the change.
    remembered: FileRecord,
    /// How many of its parent folders are removed too, if they are empty.
    folders: usize,
    takes_out: bool,
}

/// The content of a file after the change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum After {
    Same,
    Document(Config),
    /// The file is deleted: we created it, and nothing else is in it.
    Gone,
}

impl FilePlan {
    /// Plans setting up the file.
    pub fn set_up(file: File, wanted: &DesiredConfig, record: &SetupRecord) -> Result<Self, Error> {
        let folders = file.missing_folders();
        Self::work_out(file, record, |config, remembered, exists| {
            let changes = config.set_up(wanted, remembered)?;
            if !exists && !changes.is_empty() {
                remembered.document = Replaced::Nothing;
                remembered.folders = folders;
            }
            Ok(changes)
        })
    }

    /// Plans removing our helper's name from the file, for these registries or everywhere.
    pub fn take_out(file: File, only: Option<&[Registry]>, record: &SetupRecord) -> Result<Self, Error> {
        let mut plan = Self::work_out(file, record, |config, remembered, _| config.take_out(only, remembered))?;
        plan.takes_out = true;
        let (names_us, is_empty) = match &plan.after {
            After::Document(config) => (config.names_us(), config.is_empty()),
            After::Same | After::Gone => (plan.file.config.names_us(), false),
        };
        let folders = record.of(&plan.file.target).folders;
        if is_empty && plan.remembered.document == Replaced::Nothing {
            plan.after = After::Gone;
        }
        if plan.after == After::Gone || !plan.file.exists() {
            plan.folders = folders;
        }
        if !names_us {
            plan.remembered = FileRecord::default();
        }
        Ok(plan)
    }

    fn work_out(
        file: File,
        record: &SetupRecord,
        change: impl FnOnce(&mut Config, &mut FileRecord, bool) -> Result<Vec<Change>, super::ConfigError>,
    ) -> Result<Self, Error> {
        let mut config = file.config.clone();
        let mut remembered = record.of(&file.target);
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

    /// Changes the file. After [`Error::Changed`], the caller reads the file again and makes a new plan.
    pub fn apply(&self, record: &mut SetupRecord) -> Result<(), Error> {
        // The record is written before settings are replaced and cleared after they are restored, so that nothing is
        // lost if we are killed in between, and a repetition completes the change.
        if !self.takes_out {
            record.set(&self.file.target, self.remembered.clone());
            record.save()?;
        }
        match &self.after {
            After::Same => {}
            After::Document(config) => self.file.write(config.as_str())?,
            After::Gone => self.file.delete()?,
        }
        self.file.remove_empty_folders(self.folders);
        record.set(&self.file.target, self.remembered.clone());
        record.save()
    }
}
