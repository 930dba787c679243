//! What fuzzing asks of parsers that are private (tests/fuzz); compiled for nothing else.

use super::{list_file, spec_file};

/// Registry, user and variable of a `spec.yml`, or the message.
pub fn spec(text: &str) -> Result<[String; 3], String> {
    let spec = spec_file::parse(text).map_err(|error| error.to_string())?;
    Ok([
        spec.registry.to_string(),
        spec.username.as_str().to_owned(),
        spec.token_env.into_string().unwrap_or_default(),
    ])
}

/// Registry, namespace and Secret of each line of a `regcred.yaml`, or the message.
pub fn listed(text: &str) -> Result<Vec<[String; 3]>, String> {
    let name = "gitea-credentials".parse().map_err(|_| String::new())?;
    let listed = list_file::parse(text, &name).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for one in &listed {
        for secret in one.secrets() {
            lines.push([
                one.registry.to_string(),
                secret.target.namespace.to_string(),
                secret.target.secret.to_string(),
            ]);
        }
    }
    Ok(lines)
}
