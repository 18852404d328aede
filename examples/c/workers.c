/* Jobs on the pool, a Python worker that has a ring of ours, and what the session is doing.
 *
 * Build: cargo clib && cc -I include examples/c/workers.c -L target/release -lcirclet -o workers
 */
#include <circlet.h>
#include <inttypes.h>
#include <stdio.h>

static int check(int32_t status) {
    if (status >= 0) return 0;
    char message[512];
    circlet_last_error(message, sizeof message);
    fprintf(stderr, "%s: %s\n", circlet_status_str(status), message);
    return 1;
}

static int32_t square(void *data) {
    int32_t number = *(int32_t *)data;
    return number * number;
}

static int run_jobs(void) {
    circlet_pool *pool;
    if (check(circlet_pool_new(NULL, &pool))) return 1;
    int32_t numbers[10], sum = 0, left = 10;
    void *data[10];
    for (int32_t i = 0; i < 10; i++) {
        numbers[i] = i;
        data[i] = &numbers[i];
    }
    int failed = check(circlet_pool_submit_many(pool, square, data, 10, NULL, NULL));
    while (!failed && left > 0) {
        circlet_completion done[10];
        int32_t count = circlet_pool_next_many(pool, done, 10, 10000);
        failed = check(count);
        for (int32_t i = 0; i < count; i++) sum += done[i].result;
        left -= count;
    }
    if (!failed) printf("10 jobs gave %" PRId32 "\n", sum);
    circlet_pool_free(pool);
    return failed;
}

static int run_python(void) {
    circlet_ring *ring;
    if (check(circlet_ring_anonymous(NULL, &ring))) return 1;
    const char *name = "points";
    const circlet_ring *shared = ring;
    circlet_executor_options options = {
        .struct_size = sizeof options, .ring_count = 1, .ring_names = &name, .rings = &shared};
    circlet_executor *python;
    int failed = check(circlet_executor_new(&options, &python));
    if (!failed) {
        circlet_text *outcome;
        failed = check(circlet_executor_run(python, "print('hello'); [list(rings), 6 * 7]", 10000, &outcome));
        if (!failed) {
            puts(circlet_text_data(outcome));
            circlet_text_free(outcome);
        }
        circlet_executor_free(python);
    }
    circlet_ring_close(ring);
    return failed;
}

static int tell_session(void) {
    circlet_text *snapshot, *summary;
    if (check(circlet_session_snapshot(&snapshot))) return 1;
    int failed = check(circlet_session_summary(circlet_text_data(snapshot), &summary));
    circlet_text_free(snapshot);
    if (failed) return 1;
    puts(circlet_text_data(summary));
    circlet_text_free(summary);
    return 0;
}

int main(void) { return run_jobs() || run_python() || tell_session(); }
