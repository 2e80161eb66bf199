//! Tests of the ignore rules: what the documentation says, and what moby does.

use super::*;

/// Which of the paths are left out by the patterns.
fn left_out<'a>(patterns: &str, paths: &[&'a str]) -> Vec<&'a str> {
    let ignore = Ignore::parse(patterns.as_bytes()).unwrap();
    paths.iter().copied().filter(|path| ignore.ignores(path)).collect()
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
        // An exception for a directory brings back nothing that is ignored only below it.
        ("**/x\n!a", "x a a/x a/y", "x a/x"),
        ("**/x\n!a/**", "x a a/x a/y", "x"),
        ("*\n**/x\n!a", "x a a/x a/y b", "x b"),
        ("*\n!a\n**/x\n!a", "x a a/x a/y b", "x a/x b"),
        ("/!a", "a !a b", ""),
        ("*\n/!a", "a !a b", "!a b"),
        ("/ a", "a", "a"),
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
        // moby's translation: an anchor, a digit, and a class that takes in what `*` becomes.
        ("^a*", "^ab ab", "ab"),
        ("^ab", "^ab ab", "^ab"),
        ("a\\d*", "ad1 a1", "a1"),
        ("[*]x", "*x [[]x []x", "[[]x []x"),
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
    for (text, line) in [
        ("a\n[", 2),
        ("[]", 1),
        ("[-]", 1),
        ("[a-]", 1),
        ("[z-a]", 1),
        ("x\\", 1),
        ("a\n\n!", 3),
        ("!/", 1),
        ("a\\y*", 1),
    ] {
        match Ignore::parse(text.as_bytes()) {
            Err(PatternError { line: at, .. }) => assert_eq!(at, line, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(matches!(
        Ignore::parse(&vec![b'\n'; Ignore::MAX_TEXT + 1]),
        Err(PatternError { reason: Reason::TooMuchText, .. })
    ));
    assert!(matches!(
        Ignore::parse("a\n".repeat(Ignore::MAX_PATTERNS + 1).as_bytes()),
        Err(PatternError { reason: Reason::TooManyPatterns, .. })
    ));
    assert!(Ignore::parse("a".repeat(Ignore::MAX_PATTERN + 1).as_bytes()).is_err());
}

#[test]
fn a_pattern_made_to_backtrack_is_answered_at_once() {
    let pattern = format!("{}b", "*a".repeat(200));
    let ignore = Ignore::parse(format!("{pattern}\n{}c", "**/a/".repeat(200)).as_bytes()).unwrap();
    let path = "a".repeat(4000);
    assert!(!ignore.ignores(&path));
    assert!(!ignore.ignores(&"a/".repeat(1000)));
}

#[test]
fn directories_are_read_if_something_below_may_come_back() {
    let may = |patterns: &str, directory: &str| {
        let ignore = Ignore::parse(patterns.as_bytes()).unwrap();
        [Client::Classic, Client::BuildKit].map(|client| ignore.may_reinclude_below(directory, client))
    };
    assert_eq!(may("*", "a"), [false, false]);
    assert_eq!(may("*\n!a/b", "a"), [true, true]);
    assert_eq!(may("*\n!a/b", "ab"), [false, false]);
    assert_eq!(may("*\n!**/b", "a"), [false, true]);
    assert_eq!(may("*\n!a/**", "a"), [true, true]);
    assert_eq!(may("*\n!a/**", "b"), [false, false]);
}

#[test]
fn patterns_without_a_file_keep_their_slash() {
    let ignore = Ignore::from_patterns(["/a", "#b", "", "*.md", "!c.md"]).unwrap();
    assert!(["#b", "x.md"].iter().all(|path| ignore.ignores(path)));
    assert!(["a", "c.md"].iter().all(|path| !ignore.ignores(path)));
    assert_eq!(Ignore::from_patterns(["a", "["]).unwrap_err().line, 2);
}

#[test]
fn errors_escape_what_cannot_be_printed() {
    let error = Ignore::parse(b"\\\"\x1b[31m[").unwrap_err();
    assert_eq!(error.to_string(), r#"line 1: the pattern `\"\u{1b}[31m[` is malformed: `[` is not closed"#);
}

/// Numbers that look random, the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % limit
    }

    fn joined(&mut self, pieces: &[&str], most: usize, between: &str) -> String {
        let count = 1 + self.below(most);
        (0..count).map(|_| pieces[self.below(pieces.len())]).collect::<Vec<_>>().join(between)
    }
}

/// The fuzz target does the same with bytes of its own choice, for hours.
#[test]
fn it_agrees_with_plain_backtracking() {
    const PIECES: [&str; 14] = ["a", "b", "ab", ".", "/", "/", "*", "**", "**/", "?", "[ab]", "[^a]", "\\*", "[a-b"];
    let mut numbers = Numbers(12);
    let mut compared = 0;
    for _ in 0..20_000 {
        let lines: Vec<String> = (0..=numbers.below(4))
            .map(|_| ["", "!", "/", "", "# "][numbers.below(5)].to_owned() + &numbers.joined(&PIECES, 5, ""))
            .collect();
        let text = lines.join("\n");
        let path = numbers.joined(&["a", "b", "ab", ".a", "ba", "*"], 4, "/");
        let ours = Ignore::parse(text.as_bytes()).map(|ignore| ignore.ignores(&path));
        match crate::reference::ignores(&text, &path) {
            Ok(expected) => {
                compared += 1;
                assert_eq!(ours, Ok(expected), "{text:?} {path}");
            }
            Err(crate::reference::Refusal::Malformed) => assert!(ours.is_err(), "{text:?}"),
            Err(crate::reference::Refusal::NoOpinion) => {}
        }
    }
    assert!(compared > 10_000, "only {compared} have been compared");
}

#[test]
fn any_text_is_read_or_refused() {
    const PIECES: [&str; 22] = [
        "a",
        "/",
        "*",
        "?",
        "!",
        "\\",
        "[",
        "]",
        "^",
        ".",
        "#",
        " ",
        "\n",
        "-",
        "\\Q",
        "\\p",
        "[:digit:]",
        "\u{feff}",
        "é",
        "\0",
        "{",
        "x",
    ];
    let mut numbers = Numbers(7);
    for _ in 0..20_000 {
        let text = numbers.joined(&PIECES, 20, "");
        let path = numbers.joined(&PIECES, 8, "");
        if let Ok(ignore) = Ignore::parse(text.as_bytes()) {
            let _: bool = ignore.ignores(&path);
        }
    }
}

/// What the docker command line sent to a classic builder and to BuildKit; `tests/clients/dockerignore.py` of the
/// repository makes the table.
const CLIENTS: &str = include_str!("../tests/clients.tsv");

/// A client, an ignore file, and the files that were sent; `None` where the client refused to build.
type Row = (Client, String, Option<Vec<&'static str>>);

/// All files, and what was sent of them.
fn table() -> (Vec<&'static str>, Vec<Row>) {
    let mut lines = CLIENTS.lines().filter(|line| !line.starts_with("# ")).map(|line| line.split('\t'));
    let files = lines.next().unwrap().nth(2).unwrap().split(' ').collect();
    let rows = lines.map(|mut fields| {
        let client = if fields.next() == Some("classic") { Client::Classic } else { Client::BuildKit };
        let mut text = String::new();
        let mut escaped = fields.next().unwrap().chars();
        while let Some(c) = escaped.next() {
            text.push(match (c, if c == '\\' { escaped.next() } else { None }) {
                (_, Some('n')) => '\n',
                (_, Some('r')) => '\r',
                (_, Some('t')) => '\t',
                (c, _) => c,
            });
        }
        let sent = fields.next().unwrap();
        (client, text, (sent != "!").then(|| sent.split(' ').filter(|path| !path.is_empty()).collect()))
    });
    (files, rows.collect())
}

#[test]
fn what_is_sent_is_what_the_real_clients_send() {
    let (files, rows) = table();
    assert!(rows.len() > 200 && files.len() > 20);
    for (client, text, expected) in rows {
        let Ok(ignore) = Ignore::parse(text.as_bytes()) else {
            assert_eq!(expected, None, "{client:?} {text:?} is refused");
            continue;
        };
        let sent = |path: &&str| {
            let mut parent = Verdict::default();
            for (at, _) in path.match_indices('/') {
                parent = ignore.verdict(&path[..at], &parent);
                if parent.is_ignored() && !ignore.may_reinclude_below(&path[..at], client) {
                    return false;
                }
            }
            !ignore.verdict(path, &parent).is_ignored()
        };
        let sent: Vec<_> = files.iter().copied().filter(sent).collect();
        assert_eq!(Some(sent), expected, "{client:?} {text:?}");
    }
}

/// The second implementation is held against the clients too, so that both cannot have the same error. BuildKit reads
/// every directory where an exception has wildcards, and where it does not, nothing below could come back.
#[test]
fn plain_backtracking_says_what_buildkit_s_client_sends() {
    let (files, rows) = table();
    let mut compared = 0;
    for (client, text, expected) in rows.into_iter().filter(|row| row.0 == Client::BuildKit) {
        let verdicts: Result<Vec<bool>, _> = files.iter().map(|path| crate::reference::ignores(&text, path)).collect();
        if let Ok(verdicts) = verdicts {
            compared += 1;
            let sent: Vec<_> =
                files.iter().zip(verdicts).filter(|(_, ignored)| !ignored).map(|(path, _)| *path).collect();
            assert_eq!(Some(sent), expected, "{client:?} {text:?}");
        }
    }
    assert!(compared > 90, "only {compared} have been compared");
}
