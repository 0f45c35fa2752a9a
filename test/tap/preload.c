/*
 * preload.c: a world that tests cannot otherwise have, for LD_PRELOAD: name lookups of *.slow.invalid take 20 seconds,
 * and files named *.foreign belong to another user. The clock is off by $LPR_SHIFT seconds, and by as many more as file
 * $LPR_CLOCK says; what is written to a path that contains the text in file $LPR_FULL finds no room on the disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define NOBODY 65534

static int
ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);

	return len >= strlen(end) && strcmp(text + len - strlen(end), end) == 0;
}

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **result)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
		(int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **)) dlsym(RTLD_NEXT,
																								 "getaddrinfo");

	if (node != NULL && ends_with(node, ".slow.invalid"))
	{
		/* sleep() would end with a signal; a resolver that waits for its server does not */
		for (int left = 20; left > 0;)
			left = (int) sleep((unsigned) left);
		return EAI_NONAME;
	}
	return real(node, service, hints, result);
}

int
fstat(int fd, struct stat *st)
{
	int (*real)(int, struct stat *) = (int (*)(int, struct stat *)) dlsym(RTLD_NEXT, "fstat");
	int result = real(fd, st);
	char link[64];
	char path[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = result == 0 && S_ISREG(st->st_mode) ? readlink(link, path, sizeof(path) - 1) : -1;
	if (len > 0)
	{
		path[len] = '\0';
		if (ends_with(path, ".foreign"))
			st->st_uid = NOBODY;
	}
	return result;
}

/* The content of the file that an environment variable names, if there is any. */
static ssize_t
told(const char *variable, char *out, size_t room)
{
	const char *path = getenv(variable);
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t len = -1;

	if (fd >= 0)
	{
		len = read(fd, out, room - 1);
		close(fd);
		out[len > 0 ? len : 0] = '\0';
	}
	return len;
}

/* The time of day. Clocks that only measure how long something takes are the machine's. */
int
clock_gettime(clockid_t which, struct timespec *now)
{
	int (*real)(clockid_t, struct timespec *) =
		(int (*)(clockid_t, struct timespec *)) dlsym(RTLD_NEXT, "clock_gettime");
	int result = real(which, now);
	const char *shift = getenv("LPR_SHIFT");
	char text[32];
	int keep = errno;

	if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE))
	{
		now->tv_sec += shift != NULL ? atol(shift) : 0;
		now->tv_sec += told("LPR_CLOCK", text, sizeof(text)) > 0 ? atol(text) : 0;
		errno = keep;
	}
	return result;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec exact;

	(void) zone;
	clock_gettime(CLOCK_REALTIME, &exact);
	now->tv_sec = exact.tv_sec;
	now->tv_usec = exact.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec exact;

	clock_gettime(CLOCK_REALTIME, &exact);
	if (out != NULL)
		*out = exact.tv_sec;
	return exact.tv_sec;
}

/* Whether there is no room where this file lies. */
static int
full(int fd)
{
	char where[64];
	char link[64];
	char path[PATH_MAX];
	ssize_t len;
	int keep = errno;

	if (told("LPR_FULL", where, sizeof(where)) <= 0)
	{
		errno = keep;
		return 0;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, path, sizeof(path) - 1);
	errno = keep;
	if (len <= 0)
		return 0;
	path[len] = '\0';
	if (strstr(path, where) == NULL)
		return 0;
	errno = ENOSPC;
	return 1;
}

/* A file grows only where there is room; what it has can be overwritten. */
static int
no_room(int fd, off_t end)
{
	struct stat st;

	return getenv("LPR_FULL") != NULL && fstat(fd, &st) == 0 && end > st.st_size && full(fd);
}

ssize_t
pwrite(int fd, const void *data, size_t len, off_t offset)
{
	ssize_t (*real)(int, const void *, size_t, off_t) =
		(ssize_t(*)(int, const void *, size_t, off_t)) dlsym(RTLD_NEXT, "pwrite");

	return no_room(fd, offset + (off_t) len) ? -1 : real(fd, data, len, offset);
}

ssize_t
pwrite64(int fd, const void *data, size_t len, off_t offset)
{
	return pwrite(fd, data, len, offset);
}

ssize_t
pwritev(int fd, const struct iovec *data, int count, off_t offset)
{
	ssize_t (*real)(int, const struct iovec *, int, off_t) =
		(ssize_t(*)(int, const struct iovec *, int, off_t)) dlsym(RTLD_NEXT, "pwritev");

	return no_room(fd, offset + 1) ? -1 : real(fd, data, count, offset);
}

ssize_t
pwritev64(int fd, const struct iovec *data, int count, off_t offset)
{
	return pwritev(fd, data, count, offset);
}

int
posix_fallocate(int fd, off_t offset, off_t len)
{
	int (*real)(int, off_t, off_t) = (int (*)(int, off_t, off_t)) dlsym(RTLD_NEXT, "posix_fallocate");

	return no_room(fd, offset + len) ? ENOSPC : real(fd, offset, len);
}
