/* The two ends that bench/node/run measures between: `ping drain PATH` is the receiver, it binds PATH, says so and reads
 * datagrams until its standard input ends; `ping send COUNT` is the yardstick, the send(2) loop that a heartbeat
 * cannot beat, on descriptor 3. For each line it reads it sends COUNT heartbeats and answers with the nanoseconds taken. */

#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int drain(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path))
        return 1;
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return 1;
    puts("bound");
    fflush(stdout);

    char bytes[4097];
    struct pollfd ends[] = { { .fd = fd, .events = POLLIN }, { .fd = 0, .events = POLLIN } };
    for (;;) {
        while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
            ;
        if (poll(ends, 2, -1) < 0)
            return 1;
        if (ends[1].revents && read(0, bytes, sizeof(bytes)) <= 0)
            return 0;
    }
}

static int sender(long count) {
    static const char heartbeat[] = "WATCHDOG=1";
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        struct timespec begin, end;
        clock_gettime(CLOCK_MONOTONIC, &begin);
        for (long i = 0; i < count; i++)
            if (send(3, heartbeat, sizeof(heartbeat) - 1, MSG_NOSIGNAL) < 0)
                return 1;
        clock_gettime(CLOCK_MONOTONIC, &end);
        printf("%lld\n", (end.tv_sec - begin.tv_sec) * 1000000000LL + (end.tv_nsec - begin.tv_nsec));
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "drain"))
        return drain(argv[2]);
    if (argc == 3 && !strcmp(argv[1], "send"))
        return sender(atol(argv[2]));
    return 2;
}
