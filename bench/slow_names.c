/*
 * slow_names: preloaded into the server, a name server that does not answer: getaddrinfo() of names under
 * .slow.invalid takes half a minute and finds nothing.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	static const char ending[] = ".slow.invalid";
	size_t len = node != NULL ? strlen(node) : 0;
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (len > sizeof(ending) && strcmp(node + len - (sizeof(ending) - 1), ending) == 0)
	{
		sleep(30);
		return EAI_AGAIN;
	}
	*(void **) &real = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(node, service, hints, found);
}
