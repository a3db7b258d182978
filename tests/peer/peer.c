/* libsystemd behind a command line: each call with what it returned, for tests that hold aye against it.
 *
 *   peer notify STATE                        sd_notify
 *   peer notifyf FORMAT TEXT                 sd_notifyf with one string
 *   peer pid-notify PID STATE                sd_pid_notify; PID 0 is the caller
 *   peer fds PID STATE COUNT FILE...         sd_pid_notify_with_fds, each FILE opened COUNT times
 *   peer barrier USEC                        sd_notify_barrier; "infinity" waits for ever
 *   peer pid-barrier PID USEC                sd_pid_notify_barrier, "-ENOSYS" before 254
 *   peer watchdog                            sd_watchdog_enabled: "off", "on USEC" or the error
 *   peer listen                              sd_listen_fds_with_names: "none", the error, or a line for each descriptor
 *   peer service                             each of the notify calls, READY=1 at last, and stays: who exits at once
 *                                            may lose what it sent
 *   peer table                               rows from standard input, see `environments`: what each call answers
 *
 * The answer of a notify call is what it returned, an error by its name: "1", "0", "-E2BIG". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

/* Since 254: weak, so that this links against older ones too. */
extern int sd_pid_notify_barrier(pid_t pid, int unset_environment, uint64_t timeout) __attribute__((weak));

/* Descriptors 3 to 3 + OPEN_IN_TABLE - 1 are open for the rows of a table. */
enum { OPEN_IN_TABLE = 8, MOST_FDS = 1024 };

static void die(const char *what) {
	perror(what);
	exit(2);
}

static int answer(int result) {
	if (result < 0)
		printf("-%s\n", strerrorname_np(-result));
	else
		printf("%d\n", result);
	return 0;
}

static int with_fds(pid_t pid, const char *state, int count, char **files) {
	static int fds[MOST_FDS];
	unsigned n = 0;
	for (; *files; files++)
		for (int i = 0; i < count; i++) {
			if (n == MOST_FDS)
				die("too many descriptors");
			fds[n] = open(*files, O_RDONLY | O_CLOEXEC);
			if (fds[n++] < 0)
				die(*files);
		}
	return answer(sd_pid_notify_with_fds(pid, 0, state, fds, n));
}

static int pid_barrier(pid_t pid, uint64_t timeout) {
	return answer(sd_pid_notify_barrier ? sd_pid_notify_barrier(pid, 0, timeout) : -ENOSYS);
}

_Noreturn static void service(void) {
	const uint64_t limit = 5000000;
	char *null[] = { "/dev/null", NULL };
	answer(sd_notify(0, "STATUS=begun"));
	answer(sd_notify_barrier(0, limit));
	with_fds(0, "X_MORE=1", 3, null);
	answer(sd_notifyf(0, "STATUS=%s", "50 % done"));
	pid_barrier(getpid(), limit);
	fflush(stdout);
	if (sd_notify(0, "READY=1") < 0)
		die("sd_notify");
	for (;;)
		pause();
}

static uint64_t usec(const char *text) {
	return strcmp(text, "infinity") == 0 ? UINT64_MAX : strtoull(text, NULL, 10);
}

static int watchdog(void) {
	uint64_t interval = 0;
	int result = sd_watchdog_enabled(0, &interval);
	if (result < 0)
		return answer(result);
	if (result == 0)
		puts("off");
	else
		printf("on %" PRIu64 "\n", interval);
	return 0;
}

/* NAME, inode and whether it is closed on exec. */
static int listen_fds(void) {
	char **names = NULL;
	int count = sd_listen_fds_with_names(0, &names);
	if (count < 0)
		return answer(count);
	if (count == 0)
		puts("none");
	for (int i = 0; i < count; i++) {
		struct stat status;
		int fd = SD_LISTEN_FDS_START + i;
		if (fstat(fd, &status) < 0)
			die("fstat");
		printf("%s %ju %s\n", names[i], (uintmax_t) status.st_ino,
		       fcntl(fd, F_GETFD) & FD_CLOEXEC ? "cloexec" : "inherited");
	}
	return 0;
}

