/* Calls of Python's functions from C: answers in blocks, what is raised, crashes, aborts, what is printed, and what is refused. */
#define _GNU_SOURCE
#include "check.h"

#include <pthread.h>
#include <stdlib.h>

enum { MANY = 20000, FETCHERS = 3 };

/* The functions, as a module in a folder of its own. */
static const char *MODULE = "import os, sys, time, signal\n"
                            "def echo(value): return value\n"
                            "def shout(text):\n    print(text, flush=True)\n    print('e', file=sys.stderr)\n"
                            "def fail(words): raise ValueError(words)\n"
                            "def die():\n    print('last words', file=sys.stderr, flush=True)\n"
                            "    os.kill(os.getpid(), signal.SIGKILL)\n"
                            "def endless():\n    while True: time.sleep(0.01)\n";
static char folder[] = "/tmp/circlet-c-calls-XXXXXX";

static void write_module(void) {
    CHECK(mkdtemp(folder) != NULL);
    char path[128];
    snprintf(path, sizeof path, "%s/c_calls.py", folder);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(MODULE, file) >= 0 && fclose(file) == 0);
}

static void remove_module(void) {
    char command[160];
    snprintf(command, sizeof command, "rm -r %s", folder);
    CHECK(system(command) == 0);
}

static circlet_pool *make(circlet_pool_options options, circlet_process_options processes) {
    circlet_pool *pool = NULL;
    const char *paths = folder;
    processes.struct_size = sizeof processes;
    processes.module_paths = &paths;
    processes.module_path_count = 1;
    options.struct_size = sizeof options;
    options.kind = CIRCLET_PYTHON;
    options.processes = &processes;
    EXPECT(0, circlet_pool_new(&options, &pool));
    return pool;
}

static uint64_t ask(circlet_pool *pool, const char *function, const char *arguments) {
    uint64_t job = 0;
    EXPECT(0, circlet_pool_call(pool, function, CIRCLET_JSON, arguments, strlen(arguments), NULL, &job));
    return job;
}

static int holds(const circlet_answer *answer, const char *text) {
    return memmem(answer->data, answer->len, text, strlen(text)) != NULL;
}

/* Checks the one answer that comes next. */
static void answers(circlet_pool *pool, uint64_t job, int32_t status, const char *text) {
    circlet_answers found;
    EXPECT(1, circlet_pool_answers(pool, 1, LONG, &found));
    CHECK(found.items->job == job && found.items->status == status && found.items->reserved == 0);
    CHECK(found.items->data == found.bytes && found.items->len == found.len && holds(found.items, text));
    circlet_answers_free(&found);
    CHECK(found.items == NULL && found.len == 0);
    circlet_answers_free(&found);
}

typedef struct {
    circlet_pool *pool;
    uint8_t *seen;
    uint64_t first;
    uint32_t count;
} fetcher;

static void *fetch(void *data) {
    fetcher *own = data;
    for (;;) {
        circlet_answers found;
        int32_t count = circlet_pool_answers(own->pool, 512, LONG, &found);
        if (count == CIRCLET_CLOSED) return NULL;
        CHECK(count > 0);
        const char *at = found.bytes;
        for (int32_t i = 0; i < count; i++) {
            const circlet_answer *item = &found.items[i];
            uint64_t number = item->job - own->first;
            char wanted[24];
            int len = snprintf(wanted, sizeof wanted, "%" PRIu64, number);
            CHECK(item->status == 0 && number < MANY && own->seen[number]++ == 0);
            CHECK((const char *)item->data == at && item->len == (uint64_t)len && memcmp(at, wanted, len) == 0);
            at += len;
        }
        CHECK(at == (const char *)found.bytes + found.len);
        own->count += count;
        circlet_answers_free(&found);
    }
}

