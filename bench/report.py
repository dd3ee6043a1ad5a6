"""Tables and bars of the figures."""

from __future__ import annotations

from html import escape


def micro(seconds: float) -> str:
    value = seconds * 1e6
    return f"{value:9.1f}" if value >= 100 else f"{value:9.2f}"


def rows(group: dict) -> list[tuple[str, dict[str, float]]]:
    return sorted(
        group["seconds_per_operation"].items(), key=lambda row: row[1]["wall"]
    )


def table(report: dict) -> str:
    lines = [f"{name:10} {value}" for name, value in report["machine"].items()]
    for group in report["groups"]:
        place = "client and server on one CPU" if group["cpus"] == 1 else "a CPU each"
        lines += [
            "",
            f"{group['title']} ({place})",
            f"  {'':36} {'µs/op':>9} {'CPU µs':>9}",
        ]
        for name, figures in rows(group):
            lines.append(
                f"  {name:36} {micro(figures['wall'])} {micro(figures['cpu'])}"
            )
        for name, why in group["absent"].items():
            lines.append(f"  {name:36} absent: {why}")
        for claim in group["claims"]:
            ratio = "   —" if claim["ratio"] is None else f"{claim['ratio']:.2f}"
            verdict = "reached" if claim["met"] else "MISSED"
            lines.append(
                f"    {verdict:8} {ratio} (goal {claim['goal']:.2f}) {claim['text']}, {claim['by']}"
            )
    return "\n".join(lines)


def markdown(report: dict) -> str:
    lines = ["| | |", "|---|---|"]
    lines += [f"| {name} | {value} |" for name, value in report["machine"].items()]
    for group in report["groups"]:
        place = (
            "client and server on one CPU"
            if group["cpus"] == 1
            else "client and server on a CPU each"
        )
        lines += [
            "",
            f"### {group['title']}",
            "",
            f"{place}; microseconds for each operation.",
            "",
        ]
        lines += ["| client | wall | CPU |", "|---|--:|--:|"]
        lines += [
            f"| {name} | {micro(f['wall']).strip()} | {micro(f['cpu']).strip()} |"
            for name, f in rows(group)
        ]
        if group["claims"]:
            lines += ["", "| claim | by | ratio | goal | |", "|---|---|--:|--:|---|"]
            for claim in group["claims"]:
                ratio = "—" if claim["ratio"] is None else f"{claim['ratio']:.2f}"
                verdict = "reached" if claim["met"] else "missed"
                lines.append(
                    f"| {claim['text']} | {claim['by']} | {ratio} | {claim['goal']:.2f} | {verdict} |"
                )
    return "\n".join(lines) + "\n"


def svg(group: dict) -> str:
    """Bars of the wall time for each operation, ours darker."""
    figures = rows(group)
    longest = max(f["wall"] for _, f in figures)
    height, left, width = 26, 230, 420
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 110}" '
        f'height="{height * len(figures) + 50}" font-family="sans-serif" font-size="13">',
        f'<text x="8" y="22" font-weight="bold">{escape(group["title"])}</text>',
    ]
    for index, (name, one) in enumerate(figures):
        top = 36 + index * height
        bar = max(1, width * one["wall"] / longest)
        colour = "#1f6f8b" if "memoxide" in name else "#b9c4c9"
        parts.append(
            f'<text x="{left - 8}" y="{top + 15}" text-anchor="end">{escape(name)}</text>'
        )
        parts.append(
            f'<rect x="{left}" y="{top}" width="{bar:.1f}" height="{height - 6}" fill="{colour}"/>'
        )
        parts.append(
            f'<text x="{left + bar + 6:.1f}" y="{top + 15}">{micro(one["wall"]).strip()} µs</text>'
        )
    parts.append("</svg>\n")
    return "\n".join(parts)
