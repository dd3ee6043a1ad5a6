"""Writes docs/performance.md and its charts from a report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from suite import svg
from suite.build import ROOT
from suite.claims import label, limit, ours
from suite.findings import ahead, all_claims, verdict
from suite.report import PLACES, micro, number, places, rows

if TYPE_CHECKING:
    from pathlib import Path

DOCS = ROOT / "docs"
PAGE = DOCS / "performance.md"
CHARTS = DOCS / "performance"

HEAD = """\
# Performance

memoxide beside other clients, and its embedded server beside memcached, as `make bench` measured them. This page is
written by it (`bench/run --write`); [bench/README.md](../bench/README.md) says how the figures come about, and
[results.json](performance/results.json) has them all.
"""


def write(report: dict) -> list[Path]:
    """Writes the page, the charts and the figures; returns the files."""
    CHARTS.mkdir(exist_ok=True)
    for old in CHARTS.glob("*.svg"):
        old.unlink()
    written = [PAGE, CHARTS / "results.json"]
    written[1].write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    for name, text in charts(report).items():
        written.append(CHARTS / f"{name}.svg")
        written[-1].write_text(text)
    PAGE.write_text(page(report))
    return written


def page(report: dict) -> str:
    parts = [HEAD, facts(report), goals(report), losses(report)]
    for section in sections(report):
        parts += [
            f"## {section}\n",
            image(section),
            *map(group_table, groups(report, section)),
        ]
    parts += [
        count_table(report["counts"]),
        workloads(report["workloads"]),
        server(report["server"]),
    ]
    return "\n".join(parts).rstrip() + "\n"


def markdown_table(head: str, align: str, lines: list[str]) -> str:
    return (
        "\n".join([f"| {head} |", f"|{align}|", *(f"| {line} |" for line in lines)])
        + "\n"
    )


def facts(report: dict) -> str:
    lines = [f"{name} | {value}" for name, value in report["machine"].items()]
    options = report["options"]
    lines.append(
        f"command | `{options['command']}`: {options['rounds']} interleaved rounds of {options['seconds']:g} s, "
        f"in {report['minutes']:.0f} minutes"
    )
    return markdown_table(" | ", "---|---", lines)


def goals(report: dict) -> str:
    claims = all_claims(report)
    reached = sum(claim["met"] is True for _, claim in claims)
    lines = [
        f"{section} | {claim['text']} | {claim['by']} | {number(claim['ratio'])} | {claim['goal']} | "
        + (verdict(claim) if claim["met"] else f"**{verdict(claim)}**")
        for section, claim in claims
    ]
    table = markdown_table(
        " | figure | by | measured | goal | ", "---|---|---|--:|--:|---", lines
    )
    return (
        "## Figures to reach\n\n"
        f"{reached} of {len(claims)} are reached. A goal with ≥ is how many times better memoxide is to be than what "
        "it is held against (its rate, or how much cheaper), one with ≤ how many times as expensive at most; wall is "
        "the time of an operation, cpu the client's processor time, p50 the median of wall.\n\n"
        + table
    )


def losses(report: dict) -> str:
    missed = [
        f"- {section}, {claim['text']} ({claim['by']}): {number(claim['ratio'])} where the goal is {claim['goal']}."
        for section, claim in all_claims(report)
        if claim["met"] is False
    ]
    others = [f"- {sentence}" for sentence in ahead(report)]
    text = "## Where we lose\n\n"
    if missed:
        text += "Goals that are missed:\n\n" + "\n".join(missed) + "\n\n"
    if others:
        text += (
            "Clients that are ahead of memoxide in something, a goal or not:\n\n"
            + "\n".join(others)
            + "\n"
        )
    return text if missed or others else text + "Nowhere that was measured.\n"


def sections(report: dict) -> list[str]:
    return list(dict.fromkeys(group["section"] for group in report["groups"]))


def groups(report: dict, section: str) -> list[dict]:
    return [group for group in report["groups"] if group["section"] == section]


def file_name(section: str) -> str:
    return section.lower().replace(", ", "-")


def image(section: str) -> str:
    return (
        f"![{section}: bars of the time of an operation](performance/{file_name(section)}.svg)\n\n"
        "Time of an operation, shorter is better; dashed is a limit, no client.\n"
    )


def group_table(group: dict) -> str:
    shown = places(group)
    head = "µs | " + " | ".join(f"{PLACES[place]}: wall | CPU" for place in shown)
    lines = []
    for name in rows(group):
        cells = []
        for place in shown:
            figures = group["seconds_per_operation"][place].get(name, {})
            cells += [
                micro(figures[by]) if by in figures else "—" for by in ("wall", "cpu")
            ]
        who = (
            f"**{label(name)}**"
            if ours(name)
            else f"*{label(name)}*"
            if limit(name)
            else label(name)
        )
        lines.append(" | ".join([who, *cells]))
    text = f"### {group['title']}\n\n"
    text += markdown_table(head, "---" + "|--:" * (2 * len(shown)), lines)
    for name, why in group["absent"].items():
        text += f"\n{label(name)} is absent: {why}.\n"
    return text


def count_table(counts: list[dict]) -> str:
    if not counts:
        return ""
    lines = []
    for row in counts:
        language = row["worker"].partition(":")[0]
        who = (
            f"{language}: {row['label']}"
            if language in ("rust", "python", "node")
            else row["label"]
        )
        calls = ", ".join(
            f"{call} {amount:g}" for call, amount in row.get("calls", {}).items()
        )
        lines.append(
            f"{who} | {row['title']} | {number(row.get('system_calls'))} | {calls} | "
            f"{number(row.get('instructions'))} | {number(row.get('allocations'))}"
        )
    lacking = "".join(
        f"\n{row['label']}, {row['title']} is absent: {row['absent']}.\n"
        for row in counts
        if "absent" in row
    )
    return (
        "## Counts\n\n"
        "For each operation, without noise: system calls of the client (strace), instructions in user space "
        "(callgrind), allocations (an allocator that counts). A dash is a number that was not counted.\n\n"
        + markdown_table(
            "client | operation | system calls | of which | instructions | allocations",
            "---|---|--:|---|--:|--:",
            lines,
        )
        + lacking
    )


def workloads(reports: list[dict]) -> str:
    if not reports:
        return ""
    text = (
        "## Synthetic workloads\n\n"
        "Requests made from published means of production clusters (Twitter, March 2020; "
        "[where they are from](../bench/workloads/README.md)): **synthetic**, not production traffic. Every client "
        "replays the same requests against the embedded server, whose clock is virtual, so that times to live run "
        "out. Blocking clients send one request at a time, the others sixteen. A client and the server have a CPU "
        "each.\n"
    )
    for report in reports:
        model = report["model"]
        operations = ", ".join(
            f"{share * 100:.0f} % {name}"
            for name, share in report["operations"].items()
        )
        lines = [
            f"{name} | {client['hits'] / client['gets']:.4f} | {client['calls_per_second']:,} | "
            f"{micro(client['cpu_per_call'])}"
            for name, client in report["clients"].items()
        ]
        agreement = (
            "the same in all clients"
            if report["agrees"]
            else "**not the same in all clients**"
        )
        text += (
            f"\n### Synthetic, after cluster {report['cluster']} ({report['category']})\n\n"
            f"{model['requests']:,} requests for {model['objects']:,} objects of {report['value_size']:,.0f} B on "
            f"average; {operations}. Hit ratio {model['hits'] / model['gets']:.4f} in the model, {agreement}; "
            f"{1 - report['production_miss_ratio']:.4f} in production.\n\n"
            + markdown_table(
                "client | hit ratio | calls a second | CPU µs", "---|--:|--:|--:", lines
            )
        )
    return text


def server(report: dict | None) -> str:
    if not report:
        return ""
    lines = []
    for row in report["rates"]:
        cells = [
            f"{row[name]['operations_per_second']:,.0f}"
            for name in ("memcached", "memoxide", "canned")
        ]
        cost = row["memoxide"].get("cost_ratio")
        lines.append(
            " | ".join(
                [row["title"], *cells, f"{row['memoxide']['ratio']:.2f}", number(cost)]
            )
        )
    memory, start, idle = report["memory"], report["start"], report["idle"]
    both = ("memcached", "memoxide")
    facts = [
        "bytes of an item (20 B key, 100 B value; 1,000,000 of them) | "
        + " | ".join(f"{memory[name]['bytes_of_an_item']:.1f}" for name in both),
        "bytes of an idle connection (10,000 of them; without the kernel's) | "
        + " | ".join(number(memory[name]["bytes_of_a_connection"]) for name in both),
        "milliseconds from exec to first reply | "
        + " | ".join(
            f"{start[f'{name}_process_microseconds'] / 1000:.2f}" for name in both
        ),
        f"milliseconds from start to first reply, in process | — | {start['in_process_microseconds'] / 1000:.3f}",
        "share of a CPU while idle | "
        + " | ".join(f"{idle[name]['cpu_share']:.6f}" for name in both),
    ]
    return (
        "## The embedded server\n\n"
        "One thread each on one CPU, the load generator (`core/benches/load`) on the other. Operations a second; "
        "the limit is a server that knows one reply and answers without looking. Ratios are memoxide over "
        "memcached; that of cost is by processor time of the server for an operation.\n\n"
        "![The embedded server: bars of operations a second](performance/server.svg)\n\n"
        + markdown_table(
            "connections × depth | memcached | memoxide | *limit* | ratio | by cost",
            "---|--:|--:|--:|--:|--:",
            lines,
        )
        + "\n"
        + markdown_table(" | memcached | memoxide", "---|--:|--:", facts)
    )


def charts(report: dict) -> dict[str, str]:
    drawn = {}
    for section in sections(report):
        each = [(group["title"], bars(group)) for group in groups(report, section)]
        drawn[file_name(section)] = svg.bars(
            [(title, rows) for title, rows in each if rows],
            lambda seconds: f"{micro(seconds)} µs",
            f"{section}: time of an operation, shorter is better",
        )
    if report["server"]:
        each = []
        for row in report["server"]["rates"]:
            kinds = {"memcached": "peer", "memoxide": "own", "canned": "limit"}
            each.append(
                (
                    row["title"],
                    [
                        (
                            name if kind != "limit" else "limit",
                            row[name]["operations_per_second"],
                            kind,
                        )
                        for name, kind in kinds.items()
                    ],
                )
            )
        drawn["server"] = svg.bars(
            each,
            lambda rate: f"{rate / 1000:,.{1 if rate < 1e5 else 0}f} k/s",
            "Operations a second, longer is better",
        )
    return drawn


def bars(group: dict) -> list[svg.Bar]:
    figures = group["seconds_per_operation"][str(group["cpus"])]
    return [
        (
            label(name),
            figures[name]["wall"],
            "own" if ours(name) else "limit" if limit(name) else "peer",
        )
        for name in rows(group)
    ]
