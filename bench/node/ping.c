/* The two ends that bench/node/run measures between. `ping drain PATH` is the receiver: it binds PATH, says so and
 * reads datagrams until its standard input ends, asleep in between as a service manager is. The yardstick is the loop
 * of one system call that no heartbeat can beat: `ping send COUNT PATH` by send(2) on a socket of its own, without PATH
 * on descriptor 3, and there `ping write COUNT` by write(2), which is all that Node offers. For each line it reads it
 * sends COUNT heartbeats and answers with the microseconds of CPU time that one took. */

#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int place(struct sockaddr_un *address, const char *path) {
    *address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address->sun_path))
        return -1;
    strcpy(address->sun_path, path);
    return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

static int drain(const char *path) {
    struct sockaddr_un address;
    int fd = place(&address, path);
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

/* User and system time of this process, in microseconds: not what others did on this CPU meanwhile. */
static double consumed(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static const char heartbeat[] = "WATCHDOG=1";

static ssize_t by_send(int fd) {
    return send(fd, heartbeat, sizeof(heartbeat) - 1, MSG_NOSIGNAL);
}

static ssize_t by_write(int fd) {
    return write(fd, heartbeat, sizeof(heartbeat) - 1);
}

static int sender(ssize_t (*beat)(int fd), int fd, long count) {
    char line[64];
    while (fgets(line, sizeof(line), stdin)) {
        double begin = consumed();
        for (long i = 0; i < count; i++)
            if (beat(fd) < 0)
                return 1;
        printf("%.3f\n", (consumed() - begin) / count);
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv) {
    struct sockaddr_un address;
    int fd = 3;
    if (argc == 3 && !strcmp(argv[1], "drain"))
        return drain(argv[2]);
    if (argc == 4) {
        fd = place(&address, argv[3]);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
            return 1;
    }
    if (argc >= 3 && !strcmp(argv[1], "send"))
        return sender(by_send, fd, atol(argv[2]));
    if (argc == 3 && !strcmp(argv[1], "write"))
        return sender(by_write, fd, atol(argv[2]));
    return 2;
}
