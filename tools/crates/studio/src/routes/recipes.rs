//! Recipes: presets, values with their help, and whether changes are right.

use std::path::Path;

use axum::extract::{Query, Request, State};
use elman_pipeline::run::RunFolder;
use elman_recipe::Recipe;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Params, Shared, blocking, needed, read};
use crate::Studio;
use crate::error::{Answer, Fault, json};
use crate::project::part;
use crate::recipes;

/// Where a recipe comes from.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Beginning {
    /// A preset.
    pub(crate) preset: Option<String>,
    /// Its text.
    pub(crate) toml: Option<String>,
    /// Another run's.
    pub(crate) from_run: Option<String>,
    /// Values that are changed.
    pub(crate) set: Map<String, Value>,
}

impl Beginning {
    /// The recipe.
    ///
    /// # Errors
    /// A key or value is wrong, with a suggestion; there is none of the name.
    pub(crate) fn recipe(&self, studio: &Studio) -> Result<Recipe, Fault> {
        let text = match (&self.preset, &self.toml, &self.from_run) {
            (Some(name), None, None) => recipes::text(&studio.project, name)?,
            (None, Some(text), None) => text.clone(),
            (None, None, Some(run)) => RunFolder::open(&studio.project.existing_run(run)?)?.recipe()?.to_toml()?,
            _ => return Err(Fault::bad("a recipe is one of preset, toml and from_run")),
        };
        let recipe = Recipe::parse(&text).map_err(|e| Fault::new(axum::http::StatusCode::BAD_REQUEST, "recipe", e))?;
        Ok(recipe.changed(&recipes::changes(&self.set))?)
    }
}

pub(crate) async fn presets(State(studio): Shared) -> Answer {
    blocking(studio, |studio| Ok(json(&recipes::presets(&studio.project)))).await
}

#[derive(Serialize)]
struct Shown {
    name: String,
    toml: String,
    values: Value,
    keys: Vec<recipes::Key>,
}

pub(crate) async fn recipe(State(studio): Shared, Query(params): Params) -> Answer {
    blocking(studio, move |studio| {
        let of = |name: &str| params.get(name).cloned();
        let recipe = Beginning { preset: of("preset"), from_run: of("run"), ..Beginning::default() }.recipe(studio)?;
        Ok(json(&Shown {
            name: recipe.name.clone(),
            toml: recipe.to_toml()?,
            values: serde_json::to_value(&recipe).map_err(anyhow::Error::from)?,
            keys: recipes::keys(&recipe)?,
        }))
    })
    .await
}

pub(crate) async fn check(State(studio): Shared, request: Request) -> Answer {
    let beginning: Beginning = read(request).await?;
    blocking(studio, move |studio| {
        let (toml, error) = match beginning.recipe(studio) {
            Ok(recipe) => (Some(recipe.to_toml()?), None),
            Err(fault) => (None, Some(fault.text().to_owned())),
        };
        Ok(json(&serde_json::json!({ "ok": error.is_none(), "error": error, "toml": toml })))
    })
    .await
}

pub(crate) async fn store(State(studio): Shared, Query(params): Params, request: Request) -> Answer {
    let name = part(needed(&params, "name")?)?.to_owned();
    let bytes = super::bytes(request.into_body(), super::SMALL).await?;
    blocking(studio, move |studio| {
        let text = String::from_utf8(bytes).map_err(|_| Fault::bad("the recipe is no text"))?;
        Recipe::parse(&text).map_err(|e| Fault::new(axum::http::StatusCode::BAD_REQUEST, "recipe", e))?;
        let path = studio.project.inside(&Path::new("recipes").join(format!("{name}.toml")))?;
        std::fs::create_dir_all(studio.project.inside(Path::new("recipes"))?)?;
        elman_data::files::write_atomically(&path, text.as_bytes())?;
        studio.feed.add("recipes", &serde_json::json!({}));
        Ok(json(&serde_json::json!({ "name": name })))
    })
    .await
}
