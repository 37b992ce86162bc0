/* Listening sockets: TCP shared by several loops, the operator's unix socket, and the file that says where we listen.
 */
#ifndef WEB_LISTENER_H
#define WEB_LISTENER_H

#include <stdint.h>
#include <sys/stat.h>

#include "core/node.h"

enum { LISTENERS_MAX = 64, LISTENER_ADDRESS_MAX = 128 };

struct listeners {
	int count;
	int sockets[LISTENERS_MAX]; /* one a loop on the same port; the loops close them */
	char host[64];		    /* as bound: "127.0.0.1", "::1" */
	int port;
	char url[LISTENER_ADDRESS_MAX]; /* how to reach it from this machine: "http://127.0.0.1:8080" */
	int operator_socket;		/* -1: none */
	char operator_path[NODE_PATH_MAX], address_path[NODE_PATH_MAX];
	ino_t operator_inode, address_inode; /* what this server made, so that it removes nothing of a successor */
};

/* Binds `count` sockets to one port (0: a free one). WN_INPUT serve_port_taken and serve_host say what to change. */
bool listeners_open(struct listeners *listeners, const char *host, int port, int count, bool tls, struct wn_error *err);
/* run/operator.sock in the state folder, mode 0600, in place of an older one. */
bool listeners_open_operator(struct listeners *listeners, const struct node *node, struct wn_error *err);
/* run/serve.address with the url, whole or not at all. */
bool listeners_publish(struct listeners *listeners, const struct node *node, struct wn_error *err);
/* Removes what was published, and closes the sockets that no loop has taken (those not -1). */
void listeners_close(struct listeners *listeners);

#endif
