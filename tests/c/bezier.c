/* Bezier curves of every degree are what de Casteljau's algorithm says in long doubles, whole, in parts, backwards and mapped. */
#include "check.h"

#include <math.h>

enum { MOST = 65 };

typedef struct {
    uint32_t degree;
    double points[2 * MOST];
    circlet_curve *curve;
} bezier;

/* Control points that go on along x and jump in y, up to `size`. */
static bezier make(uint32_t degree, double size) {
    bezier made = {.degree = degree};
    for (uint32_t k = 0; k <= degree; k++) {
        made.points[2 * k] = size * k / degree;
        made.points[2 * k + 1] = size * (double)(k * 29 % 17) / 17 - size / 2;
    }
    EXPECT(0, circlet_curve_new("bezier", NULL, 2, made.points, degree + 1, &made.curve));
    return made;
}

static long double greater(long double a, long double b) { return a > b ? a : b; }

/* The point (`order` 0) or derivative at t, and the largest number on the way to it. */
static long double value(const bezier *of, uint32_t order, uint32_t axis, long double t, long double *size) {
    long double row[MOST];
    uint32_t degree = of->degree;
    *size = 0;
    for (uint32_t k = 0; k <= degree; k++) {
        row[k] = of->points[2 * k + axis];
        *size = greater(*size, fabsl(row[k]));
    }
    for (uint32_t done = 0; done < order; done++) {
        for (uint32_t k = 0; k < degree; k++) row[k] = degree * (row[k + 1] - row[k]);
        if (degree > 0) degree--;
        else row[0] = 0;
    }
    for (uint32_t k = 0; k <= degree; k++) *size = greater(*size, fabsl(row[k]));
    for (; degree > 0; degree--)
        for (uint32_t k = 0; k < degree; k++) row[k] = (1 - t) * row[k] + t * row[k + 1];
    return row[0];
}

/* Checks points and derivatives of `curve`, which at u is where the whole one is at u, or at `mirror` - u. */
static void agrees(const bezier *whole, const circlet_curve *curve, const double *mirror) {
    enum { COUNT = 37 };
    double domain[2], us[COUNT], found[2 * COUNT], x[COUNT], y[COUNT], *columns[] = {x, y};
    float narrow[2 * COUNT];
    EXPECT(0, circlet_curve_domain(curve, domain));
    for (uint32_t i = 0; i < COUNT; i++) us[i] = domain[0] + (domain[1] - domain[0]) * i / (COUNT - 1);
    for (uint32_t order = 0; order <= 2; order++) {
        if (order == 0) EXPECT(0, circlet_curve_eval(curve, us, COUNT, found));
        else EXPECT(0, circlet_curve_derivative(curve, order, us, COUNT, found));
        if (order == 0) EXPECT(0, circlet_curve_eval_f32(curve, us, COUNT, narrow));
        else EXPECT(0, circlet_curve_derivative_f32(curve, order, us, COUNT, narrow));
        for (uint32_t i = 0; i < 2 * COUNT; i++) {
            long double u = us[i / 2], size, wanted = value(whole, order, i % 2, mirror ? *mirror - u : u, &size);
            if (mirror && order == 1) wanted = -wanted;
            CHECK(fabsl(found[i] - wanted) <= (mirror ? 1e-13L * whole->degree : 1e-13L) * size);
            CHECK(narrow[i] == (float)found[i]);
        }
    }
    EXPECT(0, circlet_curve_eval(curve, us, COUNT, found));
    EXPECT(0, circlet_curve_eval_columns(curve, us, COUNT, columns));
    for (uint32_t i = 0; i < COUNT; i++) {
        double one[2];
        EXPECT(0, circlet_curve_eval(curve, us + i, 1, one));
        CHECK(one[0] == found[2 * i] && one[1] == found[2 * i + 1] && one[0] == x[i] && one[1] == y[i]);
    }
    double first[2 * COUNT], batch[4 * COUNT];
    EXPECT(0, circlet_curve_sample(curve, COUNT, first));
    EXPECT(0, circlet_curve_batch_sample((const circlet_curve *[]){curve, curve}, 2, COUNT, batch));
    EXPECT(0, circlet_curve_sample_columns(curve, COUNT, columns));
    EXPECT(0, circlet_curve_sample_f32(curve, COUNT, narrow));
    CHECK(memcmp(first, batch, sizeof first) == 0 && memcmp(first, batch + 2 * COUNT, sizeof first) == 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        long double size;
        value(whole, 0, 1, 0, &size);
        CHECK(fabsl((long double)first[2 * i + 1] - found[2 * i + 1]) <= 1e-13L * whole->degree * size);
        CHECK(first[2 * i] == x[i] && first[2 * i + 1] == y[i] && narrow[2 * i] == (float)x[i]);
    }
    enum { MANY = 2001 };
    static double many[2 * MANY];
    double bounds[4], size = fabs(whole->points[2 * whole->degree]);
    EXPECT(0, circlet_curve_sample(curve, MANY, many));
    EXPECT(0, circlet_curve_bounds(curve, bounds));
    for (uint32_t axis = 0; axis < 2; axis++) {
        double low = INFINITY, high = -INFINITY;
        for (uint32_t i = 0; i < MANY; i++) {
            low = -greater(-low, -many[2 * i + axis]);
            high = greater(high, many[2 * i + axis]);
        }
        CHECK(bounds[axis] <= low + 1e-14 * size && low <= bounds[axis] + 1e-4 * size);
        CHECK(bounds[2 + axis] >= high - 1e-14 * size && high >= bounds[2 + axis] - 1e-4 * size);
    }
}

