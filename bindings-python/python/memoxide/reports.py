"""Reports of servers as types: what `Client.get_report` returns.

Figures have memcached's names. What a server does not report is 0, False, empty or
None; what it reports beyond these is in `Client.get_stats`.

Example:
    >>> import memoxide
    >>> with memoxide.EmbeddedServer() as server:
    ...     with memoxide.Client([server.endpoint]) as client:
    ...         _ = client.set("greeting", "hello")
    ...         [(name, report)] = client.get_report()
    ...         report["curr_items"], report["evictions"]
    ...         [(name, items)] = client.get_report("items")
    ...         items["classes"][1]["number"]
    (1, 0)
    1
"""

from __future__ import annotations

from typing import Any, TypedDict

from memoxide import _native

__all__ = [
    "ConnectionReport",
    "ConnectionsReport",
    "GeneralReport",
    "ItemClass",
    "ItemsReport",
    "SettingsReport",
    "SizesReport",
    "SlabClass",
    "SlabsReport",
]


class GeneralReport(TypedDict):
    """The general report of a server.

    Counters are since its start or the last `stats reset`.

    Attributes:
        pid: The process of the server.
        uptime: Seconds since the server was started.
        time: The server's clock, in seconds since 1970.
        version: The version of the server.
        pointer_size: Bits of a pointer in the server: 32 or 64.
        rusage_user: Seconds of processor time in the server.
        rusage_system: Seconds of processor time in the kernel for the server.
        max_connections: Connections that may be open.
        curr_connections: Connections that are open.
        total_connections: Connections that were opened.
        rejected_connections: Connections that were refused because too many were open.
        idle_kicks: Connections that were closed because they were idle.
        listen_disabled_num: Times that the limit of connections was reached.
        time_in_listen_disabled_us: Microseconds for which no connections were accepted.
        accepting_conns: Whether connections are accepted.
        conn_yields: Times that a connection had to let others go first.
        threads: Threads that serve connections.
        cmd_get: Keys that were read.
        cmd_set: Items that were stored.
        cmd_flush: Times that everything was flushed.
        cmd_touch: Expiries that were changed.
        cmd_meta: Meta commands.
        get_hits: Reads that found an item.
        get_misses: Reads that found none.
        get_expired: Reads that found an item whose time was over.
        get_flushed: Reads that found an item that was flushed.
        delete_hits: Deletes that found an item.
        delete_misses: Deletes that found none.
        incr_hits: Increments that found an item.
        incr_misses: Increments that found none.
        decr_hits: Decrements that found an item.
        decr_misses: Decrements that found none.
        cas_hits: Compare-and-swaps that stored.
        cas_misses: Compare-and-swaps that found no item.
        cas_badval: Compare-and-swaps that found a changed item.
        touch_hits: Touches that found an item.
        touch_misses: Touches that found none.
        store_too_large: Values that were refused for their size.
        store_no_memory: Values that were refused because there was no memory.
        auth_cmds: Times that somebody authenticated.
        auth_errors: Times that this failed.
        bytes_read: Bytes that were received.
        bytes_written: Bytes that were sent.
        limit_maxbytes: The most bytes that items may take.
        bytes: Bytes that items take.
        curr_items: Items that are stored, expired ones that nobody asked for included.
        total_items: Items that were stored.
        evictions: Items that were removed to make room.
        evicted_unfetched: Of these, items that nobody had read.
        evicted_active: Of these, items that were in use.
        expired_unfetched: Items whose time was over before anybody had read them.
        reclaimed: Items stored in the room of expired ones.
        crawler_reclaimed: Expired items that the crawler removed.
        crawler_items_checked: Items that the crawler looked at.
        lru_crawler_running: Whether the crawler is at work.
        lru_crawler_starts: Times that the crawler was started.
        hash_bytes: Bytes of the hash table.
        hash_is_expanding: Whether the hash table is growing.
        slabs_moved: Pages that were moved between classes.
        malloc_fails: Allocations that failed.
        log_watchers: Connections that watch.
    """

    pid: int
    uptime: int
    time: int
    version: str
    pointer_size: int
    rusage_user: float
    rusage_system: float
    max_connections: int
    curr_connections: int
    total_connections: int
    rejected_connections: int
    idle_kicks: int
    listen_disabled_num: int
    time_in_listen_disabled_us: int
    accepting_conns: bool
    conn_yields: int
    threads: int
    cmd_get: int
    cmd_set: int
    cmd_flush: int
    cmd_touch: int
    cmd_meta: int
    get_hits: int
    get_misses: int
    get_expired: int
    get_flushed: int
    delete_hits: int
    delete_misses: int
    incr_hits: int
    incr_misses: int
    decr_hits: int
    decr_misses: int
    cas_hits: int
    cas_misses: int
    cas_badval: int
    touch_hits: int
    touch_misses: int
    store_too_large: int
    store_no_memory: int
    auth_cmds: int
    auth_errors: int
    bytes_read: int
    bytes_written: int
    limit_maxbytes: int
    bytes: int
    curr_items: int
    total_items: int
    evictions: int
    evicted_unfetched: int
    evicted_active: int
    expired_unfetched: int
    reclaimed: int
    crawler_reclaimed: int
    crawler_items_checked: int
    lru_crawler_running: bool
    lru_crawler_starts: int
    hash_bytes: int
    hash_is_expanding: bool
    slabs_moved: int
    malloc_fails: int
    log_watchers: int


