/* A hub is started, published to and stopped, and says in words what it refuses. Its viewer polls, with sockets alone. */
#define _POSIX_C_SOURCE 200809L
#include "check.h"
#include <arpa/inet.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

static circlet_hub *hub;
static char addr[64];
static char session[64];
static char answer[1 << 16];

static circlet_hub *started(const char *options) {
    circlet_hub *made = NULL;
    EXPECT(0, circlet_hub_start(options, &made));
    return made;
}

static void read_addr(const circlet_hub *of, char *into) {
    circlet_text *text;
    EXPECT(0, circlet_hub_addr(of, &text));
    snprintf(into, sizeof addr, "%s", circlet_text_data(text));
    circlet_text_free(text);
}

static int connects(const char *to) {
    struct sockaddr_in where = {.sin_family = AF_INET};
    const char *port = strrchr(to, ':');
    CHECK(port != NULL);
    where.sin_port = htons((uint16_t)atoi(port + 1));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    if (connect(fd, (struct sockaddr *)&where, sizeof where) == 0) return fd;
    close(fd);
    return -1;
}

/* Sends a request of Engine.IO; `answer` has what came. */
static void ask(const char *method, const char *body) {
    char request[1024];
    int fd = connects(addr);
    CHECK(fd >= 0);
    snprintf(request, sizeof request,
             "%s /socket.io/?EIO=4&transport=polling%s%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n%s",
             method, *session ? "&sid=" : "", session, addr, strlen(body), body);
    CHECK(write(fd, request, strlen(request)) == (ssize_t)strlen(request));
    size_t len = 0;
    ssize_t more;
    while ((more = read(fd, answer + len, sizeof answer - 1 - len)) > 0) len += (size_t)more;
    answer[len] = 0;
    close(fd);
    contains(answer, "HTTP/1.1 200 ");
}

/* Polls until something is told. */
static void is_told(const char *word) {
    for (;;) {
        ask("GET", "");
        if (strstr(answer, word)) return;
    }
}

static void connects_a_viewer(void) {
    ask("GET", "");
    const char *sid = strstr(answer, "\"sid\":\"");
    CHECK(sid != NULL && sscanf(sid + 7, "%63[^\"]", session) == 1);
    ask("POST", "40");
    is_told("40{\"sid\":");
    ask("POST", "42[\"join-game\",\"game\"]");
    is_told("\"gameState\"");
}

static void tells_a_viewer_what_is_published(void) {
    EXPECT(0, circlet_hub_set(hub, "game", "player", "{\"x\": 1.5, \"name\": \"\\u00e4\"}"));
    is_told("{\"player\":{\"name\":\"\xc3\xa4\",\"x\":1.5}}");
    EXPECT(0, circlet_hub_update(hub, "game", "{\"score\": 7, \"level\": 2}", "[\"player\", \"none\"]"));
    is_told("\"score\":7");
    CHECK(strstr(answer, "\"x\":1.5") == NULL);
    uint64_t number = 0;
    EXPECT(0, circlet_hub_emit(hub, "game", "agent-action", "{\"action\": \"edit\"}", &number));
    CHECK(number == 1);
    is_told("[\"agent-action\",{\"action\":\"edit\"},{");
    EXPECT(0, circlet_hub_emit(hub, "game", "agent-action", "2", NULL));
    EXPECT(1, circlet_hub_remove(hub, "game", "level"));
    EXPECT(0, circlet_hub_remove(hub, "game", "level"));
    EXPECT(0, circlet_hub_update(hub, "game", NULL, NULL));
}

