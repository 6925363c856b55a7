/* Puts load on one way to get signatures, when it is told to, and counts.
 *
 *   loader WAY THREADS DEPTH ARGUMENT...
 *
 * Says "ready" when all threads are. Each line "MILLISECONDS" on standard input is one run: all
 * threads go on for that long, each with DEPTH signatures under way, and at least once. The answer
 * is one line of JSON. The connections stay open between the runs, so that several loaders can take
 * turns. */
#include "config.h"
#include "tests/bench/way.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 256
#define SAMPLES_MAX 1000000 /* of one thread and run; what is beyond is counted, not sampled */

struct thread {
    pthread_t id;
    unsigned number;
    double rate;       /* of the last run: operations a second, until its own last one ended */
    uint32_t *samples; /* of each call, in ns / 100 */
    size_t sample_count;
};

static const struct way *const ways[] = {&way_token, &way_agent, &way_ssh_agent, &way_echo};
#define WAYS (sizeof ways / sizeof ways[0])

static const struct way *way;
static size_t depth;
static struct thread threads[THREADS_MAX];
static unsigned thread_count;
static pthread_barrier_t start, end;
static int64_t begin, deadline; /* of the run, in ns */

void way_fail(const char *what)
{
    fprintf(stderr, "loader: %s: ", way->name);
    perror(what);
    exit(1);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void go(struct thread *thread, void *connection)
{
    size_t operations = 0;
    thread->sample_count = 0;
    int64_t before = now_ns();
    do {
        way->run(connection, depth);
        int64_t after = now_ns();
        operations += depth;
        if (thread->sample_count < SAMPLES_MAX)
            thread->samples[thread->sample_count++] = (uint32_t)((after - before) / 100);
        before = after;
    } while (before < deadline);
    thread->rate = (double)operations * 1e9 / (double)(before - begin);
}

static void *run(void *argument)
{
    struct thread *thread = argument;
    void *connection = way->open(thread->number, depth);
    pthread_barrier_wait(&end);
    for (;;) {
        pthread_barrier_wait(&start);
        go(thread, connection);
        pthread_barrier_wait(&end);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Microseconds of the call that a share of all calls is not slower than. */
static double percentile(const uint32_t *sorted, size_t count, double share)
{
    if (count == 0)
        return 0;
    size_t i = (size_t)(share * (double)count);
    return sorted[i < count ? i : count - 1] / 10.0;
}

/* Each thread's rate is its own: threads that pipeline end at other times, and who waits for the
 * last of them would count that as slowness. */
static void report(void)
{
    double rate = 0;
    size_t count = 0, done = 0;
    for (unsigned i = 0; i < thread_count; i++) {
        rate += threads[i].rate;
        count += threads[i].sample_count;
    }
    uint32_t *all = calloc(count + 1, sizeof *all);
    if (!all)
        way_fail("memory");
    for (unsigned i = 0; i < thread_count; i++) {
        memcpy(all + done, threads[i].samples, threads[i].sample_count * sizeof *all);
        done += threads[i].sample_count;
    }
    qsort(all, count, sizeof *all, compare);
    printf("{\"rate\": %.1f, \"p10\": %.1f, \"p50\": %.1f, \"p90\": %.1f, \"p99\": %.1f, "
           "\"p999\": %.1f}\n",
           rate, percentile(all, count, 0.1), percentile(all, count, 0.5),
           percentile(all, count, 0.9), percentile(all, count, 0.99),
           percentile(all, count, 0.999));
    fflush(stdout);
    free(all);
}

static void start_threads(void)
{
    pthread_barrier_init(&start, NULL, thread_count + 1);
    pthread_barrier_init(&end, NULL, thread_count + 1);
    for (unsigned i = 0; i < thread_count; i++) {
        threads[i].number = i;
        threads[i].samples = malloc(SAMPLES_MAX * sizeof *threads[i].samples);
        if (!threads[i].samples || pthread_create(&threads[i].id, NULL, run, &threads[i]) != 0)
            way_fail("thread");
    }
}

static const struct way *find_way(const char *name)
{
    for (size_t i = 0; i < WAYS; i++)
        if (strcmp(ways[i]->name, name) == 0)
            return ways[i];
    return NULL;
}

static int usage(void)
{
    for (size_t i = 0; i < WAYS; i++)
        fprintf(stderr, "usage: loader %s THREADS DEPTH %s\n", ways[i]->name, ways[i]->arguments);
    return 2;
}

int main(int argc, char **argv)
{
    char line[32];
    if (argc < 4 || !(way = find_way(argv[1])) || argc != 4 + way->argument_count)
        return usage();
    thread_count = (unsigned)strtoul(argv[2], NULL, 10);
    depth = strtoul(argv[3], NULL, 10);
    if (thread_count < 1 || thread_count > THREADS_MAX || depth < 1)
        return usage();
    way->prepare(argv + 4);
    start_threads();
    pthread_barrier_wait(&end);
    puts("ready");
    fflush(stdout);
    while (fgets(line, sizeof line, stdin)) {
        begin = now_ns();
        deadline = begin + strtoll(line, NULL, 10) * 1000000;
        pthread_barrier_wait(&start);
        pthread_barrier_wait(&end);
        report();
    }
    return 0;
}
