//! Axes: keys of the recipe, and the values that they take.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;
use toml::Value;

/// A key of the recipe and its values.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key, as in `train.rate` or `network.layers.0.units`.
    pub key: String,
    /// What it takes.
    pub values: Values,
}

/// The values of an axis.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// These.
    List(Vec<Value>),
    /// Any between two numbers, drawn evenly, or evenly in the logarithm; whole numbers where both ends are.
    Range {
        /// The ends.
        from: f64,
        /// The other.
        to: f64,
        /// Whether logarithms are drawn.
        log: bool,
        /// Whether numbers are whole.
        whole: bool,
    },
}

/// All axes of a table: `train.rate = [...]` and `"train.rate" = [...]` are the same.
///
/// # Errors
/// A sentence with the key.
pub fn axes(table: &toml::Table) -> Result<Vec<Axis>, String> {
    let mut all = Vec::new();
    collect("", table, &mut all)?;
    if let Some(twice) = all.iter().enumerate().find_map(|(k, a)| all[..k].iter().find(|b| b.key == a.key)) {
        return Err(format!("[axes] {}: the key stands twice; join its values", twice.key));
    }
    Ok(all)
}

fn collect(prefix: &str, table: &toml::Table, all: &mut Vec<Axis>) -> Result<(), String> {
    for (name, value) in table {
        let key = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        let error = |wanted: &str| format!("[axes] {key}: {wanted}");
        match value {
            Value::Table(inner) if inner.contains_key("from") || inner.contains_key("to") => {
                all.push(Axis { values: range(inner).map_err(|wanted| error(&wanted))?, key });
            }
            Value::Table(inner) => collect(&key, inner, all)?,
            _ if key == "train.seed" => return Err(error("seeds are no axis; write seeds = [1, 2, 3] above [axes]")),
            Value::Array(values) if values.is_empty() => return Err(error("there are no values; list at least one")),
            Value::Array(values) => all.push(Axis { key, values: Values::List(values.clone()) }),
            other => {
                return Err(error(&format!(
                    "{other} is neither a list nor a range; write [{other}], or {{ from = 1, to = 10, log = true }}"
                )));
            }
        }
    }
    Ok(())
}

fn range(table: &toml::Table) -> Result<Values, String> {
    let number = |name: &str| match table.get(name) {
        Some(Value::Integer(n)) => Ok((*n as f64, true)),
        Some(Value::Float(x)) if x.is_finite() => Ok((*x, false)),
        _ => Err(format!("a range has two numbers, from and to; `{name}` is none")),
    };
    let ((from, first), (to, second)) = (number("from")?, number("to")?);
    let log = match table.get("log") {
        None => false,
        Some(Value::Boolean(log)) => *log,
        Some(_) => return Err("`log` is true or false".into()),
    };
    if let Some(other) = table.keys().find(|k| !["from", "to", "log"].contains(&k.as_str())) {
        return Err(format!("a range has from, to and log, not `{other}`"));
    }
    if from >= to {
        return Err(format!("from = {from} is not below to = {to}; exchange them"));
    }
    if log && from <= 0.0 {
        return Err(format!("from = {from} has no logarithm; take one above 0, or leave log away"));
    }
    Ok(Values::Range { from, to, log, whole: first && second })
}

impl Values {
    /// One of them at random. Numbers have four digits, so that they can be read and typed again.
    pub fn draw(&self, random: &mut ChaCha8Rng) -> Value {
        // In [0, 1).
        let mut unit = || (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        match *self {
            Values::List(ref values) => values[(unit() * values.len() as f64) as usize].clone(),
            Values::Range { from, to, log, whole } => {
                let drawn =
                    if log { (from.ln() + unit() * (to.ln() - from.ln())).exp() } else { from + unit() * (to - from) };
                match whole {
                    true => Value::Integer(drawn.round() as i64),
                    false => Value::Float(format!("{drawn:.3e}").parse().unwrap_or(drawn).clamp(from, to)),
                }
            }
        }
    }
}