static void tells_columns_as_bytes(void) {
    float x[] = {1, 2};
    double y[] = {0.5};
    int32_t z[] = {-1};
    /* At an odd address. */
    const char bytes[] = "abcd";
    circlet_column columns[] = {
        {.name = "x", .numbers = x, .count = 2, .kind = CIRCLET_COLUMN_F32},
        {.name = "y", .numbers = y, .count = 1, .kind = CIRCLET_COLUMN_F64},
        {.name = "z", .numbers = z, .count = 1, .kind = CIRCLET_COLUMN_I32},
        {.name = "b", .numbers = bytes + 1, .count = 3, .kind = CIRCLET_COLUMN_U8},
        {.name = "none", .numbers = NULL, .count = 0, .kind = CIRCLET_COLUMN_F64},
    };
    EXPECT(0, circlet_hub_set_columns(hub, "game", "path", columns, 5));
    x[0] = 9;
    is_told("\"path\":{\"x\":{\"f32\":{\"_placeholder\":true,\"num\":0}}");
    const char *base64[] = {"bAACAPwAAAEA=", "bAAAAAAAA4D8=", "b/////w==", "bYmNk"};
    for (size_t i = 0; i < sizeof base64 / sizeof *base64; i++) contains(answer, base64[i]);
    columns[0].kind = 7;
    EXPECT(CIRCLET_INVALID, circlet_hub_set_columns(hub, "game", "path", columns, 5));
    says("CIRCLET_COLUMN_F32");
    columns[0].kind = CIRCLET_COLUMN_F32;
    columns[0].numbers = NULL;
    EXPECT(CIRCLET_INVALID, circlet_hub_set_columns(hub, "game", "path", columns, 1));
    columns[0].numbers = x;
    columns[0].count = UINT64_MAX / 4 + 2;
    EXPECT(CIRCLET_INVALID, circlet_hub_set_columns(hub, "game", "path", columns, 1));
    columns[0].name = NULL;
    EXPECT(CIRCLET_INVALID, circlet_hub_set_columns(hub, "game", "path", columns, 1));
    EXPECT(CIRCLET_INVALID, circlet_hub_set_columns(hub, "game", "path", NULL, 1));
    EXPECT(0, circlet_hub_set_columns(hub, "game", "empty", NULL, 0));
}

static void refuses_options_that_are_none(void) {
    circlet_hub *other = NULL;
    const char *wrong[][2] = {
        {"[]", "no JSON object"},
        {"", "no JSON object"},
        {"{\"hz\": 1", "EOF"},
        {"{} {}", "trailing"},
        {"{\"colour\": 1}", "unknown field `colour`, expected one of `addr`, `hz`"},
        {"{\"hz\": \"often\"}", "hz: invalid type: string \"often\", expected u32"},
        {"{\"addr\": 3010}", "addr: "},
        {"{\"idle_room_ms\": -1}", "milliseconds, 0 or more"},
        {"{\"deny\": [\"10.0.0.0/8\", \"x\"]}", "as 10.0.0.7 or 10.0.0.0/8"},
        {"{\"viewer_limits\": {\"room\": 1}}", "expected one of `messages_per_s`"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        EXPECT(CIRCLET_BAD_JSON, circlet_hub_start(wrong[i][0], &other));
        says(wrong[i][1]);
    }
    EXPECT(CIRCLET_INVALID, circlet_hub_start("{\"hz\": 61}", &other));
    says("`hz` is 61; allowed is 1 to 60");
    char taken[128];
    snprintf(taken, sizeof taken, "{\"addr\": \"%s\"}", addr);
    EXPECT(CIRCLET_BUSY, circlet_hub_start(taken, &other));
    says(addr);
    EXPECT(CIRCLET_OS, circlet_hub_start("{\"addr\": \"127.0.0.1:0\", \"record\": \"/nowhere/at/all\"}", &other));
    says("/nowhere/at/all");
    EXPECT(CIRCLET_OS, circlet_hub_start("{\"addr\": \"127.0.0.1:0\", \"redis\": \"nowhere\"}", &other));
    says("redis://127.0.0.1:6379/0");
    EXPECT(CIRCLET_INVALID, circlet_hub_start("{}", NULL));
    CHECK(other == NULL);
}

static void refuses_what_it_cannot_take(void) {
    char name[202];
    memset(name, 'n', 201);
    name[201] = 0;
    EXPECT(CIRCLET_INVALID, circlet_hub_set(hub, name, "k", "1"));
    says("the name of a room has 201 bytes; a name has 1 to 200");
    EXPECT(CIRCLET_INVALID, circlet_hub_set(hub, "game", "", "1"));
    EXPECT(CIRCLET_INVALID, circlet_hub_emit(hub, "game", name, "1", NULL));
    EXPECT(CIRCLET_INVALID, circlet_hub_set(hub, "game", "\xff", "1"));
    EXPECT(CIRCLET_INVALID, circlet_hub_set(NULL, "game", "k", "1"));
    EXPECT(CIRCLET_INVALID, circlet_hub_set(hub, NULL, "k", "1"));
    EXPECT(CIRCLET_BAD_JSON, circlet_hub_set(hub, "game", "k", "{"));
    says("value is not JSON");
    EXPECT(CIRCLET_BAD_JSON, circlet_hub_update(hub, "game", "[1]", NULL));
    says("set is not an object");
    EXPECT(CIRCLET_BAD_JSON, circlet_hub_update(hub, "game", NULL, "{\"k\": 1}"));
    says("removed is not an array of keys");
    EXPECT(CIRCLET_INVALID, circlet_hub_stop(hub, NAN));
    EXPECT(CIRCLET_INVALID, circlet_hub_stop(hub, -1));
    circlet_hub *small = started("{\"addr\": \"127.0.0.1:0\", \"max_keys\": 1}");
    EXPECT(0, circlet_hub_set(small, "game", "a", "1"));
    EXPECT(CIRCLET_FULL, circlet_hub_set(small, "game", "b", "1"));
    says("it would hold 2 keys, and may hold 1");
    circlet_hub_free(small);
    circlet_hub_free(NULL);
}

static void follows_and_counts(void) {
    EXPECT(0, circlet_hub_follow_ring(hub, own_name("hub"), "ring"));
    EXPECT(0, circlet_hub_follow_session(hub, own_name("hub-page"), "session"));
    circlet_text *text;
    EXPECT(0, circlet_hub_stats(hub, &text));
    contains(circlet_text_data(text), "\"viewers\":1,");
    contains(circlet_text_data(text), "\"connections\":1,");
    circlet_text_free(text);
    EXPECT(0, circlet_hub_troubles(hub, &text));
    CHECK(strcmp(circlet_text_data(text), "[]") == 0);
    circlet_text_free(text);
    circlet_tracker *tracker;
    EXPECT(0, circlet_tracker_start("{\"project\": false}", &tracker));
    EXPECT(0, circlet_tracker_watch_hub(tracker, "live", hub));
    EXPECT(CIRCLET_NAME_TAKEN, circlet_tracker_watch_hub(tracker, "live", hub));
    EXPECT(0, circlet_tracker_snapshot(tracker, &text));
    char said[128];
    snprintf(said, sizeof said, "\"hub\":{\"address\":\"%s\",\"viewers\":1,", addr);
    contains(circlet_text_data(text), said);
    circlet_text_free(text);
    circlet_tracker_free(tracker);
}

static void is_refused_in_a_child(void) {
    fflush(NULL);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        alarm(60);
        EXPECT(CIRCLET_OS, circlet_hub_set(hub, "game", "child", "1"));
        says("start another here");
        circlet_text *text;
        EXPECT(CIRCLET_OS, circlet_hub_stats(hub, &text));
        EXPECT(CIRCLET_OS, circlet_hub_troubles(hub, &text));
        EXPECT(CIRCLET_OS, circlet_hub_stop(hub, 1));
        circlet_hub_free(hub);
        /* What a child leaves to its parent is no leak of its own. */
        execl("/bin/true", "true", (char *)NULL);
        _exit(1);
    }
    join(child);
    EXPECT(0, circlet_hub_set(hub, "game", "after", "true"));
    is_told("\"after\":true");
}