/* The inode of this process' pidfd, which LISTEN_PIDFDID holds; 0 where pidfds have none of their own. */
static uintmax_t pidfd_inode(void) {
	struct stat status;
	int fd = (int) syscall(SYS_pidfd_open, getpid(), 0);
	if (fd < 0 || fstat(fd, &status) < 0)
		die("pidfd_open");
	close(fd);
	return status.st_ino;
}

/* Writes VALUE with {pid}, {pidfd} and \xHH replaced. */
static void expand(const char *value, char *out) {
	unsigned byte;
	while (*value) {
		if (strncmp(value, "{pid}", 5) == 0) {
			out += sprintf(out, "%d", getpid());
			value += 5;
		} else if (strncmp(value, "{pidfd}", 7) == 0) {
			out += sprintf(out, "%ju", pidfd_inode());
			value += 7;
		} else if (sscanf(value, "\\x%2x", &byte) == 1) {
			*out++ = (char) byte;
			value += 4;
		} else
			*out++ = *value++;
	}
	*out = 0;
}

/* One row in a process of its own: the names of the call and of the variables, with a space between them. */
static int row(char *line) {
	char *rest = NULL, *call = strtok_r(line, " ", &rest), *pair;
	static char value[1 << 16];
	clearenv();
	while ((pair = strtok_r(NULL, " ", &rest))) {
		char *equals = strchr(pair, '=');
		if (!equals)
			die(pair);
		*equals = 0;
		expand(equals + 1, value);
		setenv(pair, value, 1);
	}
	if (strcmp(call, "watchdog") == 0) {
		uint64_t interval = 0;
		int result = sd_watchdog_enabled(0, &interval);
		if (result > 0)
			printf("on %" PRIu64 "\n", interval);
		else
			puts(result < 0 ? "error" : "off");
	} else {
		char **names = NULL;
		int count = sd_listen_fds_with_names(0, &names);
		if (count > 0) {
			printf("%d ", count);
			for (int i = 0; i < count; i++)
				printf("%s%s", i ? ":" : "", names[i]);
			puts("");
		} else
			puts(count < 0 ? "error" : "none");
	}
	fflush(stdout);
	return 0;
}

static void open_for_table(void) {
	for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + OPEN_IN_TABLE; fd++)
		if (dup2(STDERR_FILENO, fd) < 0)
			die("dup2");
	for (int fd = SD_LISTEN_FDS_START + OPEN_IN_TABLE; fd < MOST_FDS; fd++)
		close(fd);
}

/* The first field of each line is the row; the others are for whoever compares. */
static int table(void) {
	static char line[1 << 16];
	open_for_table();
	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\t\n")] = 0;
		if (*line == 0 || *line == '#')
			continue;
		pid_t child = fork();
		if (child < 0)
			die("fork");
		if (child == 0)
			_exit(row(line));
		int status;
		if (waitpid(child, &status, 0) < 0 || status != 0)
			die(line);
	}
	return 0;
}

int main(int argc, char **argv) {
	const char *call = argc > 1 ? argv[1] : "";
	if (strcmp(call, "notify") == 0 && argc == 3)
		return answer(sd_notify(0, argv[2]));
	if (strcmp(call, "notifyf") == 0 && argc == 4)
		return answer(sd_notifyf(0, argv[2], argv[3]));
	if (strcmp(call, "pid-notify") == 0 && argc == 4)
		return answer(sd_pid_notify(atoi(argv[2]), 0, argv[3]));
	if (strcmp(call, "fds") == 0 && argc >= 5)
		return with_fds(atoi(argv[2]), argv[3], atoi(argv[4]), argv + 5);
	if (strcmp(call, "barrier") == 0 && argc == 3)
		return answer(sd_notify_barrier(0, usec(argv[2])));
	if (strcmp(call, "pid-barrier") == 0 && argc == 4)
		return pid_barrier(atoi(argv[2]), usec(argv[3]));
	if (strcmp(call, "watchdog") == 0 && argc == 2)
		return watchdog();
	if (strcmp(call, "listen") == 0 && argc == 2)
		return listen_fds();
	if (strcmp(call, "service") == 0 && argc == 2)
		service();
	if (strcmp(call, "table") == 0 && argc == 2)
		return table();
	fprintf(stderr, "peer: no such call: see the top of peer.c\n");
	return 2;
}
