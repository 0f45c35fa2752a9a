/*
 * file.c: small files, read whole and written whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"

static bool
failed(LprFault *fault, const char *what, const char *path)
{
	return lpr_fault(fault, "58030", "cannot %s \"%s\": %s", what, path, strerror(errno));
}

bool
file_read(const char *path, LprText *out, LprFault *fault)
{
	char buffer[16384];
	struct stat status;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return failed(fault, "open", path);
	/* Told here, since read() says only "Is a directory" and a pipe may never end. */
	if (fstat(fd, &status) == 0 && S_ISDIR(status.st_mode))
	{
		close(fd);
		return lpr_fault(fault, "58030", "\"%s\" is a directory, not a file", path);
	}
	while ((n = read(fd, buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
	{
		lpr_text_append(out, buffer, n > 0 ? (size_t) n : 0);
		if (out->failed || out->len > FILE_MAX)
		{
			close(fd);
			return lpr_fault(fault, "54000", "\"%s\" is larger than %d MB", path, FILE_MAX / 1024 / 1024);
		}
	}
	if (n < 0)
		failed(fault, "read", path);
	close(fd);
	return n == 0;
}

static bool
write_all(int fd, LprSlice content)
{
	while (content.len > 0)
	{
		ssize_t n = write(fd, content.data, content.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		content.data += n;
		content.len -= (size_t) n;
	}
	return true;
}

bool
file_write(const char *directory, const char *name, LprSlice content, LprFault *fault)
{
	int at = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1;
	char scratch[300];
	bool good;

	if (at < 0)
		return failed(fault, "open", directory);
	snprintf(scratch, sizeof(scratch), "%s.new", name);
	fd = openat(at, scratch, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	good = fd >= 0 && write_all(fd, content) && fsync(fd) == 0;
	if (fd >= 0)
		good = close(fd) == 0 && good;
	good = good && renameat(at, scratch, at, name) == 0 && fsync(at) == 0;
	if (!good)
	{
		failed(fault, "write a file into", directory);
		if (fd >= 0)
			unlinkat(at, scratch, 0);
	}
	close(at);
	return good;
}