class SettingsReport(TypedDict):
    """How a server was started, and what was changed since.

    Attributes:
        maxbytes: The most bytes that items may take.
        maxconns: Connections that may be open.
        tcpport: The TCP port, 0 for none.
        udpport: The UDP port, 0 for none.
        inter: The interface that is listened on; None for all.
        verbosity: How much is logged, 0 to 3.
        oldest: Seconds since which items count: older ones were flushed.
        evictions: Whether items are removed to make room.
        domain_socket: The path of the Unix socket.
        shutdown_command: Whether the command `shutdown` is carried out.
        growth_factor: The factor between the item sizes of two classes.
        chunk_size: The least bytes for an item.
        num_threads: Threads that serve connections.
        stat_key_prefix: What separates prefix and rest of a key in `stats detail`.
        detail_enabled: Whether `stats detail` counts.
        reqs_per_event: Requests of one connection that are served before others have
            their turn.
        cas_enabled: Whether items have cas ids.
        tcp_backlog: Connections that may wait to be accepted.
        binding_protocol: The protocol that is spoken: `auto-negotiate`, `ascii`,
            `binary`.
        auth_enabled_sasl: Whether clients authenticate by SASL.
        auth_enabled_ascii: Whether clients authenticate in the text protocol.
        item_size_max: The most bytes of one item, key and header included.
        maxconns_fast: Whether connections beyond the limit are refused at once.
        slab_reassign: Whether pages may move between classes.
        slab_automove: Whether they do so by themselves: 0 no, 1 yes, 2 at once.
        lru_crawler: Whether there is a crawler that removes expired items.
        lru_crawler_sleep: Microseconds that the crawler sleeps between items.
        lru_crawler_tocrawl: Items that the crawler looks at in each class, 0 for all.
        flush_enabled: Whether `flush_all` is carried out.
        dump_enabled: Whether keys may be listed.
        hash_algorithm: The hash function of the server's own table.
        lru_maintainer_thread: Whether a thread keeps the order of eviction.
        lru_segmented: Whether that order has parts.
        hot_lru_pct: The share of memory for items just stored, in percent.
        warm_lru_pct: The share of memory for items in use, in percent.
        temp_lru: Whether short-lived items are kept apart.
        temporary_ttl: Seconds up to which an item is short-lived.
        idle_timeout: Seconds after which idle connections are closed, 0 for never.
        track_sizes: Whether the report `sizes` counts.
        ssl_enabled: Whether connections are encrypted.
        ssl_min_version: The oldest version of TLS that is spoken.
    """

    maxbytes: int
    maxconns: int
    tcpport: int
    udpport: int
    inter: str | None
    verbosity: int
    oldest: int
    evictions: bool
    domain_socket: str | None
    shutdown_command: bool
    growth_factor: float
    chunk_size: int
    num_threads: int
    stat_key_prefix: str
    detail_enabled: bool
    reqs_per_event: int
    cas_enabled: bool
    tcp_backlog: int
    binding_protocol: str
    auth_enabled_sasl: bool
    auth_enabled_ascii: bool
    item_size_max: int
    maxconns_fast: bool
    slab_reassign: bool
    slab_automove: int
    lru_crawler: bool
    lru_crawler_sleep: int
    lru_crawler_tocrawl: int
    flush_enabled: bool
    dump_enabled: bool
    hash_algorithm: str
    lru_maintainer_thread: bool
    lru_segmented: bool
    hot_lru_pct: int
    warm_lru_pct: int
    temp_lru: bool
    temporary_ttl: int
    idle_timeout: int
    track_sizes: bool
    ssl_enabled: bool
    ssl_min_version: str | None


