//! One more line in a file, without breaking what it is part of.

/// How a comment is written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syntax {
    /// To the end of the line.
    Line(&'static str),
    /// Between two marks.
    Block(&'static str, &'static str),
    /// Not at all, but blanks at the end mean nothing.
    Blanks,
}

/// The content with one line added that says `stamp`, as a comment in the file's own syntax, so that the file means
/// what it meant before and yet is another one.
///
/// The syntax is told by the file's name. JSON, `go.sum`, lock files and every kind that is not known have no
/// comments that are safe to write; to them a line of spaces and tabs is added that spells the stamp in binary, one
/// bit a character, which parsers of text pass over. Letters, digits, `.`, `_`, `:` and `-` of the stamp are kept,
/// others become `.`.
pub fn edit_line(path: &str, content: &[u8], stamp: &str) -> Vec<u8> {
    let stamp: String = stamp
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-') { c } else { '.' })
        .collect();
    // `--` may not stand in an XML comment.
    let stamp = stamp.replace("--", "..");
    let line = match syntax(path, content) {
        Syntax::Line(mark) => format!("{mark} tonnage {stamp}"),
        Syntax::Block(open, close) => format!("{open} tonnage {stamp} {close}"),
        Syntax::Blanks => blanks(&stamp),
    };
    let newline = if content.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" };
    let mut edited = content.to_vec();
    if !edited.is_empty() && !edited.ends_with(b"\n") {
        edited.extend_from_slice(newline.as_bytes());
    }
    edited.extend_from_slice(line.as_bytes());
    edited.extend_from_slice(newline.as_bytes());
    edited
}

/// The bits of a text, a space for 0 and a tab for 1.
fn blanks(stamp: &str) -> String {
    stamp.bytes().flat_map(|byte| (0..8).rev().map(move |bit| if byte >> bit & 1 == 1 { '\t' } else { ' ' })).collect()
}

fn syntax(path: &str, content: &[u8]) -> Syntax {
    let name = path.rsplit('/').next().unwrap_or(path);
    let lower = name.to_ascii_lowercase();
    match lower.as_str() {
        "go.mod" | "go.work" | "jenkinsfile" => return Syntax::Line("//"),
        "makefile" | "gemfile" | "rakefile" | "pipfile" | "procfile" | "brewfile" | "yarn.lock" | "cargo.lock"
        | "poetry.lock" | "uv.lock" | "pdm.lock" | "mix.lock" => return Syntax::Line("#"),
        _ => {}
    }
    if is_dockerfile(&lower) {
        return Syntax::Line("#");
    }
    match lower.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "py" | "pyi" | "sh" | "bash" | "zsh" | "rb" | "gemspec" | "pl" | "pm" | "r" | "jl" | "ex" | "exs" | "tf"
        | "yml" | "yaml" | "toml" | "cfg" | "conf" | "ini" | "properties" | "env" | "ps1" | "mk" | "cmake" | "nix"
        | "gd" | "nim" | "cr" | "tcl" | "txt" | "in" => Syntax::Line("#"),
        // After a closing tag the rest of the file is output.
        "php" if content.trim_ascii_end().ends_with(b"?>") => Syntax::Block("<?php /*", "*/ ?>"),
        "js" | "mjs" | "cjs" | "jsx" | "ts" | "mts" | "cts" | "tsx" | "rs" | "go" | "c" | "h" | "cc" | "cpp"
        | "cxx" | "hh" | "hpp" | "cs" | "java" | "kt" | "kts" | "scala" | "sbt" | "swift" | "dart" | "groovy"
        | "gradle" | "zig" | "proto" | "fs" | "v" | "php" => Syntax::Line("//"),
        "css" | "scss" | "less" => Syntax::Block("/*", "*/"),
        "html" | "htm" | "xhtml" | "xml" | "svg" | "md" | "markdown" | "vue" | "svelte" | "csproj" | "fsproj"
        | "vbproj" | "props" | "targets" => Syntax::Block("<!--", "-->"),
        "sql" | "lua" | "hs" | "elm" => Syntax::Line("--"),
        "erl" | "hrl" | "tex" => Syntax::Line("%"),
        "clj" | "cljs" | "edn" | "lisp" | "scm" | "el" => Syntax::Line(";"),
        _ => Syntax::Blanks,
    }
}

fn is_dockerfile(lower: &str) -> bool {
    ["dockerfile", "containerfile"]
        .iter()
        .any(|word| lower == *word || lower.starts_with(&format!("{word}.")) || lower.ends_with(&format!(".{word}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(path: &str, content: &str) -> String {
        String::from_utf8(edit_line(path, content.as_bytes(), "7f3a-1")).unwrap()
    }

    #[test]
    fn the_line_is_a_comment_of_the_files_own_kind() {
        for (path, content, expected) in [
            ("src/server.py", "x = 1\n", "x = 1\n# tonnage 7f3a-1\n"),
            ("requirements.txt", "Flask==1.1.1", "Flask==1.1.1\n# tonnage 7f3a-1\n"),
            ("go.mod", "module x\n", "module x\n// tonnage 7f3a-1\n"),
            ("main.go", "package main\r\n", "package main\r\n// tonnage 7f3a-1\r\n"),
            ("Cargo.toml", "", "# tonnage 7f3a-1\n"),
            ("pom.xml", "<project/>\n", "<project/>\n<!-- tonnage 7f3a-1 -->\n"),
            ("index.php", "<?php ?>\n", "<?php ?>\n<?php /* tonnage 7f3a-1 */ ?>\n"),
            ("index.php", "<?php f();\n", "<?php f();\n// tonnage 7f3a-1\n"),
            ("Gemfile", "gem 'x'\n", "gem 'x'\n# tonnage 7f3a-1\n"),
            ("app/Dockerfile.dev", "FROM x\n", "FROM x\n# tonnage 7f3a-1\n"),
            ("style.css", "a {}\n", "a {}\n/* tonnage 7f3a-1 */\n"),
        ] {
            assert_eq!(edited(path, content), expected, "{path}");
        }
    }

    #[test]
    fn json_stays_the_same_value_and_yet_is_another_file() {
        let before = "{\"name\": \"x\"}\n";
        let one = edit_line("package.json", before.as_bytes(), "a1");
        let two = edit_line("package.json", before.as_bytes(), "a2");
        assert_ne!(one, two);
        for edited in [&one, &two] {
            let value: serde_json::Value = serde_json::from_slice(edited).unwrap();
            assert_eq!(value, serde_json::json!({"name": "x"}));
        }
    }

    #[test]
    fn toml_stays_the_same_value() {
        let before = "[package]\nname = \"x\"\n";
        let after = edited("Cargo.toml", before);
        assert_eq!(toml::from_str::<toml::Table>(before).unwrap(), toml::from_str::<toml::Table>(&after).unwrap());
    }

    #[test]
    fn a_stamp_cannot_end_the_comment() {
        let text = String::from_utf8(edit_line("a.html", b"", "x-->\n<script>")).unwrap();
        assert_eq!(text, "<!-- tonnage x.....script. -->\n");
        let text = String::from_utf8(edit_line("a.css", b"", "*/ a")).unwrap();
        assert_eq!(text, "/* tonnage ...a */\n");
    }
}
