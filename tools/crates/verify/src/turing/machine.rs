//! A Turing machine on a finite tape, and its direct simulation.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// Where the head goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// One cell to the left.
    Left,
    /// One cell to the right.
    Right,
    /// Nowhere.
    Stay,
    /// Nowhere, and the machine halts.
    Halt,
}

/// What a machine does in a state on a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Symbol to write, an index.
    pub write: usize,
    /// Where the head goes.
    pub go: Move,
    /// Next state, an index.
    pub next: usize,
}

/// A machine and its tape at the beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Symbols by index; 0 is the blank.
    pub symbols: Vec<String>,
    /// States by index, by name.
    pub states: Vec<String>,
    /// `[states][symbols]`; `None` in a state that halts.
    pub rules: Vec<Vec<Option<Rule>>>,
    /// State, tape and head at the beginning.
    pub start: Configuration,
}

/// State, tape and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Index of the state.
    pub state: usize,
    /// Whether the machine has halted.
    pub halted: bool,
    /// Index of the symbol of each cell.
    pub tape: Vec<usize>,
    /// The cell below the head.
    pub head: usize,
}

/// A machine as it stands in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    name: String,
    symbols: Vec<String>,
    blank: String,
    start: String,
    #[serde(default)]
    halt: Vec<String>,
    #[serde(default)]
    tape: Vec<String>,
    cells: usize,
    #[serde(default)]
    head: usize,
    rules: BTreeMap<String, BTreeMap<String, String>>,
}

/// Most cells of a tape; the network grows with their square.
const MAX_CELLS: usize = 256;

impl Machine {
    /// Parses a machine: `name`, `symbols`, `blank`, `start`, `halt`, `tape`, `cells`, `head`, and a table
    /// `[rules.STATE]` per state with lines `SYMBOL = "WRITE MOVE NEXT"`, the move one of L, R, S, H.
    ///
    /// # Errors
    /// A sentence that names the line, or the rule, and what is wrong with it.
    pub fn parse(text: &str) -> Result<Machine, String> {
        let text: Text = toml::from_str(text).map_err(|e| e.to_string().trim_end().to_owned())?;
        let mut symbols = vec![text.blank.clone()];
        symbols.extend(text.symbols.iter().filter(|s| **s != text.blank).cloned());
        unique("symbols", &text.symbols)?;
        if symbols.len() != text.symbols.len() {
            return Err(format!("blank: `{}` is not among the symbols", text.blank));
        }
        let mut states: Vec<String> = text.rules.keys().chain(&text.halt).cloned().collect();
        states.sort();
        unique("states, in rules and halt,", &states)?;
        let symbol = |place: &str, s: &str| index(&symbols, s).ok_or_else(|| no_such(place, "symbol", s, &symbols));
        let state = |place: &str, s: &str| index(&states, s).ok_or_else(|| no_such(place, "state", s, &states));

        let mut rules = vec![vec![None; symbols.len()]; states.len()];
        for (from, table) in &text.rules {
            for (read, rule) in table {
                let place = format!("[rules.{from}] {read} = \"{rule}\"");
                let words: Vec<&str> = rule.split_whitespace().collect();
                let &[write, go, next] = &words[..] else {
                    return Err(format!("{place}: expected \"WRITE MOVE NEXT\", for instance \"1 R {from}\""));
                };
                let go = match go {
                    "L" => Move::Left,
                    "R" => Move::Right,
                    "S" => Move::Stay,
                    "H" => Move::Halt,
                    other => return Err(format!("{place}: there is no move `{other}`, only L, R, S and H")),
                };
                let rule = Rule { write: symbol(&place, write)?, go, next: state(&place, next)? };
                rules[state(&place, from)?][symbol(&place, read)?] = Some(rule);
            }
            if let Some(missing) = symbols.iter().find(|s| !table.contains_key(*s)) {
                return Err(format!(
                    "[rules.{from}]: nothing is said for symbol `{missing}`; \"{missing} H {from}\" halts"
                ));
            }
        }
        let mut tape = text.tape.iter().map(|s| symbol("tape", s)).collect::<Result<Vec<usize>, String>>()?;
        lay_out(&mut tape, text.cells, text.head)?;
        let state = state("start", &text.start)?;
        let halted = text.halt.contains(&text.start);
        let start = Configuration { state, halted, tape, head: text.head };
        Ok(Machine { name: text.name, symbols, states, rules, start })
    }

