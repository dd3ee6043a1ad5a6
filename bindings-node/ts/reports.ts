/**
 * Reports of servers as types: what {@link Client.report} resolves to.
 *
 * Figures have memcached's names. What a server does not report is 0, false, empty
 * or null; what it reports beyond these is in {@link Client.stats}.
 */

/** The general report of a server. Counters are since its start or the last `stats reset`. */
export interface GeneralReport {
  /** The process of the server. */
  readonly pid: number;
  /** Seconds since the server was started. */
  readonly uptime: number;
  /** The server's clock, in seconds since 1970. */
  readonly time: number;
  /** The version of the server. */
  readonly version: string;
  /** Bits of a pointer in the server: 32 or 64. */
  readonly pointer_size: number;
  /** Seconds of processor time in the server. */
  readonly rusage_user: number;
  /** Seconds of processor time in the kernel for the server. */
  readonly rusage_system: number;
  /** Connections that may be open. */
  readonly max_connections: number;
  /** Connections that are open. */
  readonly curr_connections: number;
  /** Connections that were opened. */
  readonly total_connections: number;
  /** Connections that were refused because too many were open. */
  readonly rejected_connections: number;
  /** Connections that were closed because they were idle. */
  readonly idle_kicks: number;
  /** Times that the limit of connections was reached. */
  readonly listen_disabled_num: number;
  /** Microseconds for which no connections were accepted. */
  readonly time_in_listen_disabled_us: number;
  /** Whether connections are accepted. */
  readonly accepting_conns: boolean;
  /** Times that a connection had to let others go first. */
  readonly conn_yields: number;
  /** Threads that serve connections. */
  readonly threads: number;
  /** Keys that were read. */
  readonly cmd_get: number;
  /** Items that were stored. */
  readonly cmd_set: number;
  /** Times that everything was flushed. */
  readonly cmd_flush: number;
  /** Expiries that were changed. */
  readonly cmd_touch: number;
  /** Meta commands. */
  readonly cmd_meta: number;
  /** Reads that found an item. */
  readonly get_hits: number;
  /** Reads that found none. */
  readonly get_misses: number;
  /** Reads that found an item whose time was over. */
  readonly get_expired: number;
  /** Reads that found an item that was flushed. */
  readonly get_flushed: number;
  /** Deletes that found an item. */
  readonly delete_hits: number;
  /** Deletes that found none. */
  readonly delete_misses: number;
  /** Increments that found an item. */
  readonly incr_hits: number;
  /** Increments that found none. */
  readonly incr_misses: number;
  /** Decrements that found an item. */
  readonly decr_hits: number;
  /** Decrements that found none. */
  readonly decr_misses: number;
  /** Compare-and-swaps that stored. */
  readonly cas_hits: number;
  /** Compare-and-swaps that found no item. */
  readonly cas_misses: number;
  /** Compare-and-swaps that found a changed item. */
  readonly cas_badval: number;
  /** Touches that found an item. */
  readonly touch_hits: number;
  /** Touches that found none. */
  readonly touch_misses: number;
  /** Values that were refused for their size. */
  readonly store_too_large: number;
  /** Values that were refused because there was no memory. */
  readonly store_no_memory: number;
  /** Times that somebody authenticated. */
  readonly auth_cmds: number;
  /** Times that this failed. */
  readonly auth_errors: number;
  /** Bytes that were received. */
  readonly bytes_read: number;
  /** Bytes that were sent. */
  readonly bytes_written: number;
  /** The most bytes that items may take. */
  readonly limit_maxbytes: number;
  /** Bytes that items take. */
  readonly bytes: number;
  /** Items that are stored, expired ones that nobody asked for included. */
  readonly curr_items: number;
  /** Items that were stored. */
  readonly total_items: number;
  /** Items that were removed to make room. */
  readonly evictions: number;
  /** Of these, items that nobody had read. */
  readonly evicted_unfetched: number;
  /** Of these, items that were in use. */
  readonly evicted_active: number;
  /** Items whose time was over before anybody had read them. */
  readonly expired_unfetched: number;
  /** Items stored in the room of expired ones. */
  readonly reclaimed: number;
  /** Expired items that the crawler removed. */
  readonly crawler_reclaimed: number;
  /** Items that the crawler looked at. */
  readonly crawler_items_checked: number;
  /** Whether the crawler is at work. */
  readonly lru_crawler_running: boolean;
  /** Times that the crawler was started. */
  readonly lru_crawler_starts: number;
  /** Bytes of the hash table. */
  readonly hash_bytes: number;
  /** Whether the hash table is growing. */
  readonly hash_is_expanding: boolean;
  /** Pages that were moved between classes. */
  readonly slabs_moved: number;
  /** Allocations that failed. */
  readonly malloc_fails: number;
  /** Connections that watch. */
  readonly log_watchers: number;
}

