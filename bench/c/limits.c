// What the kernel and the server leave possible: requests written and replies
// read by hand, with nothing between. A worker of bench/run: see bench/README.md.
//
//   limits CASE HOST PORT
//
// ping-get, ping-set, ping-get10k: one request, one reply. ping-multiget: 100
// keys in one request. ping-multiset: 100 sets in one write. pipeline-get,
// pipeline-set: 64 requests in one write. clock-get: as ping-get, and it looks
// at the clock for each, to tell the median.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { VALUE = 100, LARGE = 10000, KEYS = 100, DEPTH = 64, LAPS = 1000000 };

static char request[1 << 16], reply[1 << 20];
static int sock;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void send_all(const char *bytes, size_t length) {
  while (length) {
    ssize_t sent = send(sock, bytes, length, MSG_NOSIGNAL);
    if (sent <= 0) fail("send");
    bytes += sent;
    length -= (size_t)sent;
  }
}

// Reads until `length` bytes have come: replies are of known size.
static void receive(size_t length) {
  size_t have = 0;
  while (have < length) {
    ssize_t got = recv(sock, reply + have, sizeof reply - have, 0);
    if (got <= 0) fail("recv");
    have += (size_t)got;
  }
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec / 1e9;
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static double seconds(struct timeval time) { return time.tv_sec + time.tv_usec / 1e6; }

int main(int count, char **arguments) {
  if (count < 4) return 2;
  const char *mode = arguments[1];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(atoi(arguments[3]))};
  inet_pton(AF_INET, arguments[2], &address.sin_addr);
  sock = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(sock, (struct sockaddr *)&address, sizeof address)) fail("connect");
  int on = 1;
  setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  char value[VALUE + 3];
  memset(value, 'x', VALUE);
  memcpy(value + VALUE, "\r\n", 3);
  for (int key = 0; key < KEYS; key++) {
    int length = sprintf(request, "set bench:%03d 0 0 %d\r\n%s", key, VALUE, value);
    send_all(request, length);
    receive(strlen("STORED\r\n"));
  }

  static char large[LARGE + 3];
  memset(large, 'x', LARGE);
  memcpy(large + LARGE, "\r\n", 3);
  int stored = sprintf(request, "set bench:10k 0 0 %d\r\n%s", LARGE, large);
  send_all(request, stored);
  receive(strlen("STORED\r\n"));

  size_t length = 0, expected = 0, operations = 1;
  const size_t line = strlen("VALUE bench:000 0 100\r\n") + VALUE + 2;
  double *laps = NULL;
  if (!strcmp(mode, "ping-get") || !strcmp(mode, "clock-get")) {
    length = sprintf(request, "get bench:000\r\n");
    expected = line + 5;
    if (*mode == 'c') laps = malloc(LAPS * sizeof *laps);
  } else if (!strcmp(mode, "ping-get10k")) {
    length = sprintf(request, "get bench:10k\r\n");
    expected = strlen("VALUE bench:10k 0 10000\r\n") + LARGE + 2 + 5;
  } else if (!strcmp(mode, "ping-set")) {
    length = sprintf(request, "set bench:000 0 0 %d\r\n%s", VALUE, value);
    expected = 8;
  } else if (!strcmp(mode, "ping-multiget")) {
    length = sprintf(request, "get");
    for (int key = 0; key < KEYS; key++) length += sprintf(request + length, " bench:%03d", key);
    length += sprintf(request + length, "\r\n");
    expected = line * KEYS + 5;
  } else if (!strcmp(mode, "ping-multiset") || !strcmp(mode, "pipeline-set")) {
    int sets = !strcmp(mode, "pipeline-set") ? DEPTH : KEYS;
    for (int key = 0; key < sets; key++)
      length += sprintf(request + length, "set bench:%03d 0 0 %d\r\n%s", key, VALUE, value);
    expected = strlen("STORED\r\n") * sets;
    if (sets == DEPTH) operations = DEPTH;
  } else if (!strcmp(mode, "pipeline-get")) {
    for (int key = 0; key < DEPTH; key++)
      length += sprintf(request + length, "mg bench:%03d f v O%03d\r\n", key, key);
    expected = (strlen("VA 100 f0 O000\r\n") + VALUE + 2) * DEPTH;
    operations = DEPTH;
  } else {
    return 2;
  }

  puts("ready");
  fflush(stdout);
  char command[64];
  while (fgets(command, sizeof command, stdin)) {
    long rounds = (atol(command) + (long)operations - 1) / (long)operations;
    if (rounds <= 0) break;
    if (laps && rounds > LAPS) rounds = LAPS;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    double begin = now();
    for (long round = 0; round < rounds; round++) {
      double lap = laps ? now() : 0;
      send_all(request, length);
      receive(expected);
      if (laps) laps[round] = now() - lap;
    }
    double wall = now() - begin;
    getrusage(RUSAGE_SELF, &after);
    double cpu = seconds(after.ru_utime) - seconds(before.ru_utime) + seconds(after.ru_stime) -
                 seconds(before.ru_stime);
    printf("{\"ops\": %ld, \"wall\": %.9f, \"cpu\": %.9f", rounds * (long)operations, wall, cpu);
    if (laps) {
      qsort(laps, rounds, sizeof *laps, ascending);
      printf(", \"p50\": %.9f", laps[rounds / 2]);
    }
    puts("}");
    fflush(stdout);
  }
  return 0;
}
