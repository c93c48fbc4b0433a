"""The dashboard and the alerts speak of metrics and labels that exist, and of nothing else."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from project.management.catalogue import ROOT
from project.metrics.families import FAMILIES
from project.setting_groups import MetricsSettings
from project.web.lanes import DATABASE

DEPLOY = ROOT / "deploy"
OF_PROMETHEUS = {"up": {"job", "instance"}}
SELECTED = re.compile(r"\b([a-z_]+)\s*(?:\{([^}]*)\}|\[)")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
LABEL = re.compile(r"(\w+)\s*[=!]~?")


def known() -> dict[str, set[str]]:
    """Every sample's name, with its labels."""
    found = dict(OF_PROMETHEUS)
    for family in FAMILIES:
        for name in family.samples:
            buckets = {"le"} if name.endswith("_bucket") else set()
            found[name] = {"job", "instance", *family.labels, *buckets}
    return found


def read(name: str) -> Any:
    return yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))


def dashboard() -> Any:
    return json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))


def rules() -> list[Any]:
    return [rule for group in read("prometheus/alerts.yml")["groups"] for rule in group["rules"]]


def expressions() -> Iterator[str]:
    yield from (target["expr"] for panel in dashboard()["panels"] for target in panel["targets"])
    yield from (rule["expr"] for rule in rules())


def test_the_autoscaler_asks_for_what_the_adapter_makes() -> None:
    (rule,) = read("prometheus/adapter.yml")["rules"]
    (metric,) = read("kubernetes/base/autoscaler.yaml")["spec"]["metrics"]
    assert rule["name"]["as"] == metric["pods"]["metric"]["name"]
    asked = re.findall(r"\b(\w+)\{lane=\"(\w+)\"", rule["metricsQuery"] + rule["seriesQuery"])
    assert [name for name, _ in asked] == ["lane_running", "lane_tokens", "lane_tokens"]
    assert {name for name, _ in asked} <= set(known())
    assert {lane for _, lane in asked} == {DATABASE}


@pytest.mark.parametrize("expression", list(expressions()))
def test_names_only_what_exists(expression: str) -> None:
    asked = SELECTED.findall(expression)
    assert asked
    labels = known()
    for name, conditions in asked:
        assert name in labels
        assert set(LABEL.findall(conditions)) <= labels[name]
    allowed = set().union(*(labels[name] for name, _ in asked))
    for group in GROUPED.findall(expression):
        assert set(re.split(r",\s*", group)) <= allowed


def test_every_metric_is_on_the_dashboard() -> None:
    shown = " ".join(expressions())
    assert [one.name for one in FAMILIES if not any(s in shown for s in one.samples)] == []


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert not cells & taken
        taken |= cells


def test_every_alert_says_what_is_wrong() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["annotations"]["summary"].endswith((".", "?"))
        assert rule["labels"]["severity"] in {"warning", "critical"}


def test_collector_reads_the_rules_and_sends_the_token() -> None:
    configuration = read("prometheus/prometheus.yml")
    (job,) = configuration["scrape_configs"]
    assert configuration["rule_files"] == ["alerts.yml"]
    assert job["metrics_path"] == "/metrics"
    assert job["authorization"]["credentials_file"].endswith("metrics_token")
    assert "token" in MetricsSettings.model_fields
    assert all(f'job="{job["job_name"]}"' in rule["expr"] for rule in rules())
