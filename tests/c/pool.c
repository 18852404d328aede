/* Jobs of C come back once, with how they ended: results, failures, aborts, deadlines, what a full queue gave up, and the end. */
#define _GNU_SOURCE
#include "check.h"

#include <dirent.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>

enum { MANY = 5000 };

static int32_t twice(void *data) { return (int32_t)(intptr_t)data * 2; }

/* A job that runs until it is let go, and says that it runs. */
typedef struct {
    sem_t runs, may_end;
} gate;

static void gate_init(gate *gate) { CHECK(sem_init(&gate->runs, 0, 0) == 0 && sem_init(&gate->may_end, 0, 0) == 0); }

static void gate_end(gate *gate) { CHECK(sem_destroy(&gate->runs) == 0 && sem_destroy(&gate->may_end) == 0); }

static int32_t wait_at(void *data) {
    gate *here = data;
    CHECK(circlet_job_aborted() == 0);
    sem_post(&here->runs);
    while (sem_wait(&here->may_end) != 0) {}
    return 7;
}

/* A job that runs until it is asked to stop, and gives in. */
static int32_t run_on(void *data) {
    sem_post(data);
    while (!circlet_job_aborted()) {}
    EXPECT(0, circlet_job_give_in());
    return 7;
}

static int32_t run_over(void *data) {
    sem_post(data);
    while (!circlet_job_aborted()) {}
    return 9;
}

static int32_t refuse(void *data) {
    EXPECT(0, circlet_job_fail(data));
    return 7;
}

static circlet_pool *make(circlet_pool_options options) {
    circlet_pool *pool = NULL;
    options.struct_size = sizeof options;
    EXPECT(0, circlet_pool_new(&options, &pool));
    return pool;
}

static circlet_pool *one_worker(void) { return make((circlet_pool_options){.min = 1, .max = 1}); }

static uint64_t submit(circlet_pool *pool, circlet_job run, void *data, circlet_job_options options) {
    uint64_t job = 0;
    options.struct_size = sizeof options;
    EXPECT(0, circlet_pool_submit(pool, run, data, &options, &job));
    return job;
}

static void ends(circlet_pool *pool, uint64_t job, int32_t status, int32_t result) {
    circlet_completion done;
    EXPECT(0, circlet_pool_next(pool, LONG, &done));
    if (done.job == job && done.status == status && done.result == result) return;
    fprintf(stderr, "job %" PRIu64 " ended with %s and %" PRId32 ", not job %" PRIu64 " with %s and %" PRId32 "\n", done.job,
            circlet_status_str(done.status), done.result, job, circlet_status_str(status), result);
    exit(1);
}

static void every_job_of_a_batch_comes_back_once(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 2, .max = 2, .name = "batch"});
    static void *data[MANY];
    static uint64_t jobs[MANY];
    static circlet_completion done[MANY];
    static char seen[MANY];
    for (intptr_t i = 0; i < MANY; i++) data[i] = (void *)i;
    EXPECT(MANY, circlet_pool_submit_many(pool, twice, data, MANY, NULL, jobs));
    for (int i = 1; i < MANY; i++) CHECK(jobs[i] == jobs[i - 1] + 1);
    for (int32_t left = MANY; left > 0;) {
        int32_t count = circlet_pool_next_many(pool, done, MANY, LONG);
        CHECK(count > 0 && count <= left);
        for (int32_t i = 0; i < count; i++) {
            uint64_t at = done[i].job - jobs[0];
            CHECK(at < MANY && !seen[at] && done[i].status == 0 && done[i].result == 2 * (int32_t)at);
            seen[at] = 1;
        }
        left -= count;
    }
    EXPECT(CIRCLET_TIMED_OUT, circlet_pool_next_many(pool, done, MANY, 0));
    EXPECT(0, circlet_pool_submit_many(pool, twice, NULL, 0, NULL, NULL));
    circlet_pool_free(pool);
}