static void each_answer_goes_to_one_of_several_who_fetch(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 2, .max = 2, .queue = MANY}, (circlet_process_options){0});
    static char arguments[MANY * 8];
    static uint64_t lens[MANY], jobs[MANY];
    static uint8_t seen[MANY];
    size_t len = 0;
    for (int i = 0; i < MANY; i++) {
        lens[i] = (uint64_t)sprintf(arguments + len, "[%d]", i);
        len += lens[i];
    }
    pthread_t threads[FETCHERS];
    fetcher fetchers[FETCHERS];
    for (int i = 0; i < FETCHERS; i++) {
        fetchers[i] = (fetcher){.pool = pool, .seen = seen, .first = 1};
        CHECK(pthread_create(&threads[i], NULL, fetch, &fetchers[i]) == 0);
    }
    EXPECT(MANY, circlet_pool_call_many(pool, "c_calls:echo", CIRCLET_JSON, arguments, lens, MANY, NULL, jobs));
    CHECK(jobs[0] == 1 && jobs[MANY - 1] == MANY);
    EXPECT(0, circlet_pool_close(pool));
    uint32_t all = 0;
    for (int i = 0; i < FETCHERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
        all += fetchers[i].count;
    }
    CHECK(all == MANY);
    circlet_pool_free(pool);
}

static void what_has_no_answer_says_why(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 1, .max = 1}, (circlet_process_options){.grace_ms = 50, .output = CIRCLET_OUTPUT_DROP});
    answers(pool, ask(pool, "c_calls:fail", "[\"for this reason\"]"), CIRCLET_JOB_FAILED, "\"type\":\"ValueError\"");
    answers(pool, ask(pool, "c_calls:fail", "[\"for this reason\"]"), CIRCLET_JOB_FAILED, "\"message\":\"for this reason\"");
    answers(pool, ask(pool, "c_calls:fail", "[1]"), CIRCLET_JOB_FAILED, "in fail");
    answers(pool, ask(pool, "c_calls:die", "[]"), CIRCLET_WORKER_DIED, "\"signal\":9");
    answers(pool, ask(pool, "c_calls:die", "[]"), CIRCLET_WORKER_DIED, "\"stderr\":\"last words\\n\"");
    circlet_job_options late = {.struct_size = sizeof late, .deadline_ms = 20};
    uint64_t job;
    EXPECT(0, circlet_pool_call(pool, "c_calls:endless", CIRCLET_JSON, "[]", 2, &late, &job));
    answers(pool, job, CIRCLET_TIMED_OUT, "deadline");
    uint64_t runs = ask(pool, "c_calls:endless", "[]"), waits = ask(pool, "c_calls:echo", "[1]");
    EXPECT(2, circlet_pool_abort(pool, &waits));
    answers(pool, waits, CIRCLET_ABORTED, "aborted");
    int32_t status = circlet_pool_abort(pool, &runs);
    CHECK(status == 1 || status == 2);
    answers(pool, runs, CIRCLET_ABORTED, "aborted");
    circlet_pool_free(pool);
}

static void an_end_can_be_fetched_without_the_answer(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 1, .max = 1}, (circlet_process_options){0});
    uint64_t job = ask(pool, "c_calls:echo", "[\"a longer answer than those that need no memory\"]");
    circlet_completion done;
    EXPECT(0, circlet_pool_next(pool, LONG, &done));
    CHECK(done.job == job && done.status == 0 && done.result == 0);
    job = ask(pool, "c_calls:fail", "[\"why\"]");
    EXPECT(1, circlet_pool_next_many(pool, &done, 1, LONG));
    CHECK(done.job == job && done.status == CIRCLET_JOB_FAILED);
    char message[64];
    CHECK(circlet_pool_failure(pool, &job, message, sizeof message) > 0 && strcmp(message, "ValueError: why") == 0);
    circlet_pool_free(pool);
}

static void what_is_printed_is_kept_and_counted(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 1, .max = 1},
                              (circlet_process_options){.output = CIRCLET_OUTPUT_KEEP, .output_bytes = 10});
    answers(pool, ask(pool, "c_calls:shout", "[\"0123456789abcdef\"]"), 0, "null");
    EXPECT(0, circlet_pool_close(pool));
    circlet_text *json;
    EXPECT(0, circlet_pool_output(pool, &json));
    const char *text = circlet_text_data(json);
    contains(text, "\"lost_bytes\":9");
    contains(text, "\"stream\":\"stderr\",\"text\":\"e\\n\"");
    contains(text, "{\"worker\":\"w_");
    circlet_text_free(json);
    circlet_pool_free(pool);
}