class ItemClass(TypedDict):
    """The items of one class.

    Attributes:
        number: Items that are stored.
        number_hot: Of these, items just stored.
        number_warm: Of these, items in use.
        number_cold: Of these, items that are next to go.
        number_temp: Of these, items kept apart as short-lived.
        age_hot: Seconds since the oldest of the items just stored was used.
        age_warm: Seconds since the oldest of the items in use was used.
        age: Seconds since the oldest item was used.
        mem_requested: Bytes that the items take.
        evicted: Items that were removed to make room.
        evicted_nonzero: Of these, items that would have expired.
        evicted_time: Seconds since the item that was removed last had been used.
        evicted_unfetched: Of those removed, items that nobody had read.
        evicted_active: Of those removed, items that were in use.
        outofmemory: Items for which there was no memory.
        tailrepairs: Items that were freed although somebody seemed to use them.
        reclaimed: Items stored in the room of expired ones.
        expired_unfetched: Items whose time was over before anybody had read them.
        crawler_reclaimed: Expired items that the crawler removed.
        crawler_items_checked: Items that the crawler looked at.
        lrutail_reflocked: Items at the end of the order that were locked.
        moves_to_cold: Items that became next to go.
        moves_to_warm: Items that came to count as in use.
        moves_within_lru: Items that moved within their part of the order.
        direct_reclaims: Times that a request had to make room itself.
        hits_to_hot: Hits of items just stored.
        hits_to_warm: Hits of items in use.
        hits_to_cold: Hits of items that were next to go.
        hits_to_temp: Hits of short-lived items.
    """

    number: int
    number_hot: int
    number_warm: int
    number_cold: int
    number_temp: int
    age_hot: int
    age_warm: int
    age: int
    mem_requested: int
    evicted: int
    evicted_nonzero: int
    evicted_time: int
    evicted_unfetched: int
    evicted_active: int
    outofmemory: int
    tailrepairs: int
    reclaimed: int
    expired_unfetched: int
    crawler_reclaimed: int
    crawler_items_checked: int
    lrutail_reflocked: int
    moves_to_cold: int
    moves_to_warm: int
    moves_within_lru: int
    direct_reclaims: int
    hits_to_hot: int
    hits_to_warm: int
    hits_to_cold: int
    hits_to_temp: int


class ItemsReport(TypedDict):
    """What is known of the items of each class.

    Attributes:
        classes: The classes that have had items, by number.
    """

    classes: dict[int, ItemClass]


class SlabClass(TypedDict):
    """The memory of one class, and what was done with its items.

    Attributes:
        chunk_size: Bytes for each item.
        chunks_per_page: Items for which a page has room.
        total_pages: Pages of the class.
        total_chunks: Items for which the class has room.
        used_chunks: Items that are stored.
        free_chunks: Items for which there is room.
        free_chunks_end: Of these, at the end of the page that was added last.
        get_hits: Reads that found an item.
        cmd_set: Items that were stored.
        delete_hits: Deletes that found an item.
        incr_hits: Increments that found an item.
        decr_hits: Decrements that found an item.
        cas_hits: Compare-and-swaps that stored.
        cas_badval: Compare-and-swaps that found a changed item.
        touch_hits: Touches that found an item.
    """

    chunk_size: int
    chunks_per_page: int
    total_pages: int
    total_chunks: int
    used_chunks: int
    free_chunks: int
    free_chunks_end: int
    get_hits: int
    cmd_set: int
    delete_hits: int
    incr_hits: int
    decr_hits: int
    cas_hits: int
    cas_badval: int
    touch_hits: int


class SlabsReport(TypedDict):
    """How memory is divided among classes.

    Attributes:
        active_slabs: Classes that have memory.
        total_malloced: Bytes that classes have.
        classes: The classes, by number.
    """

    active_slabs: int
    total_malloced: int
    classes: dict[int, SlabClass]


class SizesReport(TypedDict):
    """How many items there are of each size.

    Attributes:
        enabled: Whether the server counts; it does so with `-o track_sizes`.
        counts: Items by size in bytes, key and header included, rounded up to a
            multiple of 32.
    """

    enabled: bool
    counts: dict[int, int]


class ConnectionReport(TypedDict):
    """A connection that is open, or a socket that is listened on.

    Attributes:
        addr: The peer, as `tcp:127.0.0.1:50000` or `unix:/path`.
        listen_addr: Where it was accepted.
        state: What it is doing, as `conn_listening` or `conn_read`.
        secs_since_last_cmd: Seconds since its last command.
    """

    addr: str
    listen_addr: str | None
    state: str
    secs_since_last_cmd: int


class ConnectionsReport(TypedDict):
    """The connections that are open.

    Attributes:
        connections: The connections, by the number that the server gives them.
    """

    connections: dict[int, ConnectionReport]


# What has a number for each name.
_NUMBERED = ("classes", "connections", "counts")


def typed(name: str, texts: dict[str, str]) -> Any:
    """Returns a report as its type has it.

    Raises:
        InvalidArgumentError: There is no such report.
    """
    report = _native.typed_report(name, texts)
    for group in _NUMBERED:
        if group in report:
            report[group] = {int(name): item for name, item in report[group].items()}
    return report