/** How a server was started, and what was changed since. */
export interface SettingsReport {
  /** The most bytes that items may take. */
  readonly maxbytes: number;
  /** Connections that may be open. */
  readonly maxconns: number;
  /** The TCP port, 0 for none. */
  readonly tcpport: number;
  /** The UDP port, 0 for none. */
  readonly udpport: number;
  /** The interface that is listened on; `null` for all. */
  readonly inter: string | null;
  /** How much is logged, 0 to 3. */
  readonly verbosity: number;
  /** Seconds since which items count: older ones were flushed. */
  readonly oldest: number;
  /** Whether items are removed to make room. */
  readonly evictions: boolean;
  /** The path of the Unix socket. */
  readonly domain_socket: string | null;
  /** Whether the command `shutdown` is carried out. */
  readonly shutdown_command: boolean;
  /** The factor between the item sizes of two classes. */
  readonly growth_factor: number;
  /** The least bytes for an item. */
  readonly chunk_size: number;
  /** Threads that serve connections. */
  readonly num_threads: number;
  /** What separates prefix and rest of a key in `stats detail`. */
  readonly stat_key_prefix: string;
  /** Whether `stats detail` counts. */
  readonly detail_enabled: boolean;
  /** Requests of one connection that are served before others have their turn. */
  readonly reqs_per_event: number;
  /** Whether items have cas ids. */
  readonly cas_enabled: boolean;
  /** Connections that may wait to be accepted. */
  readonly tcp_backlog: number;
  /** The protocol that is spoken: `auto-negotiate`, `ascii`, `binary`. */
  readonly binding_protocol: string;
  /** Whether clients authenticate by SASL. */
  readonly auth_enabled_sasl: boolean;
  /** Whether clients authenticate in the text protocol. */
  readonly auth_enabled_ascii: boolean;
  /** The most bytes of one item, key and header included. */
  readonly item_size_max: number;
  /** Whether connections beyond the limit are refused at once. */
  readonly maxconns_fast: boolean;
  /** Whether pages may move between classes. */
  readonly slab_reassign: boolean;
  /** Whether they do so by themselves: 0 no, 1 yes, 2 at once. */
  readonly slab_automove: number;
  /** Whether there is a crawler that removes expired items. */
  readonly lru_crawler: boolean;
  /** Microseconds that the crawler sleeps between items. */
  readonly lru_crawler_sleep: number;
  /** Items that the crawler looks at in each class, 0 for all. */
  readonly lru_crawler_tocrawl: number;
  /** Whether `flush_all` is carried out. */
  readonly flush_enabled: boolean;
  /** Whether keys may be listed. */
  readonly dump_enabled: boolean;
  /** The hash function of the server's own table. */
  readonly hash_algorithm: string;
  /** Whether a thread keeps the order of eviction. */
  readonly lru_maintainer_thread: boolean;
  /** Whether that order has parts. */
  readonly lru_segmented: boolean;
  /** The share of memory for items just stored, in percent. */
  readonly hot_lru_pct: number;
  /** The share of memory for items in use, in percent. */
  readonly warm_lru_pct: number;
  /** Whether short-lived items are kept apart. */
  readonly temp_lru: boolean;
  /** Seconds up to which an item is short-lived. */
  readonly temporary_ttl: number;
  /** Seconds after which idle connections are closed, 0 for never. */
  readonly idle_timeout: number;
  /** Whether the report `sizes` counts. */
  readonly track_sizes: boolean;
  /** Whether connections are encrypted. */
  readonly ssl_enabled: boolean;
  /** The oldest version of TLS that is spoken. */
  readonly ssl_min_version: string | null;
}

/** What is known of the items of each class. */
export interface ItemsReport {
  /** The classes that have had items, by number. */
  readonly classes: Readonly<Record<number, ItemClass>>;
}