static void *publish(void *data) {
    int32_t status;
    (void)data;
    while ((status = circlet_hub_set(hub, "busy", "k", "1")) == 0) poll(NULL, 0, 1);
    EXPECT(CIRCLET_CLOSED, status);
    return NULL;
}

static void says_so_once_it_is_stopped(void) {
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) CHECK(pthread_create(&threads[i], NULL, publish, NULL) == 0);
    poll(NULL, 0, 20);
    EXPECT(0, circlet_hub_stop(hub, 1000));
    for (int i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    EXPECT(0, circlet_hub_stop(hub, 0));
    EXPECT(CIRCLET_CLOSED, circlet_hub_set(hub, "game", "k", "1"));
    says("has been stopped");
    EXPECT(CIRCLET_CLOSED, circlet_hub_follow_ring(hub, "r", "r"));
    CHECK(connects(addr) == -1);
    char again[64];
    read_addr(hub, again);
    CHECK(strcmp(again, addr) == 0);
    circlet_hub_free(hub);
}

int main(void) {
    alarm(120);
    hub = started("{\"addr\": \"127.0.0.1:0\", \"emit_token\": null}");
    read_addr(hub, addr);
    refuses_options_that_are_none();
    connects_a_viewer();
    tells_a_viewer_what_is_published();
    tells_columns_as_bytes();
    refuses_what_it_cannot_take();
    follows_and_counts();
    is_refused_in_a_child();
    says_so_once_it_is_stopped();
    return 0;
}
