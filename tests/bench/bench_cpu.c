/* CPU time of this process, of others and of a database server with its children. */
#include "tests/bench/bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int64_t nanoseconds(clockid_t clock)
{
	struct timespec time;
	if (clock_gettime(clock, &time) != 0)
		return -1;
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

int64_t bench_cpu_of(pid_t pid)
{
	clockid_t clock;
	return clock_getcpuclockid(pid, &clock) == 0 ? nanoseconds(clock) : -1;
}

int64_t bench_cpu_self(void)
{
	return nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
}

double bench_seconds(void)
{
	return (double)nanoseconds(CLOCK_MONOTONIC) / 1e9;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], text[512];
	int parent = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	size_t bytes = file ? fread(text, 1, sizeof text - 1, file) : 0;
	if (file)
		fclose(file);
	text[bytes] = '\0';
	/* The name in brackets may hold anything. */
	const char *end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %d", &parent) == 1 ? parent : 0;
}

int64_t bench_cpu_of_cluster(const struct cluster *cluster)
{
	char path[CLUSTER_PATH_MAX + 32];
	int postmaster = 0;
	snprintf(path, sizeof path, "%s/postmaster.pid", cluster->data_dir);
	FILE *file = fopen(path, "re");
	if (!file || fscanf(file, "%d", &postmaster) != 1)
		postmaster = 0;
	if (file)
		fclose(file);
	int64_t sum = postmaster > 0 ? bench_cpu_of(postmaster) : 0;
	DIR *directory = opendir("/proc");
	for (struct dirent *entry; postmaster > 0 && directory && (entry = readdir(directory));) {
		pid_t pid = atoi(entry->d_name);
		int64_t used = pid > 0 && parent_of(pid) == postmaster ? bench_cpu_of(pid) : 0;
		sum += used > 0 ? used : 0;
	}
	if (directory)
		closedir(directory);
	return sum;
}

bool bench_execute(const char *const argv[], int64_t *cpu_ns, int64_t *peak_kib, struct wn_error *err)
{
	struct rusage usage;
	int status = 0;
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	while (child > 0 && wait4(child, &status, 0, &usage) < 0)
		if (errno != EINTR)
			break;
	if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return wn_fail(err, WN_DOWN, "bench_execute", "%s failed with status %d", argv[0], status);
	if (cpu_ns)
		*cpu_ns += ((int64_t)usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000 +
			   ((int64_t)usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000;
	if (peak_kib)
		*peak_kib = usage.ru_maxrss;
	return true;
}
