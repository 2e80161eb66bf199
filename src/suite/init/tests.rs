//! Tests of `init`: five shapes of repositories, each read back as suites.

use std::fs;
use std::path::Path;

use super::*;
use crate::error::Diagnose as _;
use crate::exit::Exit;
use crate::suite::{MANIFEST_NAME, Suite};
use crate::testing::files::directory;

/// What is written for a repository, and the suite that is read back from it.
fn written(files: &[(&str, &str)]) -> (String, Suite, Survey) {
    let dir = directory(files);
    let survey = survey(dir.path()).unwrap();
    let text = manifest(dir.path(), &survey, Some("it")).unwrap();
    fs::write(dir.path().join(MANIFEST_NAME), &text).unwrap();
    (text, Suite::load(dir.path()).unwrap(), survey)
}

/// Name, Dockerfile, context, src and deps of each variant.
fn rows(suite: &Suite) -> Vec<[String; 5]> {
    let shown = |path: &Option<std::path::PathBuf>| path.as_ref().map_or("-".into(), |path| path.display().to_string());
    suite
        .variants
        .iter()
        .map(|variant| {
            [
                variant.name.clone(),
                variant.dockerfile.display().to_string(),
                variant.context.display().to_string(),
                shown(&variant.src),
                shown(&variant.deps),
            ]
        })
        .collect()
}

const FLASK: &str = "FROM python:3.9\nWORKDIR /app\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\nCOPY src /app\nEXPOSE 5000\n";

#[test]
fn a_single_dockerfile_is_one_variant_with_its_files_guessed() {
    let (text, suite, _) = written(&[
        ("Dockerfile", "FROM node:22\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nEXPOSE 3000/tcp\n"),
        (".dockerignore", "node_modules\ntest\n"),
        ("package.json", "{}"),
        ("node_modules/x/package.json", "{}"),
        ("node_modules/x/Dockerfile", "FROM scratch\n"),
        ("test/index.js", ""),
        ("lib/index.js", ""),
        ("src/server.js", ""),
    ]);
    assert_eq!(suite.variants.len(), 1);
    assert_eq!(rows(&suite)[0][1..], ["Dockerfile", ".", "src/server.js", "package.json"]);
    assert!(text.contains("# [serve]\n# port = 3000\n"), "{text}");
    assert!(suite.variants[0].serve.is_none());
    // The lines that were commented out are right once the comment is taken away.
    let (_, section) = text.split_once("to answer:\n").unwrap();
    let section: Vec<_> = section.lines().take(4).map(|line| line.trim_start_matches("# ")).collect();
    let table: toml::Table = toml::from_str(&section.join("\n")).unwrap();
    assert_eq!(table["serve"]["port"].as_integer(), Some(3000));
}

#[test]
fn dockerfiles_side_by_side_are_named_by_what_differs() {
    let (_, suite, _) = written(&[
        ("Dockerfile.alpine", "FROM alpine\nCOPY . .\n"),
        ("Dockerfile.alpine.dockerignore", "x\n"),
        ("slim.Dockerfile", "FROM debian\nCOPY go.mod .\nCOPY cmd cmd\n"),
        ("Containerfile", "FROM scratch\nCOPY cmd/main.go /\n"),
        ("go.mod", "module x\n"),
        ("cmd/main.go", "package main\n"),
        ("cmd/main_test.go", "package main\n"),
    ]);
    let rows = rows(&suite);
    let row = |dockerfile: &str| rows.iter().find(|row| row[1] == dockerfile).unwrap();
    assert_eq!(row("Dockerfile.alpine"), &["alpine", "Dockerfile.alpine", ".", "cmd/main.go", "go.mod"]);
    assert_eq!(row("slim.Dockerfile"), &["slim", "slim.Dockerfile", ".", "cmd/main.go", "go.mod"]);
    // This one copies no go.mod, and is called after the repository.
    assert_eq!(row("Containerfile")[2..], [".", "cmd/main.go", "-"]);
    assert_eq!(rows.len(), 3);
}

