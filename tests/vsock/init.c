/* The first process of the machine that `boot` starts: loads vsock's modules, loopback included, runs the program with
 * the arguments the kernel was given, says what it exited with, and restarts, which ends the emulator. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const modules[] = {
	"/vsock.ko",
	"/vmw_vsock_virtio_transport_common.ko",
	"/vsock_loopback.ko",
};

static int failed(const char *what, const char *on) {
	printf("init: cannot %s %s: %s\n", what, on, strerror(errno));
	return 1;
}

static int load(const char *module) {
	int fd = open(module, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
		return failed("load", module);
	close(fd);
	return 0;
}

static int run(char **arguments) {
	int status = 0;
	pid_t child = fork();
	if (child < 0)
		return failed("fork for", arguments[0]);
	if (child == 0) {
		execv(arguments[0], arguments);
		_exit(failed("execute", arguments[0]));
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int prepare(void) {
	if (mount("dev", "/dev", "devtmpfs", 0, "") < 0)
		return failed("mount", "/dev");
	if (mount("proc", "/proc", "proc", 0, "") < 0)
		return failed("mount", "/proc");
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		if (load(modules[i]))
			return 1;
	return 0;
}

int main(int argc, char **argv) {
	setvbuf(stdout, NULL, _IONBF, 0);
	argv[0] = "/program";
	(void) argc;
	int status = prepare();
	if (status == 0)
		status = run(argv);
	printf("init: exit %d\n", status);
	reboot(RB_AUTOBOOT);
	return failed("restart", "the machine");
}
