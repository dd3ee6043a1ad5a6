"""The results as text for a terminal."""

from __future__ import annotations

from suite.claims import label
from suite.findings import ahead, all_claims, verdict

PLACES = {"1": "one CPU", "2": "a CPU each"}


def micro(seconds: float) -> str:
    value = seconds * 1e6
    return (
        f"{value:,.0f}"
        if value >= 1000
        else f"{value:.1f}"
        if value >= 100
        else f"{value:.2f}"
    )


def number(value: float | None) -> str:
    if value is None:
        return "—"
    return (
        f"{value:,.0f}"
        if abs(value) >= 1000
        else f"{value:.3g}"
        if abs(value) < 0.1
        else f"{value:.2f}"
    )


def rows(group: dict) -> list[str]:
    """The workers of a group, fastest first."""
    figures = group["seconds_per_operation"][str(group["cpus"])]
    return sorted(figures, key=lambda name: figures[name]["wall"])


def places(group: dict) -> list[str]:
    """The placements that were measured, the one of the claims first."""
    first = str(group["cpus"])
    return sorted(
        group["seconds_per_operation"], key=lambda place: (place != first, place)
    )


def table(report: dict) -> str:
    lines = [f"{name:16} {value}" for name, value in report["machine"].items()]
    for group in report["groups"]:
        lines += group_lines(group)
    if report["counts"]:
        lines += count_lines(report["counts"])
    if report["workloads"]:
        lines += workload_lines(report["workloads"])
    if report["server"]:
        lines += server_lines(report["server"])
    claims = all_claims(report)
    if claims:
        lines += ["", "Figures to reach"]
        for section, claim in claims:
            lines.append(
                f"  {verdict(claim):12} {number(claim['ratio']):>9} (goal {claim['goal']}, {claim['by']})"
                f"  {section}: {claim['text']}"
            )
        reached = sum(claim["met"] is True for _, claim in claims)
        lines.append(f"  {reached} of {len(claims)} reached")
    losses = ahead(report)
    if losses:
        lines += [
            "",
            "Where others are ahead",
            *(f"  {sentence}" for sentence in losses),
        ]
    return "\n".join(lines)


def group_lines(group: dict) -> list[str]:
    shown = places(group)
    head = "".join(f"{PLACES[place] + ': µs':>20} {'CPU µs':>9}" for place in shown)
    lines = ["", f"{group['section']}: {group['title']}", f"  {'':40}{head}"]
    for name in rows(group):
        line = f"  {label(name):40}"
        for place in shown:
            figures = group["seconds_per_operation"][place].get(name)
            if figures:
                line += f"{micro(figures['wall']):>20} {micro(figures['cpu']):>9}"
        lines.append(line)
    lines += [
        f"  {label(name):40} absent: {why}" for name, why in group["absent"].items()
    ]
    return lines


def count_lines(counts: list[dict]) -> list[str]:
    lines = [
        "",
        "For each operation",
        f"  {'':58} {'system calls':>12} {'instructions':>13} {'allocations':>12}",
    ]
    for row in counts:
        language = row["worker"].partition(":")[0]
        name = f"{language}: {row['label']}, {row['title']}"
        if "absent" in row:
            lines.append(f"  {name:58} absent: {row['absent']}")
            continue
        lines.append(
            f"  {name:58} {number(row.get('system_calls')):>12} {number(row.get('instructions')):>13}"
            f" {number(row.get('allocations')):>12}"
        )
    return lines


def workload_lines(workloads: list[dict]) -> list[str]:
    lines = []
    for one in workloads:
        model = one["model"]
        lines += [
            "",
            f"Synthetic workload, after cluster {one['cluster']} ({one['category']}): "
            f"hit ratio {model['hits'] / model['gets']:.4f} in the model, "
            f"{1 - one['production_miss_ratio']:.4f} in production",
            f"  {'':40}{'hit ratio':>12} {'calls/s':>10} {'CPU µs':>9}",
        ]
        lines += [
            f"  {name:40}{client['hits'] / client['gets']:>12.4f} {client['calls_per_second']:>10,}"
            f" {micro(client['cpu_per_call']):>9}"
            for name, client in one["clients"].items()
        ]
    return lines


def server_lines(server: dict) -> list[str]:
    lines = [
        "",
        "The embedded server, one thread, beside memcached: operations a second",
        f"  {'connections × depth':40}{'memcached':>12} {'memoxide':>12} {'limit':>12} {'ratio':>7}",
    ]
    lines += [
        f"  {row['title']:40}{row['memcached']['operations_per_second']:>12,.0f}"
        f" {row['memoxide']['operations_per_second']:>12,.0f} {row['canned']['operations_per_second']:>12,.0f}"
        f" {row['memoxide']['ratio']:>7.2f}"
        for row in server["rates"]
    ]
    start = server["start"]
    for name in ("memcached", "memoxide"):
        memory = server["memory"][name]
        lines.append(
            f"  {name}: {memory['bytes_of_an_item']} B an item, {number(memory['bytes_of_a_connection'])} B an idle "
            f"connection, {start[f'{name}_process_microseconds']:,} µs from exec to first reply, "
            f"{server['idle'][name]['cpu_share']:.6f} of a CPU when idle"
        )
    lines.append(
        f"  in process: {start['in_process_microseconds']:.0f} µs from start to first reply"
    )
    return lines