#[test]
fn folders_of_variants_share_the_context_that_holds_the_files() {
    let (text, suite, survey) = written(&[
        ("full/Dockerfile", FLASK),
        ("slim/Dockerfile", FLASK),
        ("requirements.txt", "Flask\n"),
        ("src/server.py", ""),
        ("src/util.py", ""),
    ]);
    assert_eq!(
        rows(&suite),
        [
            ["full", "full/Dockerfile", ".", "src/server.py", "requirements.txt"],
            ["slim", "slim/Dockerfile", ".", "src/server.py", "requirements.txt"],
        ]
    );
    assert_eq!(text.matches("requirements.txt").count(), 1, "{text}");
    assert_eq!(survey.variants[0].ports, [5000]);
}

#[test]
fn services_of_a_monorepo_have_contexts_of_their_own() {
    let (_, suite, _) = written(&[
        ("services/api/Dockerfile", "FROM golang\nCOPY . .\n"),
        ("services/api/go.mod", "module api\n"),
        ("services/api/main.go", "package main\n"),
        ("services/web/Dockerfile", "FROM rust\nCOPY Cargo.toml .\nCOPY src src\n"),
        ("services/web/Cargo.toml", ""),
        ("services/web/src/main.rs", ""),
        ("docker/jobs/Dockerfile", "FROM ruby\nCOPY jobs/Gemfile .\n"),
        ("jobs/Gemfile", ""),
    ]);
    assert_eq!(
        rows(&suite),
        [
            ["docker-jobs", "docker/jobs/Dockerfile", ".", "-", "jobs/Gemfile"],
            ["services-api", "services/api/Dockerfile", "services/api", "main.go", "go.mod"],
            ["services-web", "services/web/Dockerfile", "services/web", "src/main.rs", "Cargo.toml"],
        ]
    );
}

#[test]
fn compose_files_say_how_their_services_are_built() {
    let compose = r#"
x-args: &args
  A: "1"
  B: 2
services:
  web:
    platform: linux/amd64
    build:
      context: ./app
      dockerfile: docker/web.Dockerfile
      target: runtime
      args:
        <<: *args
        C: ${C:-three}
        SECRET: $SECRET
  worker:
    build: app
  list:
    build: { context: app, args: ["X=1", "Y"] }
  db: { image: "postgres:16" }
  remote: { build: "https://example.org/x.git" }
  above: { build: .. }
  inline: { build: { dockerfile_inline: "FROM x" } }
  unknown: { build: "${WHERE}" }
  gone: { build: nowhere }
  odd: { build: app, platform: nonsense }
"#;
    let (_, suite, survey) = written(&[
        ("compose.yaml", compose),
        ("app/Dockerfile", FLASK),
        ("app/docker/web.Dockerfile", "FROM python AS runtime\nCOPY src /app\nFROM python\n"),
        ("app/requirements.txt", ""),
        ("app/src/main.py", ""),
        ("tools/Dockerfile", "FROM alpine\n"),
    ]);
    assert_eq!(
        rows(&suite),
        [
            ["list", "app/Dockerfile", "app", "src/main.py", "requirements.txt"],
            ["tools", "tools/Dockerfile", "tools", "-", "-"],
            ["web", "app/docker/web.Dockerfile", "app", "src/main.py", "-"],
            ["worker", "app/Dockerfile", "app", "src/main.py", "requirements.txt"],
        ]
    );
    let web = suite.variant("web").unwrap();
    assert_eq!((web.target.as_deref(), web.platform.as_deref()), (Some("runtime"), Some("linux/amd64")));
    let args: Vec<_> = web.build_args.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(args, ["A=1", "B=2", "C=three"]);
    assert_eq!(suite.variant("list").unwrap().build_args.len(), 1);
    let warnings = survey.warnings.join("\n");
    for service in ["remote", "above", "inline", "unknown", "gone", "odd"] {
        assert!(warnings.contains(&format!("service `{service}` is skipped")), "{service}: {warnings}");
    }
    for argument in ["SECRET", "Y"] {
        assert!(warnings.contains(&format!("without the argument `{argument}`")), "{argument}: {warnings}");
    }
    assert_eq!(survey.warnings.len(), 8);
}

