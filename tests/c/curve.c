/* Curves of every family have the golden segments, points and derivatives of tests/data/curve, in each form in which
 * points come; what is wrong is refused with its reason. */
#include "check.h"

#include <math.h>

enum { LINE_MAX = 1 << 16, NUMBERS_MAX = 1024 };

static const char *const FAMILIES[] = {
    "akima",  "basis",  "bezier",     "bump_x",     "bump_y",  "bundle",     "cardinal", "catmull_rom", "clamped", "fritsch_carlson",
    "linear", "makima", "monotone_x", "monotone_y", "natural", "not_a_knot", "pchip",    "periodic",    "step",
};

/* The numbers of one field of a case. */
typedef struct {
    double at[NUMBERS_MAX];
    uint32_t count;
} numbers;

/* Finds what follows a key. */
static const char *field(const char *text, const char *key) {
    char quoted[32];
    snprintf(quoted, sizeof quoted, "\"%s\": ", key);
    const char *found = strstr(text, quoted);
    return found ? found + strlen(quoted) : NULL;
}

/* Reads the numbers of a list, however its brackets are nested. */
static numbers list(const char *text) {
    numbers all = {.count = 0};
    int depth = 0;
    while (text) {
        if (*text == '[') depth++;
        if (*text == ']' && --depth == 0) break;
        char *end;
        double number = strtod(text, &end);
        if (end == text) {
            text++;
            continue;
        }
        CHECK(all.count < NUMBERS_MAX);
        all.at[all.count++] = number;
        text = end;
    }
    return all;
}

