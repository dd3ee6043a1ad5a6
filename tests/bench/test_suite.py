"""What the measurements conclude: ratios, models, the page."""

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from suite import findings, groups, page, report, workloads
from suite.claims import Claim, label

OWN, PEER, OTHER = "node:memoxide-get-1", "node:memjs-get-1", "node:memcache-get-1"


def rounds(*seconds: float) -> list[dict[str, float]]:
    return [{"wall": one, "cpu": one / 2} for one in seconds]


def test_ratios_are_taken_within_rounds() -> None:
    claim = Claim("", OWN, PEER, "wall", at_least=2)
    # The machine is three times slower in the last round: for both.
    verdict = claim.judge({OWN: rounds(1, 1, 3), PEER: rounds(2, 3, 6)})
    assert verdict["ratio"] == 2
    assert verdict["met"] is True


def test_goals_may_bound_the_cost() -> None:
    claim = Claim("", OWN, PEER, "cpu", at_most=1.1)
    assert claim.judge({OWN: rounds(1.2), PEER: rounds(1)})["met"] is False
    assert claim.judge({OWN: rounds(1.05), PEER: rounds(1)})["met"] is True


def test_the_best_peer_of_each_round_counts() -> None:
    claim = Claim("", OWN, (PEER, OTHER), "wall", at_most=0.6)
    verdict = claim.judge({OWN: rounds(1, 1), PEER: rounds(2, 4), OTHER: rounds(4, 2)})
    assert verdict["ratio"] == 0.5


def test_an_absent_peer_is_not_a_goal_reached() -> None:
    verdict = Claim("", OWN, PEER, "wall", at_least=1).judge({OWN: rounds(1)})
    assert verdict["ratio"] is None
    assert verdict["met"] is None


def test_claims_name_workers_of_their_group() -> None:
    for group in groups.GROUPS:
        assert len(set(group.workers)) == len(group.workers)
        assert all(label(worker) for worker in group.workers)
        for claim in group.claims:
            peers = (claim.right,) if isinstance(claim.right, str) else claim.right
            assert {claim.left, *peers} <= set(group.workers)
            assert (claim.at_least is None) != (claim.at_most is None)


def cluster(number: int) -> dict:
    rows = json.loads(workloads.DATA.read_text())["clusters"]
    return next(row for row in rows if row["cluster"] == number)


def test_a_model_of_the_cache_forgets_what_has_expired() -> None:
    stretch = [("g", 0, 1, 10)] * (workloads.STRETCHES - 1)
    # One request in each stretch: a read that misses stores for ten seconds.
    requests = [*stretch, ("g", 1, 1, 10)]
    gets, hits = workloads.model(requests, 5)
    assert gets == workloads.STRETCHES
    assert hits == (workloads.STRETCHES - 1) // 2
    assert workloads.model(requests, 0)[1] == workloads.STRETCHES - 2


def test_a_model_of_the_cache_forgets_what_is_deleted() -> None:
    once = [("s", 0, 1, 10), ("g", 0, 1, 10), ("d", 0, 1, 10), ("g", 0, 1, 10)]
    assert workloads.model(once, 0) == (2, 1)


@pytest.mark.parametrize("number", [4, 16])
def test_a_trace_is_the_same_every_time(number: int, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    facts = workloads.write_trace(cluster(number), first)
    assert workloads.write_trace(cluster(number), second) == facts
    assert first.read_bytes() == second.read_bytes()
    # It misses about as often as the cluster did.
    misses = 1 - facts["hits"] / facts["gets"]
    assert misses == pytest.approx(cluster(number)["production_miss_ratio"], abs=0.01)
    # Keys have the cluster's size, and an object keeps its lane.
    lanes: dict[str, str] = {}
    for line in first.read_text().splitlines():
        verb, lane, *rest = line.split(" ")
        if verb != "t":
            assert len(rest[0]) == round(cluster(number)["key_size_bytes"])
            assert lanes.setdefault(rest[0], lane) == lane


def sample() -> dict:
    figures = {
        OWN: {"wall": 2e-6, "cpu": 1e-6},
        PEER: {"wall": 1e-6, "cpu": 2e-6},
        "node:socket-get-1": {"wall": 5e-7, "cpu": 5e-7},
    }
    return {
        "machine": {"CPU": "a CPU"},
        "options": {"command": "make bench", "rounds": 1, "seconds": 0.1},
        "minutes": 1,
        "groups": [
            {
                "name": "node-get-1",
                "section": "Node",
                "title": "awaited get",
                "cpus": 2,
                "seconds_per_operation": {"2": figures},
                "claims": [
                    {
                        "text": "awaited get",
                        "by": "wall",
                        "ratio": 0.5,
                        "goal": "≥ 1",
                        "met": False,
                    }
                ],
                "absent": {OTHER: "not here"},
            }
        ],
        "counts": [
            {
                "worker": OWN,
                "label": "memoxide",
                "title": "get",
                "claims": [],
                "system_calls": 2.0,
                "calls": {"read": 1, "write": 1},
            }
        ],
        "workloads": [],
        "server": None,
    }


def test_the_page_says_where_we_lose() -> None:
    text = page.page(sample())
    assert "0 of 1 are reached" in text
    assert "- Node, awaited get (wall): 0.50 where the goal is ≥ 1." in text
    assert "- Node, awaited get: memjs is 2.00 times faster." in text
    # A limit is no client that could be ahead.
    assert findings.ahead(sample()) == [
        "Node, awaited get: memjs is 2.00 times faster."
    ]
    assert "memcache is absent: not here." in text
    assert page.page(sample()) == text
    assert "missed" in report.table(sample())


def test_bars_are_svg_that_escapes_names() -> None:
    from xml.etree import ElementTree as ET

    one = sample()
    one["groups"][0]["title"] = "a < b"
    chart = ET.fromstring(page.charts(one)["node"])  # noqa: S314
    kinds = [bar.get("class") for bar in chart.iter("{http://www.w3.org/2000/svg}rect")]
    assert kinds == ["limit", "peer", "own"]
