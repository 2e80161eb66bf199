use super::*;
use globset::Glob;

/// Conditions with files of a context, and base images that are allowed.
fn conditions(files: &[&str], allowed: &[&str]) -> Conditions {
    Conditions {
        files: files.iter().map(|file| (*file).to_owned()).collect(),
        allowed: allowed
            .iter()
            .map(|pattern| ((*pattern).to_owned(), Glob::new(pattern).unwrap().compile_matcher()))
            .collect(),
        buildkit: true,
        keeps_links: true,
        ..Conditions::default()
    }
}

fn recipe(dockerfile: &str) -> Recipe {
    Recipe { dockerfile: dockerfile.to_owned(), ignore: None }
}

/// What a remedy makes of a Dockerfile; `None` where it leaves it alone.
fn applied(name: &str, dockerfile: &str, conditions: &Conditions) -> Option<Recipe> {
    let recipe = recipe(dockerfile);
    let remedies = catalogue(&recipe, conditions);
    remedies.iter().find(|remedy| remedy.name == name)?.apply(&recipe, conditions)
}

const FILES: [&str; 12] = [
    "requirements.txt",
    "app.py",
    "src/app.py",
    "package.json",
    "package-lock.json",
    "Gemfile",
    "go.mod",
    "go.sum",
    "tool.tar",
    "composer.json",
    "web/package.json",
    "web/index.js",
];