#[test]
fn services_that_share_an_image_are_one_variant_and_namesakes_get_their_folder() {
    let sentry_like = r#"
x-app: &app
  image: app-local
  platform: ${PLATFORM:-}
  build: { context: ./app, network: host, args: [BASE, TOKEN, LIB_VERSION] }
services:
  web: { <<: *app, ports: ["127.0.0.1:8080:80"] }
  worker: { <<: *app, command: work }
  cron: { <<: *app, command: cron }
"#;
    let (text, suite, survey) = written(&[
        ("shop/compose.yaml", sentry_like),
        ("shop/.env", "BASE=alpine\nTOKEN=secret\nLIB_VERSION=2\n"),
        ("shop/app/Dockerfile", "ARG BASE\nFROM $BASE\nARG TOKEN\nCOPY main.sh /\n"),
        ("shop/app/main.sh", ""),
        ("shop/docker-compose.prod.yml", "services:\n  web:\n    build:\n      target: prod\n"),
        ("blog/docker-compose.yml", "services: { web: { build: { context: .., dockerfile: blog/Dockerfile } } }"),
        ("blog/Dockerfile", "FROM alpine\n"),
        ("prod/compose.a.yml", "services: { api: { build: . } }"),
        ("prod/compose.b.yml", "services: { api: { build: { context: ., target: x } } }"),
        ("prod/Dockerfile", "FROM alpine AS x\nFROM x\n"),
    ]);
    let names: Vec<_> = suite.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names, ["blog-web", "prod-a-api", "prod-b-api", "shop-web"]);
    assert!(text.contains("# Used by the services web, worker, cron.\n"), "{text}");
    let web = suite.variant("shop-web").unwrap();
    assert_eq!((web.platform.as_deref(), web.network.as_deref()), (None, Some("host")));
    // What `.env` says of a base is taken; a secret never gets into a file that is committed.
    assert_eq!(
        web.build_args.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
        ["BASE=alpine", "LIB_VERSION=2"]
    );
    assert!(!text.contains("secret"), "{text}");
    assert!(text.contains("# port = 80\n"), "{text}");
    let warnings = survey.warnings.join("\n");
    assert!(warnings.contains("`shop/docker-compose.prod.yml` builds something too; only"), "{warnings}");
    assert!(
        warnings.contains("each of the 3 services `web`, `worker`, `cron` is built without the argument `TOKEN`"),
        "{warnings}"
    );
}

#[test]
fn one_anchor_may_serve_many_services_but_not_multiply_without_end() {
    use std::fmt::Write as _;
    let mut many = String::from("x-app: &app { build: . }\nservices:\n");
    for number in 0..300 {
        let _ = writeln!(many, "  s{number}: {{ <<: *app, command: run }}");
    }
    let (_, suite, survey) = written(&[("compose.yaml", &many), ("Dockerfile", "FROM x\n")]);
    assert_eq!((suite.variants.len(), survey.variants[0].services.len()), (1, 300));

    let mut laughs = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for number in 1..12 {
        let each = vec![format!("*a{}", number - 1); 10].join(", ");
        let _ = writeln!(laughs, "a{number}: &a{number} [{each}]");
    }
    let survey = written(&[("compose.yaml", &laughs), ("Dockerfile", "FROM x\n")]).2;
    assert!(survey.warnings[0].starts_with("`compose.yaml` cannot be read: "), "{:?}", survey.warnings);
}

#[test]
fn the_file_that_an_image_starts_with_is_its_source() {
    for (command, expected) in [
        ("ENTRYPOINT [\"python\", \"/app/mail_server.py\"]", "mail_server.py"),
        ("CMD exec python ./mail_server.py --port 1", "mail_server.py"),
        ("CMD [\"gunicorn\", \"app:app\"]", "app.py"),
        ("CMD [\"docker-entrypoint.sh\"]", "app.py"),
    ] {
        let dockerfile = format!("FROM x\nCOPY . .\n{command}\n");
        let (_, suite, _) = written(&[
            ("Dockerfile", &dockerfile),
            ("app.py", ""),
            ("demo_pb2.py", ""),
            ("docker-entrypoint.sh", ""),
            ("mail_server.py", ""),
        ]);
        assert_eq!(suite.variants[0].src.as_deref(), Some(Path::new(expected)), "{command}");
    }
}

