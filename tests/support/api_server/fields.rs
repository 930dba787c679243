//! Who manages which field: the part of server-side apply that a Secret has a use for.
//!
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

/// A leaf: `["data", ".dockerconfigjson"]`, `["type"]`, `["metadata", "labels", "a"]`.
pub type Path = Vec<String>;

/// A manager's name and its operation, `Apply` or `Update`.
pub type Manager = (String, String);

/// Maps whose keys are fields of their own.
const MAPS: [&[&str]; 3] = [&["data"], &["metadata", "labels"], &["metadata", "annotations"]];
/// Fields that are one value.
const LEAVES: [&[&str]; 3] = [&["type"], &["immutable"], &["metadata", "ownerReferences"]];

/// The leaves of a Secret and their values.
pub fn leaves(object: &Value) -> BTreeMap<Path, Value> {
    let at = |path: &[&str]| {
        path.iter()
            .try_fold(object, |value, key| value.get(key))
            .filter(|value| !value.is_null())
    };
    let owned = |path: &[&str]| path.iter().map(|key| (*key).to_owned()).collect::<Path>();
    let mut found = BTreeMap::new();
    for path in LEAVES {
        if let Some(value) = at(path) {
            found.insert(owned(path), value.clone());
        }
    }
    for path in MAPS {
        for (key, value) in at(path).and_then(Value::as_object).into_iter().flatten() {
            let mut path = owned(path);
            path.push(key.clone());
            found.insert(path, value.clone());
        }
    }
    found
}

/// Puts a leaf in, or with `None` takes it out and its map too where nothing is left in it.
pub fn set(object: &mut Value, path: &[String], value: Option<Value>) {
    let (last, parents) = path.split_last().unwrap();
    let mut place = &mut *object;
    for key in parents {
        if !place[key].is_object() {
            place[key] = json!({});
        }
        place = &mut place[key];
    }
    let place = place.as_object_mut().unwrap();
    if let Some(value) = value {
        place.insert(last.clone(), value);
        return;
    }
    place.remove(last);
    if place.is_empty() && !parents.is_empty() && parents != ["metadata"] {
        set(object, parents, None);
    }
}

/// `managedFields`, by manager.
pub fn read(object: &Value) -> BTreeMap<Manager, BTreeSet<Path>> {
    let mut managers = BTreeMap::new();
    for entry in object["metadata"]["managedFields"].as_array().into_iter().flatten() {
        let text = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let mut paths = BTreeSet::new();
        collect(&entry["fieldsV1"], &mut Vec::new(), &mut paths);
        managers.insert((text("manager"), text("operation")), paths);
    }
    managers
}

fn collect(fields: &Value, path: &mut Path, paths: &mut BTreeSet<Path>) {
    for (key, below) in fields.as_object().into_iter().flatten() {
        let Some(key) = key.strip_prefix("f:") else { continue };
        path.push(key.to_owned());
        // A map that is owned as such (`"."`) is not a leaf.
        if below.as_object().is_none_or(Map::is_empty) || key == "ownerReferences" {
            paths.insert(path.clone());
        } else {
            collect(below, path, paths);
        }
        path.pop();
    }
}

/// Writes `managedFields`; managers without a field are gone.
pub fn write(object: &mut Value, managers: &BTreeMap<Manager, BTreeSet<Path>>, now: &str, who: &Manager) {
    let before = object["metadata"]["managedFields"].clone();
    let time = |manager: &Manager| {
        let entry = before.as_array().into_iter().flatten();
        let mut entry = entry.filter(|entry| entry["manager"] == manager.0.as_str() && manager != who);
        entry.next().map_or_else(|| now.into(), |entry| entry["time"].clone())
    };
    let entries = managers
        .iter()
        .filter(|(_, paths)| !paths.is_empty())
        .map(|(manager, paths)| {
            let mut fields = json!({});
            for path in paths {
                let mut place = &mut fields;
                for key in path {
                    let key = format!("f:{key}");
                    if place[&key].is_null() {
                        place[&key] = json!({});
                    }
                    place = &mut place[key];
                }
            }
            json!({
                "manager": manager.0, "operation": manager.1, "apiVersion": "v1", "time": time(manager),
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            })
        });
    object["metadata"]["managedFields"] = entries.collect();
}
