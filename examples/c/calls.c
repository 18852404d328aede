/* Functions of Python in worker processes: a thousand calls in one go, and what came of them in one block after the other.
 *
 * Build: cargo clib && cc -I include examples/c/calls.c -L target/release -lcirclet -o calls
 */
#include <circlet.h>
#include <inttypes.h>
#include <stdio.h>

enum { CALLS = 1000 };

int main(void) {
    circlet_process_options workers = {.struct_size = sizeof workers, .memory = 256 << 20};
    circlet_pool_options options = {
        .struct_size = sizeof options, .kind = CIRCLET_PYTHON, .max = 2, .processes = &workers};
    circlet_pool *pool;
    if (circlet_pool_new(&options, &pool) < 0) return 1;
    char arguments[CALLS * 6];
    uint64_t lens[CALLS];
    int len = 0;
    for (int i = 0; i < CALLS; i++) {
        lens[i] = (uint64_t)sprintf(arguments + len, "[%d]", i);
        len += (int)lens[i];
    }
    circlet_pool_call_many(pool, "math:sqrt", CIRCLET_JSON, arguments, lens, CALLS, NULL, NULL);
    circlet_pool_call(pool, "math:sqrt", CIRCLET_JSON, "[-1]", 4, NULL, NULL);
    circlet_pool_close(pool);
    double sum = 0;
    circlet_answers answers;
    for (int32_t count; (count = circlet_pool_answers(pool, CALLS, -1, &answers)) > 0; circlet_answers_free(&answers)) {
        for (int32_t i = 0; i < count; i++) {
            const circlet_answer *answer = &answers.items[i];
            double root = 0;
            char text[32];
            snprintf(text, sizeof text, "%.*s", (int)answer->len, (const char *)answer->data);
            if (answer->status == CIRCLET_OK && sscanf(text, "%lf", &root) == 1) sum += root;
            else printf("%s: %.*s...\n", circlet_status_str(answer->status), 30, (const char *)answer->data);
        }
    }
    printf("the roots of the numbers below 1000 sum up to %.1f\n", sum);
    circlet_pool_free(pool);
    return 0;
}