/// Remedy, Dockerfile, and what becomes of it: `None` where it is left alone.
const FIXTURES: &[(&str, &str, Option<&str>)] = &[
    (
        "apt-lists",
        "FROM d\n# why\nRUN apt-get update && \\\n    apt-get install -y \\\n      # the compiler\n      gcc\nUSER app\n",
        Some(
            "FROM d\n# why\nRUN apt-get update && \\\n    apt-get install -y \\\n      # the compiler\n      gcc \\\n      && apt-get clean && rm -rf /var/lib/apt/lists/*\nUSER app\n",
        ),
    ),
    ("apt-lists", "FROM d\nRUN apt-get update && apt-get install x && rm -rf /var/lib/apt/lists/*\n", None),
    ("apt-lists", "FROM d AS b\nRUN apt-get update\nFROM scratch\nCOPY --from=b /x /\n", None),
    ("apt-lists", "FROM d\nRUN echo \"apt-get update\"\nRUN [\"apt-get\", \"update\"]\n", None),
    ("apt-lists", "FROM d\nRUN --mount=type=cache,target=/var/lib/apt apt-get update\n", None),
    ("apt-lists", "FROM d\nRUN apt-get update # later\n", None),
    ("apt-lists", "FROM d\nSHELL [\"powershell\"]\nRUN apt-get update\n", None),
    ("apt-lists", "FROM d\nSHELL [\"/opt/pwsh\", \"-c\"]\nRUN apt-get update\n", None),
    ("npm-dev", "FROM n\nRUN apt-get update && npm ci\n", Some("FROM n\nRUN apt-get update && npm ci --omit=dev\n")),
    (
        "apt-lists",
        "FROM d\nRUN <<E\napt-get update\napt-get install gcc\nE\n",
        Some(
            "FROM d\nRUN <<E\napt-get update\napt-get install gcc && apt-get clean && rm -rf /var/lib/apt/lists/*\nE\n",
        ),
    ),
    (
        "apt-recommends",
        "FROM d\nRUN apt-get -y install gcc && apt install make\n",
        Some(
            "FROM d\nRUN apt-get -y install --no-install-recommends gcc && apt install --no-install-recommends make\n",
        ),
    ),
    ("apt-recommends", "FROM d\nRUN apt-get install --no-install-recommends gcc\n", None),
    ("apk-cache", "FROM a\nRUN apk add gcc\n", Some("FROM a\nRUN apk add gcc && rm -rf /var/cache/apk/*\n")),
    ("apk-cache", "FROM a\nRUN apk add --no-cache gcc\n", None),
    (
        "dnf-cache",
        "FROM f\nRUN dnf -y install gcc\n",
        Some("FROM f\nRUN dnf -y install gcc && dnf clean all && rm -rf /var/cache/dnf /var/cache/libdnf5\n"),
    ),
    ("dnf-cache", "FROM f\nRUN dnf install gcc && dnf clean all\n", None),
    (
        "microdnf-cache",
        "FROM u\nRUN microdnf install gcc\n",
        Some("FROM u\nRUN microdnf install gcc && microdnf clean all\n"),
    ),
    ("microdnf-cache", "FROM u\nRUN microdnf install gcc && microdnf clean all\n", None),
    (
        "yum-cache",
        "FROM c\nRUN yum install -y gcc\n",
        Some("FROM c\nRUN yum install -y gcc && yum clean all && rm -rf /var/cache/yum\n"),
    ),
    ("yum-cache", "FROM c\nRUN yum install gcc; yum clean all\n", None),
    (
        "pip-cache",
        "FROM p\nRUN python3 -m pip install -r requirements.txt\n",
        Some("FROM p\nRUN python3 -m pip install --no-cache-dir -r requirements.txt\n"),
    ),
    ("pip-cache", "FROM p\nENV PIP_NO_CACHE_DIR=1\nRUN pip install x\n", None),
    ("pip-cache", "FROM p\nRUN --mount=type=cache,target=/root/.cache/pip pip install x\n", None),
    ("uv-cache", "FROM p\nRUN uv sync --frozen\n", Some("FROM p\nRUN uv sync --no-cache --frozen\n")),
    ("uv-cache", "FROM p\nENV UV_NO_CACHE=1\nRUN uv sync\n", None),
    ("uv-dev", "FROM p\nRUN uv sync\n", Some("FROM p\nRUN uv sync --no-dev\n")),
    ("uv-dev", "FROM p\nRUN uv sync --no-dev\n", None),
    (
        "poetry-cache",
        "FROM p\nRUN poetry install\n",
        Some("FROM p\nRUN poetry install && rm -rf \"$(poetry config cache-dir)\"\n"),
    ),
    ("poetry-cache", "FROM p\nRUN poetry install --no-cache\n", None),
    ("poetry-dev", "FROM p\nRUN poetry install\n", Some("FROM p\nRUN poetry install --only main\n")),
    ("poetry-dev", "FROM p\nRUN poetry install --without dev\n", None),
    ("npm-cache", "FROM n\nRUN npm ci\n", Some("FROM n\nRUN npm ci && npm cache clean --force\n")),
    ("npm-cache", "FROM n\nRUN npm ci && npm cache clean --force\n", None),
    ("npm-dev", "FROM n\nRUN npm ci\n", Some("FROM n\nRUN npm ci --omit=dev\n")),
    ("npm-dev", "FROM n\nENV NODE_ENV=production\nRUN npm ci\n", None),
    ("npm-dev", "FROM n\nRUN npm install -g serve\n", None),
    ("yarn-cache", "FROM n\nRUN yarn install\n", Some("FROM n\nRUN yarn install && yarn cache clean\n")),
    ("yarn-cache", "FROM n\nRUN yarn install && yarn cache clean\n", None),
    ("yarn-dev", "FROM n\nRUN yarn install\n", Some("FROM n\nRUN yarn install --production\n")),
    ("yarn-dev", "FROM n\nRUN yarn install --production\n", None),
    ("pnpm-store", "FROM n\nRUN pnpm i\n", Some("FROM n\nRUN pnpm i && rm -rf \"$(pnpm store path)\"\n")),
    ("pnpm-store", "FROM n\nRUN --mount=type=cache,target=/s pnpm i\n", None),
    ("pnpm-dev", "FROM n\nRUN pnpm install\n", Some("FROM n\nRUN pnpm install --prod\n")),
    ("pnpm-dev", "FROM n\nRUN pnpm install --prod\n", None),
    (
        "conda-cache",
        "FROM c\nRUN conda install numpy\n",
        Some("FROM c\nRUN conda install numpy && conda clean --all --yes\n"),
    ),
    ("conda-cache", "FROM c\nRUN conda install numpy && conda clean -a\n", None),
    (
        "gem-docs",
        "FROM r\nRUN gem install rails\n",
        Some("FROM r\nRUN gem install --no-document rails && rm -rf \"$(gem env gemdir)/cache\"\n"),
    ),
    ("gem-docs", "FROM r\nRUN gem install --no-document rails\n", None),
    (
        "bundler-dev",
        "FROM r\nRUN cd /a && bundle install\n",
        Some("FROM r\nRUN cd /a && BUNDLE_WITHOUT=development:test bundle install\n"),
    ),
    ("bundler-dev", "FROM r\nENV BUNDLE_WITHOUT=test\nRUN bundle install\n", None),
    ("composer-cache", "FROM c\nRUN composer install\n", Some("FROM c\nRUN composer install --no-cache\n")),
    ("composer-cache", "FROM c\nRUN composer install --no-cache\n", None),
    ("composer-dev", "FROM c\nRUN composer install\n", Some("FROM c\nRUN composer install --no-dev\n")),
    ("composer-dev", "FROM c\nRUN composer install --no-dev\n", None),
    ("go-cache", "FROM g\nRUN go build -o /a .\n", Some("FROM g\nRUN go build -o /a . && go clean -cache -modcache\n")),
    ("go-cache", "FROM g AS b\nRUN go build -o /a .\nFROM scratch\nCOPY --from=b /a /a\n", None),
    (
        "cargo-cache",
        "FROM r\nRUN cargo install x\n",
        Some(
            "FROM r\nRUN cargo install x && rm -rf \"${CARGO_HOME:-$HOME/.cargo}/registry\" \"${CARGO_HOME:-$HOME/.cargo}/git\"\n",
        ),
    ),
    ("cargo-cache", "FROM r\nRUN --mount=type=cache,target=/r cargo build\n", None),
    (
        "merge-runs",
        "FROM d\nRUN curl -o /a x\n\n# unpack\nRUN tar xf /a\nRUN rm /a\nRUN true\n",
        Some("FROM d\nRUN curl -o /a x \\\n# unpack\n    && tar xf /a \\\n    && rm /a\nRUN true\n"),
    ),
    ("merge-runs", "FROM d\nRUN curl -o /a x\nENV A=1\nRUN rm /a\n", None),
    ("merge-runs", "FROM d\nRUN curl -o /a x || true\nRUN rm /a\n", None),
    ("merge-runs", "FROM d\nRUN cd /x\nRUN rm /a\n", None),
    ("merge-runs", "FROM d\nRUN make\nRUN make install\n", None),
    (
        "copy-chown",
        "FROM p\nWORKDIR /app\nCOPY . .\nRUN chown -R app:app /app\nUSER app\n",
        Some("FROM p\nWORKDIR /app\nCOPY --chown=app:app . .\nUSER app\n"),
    ),
    ("copy-chown", "FROM p\nCOPY --chown=b . /app\nRUN chown -R a /app\n", None),
    ("copy-chown", "FROM p\nCOPY . /app\nRUN chown -R a /var\n", None),
    ("copy-chown", "FROM p\nCOPY . /app\nRUN chown -R $USER /app\n", None),
    (
        "copy-chmod",
        "FROM p\nCOPY run.sh /usr/bin/\nRUN chmod 0755 /usr/bin/run.sh\n",
        Some("FROM p\nCOPY --chmod=0755 run.sh /usr/bin/\n"),
    ),
    ("copy-chmod", "FROM p\nCOPY run.sh /usr/bin/\nRUN chmod +x /usr/bin/run.sh\n", None),
    (
        "mount-instead-of-copy",
        "FROM d\nCOPY tool.tar /tmp/\nRUN tar xf /tmp/tool.tar && rm /tmp/tool.tar && echo done\n",
        Some("FROM d\nRUN --mount=type=bind,source=tool.tar,target=/tmp/tool.tar tar xf /tmp/tool.tar && echo done\n"),
    ),
    (
        "mount-instead-of-copy",
        "FROM d\nCOPY --from=busybox:1 /bin/busybox /bb\nRUN /bb wget x && rm -f /bb\n",
        Some("FROM d\nRUN --mount=type=bind,from=busybox:1,source=/bin/busybox,target=/bb /bb wget x\n"),
    ),
    ("mount-instead-of-copy", "FROM d\nCOPY tool.tar /tmp/\nRUN tar xf /tmp/tool.tar\n", None),
    ("mount-instead-of-copy", "FROM d\nCOPY tool.tar /tmp/\nRUN tar xf /tmp/tool.tar; rm /tmp/tool.tar\n", None),
    (
        "manifest-first",
        "FROM p\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"a\"]\n",
        Some(
            "FROM p\nWORKDIR /app\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\nCOPY . .\nCMD [\"a\"]\n",
        ),
    ),
    (
        "manifest-first",
        "FROM p\nCOPY --chown=1 . /app\nRUN pip3 install -r /app/requirements.txt\n",
        Some(
            "FROM p\nCOPY --chown=1 requirements.txt /app/\nRUN pip3 install -r /app/requirements.txt\nCOPY --chown=1 . /app\n",
        ),
    ),
    (
        "manifest-first",
        "FROM n\nWORKDIR /a\nCOPY web /a\nRUN npm ci\n",
        Some("FROM n\nWORKDIR /a\nCOPY web/package.json /a/\nRUN npm ci\nCOPY web /a\n"),
    ),
    (
        "manifest-first",
        "FROM g AS b\nWORKDIR /a\nCOPY . .\nRUN go mod download\nRUN go build\n",
        Some("FROM g AS b\nWORKDIR /a\nCOPY go.mod go.sum ./\nRUN go mod download\nCOPY . .\nRUN go build\n"),
    ),
    ("manifest-first", "FROM p\nWORKDIR /app\nCOPY . .\nRUN pip install .\n", None),
    ("manifest-first", "FROM p\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n", None),
    ("manifest-first", "FROM p\nWORKDIR /app\nCOPY . .\nRUN make && pip install -r requirements.txt\n", None),
    (
        "cache-mounts",
        "FROM p AS b\nRUN pip install --no-cache-dir x\nFROM scratch\nCOPY --from=b /x /\n",
        Some(
            "FROM p AS b\nRUN --mount=type=cache,target=/root/.cache/pip pip install x\nFROM scratch\nCOPY --from=b /x /\n",
        ),
    ),
    ("cache-mounts", "FROM n\nRUN npm ci && npm cache clean --force\n", None),
    ("cache-mounts", "FROM n\nRUN --mount=type=cache,target=/root/.npm npm ci\n", None),
    (
        "python-bytecode",
        "FROM p\nRUN pip install x && python -c 1\n",
        Some("FROM p\nRUN PYTHONDONTWRITEBYTECODE=1 pip install x && PYTHONDONTWRITEBYTECODE=1 python -c 1\n"),
    ),
    ("python-bytecode", "FROM p\nENV PYTHONDONTWRITEBYTECODE=1\nRUN pip install x\n", None),
    (
        "python-compile",
        "FROM p\nCOPY src /app\nCMD [\"python\", \"/app/app.py\"]\n",
        Some("FROM p\nCOPY src /app\nRUN python -m compileall -q /app\nCMD [\"python\", \"/app/app.py\"]\n"),
    ),
    ("python-compile", "FROM p\nCOPY src /app\nCMD [\"/bin/sh\"]\n", None),
    ("python-compile", "FROM p\nWORKDIR $HERE\nCOPY src .\nCMD [\"python\", \"app.py\"]\n", None),
    (
        "build-stage-slim",
        "FROM python:3.9\n\nWORKDIR /app\n\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\n\nCOPY src /app\n",
        Some(
            "FROM python:3.9 AS build\nENV PIP_USER=1 PYTHONUSERBASE=/install\n\nWORKDIR /app\n\nCOPY requirements.txt ./\nRUN pip install -r requirements.txt\n\nFROM python:3.9-slim\nWORKDIR /app\nENV PYTHONUSERBASE=/install PATH=/install/bin:$PATH\nCOPY --from=build /install /install\n\nCOPY src /app\n",
        ),
    ),
    ("build-stage-slim", "FROM python:3.9-alpine\nRUN pip install x\n", None),
    ("build-stage-slim", "FROM python:3.9 AS base\nRUN pip install x\n", None),
    (
        "build-stage",
        "FROM p:1\nRUN apt-get update && apt-get install gcc\nRUN useradd app\nCOPY app.py /\nRUN pip install x\nUSER app\n",
        Some(
            "FROM p:1 AS build\nENV PIP_USER=1 PYTHONUSERBASE=/install\nRUN apt-get update && apt-get install gcc\nRUN useradd app\nCOPY app.py /\nRUN pip install x\n\nFROM p:1\nRUN useradd app\nCOPY app.py /\nENV PYTHONUSERBASE=/install PATH=/install/bin:$PATH\nCOPY --from=build /install /install\nUSER app\n",
        ),
    ),
    ("build-stage", "FROM p:1\nRUN pip install --user x\n", None),
    ("build-stage", "FROM p:1\nRUN npm ci\n", None),
    (
        "base-3.9-alpine",
        "ARG V=3.9\nFROM python:${V} AS a\nFROM python:3.9\nCOPY --from=a / /\n",
        Some("ARG V=3.9\nFROM python:3.9-alpine AS a\nFROM python:3.9-alpine\nCOPY --from=a / /\n"),
    ),
    ("base-3.9-slim", "FROM python:3.9\n", None),
    ("base-3.9-alpine", "FROM python:3.9-alpine\n", None),
    (
        "build-stage",
        "FROM p:1\nCOPY --from=ghcr.io/astral-sh/uv /uv /uvx /bin/\nWORKDIR /app\nCOPY requirements.txt ./\nRUN uv pip install --system -r requirements.txt\nCOPY src .\n",
        Some(
            "FROM p:1 AS build\nENV VIRTUAL_ENV=/venv UV_PROJECT_ENVIRONMENT=/venv\nCOPY --from=ghcr.io/astral-sh/uv /uv /uvx /bin/\nWORKDIR /app\nCOPY requirements.txt ./\nRUN uv venv /venv && uv pip install -r requirements.txt\n\nFROM p:1\nWORKDIR /app\nENV VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH\nCOPY --from=build /venv /venv\nCOPY src .\n",
        ),
    ),
    (
        "build-stage-slim",
        "FROM python:3.13\nRUN pip install uv\nWORKDIR /app\nCOPY . .\nRUN uv sync --frozen\n",
        Some(
            "FROM python:3.13 AS build\nENV VIRTUAL_ENV=/venv UV_PROJECT_ENVIRONMENT=/venv\nRUN pip install uv\nWORKDIR /app\nCOPY . .\nRUN uv sync --frozen\n\nFROM python:3.13-slim\nWORKDIR /app\nCOPY . .\nENV VIRTUAL_ENV=/venv PATH=/venv/bin:$PATH\nCOPY --from=build /venv /venv\n",
        ),
    ),
    ("build-stage", "FROM p:1\nRUN uv venv /opt/v && uv pip install --python /opt/v x\n", None),
    (
        "build-stage-python3",
        "FROM python:3.9\nRUN pip install x\nCMD [\"/app.py\"]\n",
        Some(
            "FROM python:3.9 AS build\nENV PIP_USER=1 PYTHONUSERBASE=/install\nRUN pip install x\n\nFROM gcr.io/distroless/python3\nENV PYTHONUSERBASE=/install PATH=/install/bin:$PATH\nCOPY --from=build /install /install\nCMD [\"/app.py\"]\n",
        ),
    ),
    ("build-stage-python3", "FROM gcr.io/distroless/python3\nRUN pip install x\n", None),
    (
        "copy-link",
        "FROM p AS b\nCOPY x /x\nFROM p\nCOPY --from=b /x /y\nADD --chown=7:7 a.tar /\nCOPY --chown=app z /z\nCOPY --link w /w\n",
        Some(
            "FROM p AS b\nCOPY x /x\nFROM p\nCOPY --link --from=b /x /y\nADD --link --chown=7:7 a.tar /\nCOPY --chown=app z /z\nCOPY --link w /w\n",
        ),
    ),
    ("copy-link", "FROM p\nCOPY --link a /a\nRUN true\n", None),
    (
        "user",
        "FROM p\nWORKDIR /app\nCOPY requirements.txt /\nCOPY --from=q /x ./\nRUN pip install -r /requirements.txt\nCOPY src ./src\nEXPOSE 80\nCMD [\"a\"]\n",
        Some(
            "FROM p\nWORKDIR /app\nRUN chown 10001:10001 /app\nCOPY requirements.txt /\nCOPY --from=q /x ./\nRUN pip install -r /requirements.txt\nCOPY --chown=10001:10001 src ./src\nUSER 10001:10001\nEXPOSE 80\nCMD [\"a\"]\n",
        ),
    ),
    (
        "user",
        "FROM p AS b\nRUN make\nFROM scratch\nCOPY --from=b /a /a\nCMD [\"/a\"]\n",
        Some("FROM p AS b\nRUN make\nFROM scratch\nCOPY --from=b /a /a\nUSER 10001:10001\nCMD [\"/a\"]\n"),
    ),
    ("user", "FROM p\nUSER app\nCOPY . /app\n", None),
    ("user", "FROM p AS base\nUSER app\nFROM base\nCOPY . /app\n", None),
    ("user", "FROM p\nSHELL [\"powershell\"]\nCOPY . /app\n", None),
];