static uint32_t a_worker(circlet_pool *pool) {
    circlet_text *json;
    EXPECT(0, circlet_pool_snapshot(pool, &json));
    const char *found = strstr(circlet_text_data(json), "\"w_");
    CHECK(found != NULL);
    uint32_t worker = (uint32_t)strtoul(found + 3, NULL, 16);
    circlet_text_free(json);
    return worker;
}

static void a_worker_says_what_is_on_its_heap(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 1, .max = 1}, (circlet_process_options){0});
    answers(pool, ask(pool, "c_calls:echo", "[1]"), 0, "1");
    uint32_t worker = a_worker(pool);
    circlet_text *json;
    EXPECT(0, circlet_pool_heap_snapshot(pool, worker, NULL, &json));
    CHECK(strstr(circlet_text_data(json), "\"is_first\":true") && strstr(circlet_text_data(json), "\"tracemalloc\""));
    circlet_text_free(json);
    char file[128];
    snprintf(file, sizeof file, "%s/heap.pickle", folder);
    circlet_heap_options wished = {.struct_size = sizeof wished, .top = 3, .file = file, .flags = CIRCLET_HEAP_STOP};
    uint64_t job;
    EXPECT(0, circlet_pool_heap_submit(pool, worker, &wished, &job));
    CHECK(job == CIRCLET_HEAP_NUMBERS);
    answers(pool, job, 0, "\"is_first\":false");
    CHECK(access(file, R_OK) == 0);

    wished.file = "/nowhere/heap";
    EXPECT(CIRCLET_JOB_FAILED, circlet_pool_heap_snapshot(pool, worker, &wished, &json));
    says("FileNotFoundError");
    EXPECT(0, circlet_pool_heap_submit(pool, worker, &wished, &job));
    answers(pool, job, CIRCLET_JOB_FAILED, "\"type\":\"FileNotFoundError\"");
    EXPECT(CIRCLET_NOT_FOUND, circlet_pool_heap_snapshot(pool, worker ^ 1, NULL, &json));
    says("there is no worker w_");
    EXPECT(0, circlet_pool_heap_submit(pool, worker ^ 1, NULL, &job));
    answers(pool, job, CIRCLET_NOT_FOUND, "there is no worker w_");
    EXPECT(CIRCLET_INVALID, circlet_pool_heap_snapshot(pool, CIRCLET_ANY_WORKER, NULL, &json));
    wished.flags = 2;
    EXPECT(CIRCLET_INVALID, circlet_pool_heap_submit(pool, worker, &wished, &job));
    says("CIRCLET_HEAP_STOP (1)");

    uint64_t runs = ask(pool, "c_calls:endless", "[]");
    wished = (circlet_heap_options){.struct_size = sizeof wished, .within_ms = 1};
    EXPECT(0, circlet_pool_heap_submit(pool, worker, &wished, &job));
    answers(pool, job, CIRCLET_TIMED_OUT, "within 1 ms");
    EXPECT(0, circlet_pool_heap_submit(pool, worker, NULL, &job));
    CHECK(circlet_pool_abort(pool, &job) == 0);
    CHECK(circlet_pool_abort(pool, &runs) > 0);
    EXPECT(0, circlet_pool_close(pool));
    for (int i = 0; i < 2; i++) {
        circlet_answers found;
        EXPECT(1, circlet_pool_answers(pool, 1, 0, &found));
        CHECK(found.items->job == job || found.items->job == runs);
        circlet_answers_free(&found);
    }
    circlet_answers found;
    EXPECT(CIRCLET_CLOSED, circlet_pool_answers(pool, 1, LONG, &found));
    EXPECT(CIRCLET_CLOSED, circlet_pool_heap_submit(pool, worker, NULL, &job));
    circlet_pool_free(pool);
}

