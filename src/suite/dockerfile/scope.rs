//! Which variables hold in a stage, and in the containers of its image.

use std::collections::BTreeMap;

use super::expand::{Variable, expand};
use super::facts::{Fact, Kind};
use super::stages::Origin;
use super::variables::{Globals, Scope};

/// The variables of the stages of a Dockerfile for one set of build arguments.
pub(super) struct Scopes<'g> {
    globals: &'g Globals<'g>,
    /// What holds at the ends of stages.
    ends: BTreeMap<usize, Scope>,
}

impl<'g> Scopes<'g> {
    pub(super) fn of(globals: &'g Globals<'g>) -> Self {
        Self { globals, ends: BTreeMap::new() }
    }

    /// What holds at the beginning of a stage: what the stage that it is FROM leaves.
    pub(super) fn begin(&mut self, stage: usize) -> Scope {
        let mut chain = Vec::new();
        let mut at = stage;
        let mut scope = loop {
            match self.globals.facts.base_of(at, self.globals) {
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
            for fact in self.globals.facts.effective(earlier, self.globals) {
                self.apply(fact, &mut scope);
            }
            self.ends.insert(earlier, scope.clone());
        }
        scope
    }

    /// What holds after a stage.
    pub(super) fn end(&mut self, stage: usize) -> Scope {
        let mut scope = self.begin(stage);
        for fact in self.globals.facts.effective(stage, self.globals) {
            self.apply(fact, &mut scope);
        }
        scope
    }

    /// Takes in what an ARG or ENV sets.
    pub(super) fn apply(&self, fact: &Fact, scope: &mut Scope) {
        match fact.effect() {
            Kind::Arg => {
                for (name, default) in &fact.sets {
                    let global = || self.globals.scope.build.get(name).cloned();
                    if let Some(value) = self.globals.argument(name, default.as_deref(), scope).or_else(global) {
                        scope.build.insert(name.clone(), value);
                    }
                }
            }
            Kind::Env => {
                // All values of one ENV are replaced before any holds.
                let before = scope.clone();
                for (name, value) in &fact.sets {
                    let Some(name) = expand(name, self.globals.facts.escape, &|name| before.build(name)).ok() else {
                        continue;
                    };
                    let value = self.globals.value(value.as_deref().unwrap_or_default(), &before);
                    scope.build.insert(name.text.clone(), value.clone());
                    scope.run.insert(name.text, value);
                }
            }
            _ => {}
        }
    }
}