/** The items of one class. */
export interface ItemClass {
  /** Items that are stored. */
  readonly number: number;
  /** Of these, items just stored. */
  readonly number_hot: number;
  /** Of these, items in use. */
  readonly number_warm: number;
  /** Of these, items that are next to go. */
  readonly number_cold: number;
  /** Of these, items kept apart as short-lived. */
  readonly number_temp: number;
  /** Seconds since the oldest of the items just stored was used. */
  readonly age_hot: number;
  /** Seconds since the oldest of the items in use was used. */
  readonly age_warm: number;
  /** Seconds since the oldest item was used. */
  readonly age: number;
  /** Bytes that the items take. */
  readonly mem_requested: number;
  /** Items that were removed to make room. */
  readonly evicted: number;
  /** Of these, items that would have expired. */
  readonly evicted_nonzero: number;
  /** Seconds since the item that was removed last had been used. */
  readonly evicted_time: number;
  /** Of those removed, items that nobody had read. */
  readonly evicted_unfetched: number;
  /** Of those removed, items that were in use. */
  readonly evicted_active: number;
  /** Items for which there was no memory. */
  readonly outofmemory: number;
  /** Items that were freed although somebody seemed to use them. */
  readonly tailrepairs: number;
  /** Items stored in the room of expired ones. */
  readonly reclaimed: number;
  /** Items whose time was over before anybody had read them. */
  readonly expired_unfetched: number;
  /** Expired items that the crawler removed. */
  readonly crawler_reclaimed: number;
  /** Items that the crawler looked at. */
  readonly crawler_items_checked: number;
  /** Items at the end of the order that were locked. */
  readonly lrutail_reflocked: number;
  /** Items that became next to go. */
  readonly moves_to_cold: number;
  /** Items that came to count as in use. */
  readonly moves_to_warm: number;
  /** Items that moved within their part of the order. */
  readonly moves_within_lru: number;
  /** Times that a request had to make room itself. */
  readonly direct_reclaims: number;
  /** Hits of items just stored. */
  readonly hits_to_hot: number;
  /** Hits of items in use. */
  readonly hits_to_warm: number;
  /** Hits of items that were next to go. */
  readonly hits_to_cold: number;
  /** Hits of short-lived items. */
  readonly hits_to_temp: number;
}

/** How memory is divided among classes. */
export interface SlabsReport {
  /** Classes that have memory. */
  readonly active_slabs: number;
  /** Bytes that classes have. */
  readonly total_malloced: number;
  /** The classes, by number. */
  readonly classes: Readonly<Record<number, SlabClass>>;
}

/** The memory of one class, and what was done with its items. */
export interface SlabClass {
  /** Bytes for each item. */
  readonly chunk_size: number;
  /** Items for which a page has room. */
  readonly chunks_per_page: number;
  /** Pages of the class. */
  readonly total_pages: number;
  /** Items for which the class has room. */
  readonly total_chunks: number;
  /** Items that are stored. */
  readonly used_chunks: number;
  /** Items for which there is room. */
  readonly free_chunks: number;
  /** Of these, at the end of the page that was added last. */
  readonly free_chunks_end: number;
  /** Reads that found an item. */
  readonly get_hits: number;
  /** Items that were stored. */
  readonly cmd_set: number;
  /** Deletes that found an item. */
  readonly delete_hits: number;
  /** Increments that found an item. */
  readonly incr_hits: number;
  /** Decrements that found an item. */
  readonly decr_hits: number;
  /** Compare-and-swaps that stored. */
  readonly cas_hits: number;
  /** Compare-and-swaps that found a changed item. */
  readonly cas_badval: number;
  /** Touches that found an item. */
  readonly touch_hits: number;
}

/** How many items there are of each size. */
export interface SizesReport {
  /** Whether the server counts; it does so with `-o track_sizes`. */
  readonly enabled: boolean;
  /** Items by size in bytes, key and header included, rounded up to a multiple of 32. */
  readonly counts: Readonly<Record<number, number>>;
}

/** The connections that are open. */
export interface ConnectionsReport {
  /** The connections, by the number that the server gives them. */
  readonly connections: Readonly<Record<number, ConnectionReport>>;
}

/** A connection that is open, or a socket that is listened on. */
export interface ConnectionReport {
  /** The peer, as `tcp:127.0.0.1:50000` or `unix:/path`. */
  readonly addr: string;
  /** Where it was accepted. */
  readonly listen_addr: string | null;
  /** What it is doing, as `conn_listening` or `conn_read`. */
  readonly state: string;
  /** Seconds since its last command. */
  readonly secs_since_last_cmd: number;
}

/** The reports by the names that {@link Client.report} takes; the general one has none. */
export interface Reports {
  "": GeneralReport;
  conns: ConnectionsReport;
  items: ItemsReport;
  settings: SettingsReport;
  sizes: SizesReport;
  slabs: SlabsReport;
}
