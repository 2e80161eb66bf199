# Thin on purpose: what is done and how is in scripts/. make turns every failure into exit code 2; who wants
# tonnage's own calls scripts/bench.sh.
.PHONY: help bench results test lint clean-cache

help:
	@echo 'make bench        build and weigh the four variants of the Flask suite (engine and bases are seen to)'
	@echo 'make results      renew results/flask-blog/latest and the table in README.md from the newest run'
	@echo 'make test         every test, those against a live engine included (all they need is installed)'
	@echo 'make lint         format and lints of code, scripts and workflows, as CI judges them'
	@echo 'make clean-cache  remove what the scripts keep between runs'
	@echo
	@echo 'ARGS="..." goes on to `tonnage run` (bench) or `cargo test` (test);'
	@echo 'for results it is the folder of another run.'

bench:
	@scripts/bench.sh $(ARGS)

results:
	@scripts/results.sh $(ARGS)

test:
	@scripts/test.sh $(ARGS)

lint:
	@scripts/lint.sh

clean-cache:
	@scripts/clean-cache.sh
