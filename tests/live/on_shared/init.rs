//! `tonnage init` on five shapes of repository, and `tonnage run` on what it writes.
//!
//! The repositories are ours, laid out as public ones are: the first three as images of languages and small
//! applications, the monorepo as shops of microservices, the compose file as self-hosted products are.

use crate::holdings::Holdings;
use crate::sandbox::Sandbox;
use crate::shared_engine::SharedEngine;

const APP: &str = "FROM tonnage-tiny/python:3.9-alpine
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY src ./
EXPOSE 5000
CMD [\"python\", \"server.py\"]
";

/// Writes the files, has a suite written for them and runs it; returns the manifest and what `init` said.
#[track_caller]
fn init_and_run(files: &[(&str, &str)], variants: &[&str]) -> (String, String) {
    let _engine = SharedEngine::take();
    let sandbox = Sandbox::new();
    for (path, content) in files {
        sandbox.write(&format!("repository/{path}"), content);
    }
    let before = Holdings::now();
    let said = sandbox.run(&["init", "repository"]).expect(0).stderr;
    let manifest = sandbox.read("repository/tonnage.toml");
    sandbox.run(&["run", "repository", "--sizes-only", "--out", "out"]).expect(0);
    before.expect_unchanged();
    let record = sandbox.json("out/run.json");
    let built: Vec<(&str, &str)> = record["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|variant| (variant["name"].as_str().unwrap(), variant["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(built, variants.iter().map(|name| (*name, "ok")).collect::<Vec<_>>(), "{manifest}");
    (manifest, said)
}

#[test]
#[ignore = "needs a container engine"]
fn a_single_dockerfile_at_the_root() {
    let (manifest, said) = init_and_run(
        &[
            ("Dockerfile", APP),
            (".dockerignore", ".git\n*.md\n"),
            ("README.md", "An app.\n"),
            ("requirements.txt", "Flask\n"),
            ("src/server.py", "app = 1\n"),
            ("src/util.py", ""),
            ("node_modules/x/Dockerfile", "FROM nowhere.invalid/x\n"),
            (".git/Dockerfile", "FROM nowhere.invalid/x\n"),
        ],
        &["repository"],
    );
    assert!(manifest.contains("src = \"src/server.py\"\ndeps = \"requirements.txt\"\n"), "{manifest}");
    assert!(manifest.contains("# port = 5000\n"), "{manifest}");
    assert!(!said.contains("warning:"), "{said}");
}

#[test]
#[ignore = "needs a container engine"]
fn dockerfiles_side_by_side() {
    let (manifest, said) = init_and_run(
        &[
            ("Dockerfile", APP),
            ("Dockerfile.slim", &APP.replace("-alpine", "-slim")),
            ("Dockerfile-debug", &format!("{APP}ENV DEBUG=1\n")),
            ("full.Dockerfile", &APP.replace("-alpine", "")),
            ("Dockerfile.template", "FROM tonnage-tiny/python:%VERSION%\n"),
            ("requirements.txt", "Flask\ngunicorn\n"),
            ("src/server.py", ""),
        ],
        &["debug", "full", "repository", "slim"],
    );
    assert_eq!(manifest.matches("requirements.txt").count(), 1, "{manifest}");
    assert!(!said.contains("warning:"), "{said}");
}

#[test]
#[ignore = "needs a container engine"]
fn a_folder_for_each_variant() {
    // As official images are kept: the release, the base below it, and what is copied beside each Dockerfile.
    let dockerfile =
        |base: &str| format!("FROM tonnage-tiny/python:{base}\nCOPY entrypoint.sh /\nCMD [\"/entrypoint.sh\"]\n");
    let (manifest, _) = init_and_run(
        &[
            ("1/alpine/Dockerfile", &dockerfile("3.9-alpine")),
            ("1/alpine/entrypoint.sh", "#!/bin/sh\n"),
            ("1/slim/Dockerfile", &dockerfile("3.9-slim")),
            ("1/slim/entrypoint.sh", "#!/bin/sh\n"),
            ("2/alpine/Dockerfile", &dockerfile("3.9-alpine")),
            ("2/alpine/entrypoint.sh", "#!/bin/sh\necho 2\n"),
            ("Dockerfile-alpine.template", "FROM tonnage-tiny/python:%VERSION%\n"),
        ],
        &["1-alpine", "1-slim", "2-alpine"],
    );
    assert!(manifest.contains("context = \"2/alpine\"\nsrc = \"entrypoint.sh\"\n"), "{manifest}");
}

#[test]
#[ignore = "needs a container engine"]
fn a_monorepo_of_services() {
    let (manifest, said) = init_and_run(
        &[
            // One with a context of its own, as most have it.
            ("services/api/Dockerfile", &APP.replace("COPY src ./", "COPY . .")),
            ("services/api/requirements.txt", "Flask\n"),
            ("services/api/server.py", ""),
            // One that is built at the root, for it shares a library with others.
            (
                "services/web/Dockerfile",
                "FROM tonnage-tiny/python:3.9-alpine\nWORKDIR /app\nCOPY libs/common ./common\n\
                 COPY services/web/package.json ./\nRUN test -f package.json\nCOPY services/web ./\nEXPOSE 3000\n",
            ),
            ("services/web/package.json", "{}\n"),
            ("services/web/src/index.js", ""),
            ("libs/common/lib.js", ""),
            // One that is all in its Dockerfile, and Dockerfiles kept apart from the source.
            ("tools/shell/Dockerfile", "FROM tonnage-tiny/python:3.9-alpine\nRUN echo ok >/ok\n"),
            ("docker/jobs.Dockerfile", "FROM tonnage-tiny/python:3.9-alpine\nCOPY jobs/run.py /\n"),
            ("jobs/run.py", ""),
        ],
        &["docker-jobs", "services-api", "services-web", "tools-shell"],
    );
    for lines in [
        "dockerfile = \"docker/jobs.Dockerfile\"\ncontext = \".\"\nsrc = \"jobs/run.py\"\n",
        "context = \"services/api\"\nsrc = \"server.py\"\ndeps = \"requirements.txt\"\n",
        "context = \".\"\nsrc = \"services/web/src/index.js\"\ndeps = \"services/web/package.json\"\n",
        "context = \"tools/shell\"\n# No src and no deps found among the files that it copies.\n",
        "# serve = { port = 3000, path = \"/\" }\n",
    ] {
        assert!(manifest.contains(lines), "{lines}\n{manifest}");
    }
    assert!(!said.contains("warning:"), "{said}");
}

#[test]
#[ignore = "needs a container engine"]
fn compose_files_with_build_sections() {
    let compose = r#"
x-app: &app
  image: shop-local
  build:
    context: ./app
    args:
      - BASE_IMAGE
      - LABEL=${LABEL:-none}
      - TOKEN
services:
  web:
    <<: *app
    ports: ["8080:5000"]
  worker:
    <<: *app
    command: ["python", "worker.py"]
  admin:
    build:
      context: ./app
      dockerfile: ../docker/admin.Dockerfile
      target: production
  assets:
    build: ./assets
  db:
    image: postgres:16
  elsewhere:
    build: https://example.org/elsewhere.git
"#;
    let admin = "FROM tonnage-tiny/python:3.9-slim AS base\nCOPY server.py /\nFROM base AS production\nENV MODE=production\n\
                 FROM nowhere.invalid/x AS development\n";
    let (manifest, said) = init_and_run(
        &[
            ("compose.yaml", compose),
            (".env", "BASE_IMAGE=tonnage-tiny/python:3.9-alpine\nTOKEN=hidden\n"),
            ("compose.override.yaml", "services:\n  web:\n    build:\n      target: x\n"),
            (
                "app/Dockerfile",
                "ARG BASE_IMAGE\nFROM ${BASE_IMAGE}\nARG LABEL\nRUN test \"$LABEL\" = none\nCOPY . /app\n",
            ),
            ("app/server.py", ""),
            ("docker/admin.Dockerfile", admin),
            ("assets/Dockerfile", "FROM tonnage-tiny/python:3.9-alpine\nCOPY . /srv/www\n"),
            ("assets/index.html", "<p>\n"),
        ],
        &["admin", "assets", "web"],
    );
    assert!(
        manifest.contains(
            "# Used by the services web, worker.
"
        ),
        "{manifest}"
    );
    assert!(manifest.contains("target = \"production\"\n") && !manifest.contains("hidden"), "{manifest}");
    for told in ["`TOKEN`", "service `elsewhere` is skipped", "`compose.override.yaml` builds something too"] {
        assert!(said.contains(told), "{told}\n{said}");
    }
}
