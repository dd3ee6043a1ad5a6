"""What the figures say: goals, and where others are ahead."""

from __future__ import annotations

from suite.claims import label, limit, ours

#: A peer within this share of our figure is not ahead of us.
NOISE = 0.03


def all_claims(report: dict) -> list[tuple[str, dict]]:
    """Every claim with the section it belongs to."""
    found = [
        (group["section"], claim)
        for group in report["groups"]
        for claim in group["claims"]
    ]
    found += [("Counts", claim) for row in report["counts"] for claim in row["claims"]]
    if report["workloads"]:
        found.append(("Workloads", agreement(report["workloads"])))
    if report["server"]:
        found += [("Server", claim) for claim in report["server"]["claims"]]
    return found


def agreement(workloads: list[dict]) -> dict:
    agreeing = sum(workload["agrees"] for workload in workloads)
    return {
        "text": "hit ratios of all languages equal the model's",
        "by": "workloads",
        "ratio": agreeing,
        "goal": f"= {len(workloads)}",
        "met": agreeing == len(workloads),
    }


def verdict(claim: dict) -> str:
    return {True: "reached", False: "missed", None: "not measured"}[claim["met"]]


def ahead(report: dict) -> list[str]:
    """Sentences about peers that are faster or cheaper than memoxide."""
    sentences = []
    for group in report["groups"]:
        figures = group["seconds_per_operation"][str(group["cpus"])]
        own = [name for name in figures if ours(name)]
        if len(own) != 1 or any(word in own[0] for word in ("aged", "fresh")):
            continue
        mine = figures[own[0]]
        for name, other in figures.items():
            if ours(name) or limit(name) or "dropin" in name:
                continue
            parts = [
                f"{mine[by] / other[by]:.2f} times {what}"
                for by, what in (("wall", "faster"), ("cpu", "cheaper"))
                if other[by] < mine[by] * (1 - NOISE)
            ]
            if parts:
                sentences.append(
                    f"{group['section']}, {group['title']}: {label(name)} is {' and '.join(parts)}."
                )
    return sentences
