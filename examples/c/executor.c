/* Code strings in a Python session: what they print comes while they run, and they are stopped in time.
 *
 * Build: cargo clib && cc -I include examples/c/executor.c -L target/release -lcirclet -o executor
 */
#include <circlet.h>
#include <stdio.h>
#include <string.h>

static int check(int32_t status) {
    if (status >= 0) return 0;
    char message[512];
    circlet_last_error(message, sizeof message);
    fprintf(stderr, "%s: %s\n", circlet_status_str(status), message);
    return 1;
}

/* Runs code for at most a tenth of a second, and prints what comes of it. */
static int run(circlet_executor *python, const char *code) {
    circlet_run_options options = {.struct_size = sizeof options, .within_ms = 100};
    circlet_event event;
    if (check(circlet_executor_begin(python, code, strlen(code), &options))) return 1;
    for (;;) {
        int32_t kind = circlet_executor_next(python, -1, &event);
        if (check(kind)) return 1;
        if (kind == CIRCLET_EVENT_OUTPUT) fwrite(event.body, 1, event.len, event.stream == 2 ? stderr : stdout);
        if (kind < CIRCLET_EVENT_END) continue;
        printf("%.*s\n", (int)event.len, (const char *)event.body);
        return kind == CIRCLET_EVENT_FAILURE;
    }
}

int main(void) {
    circlet_executor *python;
    if (check(circlet_executor_new(NULL, &python))) return 1;
    int failed = run(python, "x = 6 * 7; print('hello')") || run(python, "x") || run(python, "while True: pass");
    circlet_executor_free(python);
    return failed;
}