static void a_failure_has_its_message(void) {
    circlet_pool *pool = one_worker();
    char message[64];
    uint64_t job = submit(pool, refuse, "no such file", (circlet_job_options){0});
    EXPECT(CIRCLET_NOT_FOUND, circlet_pool_failure(pool, &job, NULL, 0));
    ends(pool, job, CIRCLET_JOB_FAILED, 0);
    EXPECT(12, circlet_pool_failure(pool, &job, NULL, 0));
    EXPECT(12, circlet_pool_failure(pool, &job, message, sizeof message));
    CHECK(strcmp(message, "no such file") == 0);
    EXPECT(12, circlet_pool_failure(pool, &job, message, 3));
    CHECK(strcmp(message, "no") == 0);
    uint64_t latin = submit(pool, refuse, "no caf\xe9", (circlet_job_options){0});
    ends(pool, latin, CIRCLET_JOB_FAILED, 0);
    EXPECT(9, circlet_pool_failure(pool, &latin, message, sizeof message));
    CHECK(strcmp(message, "no caf\xef\xbf\xbd") == 0);
    job = submit(pool, twice, (void *)21, (circlet_job_options){0});
    ends(pool, job, CIRCLET_OK, 42);
    EXPECT(CIRCLET_NOT_FOUND, circlet_pool_failure(pool, &job, message, sizeof message));
    says("has no message");
    /* Outside of a job. */
    CHECK(circlet_job_aborted() == 0);
    EXPECT(CIRCLET_INVALID, circlet_job_give_in());
    EXPECT(CIRCLET_INVALID, circlet_job_fail("nobody"));
    says("no job runs on this thread");
    circlet_pool_free(pool);
}

static void an_abort_takes_a_job_from_the_queue_and_tells_one_that_runs(void) {
    circlet_pool *pool = one_worker();
    sem_t runs;
    CHECK(sem_init(&runs, 0, 0) == 0);
    uint64_t running = submit(pool, run_on, &runs, (circlet_job_options){.kind = "endless", .nodes = 3});
    while (sem_wait(&runs) != 0) {}
    uint64_t waiting = submit(pool, twice, NULL, (circlet_job_options){0}), none = 99;
    EXPECT(2, circlet_pool_abort(pool, &waiting));
    ends(pool, waiting, CIRCLET_ABORTED, 0);
    EXPECT(0, circlet_pool_abort(pool, &waiting));
    EXPECT(0, circlet_pool_abort(pool, &none));
    EXPECT(1, circlet_pool_abort(pool, &running));
    ends(pool, running, CIRCLET_ABORTED, 0);
    /* One that does not give in has a result. */
    running = submit(pool, run_over, &runs, (circlet_job_options){0});
    while (sem_wait(&runs) != 0) {}
    EXPECT(1, circlet_pool_abort(pool, &running));
    ends(pool, running, CIRCLET_OK, 9);
    circlet_pool_free(pool);
    CHECK(sem_destroy(&runs) == 0);
}

static void a_deadline_ends_what_waits_and_what_gives_in(void) {
    circlet_pool *pool = one_worker();
    sem_t runs;
    CHECK(sem_init(&runs, 0, 0) == 0);
    uint64_t running = submit(pool, run_on, &runs, (circlet_job_options){.deadline_ms = 20});
    uint64_t waiting = submit(pool, twice, NULL, (circlet_job_options){.deadline_ms = 1});
    /* On a machine that is late both are over before either is looked at. */
    uint64_t first = 0;
    for (int i = 0; i < 2; i++) {
        circlet_completion done;
        EXPECT(0, circlet_pool_next(pool, LONG, &done));
        CHECK((done.job == running || done.job == waiting) && done.job != first && done.status == CIRCLET_TIMED_OUT);
        first = done.job;
    }
    circlet_pool_free(pool);
    CHECK(sem_destroy(&runs) == 0);
}

