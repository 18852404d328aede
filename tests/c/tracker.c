/* A tracker says what the program does and what circlet itself knows, and refuses what it cannot take, in words. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <poll.h>

static circlet_tracker *tracker;

/* Takes a snapshot, and checks that a text is in it, or is not. */
static void shows(const char *word, int is_there) {
    circlet_text *text;
    EXPECT(0, circlet_tracker_snapshot(tracker, &text));
    if (is_there) contains(circlet_text_data(text), word);
    else CHECK(strstr(circlet_text_data(text), word) == NULL);
    circlet_text_free(text);
}

static void refuses_what_is_no_section(void) {
    const char *none[] = {"seq", "process", "schema", "bogus", "metadata", "", "hub."};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        EXPECT(CIRCLET_INVALID, circlet_tracker_measured(tracker, none[i], "7"));
        says("give one of");
        says("hub");
    }
    EXPECT(CIRCLET_BAD_JSON, circlet_tracker_measured(tracker, "hub", "7"));
    EXPECT(0, circlet_tracker_measured(tracker, "cache.hits", "7"));
    shows("\"hits\":7", 1);
}

static void refuses_options_that_are_none(void) {
    circlet_tracker *other = NULL;
    const char *wrong[] = {"[]", "[null]", "5", "\"x\"", "", "{\"x\": 1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        EXPECT(CIRCLET_BAD_JSON, circlet_tracker_start(wrong[i], &other));
    EXPECT(CIRCLET_INVALID, circlet_tracker_start("{\"folder\": \"/nowhere/at/all\"}", &other));
    says("a folder that is there");
    CHECK(other == NULL);
}

static void waits_for_a_project_as_others_wait(void) {
    EXPECT(CIRCLET_INVALID, circlet_tracker_wait_for_project(tracker, -1));
    says("no project");
    circlet_tracker *other;
    EXPECT(0, circlet_tracker_start(" {}", &other));
    EXPECT(CIRCLET_INVALID, circlet_tracker_wait_for_project(other, 0.0 / 0.0));
    EXPECT(0, circlet_tracker_wait_for_project(other, -1));
    EXPECT(0, circlet_tracker_wait_for_project(other, 0));
    circlet_tracker_free(other);
}

static void watches_what_is_open(void) {
    circlet_ring *ring;
    circlet_pool *pool;
    circlet_executor *executor;
    circlet_pool_options two = {.struct_size = sizeof two, .max = 2};
    EXPECT(0, circlet_ring_anonymous(NULL, &ring));
    EXPECT(0, circlet_pool_new(&two, &pool));
    EXPECT(0, circlet_executor_new(NULL, &executor));
    EXPECT(0, circlet_tracker_watch_ring(tracker, "jobs", ring));
    EXPECT(0, circlet_tracker_watch_pool(tracker, "pool", pool));
    EXPECT(0, circlet_tracker_watch_executor(tracker, "python", executor));
    EXPECT(CIRCLET_NAME_TAKEN, circlet_tracker_watch_ring(tracker, "pool", ring));
    EXPECT(CIRCLET_INVALID, circlet_tracker_watch_ring(tracker, "", ring));
    EXPECT(CIRCLET_INVALID, circlet_tracker_watch_ring(tracker, "x", NULL));
    EXPECT(0, circlet_ring_send(ring, "one", 3, LONG));
    shows("\"frames_sent\":1", 1);
    shows("\"max\":2", 1);
    shows("\"language\":\"python\"", 1);
    EXPECT(1, circlet_tracker_patch(tracker, "{\"rings\": {\"jobs\": {\"dropped\": 7}}}", NULL));
    EXPECT(0, circlet_tracker_unwatch(tracker, "pool"));
    EXPECT(CIRCLET_NOT_FOUND, circlet_tracker_unwatch(tracker, "pool"));
    shows("\"max\":2", 0);
    EXPECT(0, circlet_tracker_watch_pool(tracker, "pool", pool));
    circlet_ring_close(ring);
    circlet_executor_free(executor);
    EXPECT(0, circlet_pool_close(pool));
    shows("\"jobs\"", 0);
    shows("\"executors\"", 0);
    shows("\"max\":2", 0);
    circlet_pool_free(pool);
    EXPECT(0, circlet_ring_anonymous(NULL, &ring));
    EXPECT(0, circlet_tracker_watch_ring(tracker, "last", ring));
    circlet_tracker_free(tracker);
    circlet_ring_close(ring);
}

static void reads_a_page(void) {
    const char *name = own_name("session");
    circlet_text *text = NULL;
    EXPECT(CIRCLET_NOT_FOUND, circlet_session_read(name, &text));
    char options[128];
    snprintf(options, sizeof options, "{\"project\": false, \"page\": \"%s\", \"interval_ms\": 5}", name);
    circlet_tracker *writer;
    EXPECT(0, circlet_tracker_start(options, &writer));
    int32_t status;
    while ((status = circlet_session_read(name, &text)) == CIRCLET_EMPTY) poll(NULL, 0, 1);
    EXPECT(0, status);
    contains(circlet_text_data(text), "\"is_live\":true");
    contains(circlet_text_data(text), "\"age_ms\":");
    contains(circlet_text_data(text), "\"schema\":1");
    circlet_text_free(text);
    circlet_tracker_free(writer);
    circlet_page *page;
    EXPECT(0, circlet_page_create(name, 64, NULL, &page));
    EXPECT(CIRCLET_BAD_SCHEMA, circlet_session_read(name, &text));
    circlet_page_close(page);
}

int main(void) {
    alarm(120);
    EXPECT(0, circlet_tracker_start("{\"project\": false}", &tracker));
    refuses_what_is_no_section();
    refuses_options_that_are_none();
    waits_for_a_project_as_others_wait();
    reads_a_page();
    watches_what_is_open();
    return 0;
}