/// As the fixtures are tried.
fn fixture_conditions() -> Conditions {
    conditions(&FILES, &["*-alpine", "gcr.io/distroless/python3"])
}

#[test]
fn every_remedy_fixes_one_fixture_and_leaves_others_alone() {
    for (name, before, after) in FIXTURES {
        let found = applied(name, before, &fixture_conditions());
        assert_eq!(found.map(|recipe| recipe.dockerfile).as_deref(), *after, "{name}: {before}");
    }
    // `dockerignore` edits another text and has a test of its own.
    for remedy in catalogue(&recipe("FROM python:3.9\n"), &fixture_conditions()) {
        let kinds = |is_fixed: bool| {
            FIXTURES.iter().any(|(name, _, after)| *name == remedy.name && after.is_some() == is_fixed)
        };
        let own = ["dockerignore", "base-python3"].contains(&remedy.name.as_str());
        assert!(own || (kinds(true) && kinds(false)), "`{}` lacks a fixture", remedy.name);
    }
}

#[test]
fn what_an_engine_does_not_know_is_not_tried_on_it() {
    let classic = Conditions { buildkit: false, keeps_links: false, ..fixture_conditions() };
    for name in ["copy-chmod", "mount-instead-of-copy", "cache-mounts", "copy-link"] {
        let mut fixed = FIXTURES.iter().filter(|(fixture, _, after)| *fixture == name && after.is_some());
        assert!(fixed.all(|(_, before, _)| applied(name, before, &classic).is_none()), "{name}");
    }
}

