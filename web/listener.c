/* Sockets before they belong to a loop. */
#include "web/listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	LISTENER_BACKLOG = 4096,
	OPERATOR_BACKLOG = 64,
	/* What a client may send before it is read: all that is ready is read in one turn of a loop, and only then
	 * counted. */
	LISTENER_RECEIVE_BYTES = 128 * 1024,
};

static bool listener_option(int descriptor, int option)
{
	int on = 1;
	return setsockopt(descriptor, SOL_SOCKET, option, &on, sizeof on) == 0;
}

static bool listener_taken(const struct listeners *listeners, int port, struct wn_error *err)
{
	int why = errno;
	if (why == EADDRINUSE)
		return wn_fail(err, WN_INPUT, "serve_port_taken",
			"port %d of %s is taken by another program; choose another one with "
			"--serve.port (0 takes a free one)",
			port, listeners->host);
	if (why == EACCES)
		return wn_fail(err, WN_INPUT, "serve_port_taken",
			"port %d needs rights that this user does not have; choose one above 1023 with "
			"--serve.port",
			port);
	if (why == EADDRNOTAVAIL)
		return wn_fail(err, WN_INPUT, "serve_host", "%s is no address of this machine; change serve.host",
			listeners->host);
	return wn_fail(err, WN_DOWN, "serve_listen", "listen on %s port %d: %s", listeners->host, port, strerror(why));
}

/*
 * SO_REUSEPORT lets any program of this user share the port, another winnow too. So the first socket binds without it,
 * which fails if anybody listens there, and gets the flag before the others join.
 */
static bool listener_bind(int descriptor, const struct sockaddr *address, socklen_t bytes, bool first)
{
	return listener_option(descriptor, SO_REUSEADDR) && (first || listener_option(descriptor, SO_REUSEPORT)) &&
	       bind(descriptor, address, bytes) == 0 && (!first || listener_option(descriptor, SO_REUSEPORT)) &&
	       listen(descriptor, LISTENER_BACKLOG) == 0;
}

static bool listeners_bind(
	struct listeners *listeners, const struct addrinfo *found, int port, int count, struct wn_error *err)
{
	struct sockaddr_storage address = {0};
	socklen_t bytes = found->ai_addrlen;
	memcpy(&address, found->ai_addr, bytes);
	getnameinfo(found->ai_addr, bytes, listeners->host, sizeof listeners->host, NULL, 0, NI_NUMERICHOST);
	for (int i = 0; i < count; i++) {
		int descriptor = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (descriptor < 0)
			return wn_fail(err, WN_FULL, "serve_listen", "open a socket: %s", strerror(errno));
		listeners->sockets[listeners->count++] = descriptor;
		int receive_bytes = LISTENER_RECEIVE_BYTES;
		setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
		if (!listener_bind(descriptor, (struct sockaddr *)&address, bytes, i == 0))
			return listener_taken(listeners, port, err);
		if (i == 0 && getsockname(descriptor, (struct sockaddr *)&address, &bytes) != 0)
			return wn_fail(err, WN_DOWN, "serve_listen", "ask for the port: %s", strerror(errno));
	}
	listeners->port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
							      : ((struct sockaddr_in *)&address)->sin_port);
	return true;
}

bool listeners_open(struct listeners *listeners, const char *host, int port, int count, bool tls, struct wn_error *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV}, *found = NULL;
	char service[16];
	wn_assert(count >= 1 && count <= LISTENERS_MAX);
	memset(listeners, 0, sizeof *listeners);
	listeners->operator_socket = -1;
	snprintf(listeners->host, sizeof listeners->host, "%.60s", host);
	snprintf(service, sizeof service, "%d", port);
	int failed = getaddrinfo(host, service, &hints, &found);
	if (failed)
		return wn_fail(err, WN_INPUT, "serve_host", "%s is no address to listen on: %s; change serve.host",
			host, gai_strerror(failed));
	bool done = listeners_bind(listeners, found, port, count, err);
	freeaddrinfo(found);
	if (!done) {
		listeners_close(listeners);
		return false;
	}
	/* Who listens everywhere is reached here by the loopback address. */
	const char *reach = listeners->host;
	if (strcmp(reach, "0.0.0.0") == 0)
		reach = "127.0.0.1";
	else if (strcmp(reach, "::") == 0)
		reach = "::1";
	bool six = strchr(reach, ':') != NULL;
	snprintf(listeners->url, sizeof listeners->url, "%s://%s%s%s:%d", tls ? "https" : "http", six ? "[" : "", reach,
		six ? "]" : "", listeners->port);
	return true;
}

