//! The build arguments that builders write in front of a RUN in an image's history.
//!
//! Docker's builders join `|N`, N times `NAME=value`, and the command with its shell by single spaces, unquoted
//! (moby, builder/dockerfile/dispatchers.go, `prependEnvOnCmd`; BuildKit, dockerfile2llb, `runCommandString`). Buildah
//! does the same, but its N counts words. So a value with spaces has no end of its own: the shell that follows ends it.

/// Programs that a SHELL instruction names.
const SHELLS: [&str; 11] = ["sh", "bash", "ash", "dash", "zsh", "ksh", "mksh", "fish", "powershell", "pwsh", "cmd"];
/// How many words after a shell may come before the option that takes the command: `-o pipefail -c`.
const OPTIONS: usize = 8;

/// The command without `|2 A=1 B=2 ` in front of it; any other text as it is.
///
/// Where a value holds spaces and no known shell follows (the JSON form), words of that value may be left: nothing in
/// the text tells them from the command.
pub fn without_build_args(text: &str) -> &str {
    let Some((count, rest)) = text.strip_prefix('|').and_then(|rest| rest.split_once(char::is_whitespace)) else {
        return text;
    };
    let (Ok(count), rest) = (count.parse::<usize>(), rest.trim_start()) else { return text };
    if !words(rest).next().is_some_and(|(_, word)| is_assignment(word)) {
        return text;
    }
    let mut assigned = 0;
    let mut first_shell = None;
    let mut by_arguments = rest.len();
    let mut in_arguments = true;
    for (at, word) in words(rest) {
        let begins_command = is_shell(&rest[at..], word);
        if begins_command && assigned >= count {
            return &rest[at..];
        }
        // Fewer arguments than counted: N is Buildah's count of words.
        if begins_command && first_shell.is_none() {
            first_shell = Some(at);
        }
        if is_assignment(word) {
            assigned += 1;
        } else if assigned >= count && in_arguments {
            in_arguments = false;
            by_arguments = at;
        }
    }
    &rest[first_shell.unwrap_or(by_arguments)..]
}

/// What is in front of a command whose shell tells where it begins. The other commands of the same stage have the same
/// in front of them, also those of the JSON form, which have no shell.
pub fn build_args_before_shell(text: &str) -> Option<&str> {
    let command = without_build_args(text);
    let args = &text[..text.len() - command.len()];
    let word = command.split_whitespace().next()?;
    (!args.is_empty() && is_shell(command, word)).then_some(args)
}

/// Words and where they begin.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(move |word| (word.as_ptr().addr() - text.as_ptr().addr(), word))
}

/// `NAME=value`.
fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |(name, _)| name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Whether a shell with the option that takes a command is at the beginning of `rest`, whose first word is `word`.
fn is_shell(rest: &str, word: &str) -> bool {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
    let name = name.get(..name.len().saturating_sub(4)).filter(|_| ends_with_exe(name)).unwrap_or(name);
    SHELLS.iter().any(|shell| name.eq_ignore_ascii_case(shell))
        && rest.split_whitespace().skip(1).take(OPTIONS).any(takes_command)
}

fn ends_with_exe(name: &str) -> bool {
    name.get(name.len().saturating_sub(4)..).is_some_and(|end| end.eq_ignore_ascii_case(".exe"))
}

/// `-c`, `-ec`, `-Command`, `/C`.
fn takes_command(word: &str) -> bool {
    if word.eq_ignore_ascii_case("-command") || word.eq_ignore_ascii_case("/c") {
        return true;
    }
    let letters = word.strip_prefix('-').unwrap_or_default();
    letters.contains('c') && letters.chars().all(|c| c.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_go_whatever_the_shell() {
        for (text, command) in [
            ("|2 A=1 B=2 /bin/sh -c make", "/bin/sh -c make"),
            ("|1 T=s3cr3t /bin/bash -o pipefail -c curl x | sh", "/bin/bash -o pipefail -c curl x | sh"),
            ("|1 T=s3cr3t /bin/bash -eo pipefail -c make", "/bin/bash -eo pipefail -c make"),
            ("|1 T= /bin/sh -c A=b make", "/bin/sh -c A=b make"),
            ("|2 M=hello world T=s3 cr3t /bin/ash -ec make", "/bin/ash -ec make"),
            ("|1 F=-O2 -DX=1 -g /bin/bash -lc make", "/bin/bash -lc make"),
            ("|1 T=line\nanother line /bin/sh -c <<EOF\na\nEOF", "/bin/sh -c <<EOF\na\nEOF"),
            ("|1 T=x powershell -Command $x = 1; y", "powershell -Command $x = 1; y"),
            (
                "|1 T=x C:\\Windows\\PowerShell.exe -NoLogo -Command dir",
                "C:\\Windows\\PowerShell.exe -NoLogo -Command dir",
            ),
            ("|1 T=x cmd /S /C dir", "cmd /S /C dir"),
            // The JSON form has no shell.
            ("|2 T=x V=1.2 pip install flask", "pip install flask"),
            ("|1 T=x /usr/bin/env X=1 make", "/usr/bin/env X=1 make"),
            ("|2 O=a B=c T=x pip install", "pip install"),
            ("|1 T=x", ""),
            // Buildah counts words.
            ("|3 M=hello big world /bin/sh -c make", "/bin/sh -c make"),
            ("|12 M=hello /bin/sh -c make", "/bin/sh -c make"),
        ] {
            assert_eq!(without_build_args(text), command, "{text}");
        }
    }

    #[test]
    fn what_is_no_list_of_arguments_stays() {
        for text in
            ["", "|", "|1", "|1 ", "|x A=1 sh", "| tee A=b", "|1 grep x", "|99999999999999999999 A=1 x", "a|1 A=1"]
        {
            assert_eq!(without_build_args(text), text);
        }
        assert_eq!(without_build_args("|1 ä=1 é.exe ß"), "|1 ä=1 é.exe ß");
        assert_eq!(without_build_args("|1 A=ä é.exe ß -c"), "é.exe ß -c");
    }
}
