/* `winnow doctor`: what this machine has and lacks for a node, each finding with what to do about it. */
#include "cmd/command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/cluster.h"
#include "core/db.h"
#include "core/network_store.h"
#include "gpu_embed/backend.h"

enum { DOCTOR_SYNCS = 20, DOCTOR_MEMORY_LEAST_MB = 1024, DOCTOR_DISK_LEAST_MB = 1024, DOCTOR_SYNC_SLOW_US = 20000 };

enum finding { FINDING_GOOD, FINDING_NOTE, FINDING_BAD };

struct doctor {
	int notes, bad;
};

static void find(struct doctor *doctor, enum finding finding, const char *about, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void find(struct doctor *doctor, enum finding finding, const char *about, const char *format, ...)
{
	static const char *const words[] = {"good", "note", "BAD "};
	va_list arguments;
	printf("%s  %-12s ", words[finding], about);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	doctor->notes += finding == FINDING_NOTE;
	doctor->bad += finding == FINDING_BAD;
}

static void machine_look(struct doctor *doctor)
{
	struct sysinfo info;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	__builtin_cpu_init();
	find(doctor, FINDING_GOOD, "processor", "%ld cores%s%s%s", cores,
		__builtin_cpu_supports("avx2") ? ", AVX2" : "", __builtin_cpu_supports("avx512f") ? ", AVX-512" : "",
		__builtin_cpu_supports("avx512vnni") ? ", VNNI" : "");
	if (sysinfo(&info) == 0) {
		int64_t free_mb = (int64_t)(info.freeram + info.bufferram) * info.mem_unit >> 20,
			all_mb = (int64_t)info.totalram * info.mem_unit >> 20;
		find(doctor, all_mb < DOCTOR_MEMORY_LEAST_MB ? FINDING_NOTE : FINDING_GOOD, "memory",
			"%" PRId64 " MiB, %" PRId64 " MiB free%s", all_mb, free_mb,
			all_mb < DOCTOR_MEMORY_LEAST_MB ? ": a node wants a gibibyte" : "");
	}
}

/* Which one signs, and why not one before it in the order of preference. */
static void backend_look(struct doctor *doctor, const struct options *options)
{
	const char *name = option_text(options, "embed.backend");
	char about[BACKEND_ABOUT_MAX];
	struct backend *backend;
	struct wn_error err = {0};
	backend_cuda.about(about);
	find(doctor, FINDING_GOOD, "GPU", "%s%s", about,
		backend_cuda.usable() ? "; embed.backend = cuda signs on it"
				      : ": nothing is missing without one but speed");
	if (!backend_open(&backend, name, &err)) {
		find(doctor, FINDING_BAD, "duplicates", "%s", err.text);
		return;
	}
	if (backend_fault(backend)) {
		find(doctor, FINDING_NOTE, "duplicates", "%s signs instead: %s", backend_name(backend),
			backend_fault(backend)->text);
		backend_close(backend);
		return;
	}
	const char *used = backend_name(backend);
	for (size_t i = 0; backend_kinds[i] && strcmp(backend_kinds[i]->name, used) != 0; i++)
		if (!backend_kinds[i]->device && !backend_kinds[i]->usable()) {
			backend_kinds[i]->about(about);
			find(doctor, FINDING_GOOD, "duplicates", "not %s: %s", backend_kinds[i]->name, about);
		}
	for (size_t i = 0; backend_kinds[i]; i++)
		if (strcmp(backend_kinds[i]->name, used) == 0)
			backend_kinds[i]->about(about);
	find(doctor, FINDING_GOOD, "duplicates", "%s signs%s: %s", used,
		name && *name ? ", as embed.backend says" : ", the fastest of the processor", about);
	backend_close(backend);
}

/* What one fsync costs decides how fast small writes can be acknowledged. */
static void disk_look(struct doctor *doctor, const struct node *node)
{
	char path[NODE_PATH_MAX];
	struct statvfs disk;
	if (statvfs(node->state_dir, &disk) != 0) {
		find(doctor, FINDING_NOTE, "state", "%s is not there yet: winnow up makes it", node->state_dir);
		return;
	}
	int64_t free_mb = (int64_t)(disk.f_bavail * disk.f_frsize >> 20), spent_us;
	find(doctor, free_mb < DOCTOR_DISK_LEAST_MB ? FINDING_BAD : FINDING_GOOD, "state", "%s, %" PRId64 " MiB free%s",
		node->state_dir, free_mb,
		free_mb < DOCTOR_DISK_LEAST_MB ? ": make room, or name another folder with --node.state" : "");
	int file = open(node_path(node, path, "run/doctor.tmp"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (file < 0) {
		find(doctor, FINDING_NOTE, "disk", "cannot write below %s: %s", node->state_dir, strerror(errno));
		return;
	}
	struct timespec start, end;
	bool good = true;
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (int i = 0; i < DOCTOR_SYNCS && good; i++)
		good = write(file, "winnow doctor\n", 14) == 14 && fdatasync(file) == 0;
	clock_gettime(CLOCK_MONOTONIC, &end);
	close(file);
	unlink(path);
	spent_us = ((end.tv_sec - start.tv_sec) * 1000000 + (end.tv_nsec - start.tv_nsec) / 1000) / DOCTOR_SYNCS;
	find(doctor, !good || spent_us > DOCTOR_SYNC_SLOW_US ? FINDING_NOTE : FINDING_GOOD, "disk",
		"%" PRId64 " us a sync%s", spent_us,
		spent_us > DOCTOR_SYNC_SLOW_US ? ": every acknowledged write waits for one, a faster disk helps" : "");
}

static void keys_look(struct doctor *doctor, const struct node *node)
{
	static const char *const names[] = {
		"keys/checkpoint.key", "keys/operator.key", "keys/manifest.key", "keys/beacon.seed"};
	char path[NODE_PATH_MAX];
	struct stat about;
	if (stat(node_path(node, path, names[0]), &about) != 0 && errno == ENOENT)
		return; /* before genesis there are none */
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (stat(node_path(node, path, names[i]), &about) != 0)
			find(doctor, FINDING_NOTE, "keys", "%s: %s", path, strerror(errno));
		else if (about.st_mode & (S_IRWXG | S_IRWXO))
			find(doctor, FINDING_BAD, "keys", "%s can be read by others: chmod 600 it", path);
	}
}

static bool postgresql_look(struct doctor *doctor, const struct node *node)
{
	struct cluster cluster;
	struct wn_error err = {0};
	if (!node->own_database) {
		find(doctor, FINDING_GOOD, "PostgreSQL", "the operator's own, as node.database says");
		return true;
	}
	if (!cluster_plan(&cluster, node->state_dir, &err)) {
		find(doctor, FINDING_BAD, "PostgreSQL", "%s", err.text);
		return false;
	}
	bool up = cluster_is_up(&cluster);
	find(doctor, up ? FINDING_GOOD : FINDING_NOTE, "PostgreSQL", "%s in %s",
		up ? "runs" : "does not run (winnow up starts it)", cluster.data_dir);
	return up;
}

static void database_look(struct doctor *doctor, const struct node *node)
{
	static const char *const roles[] = {"winnow_serve", "winnow_ingest", "winnow_embed", "winnow_tally",
		"winnow_reward", "winnow_seal", "winnow_audit"};
	struct wn_error err = {0};
	struct db *db;
	for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
		if (!node_connect(node, roles[i], &db, &err)) {
			find(doctor, FINDING_BAD, "database", "as %s: %s", roles[i], err.text);
			return;
		}
		if (i == 0) {
			struct network_row network;
			struct wn_arena arena;
			bool found = false;
			char hex[ID_HEX_ROOM];
			wn_arena_init(&arena, 1 << 24);
			if (!network_store_get(db, &arena, &network, &found, &err))
				find(doctor, FINDING_BAD, "network", "%s", err.text);
			else if (!found)
				find(doctor, FINDING_NOTE, "network", "none yet: winnow up makes one");
			else
				find(doctor, FINDING_GOOD, "network", "%.16s%s%s",
					hex_write(hex, network.network.bytes, ID_BYTES),
					network.sample ? ", a sample network" : "",
					network.clock_manual ? ", manual clock" : "");
			wn_arena_free(&arena);
		}
		db_close(db);
	}
	find(doctor, FINDING_GOOD, "database",
		"every role connects; fsync, full_page_writes and synchronous_commit are on");
}

static int doctor_run(const struct options *options, int argc, char **argv)
{
	static struct node node;
	struct wn_error err = {0};
	struct doctor doctor = {0};
	(void)argv;
	if (argc != 0)
		return command_usage(&command_doctor);
	if (!node_paths(&node, options, &err))
		return command_failed(&err);
	find(&doctor, FINDING_GOOD, "version", "winnow " WINNOW_VERSION);
	machine_look(&doctor);
	backend_look(&doctor, options);
	disk_look(&doctor, &node);
	keys_look(&doctor, &node);
	if (postgresql_look(&doctor, &node))
		database_look(&doctor, &node);
	printf("%s\n", doctor.bad     ? "Something must be mended."
		       : doctor.notes ? "Nothing is broken; see the notes."
				      : "All is well.");
	return doctor.bad ? EXIT_FAILED_CHECK : EXIT_DONE;
}

const struct command command_doctor = {
	.name = "doctor",
	.usage = "doctor [--node.state DIR]",
	.runs_node = true, /* it looks at the node as its options make it */
	.summary = "what this machine has and lacks for a node",
	.run = doctor_run,
};