#[test]
fn a_healthcheck_says_where_to_ask_and_what_is_missing_is_told() {
    let (text, suite, survey) = written(&[
        (
            "a/Dockerfile",
            "FROM x\nCOPY . .\nEXPOSE 1\nHEALTHCHECK --interval=5s \\\n CMD curl -f http://localhost:8080/ok || exit 1\n",
        ),
        ("a/index.html", ""),
        ("b/Dockerfile", "FROM x\nCOPY target/b.jar /\nEXPOSE 9000\n"),
        ("b/src/Main.java", ""),
        ("b/pom.xml", ""),
    ]);
    assert!(text.contains("# port = 8080\n# path = \"/ok\"\n"), "{text}");
    assert!(text.contains("# serve = { port = 9000, path = \"/\" }\n"), "{text}");
    assert!(text.contains("# No src and no deps found"), "{text}");
    assert_eq!(suite.variant("a").unwrap().src.as_deref(), Some(Path::new("index.html")));
    assert_eq!(survey.warnings.len(), 1);
    assert!(survey.warnings[0].starts_with("`b/Dockerfile` copies `target/b.jar`, which"), "{:?}", survey.warnings);
    for (check, expected) in [
        ("CMD wget -qO- http://127.0.0.1:3000/a?b || exit 1", Some((3000, "/a?b"))),
        (r#"CMD ["curl", "http://localhost/health"]"#, Some((80, "/health"))),
        ("CMD curl 'http://localhost:1'", Some((1, "/"))),
        ("CMD curl http://other:80/x", None),
        ("CMD curl http://localhost:$PORT/x", None),
        ("CMD true", None),
    ] {
        assert_eq!(
            guess::health(check, &|text| Some(text.to_owned())),
            expected.map(|(port, path)| (port, path.to_owned())),
            "{check}"
        );
    }
}

#[test]
fn ports_and_health_checks_are_read_with_their_variables_and_from_the_stages_before() {
    for (dockerfile, port, path) in [
        ("FROM x\nARG PORT=5000\nEXPOSE $PORT\n", 5000, "/"),
        ("FROM x\nENV PORT=3000\nEXPOSE ${PORT}/tcp\n", 3000, "/"),
        ("ARG P=81\nFROM x AS a\nARG P\nENV PORT=$P\nFROM a\nEXPOSE 53/udp $PORT/TCP\n", 81, "/"),
        ("FROM x\nEXPOSE ${PORT:-8080}\n", 8080, "/"),
        ("FROM x AS common\nEXPOSE 8000\nFROM common AS app\nCMD y\n", 8000, "/"),
        ("FROM x AS common\nEXPOSE 8000\nFROM common\nEXPOSE 9000\n", 9000, "/"),
        (
            "FROM x AS a\nHEALTHCHECK CMD curl -f http://localhost:${PORT:-7000}/up\nFROM a\nENV PORT=7001\n",
            7001,
            "/up",
        ),
        ("FROM x\nENV H=/ok\nHEALTHCHECK CMD [\"sh\", \"-c\", \"wget -q localhost:80$H || exit 1\"]\n", 80, "/ok"),
        ("FROM x AS a\nHEALTHCHECK CMD curl http://localhost:1/\nFROM a\nHEALTHCHECK NONE\nEXPOSE 2\n", 2, "/"),
        ("FROM x\nRUN cat <<E > /h\nHEALTHCHECK CMD curl http://localhost:1/\nEXPOSE 1\nE\nEXPOSE 2\n", 2, "/"),
    ] {
        let (text, _, survey) = written(&[("Dockerfile", dockerfile)]);
        let path = if path == "/" { String::new() } else { format!("path = \"{path}\"") };
        assert!(text.contains(&format!("# port = {port}\n")) && text.contains(&path), "{dockerfile}{text}");
        assert!(survey.warnings.is_empty(), "{:?}", survey.warnings);
    }
}

#[test]
fn a_service_s_own_health_check_and_environment_count() {
    let compose = r#"
services:
  a:
    build: a
    environment: { PORT: 4000 }
  b:
    build: b
    environment: ["PORT=5000"]
    healthcheck: { test: ["CMD", "curl", "-f", "http://localhost:$$PORT/live"] }
  c:
    build: c
    healthcheck: { test: "wget -q http://127.0.0.1:${C_PORT:-6000}/c || exit 1" }
  d:
    build: d
    healthcheck: { disable: true }
  e:
    build: e
    healthcheck: { test: ["NONE"] }
"#;
    let own = "FROM x\nEXPOSE 1\nHEALTHCHECK CMD curl http://localhost:${PORT:-2}/own\n";
    let of = |name: &str| {
        let files: Vec<String> = ["a", "b", "c", "d", "e"].iter().map(|name| format!("{name}/Dockerfile")).collect();
        let mut files: Vec<(&str, &str)> = files.iter().map(|file| (file.as_str(), own)).collect();
        files.push(("compose.yaml", compose));
        let survey = written(&files).2;
        let found = survey.variants.iter().find(|found| found.name == name).unwrap();
        (found.ports[0], found.health.clone())
    };
    assert_eq!(of("a"), (4000, Some("/own".into())));
    assert_eq!(of("b"), (5000, Some("/live".into())));
    assert_eq!(of("c"), (6000, Some("/c".into())));
    assert_eq!((of("d"), of("e")), ((1, None), (1, None)));
}

#[test]
fn what_a_build_will_lack_is_told() {
    let warnings = |files: &[(&str, &str)]| written(files).2.warnings.join("\n");
    for dockerfile in
        ["ARG BASE\nFROM $BASE\n", "ARG BASE\nFROM python:${BASE}-slim\n", "ARG BASE\nFROM a AS b\nFROM x${BASE}\n"]
    {
        let told = warnings(&[("Dockerfile", dockerfile)]);
        assert!(told.contains("argument `BASE`, which has no default") && !told.contains('\n'), "{dockerfile}: {told}");
    }
    for dockerfile in [
        "ARG BASE\nFROM ${BASE:-x}\n",
        "ARG BASE=x\nFROM $BASE\n",
        "ARG BASE\nFROM $BASE AS other\nFROM y\n",
        "FROM x AS base-amd64\nFROM x AS base-arm64\nFROM base-${TARGETARCH}\n",
    ] {
        assert_eq!(warnings(&[("Dockerfile", dockerfile)]), "", "{dockerfile}");
    }
    let compose = "services: { a: { build: { context: ., args: { BASE: x } } } }";
    assert_eq!(warnings(&[("Dockerfile", "ARG BASE\nFROM $BASE\n"), ("compose.yaml", compose)]), "");
    // Made by a build before, also where the path is an argument or a pattern.
    let jar = "FROM x\nARG JAR_FILE=target/*.jar\nCOPY ${JAR_FILE} app.jar\n";
    assert!(warnings(&[("Dockerfile", jar), ("pom.xml", "")]).contains("copies `target/*.jar`, which its context"));
    assert_eq!(warnings(&[("Dockerfile", jar), ("target/a.jar", "")]), "");
    let optional = "FROM x\nCOPY package.json yarn.lock* ./\nCOPY <<E /e\nE\n";
    assert_eq!(warnings(&[("Dockerfile", optional), ("package.json", "")]), "");
    let ignored = [("Dockerfile", "FROM x\nCOPY dist /d\n"), ("dist/a", ""), (".dockerignore", "dist\n")];
    assert!(
        warnings(&ignored).contains("copies `dist`, which the ignore file of its context"),
        "{}",
        warnings(&ignored)
    );
}

#[test]
fn a_service_that_is_built_from_another_one_s_image_is_told_of() {
    let files = |base: &'static str| {
        let compose = "name: shop\nservices:\n  base: { build: base, image: \"me/base:1\" }\n  lib: { build: lib }\n  web: { build: web }\n";
        [
            ("compose.yaml", compose),
            ("base/Dockerfile", "FROM x\n"),
            ("lib/Dockerfile", "FROM y\n"),
            ("web/Dockerfile", base),
        ]
    };
    for (dockerfile, service) in [
        ("FROM docker.io/me/base:1\n", "base"),
        ("FROM shop-lib\n", "lib"),
        ("FROM z\nCOPY --from=shop-lib a b\n", "lib"),
        ("ARG B=shop_lib:latest\nFROM $B\n", "lib"),
    ] {
        let told = written(&files(dockerfile)).2.warnings;
        assert!(
            matches!(told.as_slice(), [told] if told.contains(&format!("docker compose build {service}`"))),
            "{dockerfile}: {told:?}"
        );
    }
    assert_eq!(written(&files("FROM me/base:2\n")).2.warnings, Vec::<String>::new());
}