#[test]
fn a_remedy_leaves_nothing_for_itself_to_do() {
    let fixtures = [
        "FROM python:3.9\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD [\"python\", \"app.py\"]\n",
        "FROM d\nRUN apt-get update && apt-get install gcc\nRUN rm -rf /x\nCOPY . /a\nRUN chown -R a /a\n",
        "FROM n\nWORKDIR /a\nCOPY . .\nRUN npm ci\n",
    ];
    let conditions = conditions(&FILES, &["*-alpine", "*-slim"]);
    let mut applied = 0;
    for fixture in fixtures {
        let recipe = recipe(fixture);
        for remedy in catalogue(&recipe, &conditions) {
            let Some(edited) = remedy.apply(&recipe, &conditions) else { continue };
            applied += 1;
            assert_eq!(
                remedy.apply(&edited, &conditions).map(|again| again.dockerfile),
                None,
                "{}: {fixture}",
                remedy.name
            );
        }
    }
    assert!(applied >= 12, "{applied}");
}

#[test]
fn the_context_is_freed_of_what_is_in_it_and_no_instruction_names() {
    let files = [".git/config", "app/__pycache__/a.pyc", "venv/bin/python", "tests/a.py", "app/a.py"];
    let ignored = |dockerfile: &str, ignore: Option<&str>| {
        let recipe = Recipe { dockerfile: dockerfile.to_owned(), ignore: ignore.map(str::to_owned) };
        let conditions = conditions(&files, &[]);
        let remedies = catalogue(&recipe, &conditions);
        let remedy = remedies.iter().find(|remedy| remedy.name == "dockerignore").unwrap();
        remedy.apply(&recipe, &conditions).and_then(|recipe| recipe.ignore)
    };
    assert_eq!(
        ignored("FROM a\nCOPY . .\n", None).as_deref(),
        Some(".dockerignore\n.git\n**/__pycache__\n**/venv\n**/tests\n")
    );
    assert_eq!(
        ignored("FROM a\nCOPY tests /t\n", Some("# mine\r\n.git\r\n")).as_deref(),
        Some("# mine\r\n.git\r\n**/__pycache__\r\n**/venv\r\n")
    );
    let none = catalogue(&recipe("FROM a\nCOPY . .\n"), &conditions(&["a.py"], &[]));
    let remedy = none.iter().find(|remedy| remedy.name == "dockerignore").unwrap();
    assert_eq!(remedy.apply(&recipe("FROM a\nCOPY . .\n"), &conditions(&["a.py"], &[])), None);
}

