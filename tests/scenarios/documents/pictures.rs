//! docs/pictures: what is to be seen on a screen, drawn from what the commands print. `SNAPSHOTS=overwrite` draws it anew.

use std::path::Path;

use snapbox::{Data, assert_data_eq};

use super::super::status::documents::{with_problems, world};
use super::root;
use crate::support::world::World;

scenario!(status);
fn status() {
    let world = with_problems();
    let line = "status -n honeydue -n staging";
    let shown = world.on_screen(line, "");
    draw("status", &world, line, &shown);
}

scenario!(rotate);
fn rotate() {
    let world = world();
    let new = world.token("read:package");
    let line = "rotate -A";
    let shown = world.on_screen(line, &new);
    assert!(!shown.contains(&new), "{shown}");
    draw("rotate", &world, line, &shown);
}

/// Holds the picture against this screen, with the example's names.
fn draw(name: &str, world: &World, line: &str, shown: &str) {
    let shown = shown
        .replace(&world.registry(), "gitea.example.com")
        .replace(&world.folder().display().to_string(), "/home/admin");
    // The bright ones of a terminal's colours: the others are hard to read on black.
    let shown = aligned(&shown).replace("\u{1b}[3", "\u{1b}[9");
    let text = format!("\u{1b}[1m$ kubectl regcred {line}\u{1b}[0m\n{shown}");
    let file = root().join("docs/pictures").join(format!("{name}.term.svg"));
    assert_data_eq!(text, Data::read_from(Path::new(&file), None).raw());
}

/// With the columns of the table, which ends at the first empty line, as wide as the example's names want them.
fn aligned(shown: &str) -> String {
    let Some((table, rest)) = shown.split_once("\n\n").filter(|(table, _)| table.contains("   ")) else {
        return shown.to_owned();
    };
    let rows: Vec<Vec<&str>> = table
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    let width = |at: usize| rows.iter().map(|row| columns(row[at])).max().unwrap();
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        for (cell, width) in row.iter().zip(&widths) {
            text.push_str(cell);
            text.extend(std::iter::repeat_n(' ', width + 3 - columns(cell)));
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    format!("{text}\n{rest}")
}

/// How wide it is on the screen: escape sequences are not.
fn columns(text: &str) -> usize {
    let parts = text.split('\u{1b}').enumerate();
    let visible = parts.map(|(at, part)| if at == 0 { part } else { part.split_once('m').unwrap().1 });
    visible.map(|part| part.chars().count()).sum()
}
