// libmemcached, the C library under pylibmc and php-memcached. A worker of
// bench/run: see bench/README.md.
//
//   libmemcached get | get10k | set | multiget | multiset   HOST PORT

#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { VALUE = 100, LARGE = 10000, KEYS = 100 };

static memcached_st *client;
static char names[KEYS][16];
static const char *keys[KEYS];
static size_t lengths[KEYS];
static char value[LARGE];

static void check(memcached_return_t result, const char *what) {
  if (memcached_success(result)) return;
  fprintf(stderr, "%s: %s\n", what, memcached_strerror(client, result));
  exit(1);
}

static void set(const char *key, size_t size) {
  check(memcached_set(client, key, strlen(key), value, size, 0, 0), "set");
}

static void get(const char *key) {
  size_t size;
  uint32_t flags;
  memcached_return_t result;
  char *found = memcached_get(client, key, strlen(key), &size, &flags, &result);
  check(result, "get");
  free(found);
}

static void get_small(void) { get(keys[0]); }
static void get_large(void) { get("bench:10k"); }
static void set_small(void) { set(keys[0], VALUE); }

static void get_many(void) {
  check(memcached_mget(client, keys, lengths, KEYS), "mget");
  memcached_result_st result;
  memcached_result_create(client, &result);
  memcached_return_t state;
  int found = 0;
  while (memcached_fetch_result(client, &result, &state)) found++;
  memcached_result_free(&result);
  if (found != KEYS) exit(1);
}

static void set_many(void) {
  for (int key = 0; key < KEYS; key++) set(keys[key], VALUE);
}

static const struct {
  const char *name;
  void (*call)(void);
} cases[] = {{"get", get_small},
             {"get10k", get_large},
             {"set", set_small},
             {"multiget", get_many},
             {"multiset", set_many}};

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

int main(int count, char **arguments) {
  if (count < 4) return 2;
  void (*call)(void) = NULL;
  for (size_t index = 0; index < sizeof cases / sizeof *cases; index++)
    if (!strcmp(cases[index].name, arguments[1])) call = cases[index].call;
  if (!call) return 2;
  client = memcached_create(NULL);
  memcached_behavior_set(client, MEMCACHED_BEHAVIOR_TCP_NODELAY, 1);
  check(memcached_server_add(client, arguments[2], atoi(arguments[3])), "server");
  memset(value, 'x', sizeof value);
  for (int key = 0; key < KEYS; key++) {
    lengths[key] = sprintf(names[key], "bench:%03d", key);
    keys[key] = names[key];
    set(keys[key], VALUE);
  }
  set("bench:10k", LARGE);
  puts("ready");
  fflush(stdout);
  char line[64];
  while (fgets(line, sizeof line, stdin)) {
    long operations = atol(line);
    struct rusage before, after;
    struct timespec begin, end;
    getrusage(RUSAGE_SELF, &before);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long operation = 0; operation < operations; operation++) call();
    clock_gettime(CLOCK_MONOTONIC, &end);
    getrusage(RUSAGE_SELF, &after);
    printf("{\"ops\": %ld, \"wall\": %.9f, \"cpu\": %.9f}\n", operations,
           (end.tv_sec - begin.tv_sec) + (end.tv_nsec - begin.tv_nsec) / 1e9,
           seconds(after.ru_utime) - seconds(before.ru_utime) + seconds(after.ru_stime) -
               seconds(before.ru_stime));
    fflush(stdout);
  }
  memcached_free(client);
  return 0;
}
