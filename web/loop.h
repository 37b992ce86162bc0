/* One thread with an h2o event loop: accepts, hands requests to lanes, sends answers, drains and ends when told. */
#ifndef WEB_LOOP_H
#define WEB_LOOP_H

#include <pthread.h>
#include <semaphore.h>

#include <h2o.h>

#include "web/connection.h"
#include "web/server_state.h"

enum {
	LOOP_ACCEPTS_MAX = 16,	  /* connections a wake-up, so that a flood of them does not starve requests */
	LOOP_PAUSE_MS = 100,	  /* until accepting is tried again when descriptors ran out */
	LOOP_FAILURES_MAX = 1000, /* turns in a row that fail before the loop gives up */
	LOOP_RETIRED_MAX = 8,	  /* old certificates that handshakes may still use */
	LOOP_RETIRED_MS = 60000,  /* far longer than a handshake may take */
};

enum loop_stage { LOOP_SERVES, LOOP_DRAINS, LOOP_CUTS, LOOP_ENDS };

/* What other threads tell a loop. */
struct loop_message {
	h2o_multithread_message_t super;
	enum { LOOP_JOB_DONE, LOOP_STAGE, LOOP_TLS } kind;
	enum loop_stage stage; /* LOOP_STAGE */
	SSL_CTX *tls;	       /* LOOP_TLS: one reference, which the loop takes over */
};

struct wire_job;

struct loop {
	struct server *server;
	int number;
	pthread_t thread;
	bool started;
	sem_t ready, drained;
	h2o_evloop_t *evloop;
	h2o_globalconf_t config;
	h2o_context_t context;
	h2o_accept_ctx_t accept, accept_operator;
	h2o_multithread_receiver_t receiver;
	int descriptor, descriptor_operator;	    /* before the thread has made the listeners of them; -1: none */
	h2o_socket_t *listener, *listener_operator; /* NULL: closed */
	struct {
		SSL_CTX *context;
		int64_t since_ms;
	} retired[LOOP_RETIRED_MAX];
	int64_t accepts_paused_ms; /* since when no descriptors are left; 0: they are */
	enum loop_stage stage;
	bool told_drained;
	struct connection *connections;
	int connection_count, operator_count, ending_count;
	int64_t looked_ms;			  /* at all connections */
	h2o_timeout_entry_t looks;		  /* the next time */
	int wait_ms;				  /* for events, when nothing else is due */
	struct wire_job *jobs_first, **jobs_last; /* waiting for a lane, oldest first */
	bool pushed;				  /* in this turn: the lanes are to be woken behind it */
	struct counters counters;
};

/* Starts the thread and returns when it listens. Takes over the sockets; operator_socket may be -1. */
bool loop_open(
	struct loop **out, struct server *server, int number, int socket, int operator_socket, struct wn_error *err);
/* Any thread. LOOP_DRAINS: stops accepting, answers what is there. LOOP_CUTS: closes every connection. LOOP_ENDS: the
 * thread ends. */
void loop_tell(struct loop *loop, enum loop_stage stage);
/* New connections use this context; takes a reference of its own. */
void loop_tls(struct loop *loop, SSL_CTX *context);
/* True when nothing is open any more; waits until `deadline_ms` (monotonic). After LOOP_DRAINS. */
bool loop_wait_drained(struct loop *loop, int64_t deadline_ms);
/* After LOOP_ENDS, when no lane holds a job of this loop. */
void loop_close(struct loop *loop);

#endif