/* Copies an object, of which none is in another here. */
static const char *object(const char *text) {
    static char copy[512];
    size_t len = (size_t)(strchr(text, '}') - text) + 1;
    CHECK(len < sizeof copy);
    memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

static int near(const double *found, const double *wanted, numbers tolerance, double times) {
    return fabs(found[0] - wanted[0]) <= times * tolerance.at[0] && fabs(found[1] - wanted[1]) <= times * tolerance.at[1];
}

/* Whether a segment has any extent. */
static int is_real(const double *segment, numbers tolerance) {
    for (int i = 1; i < 4; i++)
        if (!near(segment, segment + 2 * i, tolerance, 1)) return 1;
    return 0;
}

/* Compares the segments that are more than a point. */
static void has_segments(const circlet_curve *curve, numbers wanted, numbers tolerance) {
    static double found[NUMBERS_MAX];
    int32_t count = circlet_curve_segments(curve, found, NUMBERS_MAX / 8);
    CHECK(count > 0 && count <= NUMBERS_MAX / 8);
    uint32_t next = 0;
    for (int32_t i = 0; i < count; i++) {
        if (!is_real(found + 8 * i, tolerance)) continue;
        while (next < wanted.count && !is_real(wanted.at + next, tolerance)) next += 8;
        CHECK(next < wanted.count);
        for (int k = 0; k < 8; k += 2) CHECK(near(found + 8 * i + k, wanted.at + next + k, tolerance, 1));
        next += 8;
    }
    for (; next < wanted.count; next += 8) CHECK(!is_real(wanted.at + next, tolerance));

    static double knots[NUMBERS_MAX];
    EXPECT(count + 1, circlet_curve_knots(curve, NULL, 0));
    EXPECT(count + 1, circlet_curve_knots(curve, knots, (uint32_t)count + 1));
    double domain[2];
    EXPECT(0, circlet_curve_domain(curve, domain));
    CHECK(knots[0] == domain[0] && knots[count] == domain[1]);
}

/* Compares points and derivatives at the parameters of a case; points alone where cubics stand for another curve. */
static void has_points(const circlet_curve *curve, const char *expected) {
    int is_cubic = field(expected, "segments") != NULL;
    numbers tolerance = list(field(field(expected, "tol"), "points")), slack = list(field(field(expected, "tol"), "d1"));
    const char *at = field(expected, "eval");
    CHECK(at != NULL);
    for (const char *next; (at = field(at, "u")) != NULL;) {
        double u = strtod(at, NULL), point[2], derivative[2], x, y, *columns[] = {&x, &y};
        float narrow[2];
        numbers wanted = list(field(at, "p"));
        EXPECT(0, circlet_curve_eval(curve, &u, 1, point));
        CHECK(near(point, wanted.at, tolerance, 4));
        EXPECT(0, circlet_curve_eval_f32(curve, &u, 1, narrow));
        CHECK(narrow[0] == (float)point[0] && narrow[1] == (float)point[1]);
        EXPECT(0, circlet_curve_eval_columns(curve, &u, 1, columns));
        CHECK(x == point[0] && y == point[1]);
        next = field(at, "u");
        const char *slope = field(at, "d1");
        if (is_cubic && slope && (!next || slope < next)) {
            EXPECT(0, circlet_curve_derivative(curve, 1, &u, 1, derivative));
            CHECK(near(derivative, list(slope).at, slack, 1));
        }
    }
}

static void all_samples_agree(const circlet_curve *curve) {
    enum { COUNT = 1500 };
    static double points[2 * COUNT], x[COUNT], y[COUNT];
    static float narrow[2 * COUNT];
    double *columns[] = {x, y};
    EXPECT(0, circlet_curve_sample(curve, COUNT, points));
    EXPECT(0, circlet_curve_sample_f32(curve, COUNT, narrow));
    EXPECT(0, circlet_curve_sample_columns(curve, COUNT, columns));
    double size = 0;
    for (int i = 0; i < 2 * COUNT; i++)
        if (fabs(points[i]) > size) size = fabs(points[i]);
    for (int i = 0; i < COUNT; i++) {
        CHECK(fabs(x[i] - points[2 * i]) <= 1e-13 * size && fabs(y[i] - points[2 * i + 1]) <= 1e-13 * size);
        CHECK(fabs(narrow[2 * i] - x[i]) <= 6e-8 * size && fabs(narrow[2 * i + 1] - y[i]) <= 6e-8 * size);
    }
}

/* Holds one case against the library; returns the curve, or NULL where it is to be refused. */
static circlet_curve *check_case(const char *family, const char *text) {
    const char *expected = field(text, "expect");
    numbers points = list(field(text, "points"));
    /* Cubics stand for a Bezier curve above degree 3, as near as is asked for. */
    int is_higher = strcmp(family, "bezier") == 0 && points.count > 8;
    const char *params = is_higher ? "{\"tolerance\": 1e-12}" : object(field(text, "params"));
    circlet_curve *curve = NULL;
    int32_t status = circlet_curve_new(family, params, 2, points.at, points.count / 2, &curve);
    if (field(expected, "policy")) {
        EXPECT(CIRCLET_BAD_CURVE, status);
        return NULL;
    }
    EXPECT(0, status);
    if (field(expected, "segments"))
        has_segments(curve, list(field(expected, "segments")), list(field(field(expected, "tol"), "points")));
    has_points(curve, expected);
    all_samples_agree(curve);
    return curve;
}

/* Checks each case of a family's file, and keeps the curves. */
static uint32_t check_family(const char *family, circlet_curve **curves, uint32_t room) {
    static char line[LINE_MAX], path[1024];
    const char *slash = strrchr(__FILE__, '/');
    int folder = slash ? (int)(slash - __FILE__) : 1;
    snprintf(path, sizeof path, "%.*s/../data/curve/%s.json", folder, slash ? __FILE__ : ".", family);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    uint32_t kept = 0, cases = 0;
    while (fgets(line, sizeof line, file)) {
        CHECK(strchr(line, '\n') != NULL);
        if (!field(line, "id")) continue;
        cases++;
        circlet_curve *curve = check_case(family, line);
        CHECK(kept < room);
        if (curve) curves[kept++] = curve;
    }
    fclose(file);
    CHECK(cases > 0);
    return kept;
}

/* A batch has the bits of one curve after the other. It stays so small that no threads share it: they never end. */
static void a_batch_is_its_curves(circlet_curve *const *curves, uint32_t count) {
    for (uint32_t each = 33; each < 2000; each += 1400) {
        double *all = malloc(16 * (size_t)each * count), *one = malloc(16 * (size_t)each);
        float *all_narrow = malloc(8 * (size_t)each * count), *narrow = malloc(8 * (size_t)each);
        CHECK(all && one && all_narrow && narrow);
        EXPECT(0, circlet_curve_batch_sample((const circlet_curve *const *)curves, count, each, all));
        EXPECT(0, circlet_curve_batch_sample_f32((const circlet_curve *const *)curves, count, each, all_narrow));
        for (uint32_t i = 0; i < count; i++) {
            EXPECT(0, circlet_curve_sample(curves[i], each, one));
            CHECK(memcmp(one, all + 2 * (size_t)each * i, 16 * (size_t)each) == 0);
            EXPECT(0, circlet_curve_sample_f32(curves[i], each, narrow));
            CHECK(memcmp(narrow, all_narrow + 2 * (size_t)each * i, 8 * (size_t)each) == 0);
        }
        free(all);
        free(one);
        free(all_narrow);
        free(narrow);
    }
    const circlet_curve *missing[2] = {curves[0], NULL};
    double out[4];
    EXPECT(CIRCLET_INVALID, circlet_curve_batch_sample(missing, 2, 1, out));
    says("one of the curves is NULL");
    EXPECT(CIRCLET_INVALID, circlet_curve_batch_sample(missing, 1, 1, NULL));
    EXPECT(0, circlet_curve_batch_sample(NULL, 0, 7, NULL));
    EXPECT(0, circlet_curve_batch_sample(missing, 1, 0, NULL));
}

static void refused(int32_t status, const char *word, const char *family, const char *params, const double *points,
                    uint32_t count) {
    circlet_curve *curve = NULL;
    EXPECT(status, circlet_curve_new(family, params, 2, points, count, &curve));
    says(word);
    CHECK(curve == NULL);
}

static void wrong_input_says_what_is_wrong(void) {
    const double points[] = {0, 0, 1, 2, 3, 0, 4, 4}, holed[] = {0, 0, 1, NAN, 3, 0};
    refused(CIRCLET_BAD_CURVE, "expected one of `bezier`", "bezir", NULL, points, 4);
    refused(CIRCLET_BAD_CURVE, "alpha is 1.5; it must be from 0 to 1", "catmull_rom", "{\"alpha\": 1.5}", points, 4);
    refused(CIRCLET_BAD_CURVE, "alpha is NaN", "catmull_rom", "{\"alpha\": \"NaN\"}", points, 4);
    refused(CIRCLET_BAD_CURVE, "unknown field `alfa`", "catmull_rom", "{\"alfa\": 0.5}", points, 4);
    refused(CIRCLET_BAD_CURVE, "missing field `start`", "clamped", NULL, points, 4);
    refused(CIRCLET_BAD_CURVE, "give an object", "step", "[0.5]", points, 4);
    refused(CIRCLET_BAD_CURVE, "coordinate 1 of point 1 is NaN", "natural", NULL, holed, 3);
    refused(CIRCLET_BAD_CURVE, "at least 2 points, not 1", "natural", NULL, points, 1);
    refused(CIRCLET_BAD_CURVE, "not 0", "bezier", NULL, NULL, 0);
    refused(CIRCLET_BAD_JSON, "params_json is no JSON", "step", "{position: 1}", points, 4);
    refused(CIRCLET_INVALID, "params_json is not UTF-8", "step", "{\"\xff\": 1}", points, 4);
    refused(CIRCLET_INVALID, "family is NULL", NULL, NULL, points, 4);
    refused(CIRCLET_INVALID, "points is NULL", "step", NULL, NULL, 4);
    EXPECT(CIRCLET_INVALID, circlet_curve_new("step", NULL, 2, points, 4, NULL));
}

static void arrays_that_overlap_are_refused(const circlet_curve *curve) {
    double all[8] = {0};
    EXPECT(CIRCLET_INVALID, circlet_curve_eval(curve, all, 2, all + 1));
    says("points overlaps parameters");
    EXPECT(CIRCLET_INVALID, circlet_curve_eval_f32(curve, all + 1, 2, (float *)all));
    EXPECT(CIRCLET_INVALID, circlet_curve_derivative(curve, 1, all + 3, 2, all));
    says("derivatives overlaps parameters");
    EXPECT(CIRCLET_INVALID, circlet_curve_derivative_f32(curve, 2, all, 2, (float *)(all + 1)));
    EXPECT(0, circlet_curve_derivative(curve, 1, all + 4, 2, all));
    EXPECT(CIRCLET_INVALID, circlet_curve_derivative(curve, 3, all + 4, 2, all));
    says("order is 3: give 1 or 2");
    EXPECT(CIRCLET_INVALID, circlet_curve_eval(curve, NULL, 2, NULL));
    says("parameters is NULL");
    double *over[] = {all + 2, all + 1}, *each_other[] = {all + 2, all + 3}, *missing[] = {all, NULL}, *apart[] = {all + 2, all};
    EXPECT(CIRCLET_INVALID, circlet_curve_eval_columns(curve, all, 2, over));
    says("overlaps");
    EXPECT(CIRCLET_INVALID, circlet_curve_eval_columns(curve, all + 3, 1, (double *[]){all, all + 3}));
    says("columns[1] overlaps parameters");
    EXPECT(CIRCLET_INVALID, circlet_curve_sample_columns(curve, 2, each_other));
    says("columns[0] overlaps columns[1]");
    EXPECT(CIRCLET_INVALID, circlet_curve_sample_columns(curve, 2, missing));
    says("columns[1] is NULL");
    EXPECT(CIRCLET_INVALID, circlet_curve_sample_columns(curve, 2, NULL));
    says("columns is NULL");
    EXPECT(0, circlet_curve_sample_columns(curve, 2, apart));
    EXPECT(CIRCLET_INVALID, circlet_curve_sample_f32(curve, 2, (float *)(uintptr_t)((char *)all + 1)));
    says("aligned to 4");
}

int main(void) {
    alarm(120);
    circlet_curve *curves[64];
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof FAMILIES / sizeof *FAMILIES; i++)
        count += check_family(FAMILIES[i], curves + count, 64 - count);
    CHECK(count > 35);
    a_batch_is_its_curves(curves, count);
    wrong_input_says_what_is_wrong();
    arrays_that_overlap_are_refused(curves[0]);
    for (uint32_t i = 0; i < count; i++) circlet_curve_free(curves[i]);
    return 0;
}
