//! What a Dockerfile says about containers of its image: ports, health check, command. Stages inherit it.

use std::collections::BTreeMap;

use super::arguments::Arguments;
use super::expand::{Lookup, Variable, expand};
use super::facts::{Fact, Facts, Kind};
use super::parse::strings;
use super::scope::Scopes;
use super::variables::{Globals, Scope};

impl Facts {
    /// Ports that the target EXPOSEs, with variables replaced; those of its own stage first. Whatever the base image
    /// sets is taken for unset.
    pub(in crate::suite) fn exposed(&self, args: &Arguments, target: Option<&str>) -> Vec<String> {
        let globals = Globals::of(self, args);
        let mut scopes = Scopes::of(&globals);
        let mut ports = Vec::new();
        for stage in self.chain(&globals, target) {
            let mut scope = scopes.begin(stage);
            for fact in self.effective(stage, &globals) {
                if fact.effect() == Kind::Expose {
                    let lookup = |name: &str| scope.build_guess(name);
                    let expanded = expand(&fact.arguments, self.escape, &lookup).ok();
                    ports.extend(
                        expanded.filter(|found| found.unknown.is_none()).into_iter().flat_map(|found| found.words),
                    );
                }
                scopes.apply(fact, &mut scope);
            }
        }
        ports
    }

    /// What the target runs to see whether it is healthy, as it is written.
    pub(in crate::suite) fn healthcheck(&self, args: &Arguments, target: Option<&str>) -> Option<&str> {
        // The last one counts.
        let check = self.last(args, target, Kind::Healthcheck)?.arguments.as_str();
        let (word, command) = check.split_once(char::is_whitespace)?;
        word.eq_ignore_ascii_case("CMD").then_some(command)
    }

    /// The variables that a container of the target has.
    pub(in crate::suite) fn environment(&self, args: &Arguments, target: Option<&str>) -> Environment {
        let globals = Globals::of(self, args);
        let mut scopes = Scopes::of(&globals);
        Environment { scope: self.target_stage(target).ok().map(|stage| scopes.end(stage)) }
    }

    /// The words of the target's ENTRYPOINT and CMD.
    pub(in crate::suite) fn started_words(&self, args: &Arguments, target: Option<&str>) -> Vec<String> {
        let commands = [Kind::Entrypoint, Kind::Cmd].into_iter().filter_map(|kind| self.last(args, target, kind));
        let words = commands.flat_map(|fact| match strings(&fact.arguments) {
            Ok(Some(words)) => words,
            _ => fact.arguments.split([' ', '"', '\'']).map(str::to_owned).collect(),
        });
        words.filter(|word| !word.is_empty()).collect()
    }

    /// The last instruction of a kind in the target's stage, else in the stage that it is FROM, and so on.
    fn last(&self, args: &Arguments, target: Option<&str>, kind: Kind) -> Option<&Fact> {
        let globals = Globals::of(self, args);
        let of = |stage| self.effective(stage, &globals).into_iter().rfind(|fact| fact.effect() == kind);
        self.chain(&globals, target).into_iter().find_map(of)
    }
}

/// The variables that a container has, as far as the Dockerfile says them.
#[derive(Debug, Default)]
pub(in crate::suite) struct Environment {
    scope: Option<Scope>,
}

impl Environment {
    /// The text as a shell in the container reads it; `None` where that cannot be known. `more` comes first.
    pub(in crate::suite) fn fill(&self, text: &str, more: &BTreeMap<String, String>) -> Option<String> {
        let lookup: &Lookup<'_> = &|name| match (more.get(name), &self.scope) {
            (Some(value), _) => Variable::Set(value.clone()),
            (None, Some(scope)) => scope.run_guess(name),
            (None, None) => Variable::Unset,
        };
        let expanded = expand(text, '\\', lookup).ok()?;
        expanded.unknown.is_none().then_some(expanded.text)
    }
}
