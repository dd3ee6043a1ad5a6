"""The data set: ISO 3166 countries and subdivisions, as pycountry ships them.

`python geography.py FILE` loads them into a new SQLite database. The Flask app
and the driver read it through `rows`; the Express app runs the same files from
`queries/`.
"""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Any

import pycountry

QUERIES = Path(__file__).parent / "queries"


def query(name: str) -> str:
    """Returns the text of a query."""
    return (QUERIES / f"{name}.sql").read_text(encoding="utf-8")


def connect(path: str) -> sqlite3.Connection:
    """Opens the database; transactions begin where the program says so."""
    database = sqlite3.connect(path, isolation_level=None)
    database.row_factory = sqlite3.Row
    return database


def rows(
    database: sqlite3.Connection, name: str, /, **values: object
) -> list[dict[str, Any]]:
    """Runs a query and returns its rows as dictionaries."""
    return [dict(row) for row in database.execute(query(name), values)]


def load(path: str) -> tuple[int, int]:
    """Fills a new database; returns how many countries and subdivisions it has."""
    countries = [
        (it.alpha_2, it.name, getattr(it, "official_name", None), it.flag)
        for it in pycountry.countries
    ]
    subdivisions = [
        (it.code, it.country_code, it.parent_code, it.type, it.name)
        for it in pycountry.subdivisions
    ]
    database = connect(path)
    database.execute("PRAGMA journal_mode = WAL")  # readers do not wait for writers
    database.executescript(query("schema"))
    with database:
        database.execute("BEGIN")
        database.executemany("INSERT INTO country VALUES (?, ?, ?, ?)", countries)
        database.executemany(
            "INSERT INTO subdivision VALUES (?, ?, ?, ?, ?)", subdivisions
        )
    database.close()
    return len(countries), len(subdivisions)


if __name__ == "__main__":
    print(*load(sys.argv[1]))