    /// Another tape at the beginning: these symbols, then blanks, on `cells` cells.
    ///
    /// # Errors
    /// Where a symbol is not the machine's, or symbols and head do not fit the cells.
    pub fn with_tape(mut self, symbols: &[String], cells: usize) -> Result<Machine, String> {
        let tape = symbols
            .iter()
            .map(|name| index(&self.symbols, name).ok_or_else(|| no_such("tape", "symbol", name, &self.symbols)));
        self.start.tape = tape.collect::<Result<Vec<usize>, String>>()?;
        lay_out(&mut self.start.tape, cells, self.start.head)?;
        Ok(self)
    }

    /// Whether the machine halts in a state, whatever it reads.
    pub fn halts_in(&self, state: usize) -> bool {
        self.rules[state].iter().all(Option::is_none)
    }

    /// The configuration after one step; a halted one stays as it is.
    ///
    /// # Errors
    /// Where the head would leave the tape.
    pub fn step(&self, from: &Configuration) -> Result<Configuration, String> {
        let mut to = from.clone();
        let Some(rule) = self.rules[from.state][from.tape[from.head]].filter(|_| !from.halted) else {
            return Ok(to);
        };
        let end = |side: &str| format!("the head leaves the tape at its {side} end");
        to.tape[from.head] = rule.write;
        to.state = rule.next;
        to.head = match rule.go {
            Move::Left => from.head.checked_sub(1).ok_or_else(|| end("left") + "; begin with a larger `head`")?,
            Move::Right if from.head + 1 == from.tape.len() => return Err(end("right") + "; raise `cells`"),
            Move::Right => from.head + 1,
            Move::Stay | Move::Halt => from.head,
        };
        to.halted = rule.go == Move::Halt || self.halts_in(rule.next);
        Ok(to)
    }

    /// The configurations from the beginning until the machine halts, or after `most` steps.
    ///
    /// # Errors
    /// Where the head leaves the tape, with the number of the step.
    pub fn run(&self, most: usize) -> Result<Vec<Configuration>, String> {
        let mut all = vec![self.start.clone()];
        for step in 1..=most {
            let last = &all[step - 1];
            if last.halted {
                break;
            }
            let next =
                self.step(last).map_err(|e| format!("step {step}, in state {}: {e}", self.states[last.state]))?;
            all.push(next);
        }
        Ok(all)
    }

    /// A configuration as people read it: the state, and the tape with the head's cell in brackets.
    pub fn show<'a>(&'a self, configuration: &'a Configuration) -> impl fmt::Display + 'a {
        Shown { machine: self, configuration }
    }
}

/// Lengthens a tape by blanks to `cells` cells.
fn lay_out(tape: &mut Vec<usize>, cells: usize, head: usize) -> Result<(), String> {
    if cells == 0 || cells > MAX_CELLS {
        return Err(format!("cells = {cells}: a tape has 1 to {MAX_CELLS} cells"));
    }
    if tape.len() > cells {
        return Err(format!("{} symbols on {cells} cells; raise `cells`", tape.len()));
    }
    if head >= cells {
        return Err(format!("head = {head}: the last of {cells} cells is {}", cells - 1));
    }
    tape.resize(cells, 0);
    Ok(())
}

struct Shown<'a> {
    machine: &'a Machine,
    configuration: &'a Configuration,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Configuration { state, halted, tape, head } = self.configuration;
        write!(f, "{:<6}", self.machine.states[*state])?;
        for (cell, &symbol) in tape.iter().enumerate() {
            let symbol = &self.machine.symbols[symbol];
            match cell == *head {
                true => write!(f, "[{symbol}]")?,
                false => write!(f, " {symbol} ")?,
            }
        }
        f.write_str(if *halted { "  halted" } else { "" })
    }
}

fn index(names: &[String], name: &str) -> Option<usize> {
    names.iter().position(|n| n == name)
}

fn no_such(place: &str, what: &str, name: &str, known: &[String]) -> String {
    format!("{place}: there is no {what} `{name}`; there are: {}", known.join(" "))
}

fn unique(what: &str, names: &[String]) -> Result<(), String> {
    match names.iter().enumerate().find(|(k, name)| names[..*k].contains(name)) {
        Some((_, name)) => Err(format!("{what} hold `{name}` twice")),
        None => Ok(()),
    }
}