static void a_pool_ends_whoever_waits_for_a_heap(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 1, .max = 1}, (circlet_process_options){.grace_ms = 20});
    answers(pool, ask(pool, "c_calls:echo", "[1]"), 0, "1");
    ask(pool, "c_calls:endless", "[]");
    uint64_t job;
    EXPECT(0, circlet_pool_heap_submit(pool, a_worker(pool), NULL, &job));
    circlet_pool_free(pool);
}

static int32_t nothing(void *data) { return data != NULL; }

static void the_wrong_kind_is_refused_with_what_to_do(void) {
    circlet_pool *processes = make((circlet_pool_options){.min = 1, .max = 1}, (circlet_process_options){0}), *threads;
    circlet_text *json;
    circlet_answers found;
    uint64_t len = 2;
    EXPECT(0, circlet_pool_new(NULL, &threads));
    EXPECT(CIRCLET_INVALID, circlet_pool_submit(processes, nothing, NULL, NULL, NULL));
    says("circlet_pool_call");
    EXPECT(CIRCLET_INVALID, circlet_pool_submit_many(processes, nothing, NULL, 0, NULL, NULL));
    EXPECT(CIRCLET_INVALID, circlet_pool_call(threads, "math:sqrt", CIRCLET_JSON, "[]", 2, NULL, NULL));
    says("circlet_pool_submit");
    EXPECT(CIRCLET_INVALID, circlet_pool_call_many(threads, "math:sqrt", CIRCLET_JSON, "[]", &len, 1, NULL, NULL));
    EXPECT(CIRCLET_INVALID, circlet_pool_answers(threads, 1, 0, &found));
    says("circlet_pool_next");
    EXPECT(CIRCLET_INVALID, circlet_pool_heap_snapshot(threads, 1, NULL, &json));
    says("this process's");
    EXPECT(CIRCLET_INVALID, circlet_pool_heap_submit(threads, 1, NULL, &len));
    EXPECT(CIRCLET_INVALID, circlet_pool_answers(processes, 0, 0, &found));
    EXPECT(CIRCLET_TIMED_OUT, circlet_pool_answers(processes, 1, 0, &found));
    EXPECT(CIRCLET_INVALID, circlet_pool_call(processes, "math:sqrt", CIRCLET_STRUCTURED_CLONE, "[]", 2, NULL, NULL));
    says("CIRCLET_PICKLE");
    EXPECT(CIRCLET_INVALID, circlet_pool_output(processes, &json));
    says("CIRCLET_OUTPUT_KEEP");
    circlet_pool_free(processes);
    circlet_pool_free(threads);
    circlet_process_options none = {.struct_size = sizeof none};
    circlet_pool_options options = {.struct_size = sizeof options, .kind = 3};
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &threads));
    says("CIRCLET_BUN (2)");
    options.kind = CIRCLET_THREADS;
    options.processes = &none;
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &threads));
    options.kind = CIRCLET_BUN;
    EXPECT(CIRCLET_INVALID, circlet_pool_new(&options, &threads));
    says("script is NULL");
}

static void a_program_that_is_not_there_ends_calls(void) {
    circlet_pool *pool = make((circlet_pool_options){.min = 1, .max = 1}, (circlet_process_options){.program = "/nowhere/python3"});
    answers(pool, ask(pool, "math:sqrt", "[4]"), CIRCLET_NO_WORKER, "Python did not start: /nowhere/python3");
    circlet_pool_free(pool);
}

int main(void) {
    alarm(120);
    write_module();
    each_answer_goes_to_one_of_several_who_fetch();
    what_has_no_answer_says_why();
    an_end_can_be_fetched_without_the_answer();
    what_is_printed_is_kept_and_counted();
    a_worker_says_what_is_on_its_heap();
    a_pool_ends_whoever_waits_for_a_heap();
    the_wrong_kind_is_refused_with_what_to_do();
    a_program_that_is_not_there_ends_calls();
    remove_module();
    return 0;
}
