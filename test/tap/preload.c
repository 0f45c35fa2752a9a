/*
 * preload.c: a world that tests cannot otherwise have, for LD_PRELOAD: name lookups of *.slow.invalid take 20 seconds, and files
 * named *.foreign belong to another user.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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
