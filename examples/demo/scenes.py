"""The scenes of the demo: which requests are sent, and what has to come of them."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import random
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geography
import memoxide
from processes import HERE
from report import Report, figures, milliseconds
from visitor import Answer, Visitor

if TYPE_CHECKING:
    from collections.abc import Mapping

APPS = ("flask", "express")
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent.parent / "target"))
AUDIT = TARGET / "debug" / "examples" / "demo-audit"
PAGE_SECONDS = 300
SESSION_SECONDS = 1800


@dataclasses.dataclass
class Stage:
    """What the scenes share."""

    report: Report
    visitor: Visitor
    ports: Mapping[str, int]
    database: str
    environment: Mapping[str, str]

    def get(self, app: str, path: str, **options: Any) -> Answer:
        """Sends a request and shows what it did."""
        return self.report.row(self.visitor.get(app, path, **options))


def came(answer: Answer, cache: str, source: str) -> bool:
    """Whether an answer is right, and came from where it should."""
    return (answer.status, answer.cache, answer.source) == (200, cache, source)


def write_and_read(stage: Stage) -> None:
    """Each app reads what the other wrote: views, query results, both ways."""
    report = stage.report
    report.chapter("What one writes, the other reads")
    first = stage.get("flask", "/countries/GB")
    second = stage.get("express", "/countries/GB")
    report.state(
        "Express sends the page that Flask rendered and cached",
        came(first, "MISS", "flask")
        and came(second, "HIT", "flask")
        and first.body == second.body,
    )
    data = stage.get("express", "/api/countries/GB")
    report.state(
        "Express sends the query result that Flask cached, as its own JSON",
        came(data, "HIT", "flask") and len(data.json["subdivisions"]) > 200,
    )
    first = stage.get("express", "/countries/FR")
    second = stage.get("flask", "/countries/FR")
    report.state(
        "Flask sends the page that Express rendered and cached",
        came(first, "MISS", "express")
        and came(second, "HIT", "express")
        and first.body == second.body,
    )
    data = stage.get("flask", "/api/countries/FR")
    report.state(
        "Flask sends the query result that Express cached, as its own JSON",
        came(data, "HIT", "express") and data.json["country"]["name"] == "France",
    )
    first = stage.get("express", "/")
    second = stage.get("flask", "/")
    report.state(
        "so it is with the page about all countries",
        came(first, "MISS", "express") and came(second, "HIT", "express"),
    )
    plain = [stage.get(app, "/countries/GB", cached=False) for app in APPS]
    report.state(
        "with and without the cache, both apps send the same page",
        len(
            {page(it) for it in [*plain, stage.visitor.get("express", "/countries/GB")]}
        )
        == 1,
    )


def page(answer: Answer) -> str:
    """Returns a page without the name of the app that rendered it."""
    return answer.body.replace(f'content="{answer.source}"', "")


def expiry(stage: Stage) -> None:
    """A search is cached for two seconds."""
    report = stage.report
    report.chapter("What is old goes: searches are cached for two seconds")
    path = "/api/search?text=S%C3%A3o%20"
    first = stage.get("express", path)
    second = stage.get("flask", path)
    report.state(
        "a search with a space and an accent has one key in both",
        came(first, "MISS", "express")
        and came(second, "HIT", "express")
        and first.json == second.json
        and len(first.json["found"]) > 0,
    )
    begin = time.monotonic()
    answer = second
    while answer.cache == "HIT" and time.monotonic() < begin + 10:
        time.sleep(0.05)
        answer = stage.visitor.get("flask", path)
    waited = time.monotonic() - begin
    answer.note = f"after {waited:.1f} s"
    report.row(answer)
    report.state(
        "after its time it is a miss, and Flask searches again",
        came(answer, "MISS", "flask") and waited < 10,
    )


def login(stage: Stage) -> None:
    """One session under both apps."""
    report, visitor = stage.report, stage.visitor
    report.chapter("One login")
    report.state(
        "nobody is logged in at first",
        [stage.get(app, "/me").status for app in APPS] == [401, 401],
    )
    report.row(visitor.post("express", "/login", user="ada"))
    answer = stage.get("flask", "/me")
    report.state(
        "Flask knows the user who logged in at Express",
        answer.status == 200
        and answer.json == {"user": "ada", "source": "express", "visits": 1},
    )
    visits = 25
    count_together(stage, visits)
    answer = stage.get("express", "/me", note=f"after {visits} more at each")
    report.state(
        "visits to both at the same time are all counted",
        answer.json.get("visits") == 2 * visits + 2,
    )
    old = dict(visitor.cookies)
    report.row(visitor.post("flask", "/logout"))
    visitor.cookies.update(old)
    answer = stage.get("express", "/me", note="with the old cookie")
    report.state("who logs out at Flask is gone at Express", answer.status == 401)
    report.row(visitor.post("flask", "/login", user="grace"))
    answer = stage.get("express", "/me")
    report.state(
        "Express knows the user who logged in at Flask, under a new id",
        answer.status == 200
        and answer.json == {"user": "grace", "source": "flask", "visits": 1}
        and visitor.cookies["session"] != old["session"],
    )


def count_together(stage: Stage, visits: int) -> None:
    """Visits both apps at the same time."""

    def visit(app: str) -> None:
        visitor = Visitor(stage.ports, stage.visitor.cookies)
        for _ in range(visits):
            visitor.get(app, "/me")
        visitor.close()

    threads = [threading.Thread(target=visit, args=(app,)) for app in APPS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def edit(stage: Stage) -> None:
    """A row changes through one app: the other shows it at once."""
    report, visitor = stage.report, stage.visitor
    report.chapter("An edit: what depends on the row is deleted after the commit")
    for writer, reader, name in [
        ("flask", "express", "Paris"),
        ("express", "flask", "Manchester"),
    ]:
        answer = report.row(visitor.rename(writer, "GB-MAN", name))
        after = stage.get(reader, "/countries/GB")
        again = stage.get(writer, "/countries/GB")
        report.state(
            f"{reader.capitalize()} shows at once what was changed at "
            f"{writer.capitalize()}",
            answer.status == 200
            and came(after, "MISS", reader)
            and came(again, "HIT", reader)
            and f">{name}<" in after.body,
        )
        report.state(
            "deleted with it: the pages of countries with a namesake",
            {"view:country:GB", "view:country:FR", "view:country:JM"}
            <= set(answer.json.get("deleted", []))
            and stage.get("flask", "/api/countries/FR").cache == "MISS",
        )
    before = stage.get("express", "/countries/GB")
    answer = report.row(visitor.rename("flask", "GB-MAN", " "))
    after = stage.get("express", "/countries/GB")
    report.state(
        "an edit that is rolled back deletes nothing",
        answer.status == 422 and after.cache == "HIT" and after.body == before.body,
    )
    stranger = Visitor(stage.ports)
    statuses = [
        report.row(stranger.rename(app, "GB-MAN", "Mancunium")).status for app in APPS
    ]
    stranger.close()
    report.state("who is not logged in edits nothing", statuses == [401, 401])


def read_country(database: Any, code: str) -> dict[str, Any]:
    """Returns what the database has about a country."""
    return {
        "country": geography.rows(database, "country", country=code)[0],
        "subdivisions": geography.rows(database, "subdivisions", country=code),
    }


def rust(stage: Stage) -> None:
    """A Rust program compares the cache with the database, and adds to it."""
    report = stage.report
    report.chapter("Rust takes part")
    stage.get("express", "/api/countries/LU")
    stage.get("flask", "/api/countries/IS")
    database = geography.connect(stage.database)
    codes = ["GB", "FR", "LU", "IS", "AT", "KE"]
    task = {
        "seconds": PAGE_SECONDS,
        "session": stage.visitor.cookies["session"],
        "countries": {code: read_country(database, code) for code in codes},
    }
    database.close()
    begin = time.perf_counter()
    finished = subprocess.run(
        [AUDIT],
        input=json.dumps(task),
        capture_output=True,
        env=dict(stage.environment),
        text=True,
        timeout=60,
        check=False,
    )
    taken = milliseconds(time.perf_counter() - begin)
    if finished.returncode:
        report.line(finished.stderr)
    found = json.loads(finished.stdout or "{}")
    equal = found.get("equal", {})
    report.document["rust"] = found
    for source, same in equal.items():
        report.line(f"  rust     read {', '.join(same)}, cached by {source}: as stored")
    report.line(f"  rust     wrote {', '.join(found.get('written', []))} ({taken})")
    report.state(
        "Rust decodes what Flask and Express cached; it is what the database has",
        set(equal) == set(APPS)
        and sorted(itertools.chain(*equal.values())) == ["FR", "GB", "IS", "LU"]
        and found["different"] == [],
    )
    answers = [stage.get(app, "/api/countries/AT") for app in APPS]
    report.state(
        "Flask and Express read what Rust cached",
        found.get("written") == ["AT", "KE"]
        and all(came(it, "HIT", "rust") for it in answers)
        and all(
            {**it.json, "source": None} == {**task["countries"]["AT"], "source": None}
            for it in answers
        ),
    )
    seconds = found.get("session_seconds") or 0
    report.state(
        f"Rust sees the login of {found.get('user')}, which lives for {seconds} s more",
        (found.get("user"), found.get("visits")) == ("grace", 1)
        and SESSION_SECONDS - 60 <= seconds <= SESSION_SECONDS,
    )


def traffic(stage: Stage) -> None:
    """A thousand requests with edits among them, some also without the cache."""
    report, visitor = stage.report, stage.visitor
    if report.failed:
        return  # figures of a cache that does not work mean nothing
    report.chapter(
        "1000 requests to both, an edit at every 200th, some without the cache"
    )
    chance = random.Random(3166)
    paths = popular_paths(stage, chance)
    cached: dict[str, list[Answer]] = {app: [] for app in APPS}
    plain: dict[str, list[Answer]] = {app: [] for app in APPS}
    edits = 0
    before = server_counts(stage)
    for number in range(1000):
        app = APPS[number % 2]
        path = paths[number]
        cached[app].append(visitor.get(app, path))
        if number % 20 in (9, 10):
            plain[app].append(visitor.get(app, path, cached=False))
        if number % 200 == 199:
            answer = visitor.rename(app, "GB-MAN", f"Manchester {number}")
            edits += answer.status == 200
    ratios, factors = [], []
    summary: dict[str, Any] = {}
    report.line(
        "                        with the cache                  without the cache\n"
        "           requests  hit ratio   median      p95   "
        "requests   median      p95    faster"
    )
    for app in APPS:
        hits = sum(it.cache == "HIT" for it in cached[app])
        fast = figures([it.seconds for it in cached[app]])
        slow = figures([it.seconds for it in plain[app]])
        ratio = hits / len(cached[app])
        times = slow["median_ms"] / fast["median_ms"]
        ratios.append(ratio)
        factors.append(times)
        summary[app] = {"hit_ratio": ratio, "with_cache": fast, "without_cache": slow}
        report.line(
            f"  {app:<9}{fast['requests']:>8}  {ratio:>8.1%}"
            f"  {fast['median_ms']:>7.2f}  {fast['p95_ms']:>7.2f}"
            f"   {slow['requests']:>8}"
            f"  {slow['median_ms']:>7.2f}  {slow['p95_ms']:>7.2f}   {times:>5.0f} x"
        )
    report.line(
        "  times in milliseconds, of the same pages, as the visitor measures them"
    )
    counted = {
        name: count - before[name] for name, count in server_counts(stage).items()
    }
    summary["servers"] = counted
    report.document["traffic"] = summary
    report.line(
        "  the servers counted {get_hits} hits and {get_misses} misses".format(
            **counted
        )
    )
    everything = [it for app in APPS for it in [*cached[app], *plain[app]]]
    report.state(
        "all requests were answered", all(it.status == 200 for it in everything)
    )
    report.state("more than nine of ten came from the cache", min(ratios) > 0.9)
    report.state(
        "the servers counted no fewer hits than the apps",
        counted["get_hits"] >= sum(it.cache == "HIT" for it in everything),
    )
    report.state(
        "the cache made the median request at least five times as fast",
        min(factors) > 5,
    )
    distinct = sorted(set(paths))
    stale = [path for path in distinct if is_stale(visitor, path)]
    report.state(
        f"after {edits} edits, none of {len(distinct)} pages is stale in either app",
        edits == 5 and stale == [],
    )


def server_counts(stage: Stage) -> dict[str, int]:
    """Returns how many reads the servers have found, and not found."""
    with memoxide.Client(stage.environment["MEMCACHED_SERVERS"]) as client:
        reports = [report for _, report in client.get_stats()]
    names = ("get_hits", "get_misses")
    return {name: sum(int(report[name]) for report in reports) for name in names}


def popular_paths(stage: Stage, chance: random.Random) -> list[str]:
    """Returns which pages are visited: few of them often, many of them rarely."""
    database = geography.connect(stage.database)
    codes = [
        row["country"]
        for row in database.execute(
            "SELECT country FROM subdivision GROUP BY country HAVING count(*) > 40"
        )
    ]
    database.close()
    codes.remove("GB")
    codes = ["GB", *chance.sample(codes, 23)]
    weights = [1 / rank for rank in range(1, len(codes) + 1)]
    kinds = ["/countries/{}"] * 6 + ["/api/countries/{}"] * 3 + ["/"]
    return [
        chance.choice(kinds).format(code)
        for code in chance.choices(codes, weights, k=1000)
    ]


def is_stale(visitor: Visitor, path: str) -> bool:
    """Whether a cached page differs from one made now."""
    fresh = visitor.get("flask", path, cached=False)
    shown = [visitor.get(app, path) for app in APPS]
    if fresh.body.startswith("{"):
        return any({**it.json, "source": "flask"} != fresh.json for it in shown)
    return any(page(it) != page(fresh) for it in shown)


def bad_input(stage: Stage) -> None:
    """What cannot be a key never reaches the cache."""
    report = stage.report
    report.chapter("Bad input")
    paths = ["/countries/ZZ", "/countries/no%20such", "/api/countries/" + "G" * 300]
    statuses = [stage.get(app, path).status for path in paths for app in APPS]
    report.state("countries that are none are not found", set(statuses) == {404})
    forged = Visitor(stage.ports, {"session": "x" * 24})
    answers = [report.row(forged.get(app, "/me", note="made-up id")) for app in APPS]
    forged.close()
    report.state(
        "a made-up session is none", [it.status for it in answers] == [401, 401]
    )


def without_server(stage: Stage) -> None:
    """Without the server the pages come, later."""
    report = stage.report
    report.chapter("Without a server: it is stopped now")
    answers = [stage.get(app, "/countries/LU") for app in APPS]
    report.state(
        "both apps send their pages, computed each time",
        all(it.status == 200 and it.cache == "MISS" for it in answers),
    )
    answers = [stage.get(app, "/me") for app in APPS]
    report.state(
        "nobody is logged in: sessions lived in the cache alone",
        [it.status for it in answers] == [401, 401],
    )
