//! Which variables hold where: before the first FROM, in a stage, and in the containers of its image.

use std::collections::BTreeMap;

use super::Arguments;
use super::expand::{Variable, expand, expand_known};
use super::facts::{Fact, Facts, Kind};
use super::stages::Origin;

/// Variables that hold at one place.
#[derive(Debug, Clone)]
pub(in crate::suite) struct Scope {
    /// ARGs and ENVs, as the builder replaces them.
    build: BTreeMap<String, Variable>,
    /// ENVs alone, as a container has them.
    run: BTreeMap<String, Variable>,
    /// What is said about all others: an image brings an environment of its own.
    others: Variable,
}

impl Scope {
    fn new(others: Variable) -> Self {
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

/// The variables of a Dockerfile for one set of build arguments.
pub(super) struct Scopes<'f> {
    facts: &'f Facts,
    args: &'f Arguments,
    /// Those before the first FROM, and those that the builder sets by itself.
    global: Scope,
    /// What holds at the ends of stages.
    ends: BTreeMap<usize, Scope>,
}

impl<'f> Scopes<'f> {
    pub(super) fn of(facts: &'f Facts, args: &'f Arguments) -> Self {
        let mut global = Scope::new(Variable::Unset);
        for name in builder_args() {
            let value = args
                .given
                .get(&name)
                .or_else(|| args.automatic.get(&name))
                .cloned()
                .map_or(Variable::Unknown, Variable::Set);
            global.build.insert(name, value);
        }
        let mut scopes = Self { facts, args, global, ends: BTreeMap::new() };
        for fact in facts.instructions.iter().filter(|fact| fact.global) {
            for (name, default) in &fact.sets {
                if let Some(value) = scopes.argument(name, default.as_deref(), &scopes.global) {
                    scopes.global.build.insert(name.clone(), value);
                }
            }
        }
        scopes
    }

    /// A variable in a FROM.
    pub(super) fn global(&self, name: &str) -> Variable {
        self.global.build(name)
    }

    /// What holds at the beginning of a stage: what the stage that it is FROM leaves.
    pub(super) fn begin(&mut self, stage: usize) -> Scope {
        let mut chain = Vec::new();
        let mut at = stage;
        let mut scope = loop {
            match self.facts.base_of(at, self) {
                Ok(Origin::Stage(earlier)) => {
                    if let Some(end) = self.ends.get(&earlier) {
                        break end.clone();
                    }
                    // A stage is only ever FROM an earlier one, so this ends.
                    chain.push(earlier);
                    at = earlier;
                }
                Ok(Origin::Scratch) => break Scope::new(Variable::Unset),
                Ok(Origin::Image(_)) | Err(_) => break Scope::new(Variable::Unknown),
            }
        };
        for earlier in chain.into_iter().rev() {
            for fact in self.facts.effective(earlier, self) {
                self.apply(fact, &mut scope);
            }
            self.ends.insert(earlier, scope.clone());
        }
        scope
    }

    /// What holds after a stage.
    pub(super) fn end(&mut self, stage: usize) -> Scope {
        let mut scope = self.begin(stage);
        for fact in self.facts.effective(stage, self) {
            self.apply(fact, &mut scope);
        }
        scope
    }

    /// Takes in what an ARG or ENV sets.
    pub(super) fn apply(&self, fact: &Fact, scope: &mut Scope) {
        match fact.effect() {
            Kind::Arg => {
                for (name, default) in &fact.sets {
                    let global = || self.global.build.get(name).cloned();
                    if let Some(value) = self.argument(name, default.as_deref(), scope).or_else(global) {
                        scope.build.insert(name.clone(), value);
                    }
                }
            }
            Kind::Env => {
                // All values of one ENV are replaced before any holds.
                let before = scope.clone();
                for (name, value) in &fact.sets {
                    let Some(name) = expand(name, self.facts.escape, &|name| before.build(name)).ok() else { continue };
                    let value = self.value(value.as_deref().unwrap_or_default(), &before);
                    scope.build.insert(name.text.clone(), value.clone());
                    scope.run.insert(name.text, value);
                }
            }
            _ => {}
        }
    }

    /// The value of an ARG: the one that is given, else its default.
    fn argument(&self, name: &str, default: Option<&str>, scope: &Scope) -> Option<Variable> {
        let given = self.args.given.get(name).cloned().map(Variable::Set);
        given.or_else(|| default.map(|default| self.value(default, scope)))
    }

    fn value(&self, word: &str, scope: &Scope) -> Variable {
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
