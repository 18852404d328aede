/* A thousand jobs on a pool that has as many threads as they need, and what it says of itself.
 *
 * Build: cargo clib && cc -I include examples/c/pool.c -L target/release -lcirclet -o pool
 */
#include <circlet.h>
#include <inttypes.h>
#include <stdio.h>

static int32_t digits(void *data) { return snprintf(NULL, 0, "%zu", (size_t)data); }

int main(void) {
    circlet_pool *pool;
    if (circlet_pool_new(NULL, &pool) < 0) return 1;
    for (size_t i = 1; i <= 1000; i++) circlet_pool_submit(pool, digits, (void *)i, NULL, NULL);
    circlet_pool_close(pool);
    int32_t sum = 0;
    for (circlet_completion done; circlet_pool_next(pool, -1, &done) == 0;) sum += done.result;
    printf("the numbers from 1 to 1000 have %" PRId32 " digits\n", sum);
    circlet_text *snapshot;
    if (circlet_pool_snapshot(pool, &snapshot) == 0) {
        puts(circlet_text_data(snapshot));
        circlet_text_free(snapshot);
    }
    circlet_pool_free(pool);
    return 0;
}
