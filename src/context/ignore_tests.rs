//! Tests of the ignore rules: what the documentation says, what moby's own behaviour is, and a second
//! implementation by plain backtracking.

use proptest::prelude::*;

use super::*;

#[path = "ignore_oracle.rs"]
mod oracle;

/// Which of the paths are left out by the patterns.
fn left_out<'a>(patterns: &str, paths: &[&'a str]) -> Vec<&'a str> {
    let ignore = Ignore::parse(patterns.as_bytes()).unwrap();
    paths.iter().copied().filter(|path| ignore.excludes(path)).collect()
}

#[test]
fn the_examples_of_the_documentation_hold() {
    // https://docs.docker.com/build/concepts/context/#dockerignore-files
    for (patterns, paths, out) in [
        (
            "# comment\n*/temp*",
            "somedir/temporary.txt somedir/temp x/y/temp temp",
            "somedir/temporary.txt somedir/temp",
        ),
        ("*/*/temp*", "a/b/temporary.txt a/temp temp", "a/b/temporary.txt"),
        ("temp?", "tempa tempb temp tempab a/tempa", "tempa tempb"),
        ("**/*.go", "a.go a/b.go a/b/c.go a.gob", "a.go a/b.go a/b/c.go"),
        ("/foo/bar", "foo/bar foo/bar/x a/foo/bar", "foo/bar foo/bar/x"),
        ("foo/bar/", "foo/bar foo/bar/x", "foo/bar foo/bar/x"),
        ("*.md\n!README.md", "a.md README.md b/a.md", "a.md"),
        ("*.md\n!README*.md\nREADME-secret.md", "a.md README.md README-secret.md", "a.md README-secret.md"),
        // The middle line has no effect because !README*.md matches README-secret.md and comes last.
        ("*.md\nREADME-secret.md\n!README*.md", "a.md README.md README-secret.md", "a.md"),
    ] {
        let paths: Vec<_> = paths.split(' ').collect();
        assert_eq!(left_out(patterns, &paths).join(" "), out, "{patterns:?}");
    }
}

#[test]
fn patterns_are_anchored_cleaned_and_read_line_by_line() {
    for (patterns, paths, out) in [
        ("foo", "foo a/foo foo/x", "foo foo/x"),
        ("./foo", "foo", "foo"),
        ("a/../foo", "foo a", "foo"),
        ("//foo//bar", "foo/bar", "foo/bar"),
        ("../foo", "foo", ""),
        (".", "foo a/b", ""),
        ("/", "foo", ""),
        ("  foo \t\r\nbar\r", "foo bar", "foo bar"),
        ("\u{feff}foo", "foo", "foo"),
        ("#foo\n #bar", "#foo #bar", "#bar"),
        ("\\#foo", "#foo", "#foo"),
        ("\\!foo", "!foo foo", "!foo"),
        ("! foo\n*\n!  /foo/", "foo bar", "bar"),
        ("*\n!a/b", "a a/b a/c a/b/d", "a a/c"),
        ("a\n!a/b\na/b/c", "a/b a/b/c a/b/d a/x", "a/b/c a/x"),
        ("**", "a a/b .x", "a a/b .x"),
        ("**/", "a a/b", "a a/b"),
        ("a/**", "a a/b a/b/c ab", "a/b a/b/c"),
        ("**/a", "a x/a x/y/a xa a/b", "a x/a x/y/a a/b"),
        ("**/a/**", "a a/b x/a/b", "a/b x/a/b"),
        ("a/**/b", "a/b a/x/b a/x/y/b axb a/xb", "a/b a/x/b a/x/y/b"),
        ("**/x/*.o", "x/a.o y/x/a.o x/y/a.o", "x/a.o y/x/a.o"),
        ("[a-c].txt", "a.txt c.txt d.txt", "a.txt c.txt"),
        ("[^a-c].txt", "a.txt d.txt", "d.txt"),
        ("[!a].txt", "a.txt !.txt b.txt", "a.txt !.txt"),
        ("[\\]].txt", "].txt \\.txt", "].txt"),
        ("a.b+(c)|{d}$", "a.b+(c)|{d}$ axb", "a.b+(c)|{d}$"),
        ("^a*", "^ab ab", "^ab"),
        ("a\\d*", "ad1 a1", "ad1"),
        ("*", "a .a a/b", "a .a a/b"),
        ("*/*", "a a/b a/b/c", "a/b a/b/c"),
        ("größe?", "größe1 größeß größe", "größe1 größeß"),
        // moby's shortcuts.
        ("**a", "xa y/xa a ab", "xa y/xa a"),
        ("a**", "ab a/b a b", "ab a/b a"),
    ] {
        let paths: Vec<_> = paths.split(' ').collect();
        assert_eq!(left_out(patterns, &paths).join(" "), out, "{patterns:?}");
    }
}

