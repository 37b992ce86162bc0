/* A lock of the kernel's, which ends with its process however that ends; the number in the file is for people. */
#include "cmd/state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { STATE_LOCK_TEXT_MAX = 32 };

bool state_lock_take(const struct node *node, int *lock, pid_t *other, struct wn_error *err)
{
	char path[NODE_PATH_MAX], text[STATE_LOCK_TEXT_MAX] = "";
	*other = 0;
	*lock = open(node_path(node, path, "run/up.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (*lock < 0)
		return wn_fail(err, WN_DOWN, "up_lock", "open %s: %s", path, strerror(errno));
	if (flock(*lock, LOCK_EX | LOCK_NB) != 0) {
		ssize_t got = read(*lock, text, sizeof text - 1);
		long number = got > 0 ? strtol(text, NULL, 10) : 0;
		*other = number > 1 ? (pid_t)number : 1;
		close(*lock);
		*lock = -1;
		return true;
	}
	int bytes = snprintf(text, sizeof text, "%ld\n", (long)getpid());
	if (ftruncate(*lock, 0) == 0 && write(*lock, text, (size_t)bytes) == bytes)
		return true;
	int why = errno;
	close(*lock);
	*lock = -1;
	return wn_fail(err, WN_DOWN, "up_lock", "write %s: %s", path, strerror(why));
}
