//! Variables, and which of them commands see.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};

/// One variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its value.
    pub value: Rc<str>,
    /// Whether commands get it in their environment.
    pub exported: bool,
}

/// All variables of a task. Cheap to clone until one of the clones changes.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    all: Rc<BTreeMap<String, Variable>>,
}

impl Variables {
    /// Where a path leads from the current directory on, which `PWD` holds; as it is if that is not set.
    pub fn located(&self, path: &str) -> String {
        match self.get("PWD") {
            Some(current) if path == "." => current.to_string(),
            Some(current) if !path.starts_with('/') => match current.ends_with('/') {
                true => format!("{current}{path}"),
                false => format!("{current}/{path}"),
            },
            _ => path.into(),
        }
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&Rc<str>> {
        self.all.get(name).map(|variable| &variable.value)
    }

    /// The whole variable.
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.all.get(name)
    }

    /// Sets a variable; it stays exported if it is.
    pub fn set(&mut self, name: &str, value: impl Into<Rc<str>>) {
        let value = value.into();
        let all = Rc::make_mut(&mut self.all);
        match all.get_mut(name) {
            Some(variable) => variable.value = value,
            None => drop(all.insert(
                name.into(),
                Variable {
                    value,
                    exported: false,
                },
            )),
        }
    }

    /// Puts back what was there before, or nothing.
    pub fn restore(&mut self, name: &str, before: Option<Variable>) {
        let all = Rc::make_mut(&mut self.all);
        match before {
            Some(variable) => drop(all.insert(name.into(), variable)),
            None => drop(all.remove(name)),
        }
    }

    /// Removes a variable.
    pub fn unset(&mut self, name: &str) {
        if self.all.contains_key(name) {
            Rc::make_mut(&mut self.all).remove(name);
        }
    }

    /// Makes a variable one that commands see, setting it to nothing if it is not there.
    pub fn export(&mut self, name: &str) {
        let all = Rc::make_mut(&mut self.all);
        all.entry(name.into())
            .or_insert_with(|| Variable {
                value: "".into(),
                exported: true,
            })
            .exported = true;
    }

    /// All variables, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Variable)> {
        self.all
            .iter()
            .map(|(name, variable)| (name.as_str(), variable))
    }
}