static void priorities_come_first_and_a_full_queue_does_as_it_was_told(void) {
    gate gate;
    gate_init(&gate);
    void *data[] = {(void *)1, (void *)2, (void *)3};
    uint64_t jobs[] = {0, 0, 0};
    circlet_pool *pool = make((circlet_pool_options){.min = 1, .max = 1, .queue = 2, .overflow = CIRCLET_FAIL});
    uint64_t held = submit(pool, wait_at, &gate, (circlet_job_options){0});
    while (sem_wait(&gate.runs) != 0) {}
    uint64_t low = submit(pool, twice, (void *)1, (circlet_job_options){0});
    EXPECT(1, circlet_pool_submit_many(pool, twice, data, 3, &(circlet_job_options){.struct_size = sizeof(circlet_job_options), .priority = 5}, jobs));
    EXPECT(CIRCLET_FULL, circlet_pool_submit(pool, twice, NULL, NULL, NULL));
    EXPECT(CIRCLET_FULL, circlet_pool_submit_many(pool, twice, data, 3, NULL, NULL));
    sem_post(&gate.may_end);
    ends(pool, held, CIRCLET_OK, 7);
    ends(pool, jobs[0], CIRCLET_OK, 2);
    ends(pool, low, CIRCLET_OK, 2);
    CHECK(jobs[1] == 0);
    circlet_pool_free(pool);

    pool = make((circlet_pool_options){.min = 1, .max = 1, .queue = 1, .overflow = CIRCLET_DROP_OLDEST});
    held = submit(pool, wait_at, &gate, (circlet_job_options){0});
    while (sem_wait(&gate.runs) != 0) {}
    uint64_t oldest = submit(pool, twice, NULL, (circlet_job_options){0});
    uint64_t newest = submit(pool, twice, (void *)4, (circlet_job_options){0});
    ends(pool, oldest, CIRCLET_DROPPED, 0);
    sem_post(&gate.may_end);
    ends(pool, held, CIRCLET_OK, 7);
    ends(pool, newest, CIRCLET_OK, 8);
    circlet_pool_free(pool);

    pool = make((circlet_pool_options){.min = 1, .max = 1, .queue = 1, .block_ms = 1});
    held = submit(pool, wait_at, &gate, (circlet_job_options){0});
    while (sem_wait(&gate.runs) != 0) {}
    submit(pool, twice, NULL, (circlet_job_options){0});
    EXPECT(CIRCLET_FULL, circlet_pool_submit(pool, twice, NULL, NULL, NULL));
    EXPECT(CIRCLET_TIMED_OUT, circlet_pool_drain(pool, 0));
    says("2 jobs unfinished");
    sem_post(&gate.may_end);
    EXPECT(0, circlet_pool_drain(pool, LONG));
    circlet_pool_free(pool);
    gate_end(&gate);
}

static void the_descriptor_tells_of_a_completion_and_of_the_end(void) {
    circlet_pool *pool = one_worker();
    int fd = -1;
    EXPECT(0, circlet_pool_fd(pool, &fd));
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    EXPECT(0, circlet_pool_arm(pool));
    CHECK(poll(&watched, 1, 0) == 0);
    for (int round = 0; round < 100; round++) {
        uint64_t job = submit(pool, twice, (void *)5, (circlet_job_options){0});
        if (circlet_pool_arm(pool) == 0) CHECK(poll(&watched, 1, 60000) == 1);
        ends(pool, job, CIRCLET_OK, 10);
    }
    EXPECT(0, circlet_pool_arm(pool));
    EXPECT(0, circlet_pool_close(pool));
    CHECK(poll(&watched, 1, 60000) == 1);
    EXPECT(1, circlet_pool_arm(pool));
    circlet_completion done;
    EXPECT(CIRCLET_CLOSED, circlet_pool_next(pool, LONG, &done));
    EXPECT(CIRCLET_CLOSED, circlet_pool_submit(pool, twice, NULL, NULL, NULL));
    EXPECT(CIRCLET_CLOSED, circlet_pool_submit_many(pool, twice, (void *[]){NULL}, 1, NULL, NULL));
    EXPECT(0, circlet_pool_close(pool));
    circlet_pool_free(pool);
    CHECK(close(fd) == 0);
}

static void curves_are_sampled_by_a_job(void) {
    enum { CURVES = 40, POINTS = 33 };
    circlet_pool *pool = make((circlet_pool_options){.min = 2, .max = 2});
    const circlet_curve *curves[CURVES];
    static double wanted[CURVES * POINTS * 2], found[CURVES * POINTS * 2];
    static float narrow[CURVES * POINTS * 2];
    for (int i = 0; i < CURVES; i++) {
        circlet_curve *curve = NULL;
        EXPECT(0, circlet_curve_new("bezier", NULL, 2, (double[]){0, 0, 1, i, 2, -i, 3, 0}, 4, &curve));
        curves[i] = curve;
    }
    EXPECT(0, circlet_curve_batch_sample(curves, CURVES, POINTS, wanted));
    EXPECT(0, circlet_pool_submit_curves(pool, curves, CURVES, POINTS, found, NULL, NULL));
    EXPECT(0, circlet_pool_submit_curves_f32(pool, curves, CURVES, POINTS, narrow, NULL, NULL));
    EXPECT(0, circlet_pool_submit_curves(pool, NULL, 0, POINTS, NULL, NULL, NULL));
    EXPECT(0, circlet_pool_submit_curves(pool, curves, CURVES, 0, NULL, NULL, NULL));
    EXPECT(0, circlet_pool_close(pool));
    circlet_completion done[4];
    EXPECT(4, circlet_pool_next_many(pool, done, 4, LONG));
    for (int i = 0; i < 4; i++) CHECK(done[i].status == 0 && done[i].result == 0);
    CHECK(memcmp(wanted, found, sizeof wanted) == 0);
    for (int i = 0; i < CURVES * POINTS * 2; i++) CHECK(narrow[i] == (float)wanted[i]);
    EXPECT(CIRCLET_INVALID, circlet_pool_submit_curves(pool, curves, CURVES, POINTS, NULL, NULL, NULL));
    says("points is NULL");
    for (int i = 0; i < CURVES; i++) circlet_curve_free((circlet_curve *)curves[i]);
    circlet_pool_free(pool);
}