#[test]
fn siblings_are_the_same_version_on_another_system() {
    for (base, system, expected) in [
        ("python:3.9", "alpine", Some("python:3.9-alpine")),
        ("python:3.9-slim-bookworm", "alpine", Some("python:3.9-alpine")),
        ("host:5000/python:3.9-bookworm", "slim", Some("host:5000/python:3.9-slim")),
        ("python:3.9-slim", "slim", None),
        ("python", "slim", None),
        ("host:5000/python", "slim", None),
        ("python:3.9@sha256:00", "slim", None),
    ] {
        assert_eq!(base::sibling(base, system).as_deref(), expected, "{base} {system}");
    }
    let literal = conditions(&[], &["gcr.io/distroless/python3"]);
    let found = applied("base-python3", "FROM python:3.9\nCMD [\"a\"]\n", &literal);
    assert_eq!(found.unwrap().dockerfile, "FROM gcr.io/distroless/python3\nCMD [\"a\"]\n");
}

#[test]
fn names_and_documentation_are_whole() {
    let conditions = conditions(&FILES, &["*-alpine", "*-slim"]);
    let remedies = catalogue(&recipe("FROM python:3.9\n"), &conditions);
    let mut names: Vec<&str> = remedies.iter().map(|remedy| remedy.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), remedies.len());
    for remedy in &remedies {
        assert!(remedy.documentation.starts_with("https://"), "{}", remedy.name);
        assert!(!remedy.what.ends_with('.') && !remedy.needs.is_empty(), "{}", remedy.name);
        assert!(crate::suite::is_name(&remedy.name), "{}", remedy.name);
    }
}

#[test]
fn a_dockerfile_with_control_characters_is_left_alone() {
    assert_eq!(applied("pip-cache", "FROM p\n# \u{1b}[2J\nRUN pip install x\n", &conditions(&[], &[])), None);
}

proptest::proptest! {
    #[test]
    fn no_dockerfile_makes_a_remedy_panic_or_write_one_that_cannot_be_read(
        text in "FROM (python:3.9|a)\n((RUN|COPY|ENV|USER|RUN <<E\n) ?(apt-get install|pip install|rm|npm ci|chown -R a|COPY|\\. |/x|&& |\\\\\n|-r |\"|'|#|E\n|\u{e9}| ){0,10}\n){0,6}"
    ) {
        let (recipe, conditions) = (recipe(&text), conditions(&FILES, &["*"]));
        for remedy in catalogue(&recipe, &conditions) {
            if let Some(edited) = remedy.apply(&recipe, &conditions) {
                assert!(crate::suite::dockerfile::Facts::parse(&edited.dockerfile).is_ok());
            }
        }
    }
}
