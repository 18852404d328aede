/* Runs of an executor from C: events as they come, questions, bytes to and fro, interrupts and kills from another thread, event
 * loops, and what is refused. */
#define _GNU_SOURCE
#include "check.h"

#include <poll.h>
#include <pthread.h>

static int holds(const circlet_event *event, const char *text) {
    return event->len > 0 && memmem(event->body, event->len, text, strlen(text)) != NULL;
}

static int is(const circlet_event *event, const char *text) {
    return event->len == strlen(text) && memcmp(event->body, text, event->len) == 0;
}

static void begin(circlet_executor *python, const char *code, uint32_t flags) {
    circlet_run_options options = {.struct_size = sizeof options, .flags = flags};
    CHECK(circlet_executor_begin(python, code, strlen(code), &options) >= 0);
}

static void events_come_in_order(circlet_executor *python) {
    circlet_event event;
    int32_t kind;
    uint64_t number = 0;
    begin(python,
          "import sys\n"
          "from circlet.session import display, send\n"
          "print('out'); print('err', file=sys.stderr); display('<shown>'); send(b'\\0sent')\n"
          "name = input('who? ')\n"
          "import array; array.array('d', [0.5, len(name)])",
          CIRCLET_RUN_ASKS);
    EXPECT(CIRCLET_BUSY, circlet_executor_begin(python, "1", 1, NULL));
    char printed[3][16] = {""};
    while ((kind = circlet_executor_next(python, LONG, &event)) == CIRCLET_EVENT_OUTPUT) {
        CHECK(event.stream == 1 || (event.stream == 2 && printed[1][3] == '\n'));
        strncat(printed[event.stream], event.body, event.len);
        CHECK(event.number == number + 1);
        number = event.number;
    }
    CHECK(strcmp(printed[1], "out\n") == 0 && strcmp(printed[2], "err\n") == 0);
    CHECK(kind == CIRCLET_EVENT_DISPLAY);
    CHECK(holds(&event, "text/plain") && holds(&event, "<shown>"));
    EXPECT(CIRCLET_EVENT_DATA, circlet_executor_next(python, LONG, &event));
    CHECK(event.len == 5 && memcmp(event.body, "\0sent", 5) == 0);
    EXPECT(CIRCLET_EVENT_ASK, circlet_executor_next(python, LONG, &event));
    CHECK(is(&event, "who? ") && event.stream == 0);
    EXPECT(CIRCLET_TIMED_OUT, circlet_executor_next(python, 0, &event));
    EXPECT(0, circlet_executor_answer(python, "Grace", 5));
    EXPECT(CIRCLET_EVENT_END, circlet_executor_next(python, LONG, &event));
    double values[2];
    CHECK(holds(&event, "\"format\":\"d\"") && holds(&event, "\"shape\":[2]") && event.bytes_len == sizeof values);
    circlet_block *block;
    const void *bytes = event.bytes;
    EXPECT(0, circlet_executor_take(python, &block));
    EXPECT(0, circlet_executor_next(python, LONG, &event));
    memcpy(values, bytes, sizeof values);
    CHECK(values[0] == 0.5 && values[1] == 5);
    circlet_block_free(block);
    circlet_block_free(NULL);
}

/* Waits as an event loop does. Returns what ended the run. */
static circlet_event drive(circlet_executor *python, int fd) {
    for (;;) {
        circlet_event event;
        int32_t kind;
        while ((kind = circlet_executor_next(python, 0, &event)) > 0)
            if (kind >= CIRCLET_EVENT_END) return event;
        CHECK(kind == CIRCLET_TIMED_OUT);
        int32_t armed = circlet_executor_arm(python);
        CHECK(armed >= 0);
        struct pollfd entry = {.fd = fd, .events = POLLIN};
        if (armed != 1) CHECK(poll(&entry, 1, armed == 2 ? 1 : (int)LONG) == 1 || armed == 2);
    }
}

static void an_event_loop_is_told(circlet_executor *python) {
    int32_t fd;
    static uint8_t data[3000000];
    EXPECT(0, circlet_executor_fd(python, &fd));
    EXPECT(1, circlet_executor_arm(python));
    for (int i = 0; i < 100; i++) {
        begin(python, i % 2 ? "import time; time.sleep(0.001); 7" : "7", 0);
        circlet_event event = drive(python, fd);
        CHECK(event.kind == CIRCLET_EVENT_END && holds(&event, "\"value\":7"));
    }
    begin(python, "from circlet.session import receive; len(receive())", 0);
    EXPECT(0, circlet_executor_send(python, data, sizeof data));
    circlet_event event = drive(python, fd);
    CHECK(holds(&event, "\"value\":3000000"));
    close(fd);
}

static void *interrupt(void *data) {
    EXPECT(1, circlet_executor_interrupt(data));
    return NULL;
}

static void *kill_it(void *data) {
    EXPECT(0, circlet_executor_kill(data));
    return NULL;
}

static void *wake(void *data) {
    EXPECT(0, circlet_executor_wake(data));
    return NULL;
}

static void from_another_thread(circlet_executor *python, void *(*work)(void *), int32_t wanted, circlet_event *event) {
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, work, python) == 0);
    EXPECT(wanted, circlet_executor_next(python, LONG, event));
    CHECK(pthread_join(thread, NULL) == 0);
}