static void a_curve_of_any_degree_is_itself_whole_and_in_parts(uint32_t degree, double size) {
    bezier whole = make(degree, size);
    agrees(&whole, whole.curve, NULL);
    circlet_curve *left, *right, *middle, *back, *back_again;
    EXPECT(0, circlet_curve_split(whole.curve, 0.3, &left, &right));
    EXPECT(0, circlet_curve_subcurve(right, 0, 0.7, &middle));
    EXPECT(0, circlet_curve_reversed(middle, &back));
    EXPECT(0, circlet_curve_reversed(whole.curve, &back_again));
    agrees(&whole, left, NULL);
    agrees(&whole, right, NULL);
    agrees(&whole, middle, NULL);
    agrees(&whole, back, &(double){0.3 + 0.7});
    agrees(&whole, back_again, &(double){1});
    double end[4], start[2], at[2], domain[2];
    EXPECT(0, circlet_curve_sample(left, 2, end));
    EXPECT(0, circlet_curve_sample(right, 1, start));
    EXPECT(0, circlet_curve_eval(whole.curve, &(double){0.3}, 1, at));
    CHECK(end[2] == start[0] && end[3] == start[1] && start[0] == at[0] && start[1] == at[1]);
    EXPECT(0, circlet_curve_domain(middle, domain));
    CHECK(domain[0] == 0.3 && domain[1] == 0.7);
    circlet_curve *all[] = {whole.curve, left, right, middle, back, back_again};
    for (int i = 0; i < 6; i++) circlet_curve_free(all[i]);
}

static void directions_follow_from_the_derivatives(void) {
    bezier whole = make(7, 10);
    for (int i = 0; i <= 20; i++) {
        double u = i / 20.0, tangent[2], normal[2], bend, first[2], second[2];
        EXPECT(0, circlet_curve_tangent(whole.curve, &u, 1, tangent));
        EXPECT(0, circlet_curve_normal(whole.curve, &u, 1, normal));
        EXPECT(0, circlet_curve_curvature(whole.curve, &u, 1, &bend));
        EXPECT(0, circlet_curve_derivative(whole.curve, 1, &u, 1, first));
        EXPECT(0, circlet_curve_derivative(whole.curve, 2, &u, 1, second));
        double speed = tangent[0] * first[0] + tangent[1] * first[1];
        double turn = (first[0] * second[1] - first[1] * second[0]) / (speed * speed * speed);
        CHECK(speed > 0 && fabs(tangent[0] * tangent[0] + tangent[1] * tangent[1] - 1) < 1e-14);
        CHECK(fabs(tangent[0] * speed - first[0]) < 1e-13 * speed && fabs(tangent[1] * speed - first[1]) < 1e-13 * speed);
        CHECK(normal[0] == -tangent[1] && normal[1] == tangent[0]);
        CHECK(fabs(bend - turn) <= 1e-11 * (1 + fabs(turn)));
    }
    circlet_curve_free(whole.curve);
}

static void a_map_takes_the_curve_itself(void) {
    bezier whole = make(20, 10), image = {.degree = 20};
    const double box[] = {3, 4, 50, 80};
    double map[6], bounds[4];
    EXPECT(0, circlet_curve_fit_to_box(whole.curve, box, CIRCLET_FIT_STRETCH, NULL, map));
    EXPECT(0, circlet_curve_transform(whole.curve, map, &image.curve));
    for (uint32_t k = 0; k <= 20; k++) {
        image.points[2 * k] = map[0] * whole.points[2 * k] + map[4];
        image.points[2 * k + 1] = map[3] * whole.points[2 * k + 1] + map[5];
    }
    agrees(&image, image.curve, NULL);
    EXPECT(0, circlet_curve_bounds(image.curve, bounds));
    CHECK(fabs(bounds[0] - 3) < 1e-12 && fabs(bounds[1] - 4) < 1e-12);
    CHECK(fabs(bounds[2] - 53) < 1e-12 && fabs(bounds[3] - 84) < 1e-12);
    circlet_curve *none = NULL;
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_transform(whole.curve, (double[]){1e300, 0, 0, 1e300, 0, 0}, &none));
    CHECK(none == NULL);
    circlet_curve_free(whole.curve);
    circlet_curve_free(image.curve);
}

static void nothing_is_too_large_or_no_number(void) {
    for (uint32_t degree = 4; degree <= 64; degree += 20) {
        bezier whole = make(degree, 1e300);
        const double us[] = {NAN, -INFINITY, INFINITY, 0.5};
        double found[8], bounds[4];
        for (uint32_t order = 0; order <= 2; order++) {
            if (order == 0) EXPECT(0, circlet_curve_eval(whole.curve, us, 4, found));
            else EXPECT(0, circlet_curve_derivative(whole.curve, order, us, 4, found));
            CHECK(isnan(found[0]) && isnan(found[1]));
            for (int i = 2; i < 8; i++) CHECK(isfinite(found[i]));
        }
        EXPECT(0, circlet_curve_bounds(whole.curve, bounds));
        CHECK(bounds[0] == 0 && bounds[2] == 1e300 && isfinite(bounds[1]) && isfinite(bounds[3]));
        EXPECT(0, circlet_curve_tangent(whole.curve, us, 4, found));
        CHECK(found[0] == 0 && found[1] == 0 && fabs(found[6] * found[6] + found[7] * found[7] - 1) < 1e-14);
        circlet_curve_free(whole.curve);
    }
}

int main(void) {
    alarm(120);
    const uint32_t degrees[] = {1, 2, 3, 4, 7, 20};
    for (int i = 0; i < 6; i++) a_curve_of_any_degree_is_itself_whole_and_in_parts(degrees[i], 10);
    a_curve_of_any_degree_is_itself_whole_and_in_parts(7, 1e290);
    directions_follow_from_the_derivatives();
    a_map_takes_the_curve_itself();
    nothing_is_too_large_or_no_number();
    return 0;
}
