"""Times groups of workers in interleaved rounds."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from suite.processes import CLIENT, MEMCACHED, SERVER, Worker, move, server
from suite.progress import say, show

if TYPE_CHECKING:
    from suite.build import Built
    from suite.claims import Group

Rounds = dict[str, list[dict[str, float]]]


def measure(group: Group, built: Built, rounds: int, seconds: float) -> dict:
    """Returns the medians of a group in both placements, and judges its claims."""
    absent: dict[str, str] = {}
    workers: list[Worker] = []
    places = {1: SERVER, 2: CLIENT}
    if SERVER == CLIENT:
        places = {1: SERVER}
    first = group.cpus if group.cpus in places else 1
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with server(MEMCACHED) as (port, _):
        try:
            for name in group.workers:
                show(f"{group.title}: {name} starts")
                try:
                    worker = Worker(name, built.command(name), places[first], port)
                    if group.operations:
                        worker.operations = group.operations
                    else:
                        worker.calibrate(seconds)
                    workers.append(worker)
                except (RuntimeError, LookupError) as error:
                    absent[name] = str(error)
            judged = interleave(group, workers, rounds, absent)
            figures[str(first)] = medians(judged)
            for cpus, cpu in places.items():
                if cpus != first and not group.operations:
                    for worker in workers:
                        move(worker.process.pid, cpu)
                    half = max(2, rounds // 2)
                    other = interleave(group, workers, half, absent)
                    figures[str(cpus)] = medians(other)
        finally:
            for worker in workers:
                worker.close()
    report = {
        "name": group.name,
        "section": group.section,
        "title": group.title,
        "cpus": first,
        "seconds_per_operation": figures,
        "claims": [claim.judge(judged) for claim in group.claims],
        "absent": absent,
    }
    if first != group.cpus:
        for claim in report["claims"]:
            claim["met"] = None
    missed = [claim["text"] for claim in report["claims"] if claim["met"] is False]
    say(
        f"{group.section}: {group.title}"
        + (f" (missed: {'; '.join(missed)})" if missed else "")
    )
    return report


def interleave(
    group: Group, workers: list[Worker], rounds: int, absent: dict[str, str]
) -> Rounds:
    """Runs all workers in every round.

    Each round begins with another one, so that none always follows the same. One
    that fails is left out, and `absent` says so.
    """
    results: Rounds = {worker.name: [] for worker in workers}
    for turn in range(rounds):
        shift = turn % max(1, len(workers))
        for worker in workers[shift:] + workers[:shift]:
            show(f"{group.title}: round {turn + 1} of {rounds}, {worker.name}")
            try:
                results[worker.name].append(worker.run(worker.operations))
            except RuntimeError as error:
                absent[worker.name] = f"it failed: {error}"
                del results[worker.name]
                workers.remove(worker)
    return results


def medians(results: Rounds) -> dict[str, dict[str, float]]:
    return {
        name: {key: statistics.median(one[key] for one in rounds) for key in rounds[0]}
        for name, rounds in results.items()
    }
