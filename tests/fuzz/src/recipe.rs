//! Any text as a recipe: an error with a sentence, or a recipe that is the same once it was written and read again. A second text, after a
//! zero byte, changes values as `--set` does.

use elman_recipe::Recipe;

/// Runs it on some bytes.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, changes) = text.split_once('\0').unwrap_or((text, ""));
    let recipe = match Recipe::parse(text) {
        Ok(recipe) => recipe,
        Err(e) => return assert!(!e.is_empty()),
    };
    let written = recipe.to_toml().expect("what was read can be written");
    let again = Recipe::parse(&written).expect("what was written can be read");
    assert_eq!(again.to_toml().ok().as_ref(), Some(&written));
    let changes: Vec<String> = changes.lines().map(str::to_owned).collect();
    if let Err(e) = recipe.changed(&changes) {
        assert!(!e.to_string().is_empty());
    }
}