#[test]
fn equal_warnings_are_told_once_with_their_number() {
    let service = |number| format!("  s{number}: {{ build: {{ context: ., target: t{number}, secrets: [x] }} }}\n");
    let compose = format!("services:\n{}", (0..9).map(service).collect::<Vec<_>>().concat());
    let stages: Vec<String> = (0..9).map(|number| format!("FROM x AS t{number}\nCOPY gone /\n")).collect();
    let stages = stages.concat();
    let told = written(&[("compose.yaml", &compose), ("Dockerfile", &stages)]).2.warnings;
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].contains(
            "each of the 9 services `s0`, `s1`, `s2`, `s3`, `s4`, `s5` and 3 more is built without its `secrets`"
        ),
        "{told:?}"
    );
    assert!(told[1].contains("copies `gone`") && told[1].ends_with(" (9 times)"), "{told:?}");
}

#[test]
fn what_docker_would_send_of_tonnages_own_is_offered_for_the_ignore_file() {
    let lines = |files: &[(&str, &str)]| {
        let dir = directory(files);
        let text = manifest(dir.path(), &survey(dir.path()).unwrap(), Some("shop")).unwrap();
        let lacking = to_ignore(dir.path(), &text).unwrap();
        let shown = |path: &Path| path.strip_prefix(dir.path()).unwrap().display().to_string();
        let lines =
            lacking.into_iter().map(|(file, lines)| format!("{}: {}", shown(&file), Vec::from_iter(lines).join(" ")));
        lines.collect::<Vec<_>>().join("; ")
    };
    for (ignored, expected) in [
        ("", ".dockerignore: results/shop tonnage-baseline.json tonnage.toml"),
        ("results\n", ".dockerignore: tonnage-baseline.json tonnage.toml"),
        ("results/shop\ntonnage*\n", ""),
        ("*\n!a.py\n", ""),
    ] {
        let files = [("Dockerfile", "FROM x\nCOPY . .\n"), ("a.py", ""), (".dockerignore", ignored)];
        assert_eq!(lines(&files), expected, "{ignored:?}");
    }
    assert_eq!(lines(&[("Dockerfile", "FROM x\nCOPY a.py .\n"), ("a.py", "")]), "");
    assert_eq!(lines(&[("app/Dockerfile", "FROM x\nCOPY . .\n"), ("app/a.py", "")]), "", "they are outside of it");
    let own = [
        ("Dockerfile", "FROM x\nCOPY . .\n"),
        ("a.py", ""),
        ("Dockerfile.dockerignore", "results"),
        (".dockerignore", ""),
    ];
    assert_eq!(lines(&own), "Dockerfile.dockerignore: tonnage-baseline.json tonnage.toml");
}

