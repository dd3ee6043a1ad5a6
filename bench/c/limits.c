// What the kernel and the server leave possible: requests written and replies
// read by hand, with nothing between. A worker of bench/run: see bench/README.md.
//
//   limits ping-get | ping-set | ping-multiget | pipeline-get   HOST PORT

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

enum { VALUE = 100, KEYS = 100, DEPTH = 64 };

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

  size_t length = 0, expected = 0, operations = 1;
  const size_t line = strlen("VALUE bench:000 0 100\r\n") + VALUE + 2;
  if (!strcmp(mode, "ping-get")) {
    length = sprintf(request, "get bench:000\r\n");
    expected = line + 5;
  } else if (!strcmp(mode, "ping-set")) {
    length = sprintf(request, "set bench:000 0 0 %d\r\n%s", VALUE, value);
    expected = 8;
  } else if (!strcmp(mode, "ping-multiget")) {
    length = sprintf(request, "get");
    for (int key = 0; key < KEYS; key++) length += sprintf(request + length, " bench:%03d", key);
    length += sprintf(request + length, "\r\n");
    expected = line * KEYS + 5;
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
    long rounds = atol(command) / (long)operations;
    if (rounds <= 0) break;
    struct rusage before, after;
    struct timespec begin, end;
    getrusage(RUSAGE_SELF, &before);
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long round = 0; round < rounds; round++) {
      send_all(request, length);
      receive(expected);
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    getrusage(RUSAGE_SELF, &after);
    printf("{\"ops\": %ld, \"wall\": %.9f, \"cpu\": %.9f}\n", rounds * (long)operations,
           (end.tv_sec - begin.tv_sec) + (end.tv_nsec - begin.tv_nsec) / 1e9,
           seconds(after.ru_utime) - seconds(before.ru_utime) + seconds(after.ru_stime) -
               seconds(before.ru_stime));
    fflush(stdout);
  }
  return 0;
}