static void what_no_pool_can_be_is_refused(void) {
    circlet_pool *none = NULL;
    circlet_pool_options options = {.struct_size = sizeof options, .min = 3, .max = 2};
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &none));
    says("at least 3 and at most 2");
    options = (circlet_pool_options){.struct_size = sizeof options, .kind = 9};
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &none));
    says("options.kind is 9");
    options = (circlet_pool_options){.struct_size = sizeof options, .overflow = CIRCLET_DROP_NEWEST};
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &none));
    says("CIRCLET_DROP_OLDEST (3)");
    options = (circlet_pool_options){.struct_size = sizeof options, .strategy = 3};
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &none));
    options = (circlet_pool_options){.struct_size = sizeof options, .keep_ms = -1};
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &none));
    says("options.keep_ms is -1");
    options = (circlet_pool_options){.struct_size = 4};
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &none));
    says("sizeof(circlet_pool_options)");
    EXPECT(CIRCLET_INVALID, circlet_pool_new(NULL, NULL));
    CHECK(none == NULL);

    circlet_pool *pool = one_worker();
    circlet_job_options wishes = {.struct_size = sizeof wishes, .flags = 2};
    EXPECT(CIRCLET_INVALID, circlet_pool_submit(pool, twice, NULL, &wishes, NULL));
    wishes = (circlet_job_options){.struct_size = sizeof wishes, .kind = "\xff"};
    EXPECT(CIRCLET_INVALID, circlet_pool_submit(pool, twice, NULL, &wishes, NULL));
    EXPECT(CIRCLET_INVALID, circlet_pool_submit(pool, NULL, NULL, NULL, NULL));
    says("run is NULL");
    EXPECT(CIRCLET_INVALID, circlet_pool_submit(NULL, twice, NULL, NULL, NULL));
    EXPECT(CIRCLET_INVALID, circlet_pool_submit_many(pool, twice, NULL, 1, NULL, NULL));
    EXPECT(CIRCLET_INVALID, circlet_pool_next_many(pool, NULL, 0, 0));
    EXPECT(CIRCLET_INVALID, circlet_pool_next(pool, 0, NULL));
    circlet_pool_free(pool);
    circlet_pool_free(NULL);
}

static int entries(const char *folder) {
    DIR *opened = opendir(folder);
    CHECK(opened);
    int count = 0;
    while (readdir(opened)) count++;
    closedir(opened);
    return count;
}

static void no_thread_and_no_descriptor_stays(void) {
    int threads = entries("/proc/self/task"), descriptors = entries("/proc/self/fd");
    for (int round = 0; round < 20; round++) {
        circlet_pool *pool = make((circlet_pool_options){.flags = CIRCLET_POOL_FROM_ZERO, .max = 4, .strategy = CIRCLET_AFFINITY});
        int fd = -1;
        EXPECT(0, circlet_pool_fd(pool, &fd));
        for (intptr_t i = 0; i < 50; i++)
            submit(pool, twice, (void *)i, (circlet_job_options){.key = (uint64_t)i % 3, .has_key = 1});
        if (round % 2) EXPECT(0, circlet_pool_close(pool));
        circlet_pool_free(pool);
        CHECK(close(fd) == 0);
    }
    CHECK(entries("/proc/self/fd") == descriptors);
    CHECK(entries("/proc/self/task") == threads);
}

static void *all(void *data) {
    every_job_of_a_batch_comes_back_once();
    a_failure_has_its_message();
    an_abort_takes_a_job_from_the_queue_and_tells_one_that_runs();
    a_deadline_ends_what_waits_and_what_gives_in();
    priorities_come_first_and_a_full_queue_does_as_it_was_told();
    the_descriptor_tells_of_a_completion_and_of_the_end();
    curves_are_sampled_by_a_job();
    what_no_pool_can_be_is_refused();
    no_thread_and_no_descriptor_stays();
    return data;
}

/* Rust's standard library keeps a handle of a thread that waits until the thread ends, which the main one never does: valgrind takes
 * that for a leak. */
int main(void) {
    alarm(120);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, all, NULL) == 0 && pthread_join(thread, NULL) == 0);
    return 0;
}