#[test]
fn what_is_only_called_like_a_dockerfile_is_none() {
    let (_, suite, survey) = written(&[
        ("Dockerfile-alpine", "FROM x\nCOPY app.cs app.csproj /\n"),
        ("app.cs", ""),
        ("app.csproj", ""),
        ("Dockerfile_debug", "from x\nCOPY web/requirements/prod.txt /\n"),
        ("web/requirements/prod.txt", ""),
        ("Dockerfile.template", "FROM {{ base }}\n"),
        ("Dockerfile.dev.j2", "FROM {{ base }}\n"),
        ("src/dockerfile.rs", "//! Reads a Dockerfile.\n"),
        ("docs/dockerfile.md", "FROM x\n"),
        ("vendor/y/Dockerfile", "FROM x\n"),
        (".git/Dockerfile", "FROM x\n"),
    ]);
    let names: Vec<_> = rows(&suite).into_iter().map(|row| [row[0].clone(), row[3].clone(), row[4].clone()]).collect();
    assert_eq!(names, [["alpine", "app.cs", "app.csproj"], ["debug", "-", "web/requirements/prod.txt"]]);
    assert_eq!(survey.warnings, ["`src/dockerfile.rs` has no FROM and is skipped"]);
}

#[test]
fn the_example_in_the_documentation_is_what_is_written() {
    let page = include_str!("../../../docs/your-own-app.md");
    let block = |language: &str| page.split_once(&format!("```{language}\n")).unwrap().1.split_once("```").unwrap().0;
    let (text, _, survey) = written(&[
        ("compose.yaml", block("yaml")),
        ("app/Dockerfile", FLASK),
        ("app/requirements.txt", ""),
        ("app/src/server.py", ""),
        ("api/Dockerfile", "FROM go\nCOPY . .\nHEALTHCHECK CMD curl -f http://localhost:9000/health\n"),
        ("api/go.mod", ""),
        ("api/main.go", ""),
    ]);
    let written = text.split_once("\n\n").unwrap().1.replace("name = \"it\"\n", "");
    assert_eq!(block("toml"), written);
    assert!(survey.warnings.is_empty(), "{:?}", survey.warnings);
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_are_not_followed_and_numbers_take_no_name_away() {
    let dir = directory(&[
        ("a b/Dockerfile", "FROM x\nCOPY . .\n"),
        ("a-b/Dockerfile", "FROM x\n"),
        ("a-b.2/Dockerfile", "FROM x\n"),
        ("A-B/main.py", ""),
    ]);
    std::os::unix::fs::symlink("..", dir.path().join("a b/up")).unwrap();
    std::os::unix::fs::symlink("Dockerfile.gone", dir.path().join("Dockerfile.lost")).unwrap();
    std::os::unix::fs::symlink("../a-b/Dockerfile", dir.path().join("A-B/Dockerfile")).unwrap();
    let survey = survey(dir.path()).unwrap();
    let names: Vec<_> = survey.variants.iter().map(|found| found.name.as_str()).collect();
    assert_eq!(names, ["A-B", "a-b.2", "a-b.3", "a-b.4"]);
    assert!(manifest(dir.path(), &survey, Some("it")).is_ok());
}

#[test]
fn an_empty_repository_says_what_was_looked_for() {
    let dir = directory(&[("README.md", ""), ("compose.yml", "services: [")]);
    let error = survey(dir.path()).unwrap_err();
    assert_eq!(error.exit(), Exit::Unreadable);
    let hint = error.hint().unwrap();
    for part in ["`Dockerfile`", "docker-compose.yml", "node_modules", "compose.yml` cannot be read"] {
        assert!(hint.contains(part), "{part}: {hint}");
    }
    assert!(matches!(survey(&dir.path().join("none")), Err(InitError::File(_))));
}

#[test]
fn odd_names_and_broken_dockerfiles_still_make_a_suite() {
    let (_, suite, survey) = written(&[
        ("a b/Dockerfile", "FROM x\nRUM y\n"),
        ("a-b/Dockerfile", "FROM x\n"),
        ("\"q\"/Dockerfile", "FROM x\n"),
        ("Dockerfile.größe", "FROM x\nADD https://example.org/a /a\n"),
    ]);
    let names: Vec<_> = suite.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(names, ["a-b", "a-b.2", "gr--e", "q"]);
    assert_eq!(survey.warnings.len(), 1);
    assert!(survey.warnings[0].starts_with("`a b/Dockerfile`: line 2: "), "{:?}", survey.warnings);
}

#[test]
fn the_flask_suites_own_dockerfiles_are_understood() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("variants/flask-blog");
    let survey = survey(&folder).unwrap();
    assert_eq!(survey.variants.len(), 4);
    for found in &survey.variants {
        assert_eq!(found.context, Path::new("."));
        assert_eq!(found.src.as_deref(), Some(Path::new("src/server.py")));
        assert_eq!(found.deps.as_deref(), Some(Path::new("requirements.txt")));
    }
    assert!(manifest(&folder, &survey, None).is_ok());
}
