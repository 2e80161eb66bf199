//! Variables and their values: at one place, and before the first FROM.

use std::collections::BTreeMap;

use super::arguments::Arguments;
use super::expand::{Variable, expand_known};
use super::facts::Facts;

/// Variables that hold at one place.
#[derive(Debug, Clone)]
pub(in crate::suite) struct Scope {
    /// ARGs and ENVs, as the builder replaces them.
    pub(super) build: BTreeMap<String, Variable>,
    /// ENVs alone, as a container has them.
    pub(super) run: BTreeMap<String, Variable>,
    /// What is said about all others: an image brings an environment of its own.
    others: Variable,
}

impl Scope {
    pub(super) fn new(others: Variable) -> Self {
        Self { build: BTreeMap::new(), run: BTreeMap::new(), others }
    }

    /// What the builder puts in for a variable.
    pub(in crate::suite) fn build(&self, name: &str) -> Variable {
        self.build.get(name).unwrap_or(&self.others).clone()
    }

    /// [`Self::build`], taking for unset whatever the base image may set.
    pub(in crate::suite) fn build_guess(&self, name: &str) -> Variable {
        self.build.get(name).cloned().unwrap_or(Variable::Unset)
    }

    /// What a shell in the container puts in, taking for unset whatever the base image may set.
    pub(in crate::suite) fn run_guess(&self, name: &str) -> Variable {
        self.run.get(name).cloned().unwrap_or(Variable::Unset)
    }
}

/// The variables before the first FROM, and those that the builder sets by itself, for one set of build arguments.
pub(super) struct Globals<'f> {
    pub facts: &'f Facts,
    args: &'f Arguments,
    pub scope: Scope,
}

impl<'f> Globals<'f> {
    pub(super) fn of(facts: &'f Facts, args: &'f Arguments) -> Self {
        let mut scope = Scope::new(Variable::Unset);
        for name in builder_args() {
            let value = args
                .given
                .get(&name)
                .or_else(|| args.automatic.get(&name))
                .cloned()
                .map_or(Variable::Unknown, Variable::Set);
            scope.build.insert(name, value);
        }
        let mut globals = Self { facts, args, scope };
        for fact in facts.instructions.iter().filter(|fact| fact.global) {
            for (name, default) in &fact.sets {
                if let Some(value) = globals.argument(name, default.as_deref(), &globals.scope) {
                    globals.scope.build.insert(name.clone(), value);
                }
            }
        }
        globals
    }

    /// A variable in a FROM.
    pub(super) fn get(&self, name: &str) -> Variable {
        self.scope.build(name)
    }

    /// The value of an ARG: the one that is given, else its default.
    pub(super) fn argument(&self, name: &str, default: Option<&str>, scope: &Scope) -> Option<Variable> {
        let given = self.args.given.get(name).cloned().map(Variable::Set);
        given.or_else(|| default.map(|default| self.value(default, scope)))
    }

    /// What a word means in a scope.
    pub(super) fn value(&self, word: &str, scope: &Scope) -> Variable {
        let known = expand_known(word, self.facts.escape, &|name| scope.build(name));
        known.map_or(Variable::Unknown, Variable::Set)
    }
}

/// The arguments that BuildKit sets by itself (reference: "Automatic platform ARGs in the global scope").
fn builder_args() -> impl Iterator<Item = String> {
    let parts = ["PLATFORM", "OS", "OSVERSION", "ARCH", "VARIANT"];
    let sides = ["TARGET", "BUILD"].into_iter();
    sides.flat_map(move |side| parts.map(|part| format!("{side}{part}"))).chain(["TARGETSTAGE".to_owned()])
}