#[test]
fn malformed_patterns_are_refused_with_their_line() {
    for (text, line) in [("a\n[", 2), ("[]", 1), ("[-]", 1), ("[a-]", 1), ("[z-a]", 1), ("x\\", 1), ("a\n\n!", 3)] {
        match Ignore::parse(text.as_bytes()) {
            Err(IgnoreError::Pattern { line: at, .. }) => assert_eq!(at, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(Ignore::parse(&vec![b'\n'; MAX_TEXT + 1]), Err(IgnoreError::TooLarge { .. })));
    assert!(matches!(Ignore::parse("a\n".repeat(MAX_PATTERNS + 1).as_bytes()), Err(IgnoreError::TooLarge { .. })));
    assert!(Ignore::parse("a".repeat(MAX_PATTERN + 1).as_bytes()).is_err());
}

#[test]
fn a_pattern_made_to_backtrack_is_answered_at_once() {
    let pattern = format!("{}b", "*a".repeat(200));
    let ignore = Ignore::parse(format!("{pattern}\n{}c", "**/a/".repeat(200)).as_bytes()).unwrap();
    let path = "a".repeat(4000);
    assert!(!ignore.excludes(&path));
    assert!(!ignore.excludes(&"a/".repeat(1000)));
}

#[test]
fn folders_are_walked_where_something_below_may_come_back() {
    let may = |patterns: &str, folder: &str| {
        let ignore = Ignore::parse(patterns.as_bytes()).unwrap();
        [Prune::ByPrefix, Prune::UnlessWildcards].map(|rule| ignore.may_bring_back_below(folder, rule))
    };
    assert_eq!(may("*", "a"), [false, false]);
    assert_eq!(may("*\n!a/b", "a"), [true, true]);
    assert_eq!(may("*\n!a/b", "ab"), [false, false]);
    assert_eq!(may("*\n!**/b", "a"), [false, true]);
    assert_eq!(may("*\n!a/**", "a"), [true, true]);
    assert_eq!(may("*\n!a/**", "b"), [false, false]);
}

#[test]
fn paths_are_cleaned_by_their_text() {
    for (path, clean) in
        [("", "."), ("a//b/./c/..", "a/b"), ("../a", "../a"), ("/../a", "/a"), ("a/..", "."), ("/", "/"), ("a/", "a")]
    {
        assert_eq!(clean_path(path), clean, "{path:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn it_agrees_with_plain_backtracking(
        patterns in prop::collection::vec("!?/?(a|b|ab|\\.|/|\\*|\\*\\*|\\*\\*/|\\?|\\[ab\\]|\\[\\^a\\]|\\\\b){1,6}", 1..5),
        paths in prop::collection::vec("(a|b|ab|\\.a|ba){1}(/(a|b|ab|bb)){0,3}", 1..6),
    ) {
        let ignore = Ignore::parse(patterns.join("\n").as_bytes()).unwrap();
        for path in &paths {
            let expected = oracle::excludes(&oracle::patterns(&patterns.join("\n")), path);
            prop_assert_eq!(Some(ignore.excludes(path)), expected, "{:?} {}", patterns, path);
        }
    }

    #[test]
    fn no_text_and_no_path_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..200), path in ".{0,40}") {
        if let Ok(ignore) = Ignore::parse(&text) {
            let _: bool = ignore.excludes(&path);
        }
    }

    #[test]
    fn nor_does_any_mix_of_special_characters(text in "[a/*?!\\\\\\[\\]^.# \n-]{0,60}", path in "[a/*!\\[]{0,20}") {
        if let Ok(ignore) = Ignore::parse(text.as_bytes()) {
            let _: bool = ignore.excludes(&path);
        }
    }
}