static void other_threads_stop_runs(circlet_executor *python) {
    circlet_event event;
    EXPECT(0, circlet_executor_interrupt(python));
    begin(python, "print('begun', end='')\nwhile True: pass", 0);
    EXPECT(CIRCLET_EVENT_OUTPUT, circlet_executor_next(python, LONG, &event));
    from_another_thread(python, wake, CIRCLET_TIMED_OUT, &event);
    from_another_thread(python, interrupt, CIRCLET_EVENT_END, &event);
    CHECK(holds(&event, "KeyboardInterrupt") && holds(&event, "\"stopped\":\"interrupted\""));

    int32_t first = circlet_executor_process_id(python);
    begin(python, "import sys; x = 1; print('last words', file=sys.stderr)\nwhile True: pass", 0);
    EXPECT(CIRCLET_EVENT_OUTPUT, circlet_executor_next(python, LONG, &event));
    if (!holds(&event, "\n")) EXPECT(CIRCLET_EVENT_OUTPUT, circlet_executor_next(python, LONG, &event));
    from_another_thread(python, kill_it, CIRCLET_EVENT_FAILURE, &event);
    CHECK(holds(&event, "\"CIRCLET_WORKER_DIED\"") && holds(&event, "\"signal\":9"));
    CHECK(holds(&event, "\"exit_code\":null") && holds(&event, "out_of_memory"));
    EXPECT(0, circlet_executor_next(python, LONG, &event));
    EXPECT(1, circlet_executor_begin(python, "'x' in globals()", 16, NULL));
    EXPECT(CIRCLET_EVENT_END, circlet_executor_next(python, LONG, &event));
    CHECK(holds(&event, "\"value\":false") && circlet_executor_process_id(python) != first);

    circlet_run_options options = {.struct_size = sizeof options, .within_ms = 20};
    EXPECT(0, circlet_executor_begin(python, "import time; time.sleep(60)", 27, &options));
    EXPECT(CIRCLET_EVENT_END, circlet_executor_next(python, LONG, &event));
    CHECK(holds(&event, "KeyboardInterrupt"));

    begin(python, "x = 2; import os; os._exit(3)", 0);
    EXPECT(CIRCLET_EVENT_FAILURE, circlet_executor_next(python, LONG, &event));
    CHECK(holds(&event, "\"exit_code\":3"));
    begin(python, "import time; time.sleep(60)", 0);
    EXPECT(0, circlet_executor_restart(python));
    circlet_text *outcome;
    EXPECT(0, circlet_executor_run(python, "'x' in globals()", LONG, &outcome));
    CHECK(strstr(circlet_text_data(outcome), "\"value\":false"));
    circlet_text_free(outcome);
}

static void what_is_wrong_is_refused(circlet_executor *python) {
    circlet_event event;
    circlet_executor *none;
    EXPECT(0, circlet_executor_next(python, LONG, &event));
    EXPECT(CIRCLET_INVALID, circlet_executor_next(python, LONG, NULL));
    EXPECT(CIRCLET_INVALID, circlet_executor_begin(NULL, "1", 1, NULL));
    EXPECT(CIRCLET_INVALID, circlet_executor_begin(python, "\xff", 1, NULL));
    says("UTF-8");
    circlet_run_options run = {.struct_size = sizeof run, .flags = 64};
    EXPECT(CIRCLET_INVALID, circlet_executor_begin(python, "1", 1, &run));
    says("0x40");
    run = (circlet_run_options){.struct_size = 4};
    EXPECT(CIRCLET_INVALID, circlet_executor_begin(python, "1", 1, &run));
    run = (circlet_run_options){.struct_size = sizeof run, .within_ms = -1};
    EXPECT(CIRCLET_INVALID, circlet_executor_begin(python, "1", 1, &run));
    circlet_executor_options options = {.struct_size = sizeof options, .grace_ms = -5};
    EXPECT(CIRCLET_INVALID, circlet_executor_new(&options, &none));
    says("options.grace_ms");
    options = (circlet_executor_options){.struct_size = sizeof options, .python = "/no/such/python"};
    EXPECT(CIRCLET_NO_PYTHON, circlet_executor_new(&options, &none));
    begin(python, "for i in range(1000): print('x' * 99)\n1", 0);
    uint64_t printed = 0;
    int32_t kind;
    while ((kind = circlet_executor_next(python, LONG, &event)) == CIRCLET_EVENT_OUTPUT) printed += event.len;
    CHECK(kind == CIRCLET_EVENT_END && printed > 10000 && printed < 11000);
}

static void code_is_confined_by_policies(void) {
    circlet_event event;
    circlet_executor *python;
    circlet_executor_options options = {.struct_size = sizeof options};
    options.policy = "{\"version\": 1, \"fs\": {\"default\": \"permit\"}}";
    EXPECT(CIRCLET_INVALID, circlet_executor_new(&options, &python));
    says("fs.default: unknown variant `permit`");
    options.policy = "strikt";
    EXPECT(CIRCLET_INVALID, circlet_executor_new(&options, &python));
    says("the templates are strict, ");
    options.policy = "[\"no-network\", {\"version\": 1, \"fs\": {\"private_tmp\": true}}]";
    EXPECT(0, circlet_executor_new(&options, &python));
    begin(python, "open('/etc/passwd')", 0);
    EXPECT(CIRCLET_EVENT_END, circlet_executor_next(python, LONG, &event));
    CHECK(holds(&event, "PermissionError"));
    circlet_executor_free(python);
}

int main(void) {
    circlet_executor *python;
    circlet_executor_options options = {.struct_size = sizeof options, .output_max = 10000, .spin_us = -1};
    EXPECT(0, circlet_executor_new(&options, &python));
    events_come_in_order(python);
    an_event_loop_is_told(python);
    other_threads_stop_runs(python);
    what_is_wrong_is_refused(python);
    circlet_executor_free(python);
    code_is_confined_by_policies();
    circlet_executor_free(NULL);
    return 0;
}
