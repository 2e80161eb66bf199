# Thin on purpose: the work is done in scripts/. make turns every failure into exit code 2; call scripts/bench.sh for tonnage's
# own.
.PHONY: help bench results improve test lint dist clean-cache

help:
	@echo 'make bench        build and weigh the variants of a suite, flask-blog (sets up an engine and base images if needed)'
	@echo 'make results      update results/SUITE/latest, and the table in README.md, from the newest run'
	@echo 'make improve      update results/improve: the Dockerfiles of flask-blog, improved'
	@echo 'make test         run every test, including those that need an engine (installs what they need)'
	@echo 'make lint         check format and lints of code, scripts, and workflows, as CI does'
	@echo 'make dist         build and check what a release publishes, in dist/'
	@echo 'make clean-cache  remove what the scripts keep between runs'
	@echo
	@echo 'ARGS="..." is passed on to `tonnage run` (bench) or `cargo test` (test);'
	@echo 'for results it is the directory of another run.'
	@echo 'SUITE=python-2026 chooses the other suite for bench and results.'

bench:
	@scripts/bench.sh $(ARGS)

results:
	@scripts/results.sh $(ARGS)

improve:
	@scripts/improve.sh $(ARGS)

test:
	@scripts/test.sh $(ARGS)

lint:
	@scripts/lint.sh

dist:
	@scripts/dist.sh $(ARGS)

clean-cache:
	@scripts/clean-cache.sh
