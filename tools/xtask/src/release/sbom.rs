//! A bill of materials in CycloneDX 1.5: packages, versions, licences, and which needs which.

use anyhow::Result;
use serde_json::{Value, json};
use std::collections::BTreeSet;

use super::dependencies::{Metadata, Package};

/// Of a package of the workspace; how many packages it has.
pub fn of(all: &Metadata, package: &str) -> Result<(String, usize)> {
    let own = all.own(package)?;
    let packages = all.with_all_below(&own.id, true);
    let ids: BTreeSet<&str> = packages.iter().map(|p| p.id.as_str()).collect();
    let reference = |id: &str| all.packages.iter().find(|p| p.id == id).map(purl);
    let edges = all.resolve.nodes.iter().filter(|n| ids.contains(n.id.as_str()));
    let dependencies: Vec<Value> = edges
        .map(|n| {
            let on = n.deps.iter().filter(|d| ids.contains(d.pkg.as_str())).filter_map(|d| reference(&d.pkg));
            json!({ "ref": reference(&n.id), "dependsOn": on.collect::<BTreeSet<_>>() })
        })
        .collect();
    let components: Vec<Value> = packages.iter().skip(1).map(|p| component(p)).collect();
    let bill = json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": component(own) },
        "components": components,
        "dependencies": dependencies,
    });
    Ok((serde_json::to_string_pretty(&bill)? + "\n", packages.len()))
}

fn component(p: &Package) -> Value {
    // Before SPDX expressions a slash stood for OR.
    let license = p.license.as_ref().map(|l| l.replace('/', " OR "));
    let licenses: Vec<Value> = license.iter().map(|l| json!({ "expression": l })).collect();
    json!({
        "type": "library",
        "bom-ref": purl(p),
        "name": p.name,
        "version": p.version,
        "purl": purl(p),
        "licenses": licenses,
    })
}

/// The name of a package that is the same everywhere.
fn purl(p: &Package) -> String {
    format!("pkg:cargo/{}@{}", p.name, p.version)
}
