//! `--scan DIR`: finds the tokens in files and git objects.
//!
//! A thread of its own [walks](walk) the folders, then searches the [objects] of the repositories in them, and tells what
//! it [found]; what a file [is](kind) says how to be [rid](remedy) of the copy.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc;

use crate::cluster;
use crate::commands::shared::apply::{Interrupt, Interrupted};
use crate::commands::shared::copies::{Needles, Reading};
use crate::commands::system::System;
use crate::error::CommandError;

mod found;
mod kind;
mod objects;
mod remedy;
mod walk;

use found::Event;
use found::Extent;
pub(super) use found::{Copy, Unread};
pub(super) use kind::Kind;
pub(super) use remedy::{Remedy, rotate};
use walk::Walk;

/// What was found.
#[derive(Default)]
pub(super) struct Scan {
    pub(super) copies: Vec<Copy>,
    pub(super) unread: Vec<Unread>,
    extent: Extent,
    /// Ctrl-C ended it.
    pub(super) is_interrupted: bool,
}

/// Searches everything below these folders.
pub(super) fn scan(folders: &[PathBuf], needles: &Arc<Needles>, system: &mut System<'_>) -> Result<Scan, CommandError> {
    let mut scan = Scan::default();
    if needles.is_empty() {
        return Ok(scan);
    }
    let listens = system.handles_interrupts;
    cluster::block_on(async {
        let interrupt = Interrupt::listen(listens)?;
        let (sender, mut events) = mpsc::channel(64);
        let is_stopped = Arc::new(AtomicBool::new(false));
        let work = {
            let (folders, needles, env) = (folders.to_vec(), Arc::clone(needles), system.env.clone());
            let is_stopped = Arc::clone(&is_stopped);
            move || {
                let stops = || is_stopped.load(Ordering::Relaxed);
                // Nobody listens any more after an interruption, which `stops` tells too.
                let tell = |event| drop(sender.blocking_send(event));
                let mut walk = Walk::new(Reading::new(&needles, &stops), &tell);
                let done = walk.all(&folders).and_then(|()| objects::search(&mut walk, &env));
                tell(Event::At(walk.extent()));
                done
            }
        };
        let thread = std::thread::Builder::new().spawn(work)?;
        loop {
            match interrupt.or(events.recv()).await {
                Ok(Some(Event::Copy(copy))) => scan.copies.push(*copy),
                Ok(Some(Event::Unread(unread))) => scan.unread.push(unread),
                Ok(Some(Event::At(extent))) => {
                    scan.extent = extent;
                    system.output.progress(format_args!("searched {extent}"));
                }
                Ok(None) => break,
                Err(Interrupted) => {
                    is_stopped.store(true, Ordering::Relaxed);
                    scan.is_interrupted = true;
                    break;
                }
            }
        }
        system.output.end_progress();
        if scan.is_interrupted {
            return Ok(());
        }
        match thread.join() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(io::Error::other("the thread that searched ended without a result")),
        }
    })??;
    Ok(scan)
}

impl Scan {
    /// What was searched, and what was found.
    pub(super) fn summary(&self) -> String {
        let found = match self.copies.len() {
            0 => "no copy of a token that is kept here".to_owned(),
            1 => "1 copy".to_owned(),
            count => format!("{count} copies"),
        };
        format!("searched {}: {found}", self.extent)
    }
}