/* A unix address has room for 107 bytes, a state folder may lie deeper: the way through /proc is always short. */
static bool operator_address(const char *path, struct sockaddr_un *address, int *folder, struct wn_error *err)
{
	char parent[NODE_PATH_MAX];
	const char *slash = strrchr(path, '/');
	snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
	*folder = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*folder < 0)
		return wn_fail(err, WN_DOWN, "operator_socket", "open %s: %s", parent, strerror(errno));
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	int bytes = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d%s", *folder, slash);
	wn_assert(bytes < (int)sizeof address->sun_path);
	return true;
}

bool listeners_open_operator(struct listeners *listeners, const struct node *node, struct wn_error *err)
{
	char path[NODE_PATH_MAX], fresh[NODE_PATH_MAX + 32];
	struct sockaddr_un address;
	struct stat status;
	int folder = -1;
	node_path(node, path, "run/operator.sock");
	/* Made under another name and moved over the old one: there is always a door, and a dead server's leaves no
	 * trace. */
	snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
	if (!operator_address(fresh, &address, &folder, err))
		return false;
	int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	unlink(fresh);
	/* Nobody can connect before listen(), and then the mode is set already. */
	bool done = descriptor >= 0 && bind(descriptor, (struct sockaddr *)&address, sizeof address) == 0 &&
		    chmod(fresh, 0600) == 0 && listen(descriptor, OPERATOR_BACKLOG) == 0 && stat(fresh, &status) == 0 &&
		    rename(fresh, path) == 0;
	int why = errno;
	close(folder);
	if (!done) {
		if (descriptor >= 0)
			close(descriptor);
		unlink(fresh);
		return wn_fail(err, WN_DOWN, "operator_socket", "make %s: %s", path, strerror(why));
	}
	listeners->operator_socket = descriptor;
	listeners->operator_inode = status.st_ino;
	snprintf(listeners->operator_path, sizeof listeners->operator_path, "%s", path);
	return true;
}

bool listeners_publish(struct listeners *listeners, const struct node *node, struct wn_error *err)
{
	char path[NODE_PATH_MAX], fresh[NODE_PATH_MAX + 32], line[LISTENER_ADDRESS_MAX + 1];
	struct stat status;
	node_path(node, path, "run/serve.address");
	snprintf(fresh, sizeof fresh, "%s.%d", path, (int)getpid());
	int bytes = snprintf(line, sizeof line, "%s\n", listeners->url);
	int descriptor = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	bool done =
		descriptor >= 0 && write(descriptor, line, (size_t)bytes) == bytes && fstat(descriptor, &status) == 0;
	int why = errno;
	if (descriptor >= 0)
		close(descriptor);
	if (!done || rename(fresh, path) != 0) {
		why = done ? errno : why;
		unlink(fresh);
		return wn_fail(err, WN_DOWN, "serve_address", "write %s: %s", path, strerror(why));
	}
	listeners->address_inode = status.st_ino;
	snprintf(listeners->address_path, sizeof listeners->address_path, "%s", path);
	return true;
}

static void listener_remove(const char *path, ino_t inode)
{
	struct stat status;
	if (*path && lstat(path, &status) == 0 && status.st_ino == inode)
		unlink(path);
}

void listeners_close(struct listeners *listeners)
{
	listener_remove(listeners->address_path, listeners->address_inode);
	listener_remove(listeners->operator_path, listeners->operator_inode);
	for (int i = 0; i < listeners->count; i++)
		if (listeners->sockets[i] >= 0)
			close(listeners->sockets[i]);
	if (listeners->operator_socket >= 0)
		close(listeners->operator_socket);
	listeners->count = 0;
	listeners->operator_socket = -1;
}
