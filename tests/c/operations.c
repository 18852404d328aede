/* Every operation on curves has the answer that can be worked out by hand, in the plane and in space; what is wrong is refused. */
#include "check.h"

#include <math.h>

static int near(double found, double wanted) { return fabs(found - wanted) <= 1e-9; }

static circlet_curve *make(const char *family, uint32_t dimensions, const double *points, uint32_t count) {
    circlet_curve *curve = NULL;
    EXPECT(0, circlet_curve_new(family, NULL, dimensions, points, count, &curve));
    return curve;
}

/* From (0, 0) over (3, 4) to (3, 14): 5 and 10 long, on the knots 0, 1, 2. */
static circlet_curve *corner(void) { return make("linear", 2, (double[]){0, 0, 3, 4, 3, 14}, 3); }

/* An arch 3 high between (0, 0) and (8, 0). */
static circlet_curve *hill(void) { return make("bezier", 2, (double[]){0, 0, 0, 4, 8, 4, 8, 0}, 4); }

/* The same in a plane of space: straight up is z. */
static circlet_curve *hill_in_space(void) {
    return make("bezier", 3, (double[]){0, 7, 0, 0, 7, 4, 8, 7, 4, 8, 7, 0}, 4);
}

static void curves_have_one_to_four_dimensions(void) {
    const double points[] = {0, 4, 2, 1, 5, 3, 8, 8, 0, 6, 7, 1};
    for (uint32_t dimensions = 1; dimensions <= 4; dimensions++) {
        uint32_t count = 12 / dimensions;
        circlet_curve *curve = make("natural", dimensions, points, count);
        EXPECT((int32_t)dimensions, circlet_curve_dimensions(curve));
        double knots[12], found[12], bounds[8], segments[4 * 12];
        EXPECT((int32_t)count, circlet_curve_knots(curve, knots, 12));
        EXPECT(0, circlet_curve_eval(curve, knots, count, found));
        for (uint32_t i = 0; i < dimensions * count; i++) CHECK(near(found[i], points[i]));
        EXPECT((int32_t)count - 1, circlet_curve_segments(curve, segments, count - 1));
        EXPECT(0, circlet_curve_bounds(curve, bounds));
        double columns[4][12], *pointers[] = {columns[0], columns[1], columns[2], columns[3]};
        EXPECT(0, circlet_curve_eval_columns(curve, knots, count, pointers));
        for (uint32_t axis = 0; axis < dimensions; axis++) {
            CHECK(segments[axis] == points[axis]);
            for (uint32_t i = 0; i < count; i++) {
                CHECK(columns[axis][i] == found[dimensions * i + axis]);
                CHECK(bounds[axis] <= columns[axis][i] && columns[axis][i] <= bounds[dimensions + axis]);
            }
        }
        circlet_curve *again = NULL;
        EXPECT(0, circlet_curve_new_segments(dimensions, segments, knots, count - 1, &again));
        double first[4 * 5], second[4 * 5];
        float narrow[4 * 5], batch[2 * 4 * 5];
        EXPECT(0, circlet_curve_sample(curve, 5, first));
        EXPECT(0, circlet_curve_sample(again, 5, second));
        CHECK(memcmp(first, second, 5 * dimensions * sizeof *first) == 0);
        EXPECT(0, circlet_curve_sample_f32(curve, 5, narrow));
        EXPECT(0, circlet_curve_batch_sample_f32((const circlet_curve *[]){again, curve}, 2, 5, batch));
        for (int copy = 0; copy < 2; copy++)
            CHECK(memcmp(narrow, batch + copy * 5 * dimensions, 5 * dimensions * sizeof *narrow) == 0);
        circlet_curve_free(again);
        circlet_curve_free(curve);
    }
    circlet_curve *none = NULL;
    for (uint32_t dimensions = 0; dimensions <= 5; dimensions += 5) {
        EXPECT(CIRCLET_INVALID, circlet_curve_new("natural", NULL, dimensions, points, 2, &none));
        says("give 1 to 4");
        EXPECT(CIRCLET_INVALID, circlet_curve_new_segments(dimensions, points, points, 0, &none));
        EXPECT(CIRCLET_INVALID, circlet_curve_new_fit(dimensions, points, 2, 1, &none));
    }
    EXPECT(CIRCLET_INVALID, circlet_curve_dimensions(NULL));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_new("monotone_y", NULL, 1, points, 2, &none));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_new_segments(1, points, (double[]){1, 1}, 1, &none));
    says("knot 1 is 1.0");
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_new_segments(1, NULL, points, 0, &none));
    says("at least 1 segment");
    EXPECT(CIRCLET_INVALID, circlet_curve_new_segments(1, points, NULL, 1, &none));
    says("knots is NULL");
    CHECK(none == NULL);
}

static void only_a_curve_of_the_plane_has_what_takes_one(void) {
    circlet_curve *curve = hill_in_space(), *none = NULL;
    circlet_text *text = NULL;
    double numbers[8] = {0, 0, 1, 1, 1, 1, 0, 0};
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_normal(curve, numbers, 1, numbers + 4));
    says("curve has 3 dimensions: only a curve of the plane, of 2, has normals");
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_intersections(curve, curve, 0.1, NULL, 0));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_offset(curve, 1, 0.1, NULL, 0));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_to_svg(curve, &text));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_fit_to_box(curve, numbers, CIRCLET_FIT_COVER, NULL, numbers));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_transform(curve, numbers, &none));
    says("3 dimensions");
    circlet_curve *flat = hill();
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_concat(curve, flat, &none));
    says("b has 2 dimensions and a 3 dimensions: give curves of the same");
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_batch_sample((const circlet_curve *[]){flat, flat, curve}, 3, 1, numbers));
    says("curve 2 has 3 dimensions and curve 0 2 dimensions");
    CHECK(none == NULL && text == NULL);
    circlet_curve_free(flat);
    circlet_curve_free(curve);
}

static void directions_and_derivatives(void) {
    circlet_curve *plane = hill(), *space = hill_in_space(), *point = make("bezier", 2, (double[]){1, 2, 1, 2}, 2);
    const double top[] = {0.5, NAN};
    double found[6];
    float narrow[6];
    EXPECT(0, circlet_curve_derivative(plane, 1, top, 1, found));
    CHECK(found[0] == 12 && found[1] == 0);
    EXPECT(0, circlet_curve_derivative(plane, 2, top, 1, found));
    CHECK(found[0] == 0 && found[1] == -24);
    EXPECT(0, circlet_curve_derivative(space, 1, top, 1, found));
    CHECK(found[0] == 12 && found[1] == 0 && found[2] == 0);
    EXPECT(0, circlet_curve_derivative_f32(space, 2, top, 1, narrow));
    CHECK(narrow[0] == 0 && narrow[1] == 0 && narrow[2] == -24);
    EXPECT(0, circlet_curve_derivative_f32(space, 1, top, 1, narrow));
    CHECK(narrow[0] == 12 && narrow[2] == 0);
    EXPECT(0, circlet_curve_tangent(space, top, 2, found));
    CHECK(found[0] == 1 && found[1] == 0 && found[2] == 0);
    CHECK(found[3] == 0 && found[4] == 0 && found[5] == 0);
    EXPECT(0, circlet_curve_normal(plane, top, 1, found));
    CHECK(found[0] == 0 && found[1] == 1);
    /* |c''| / |c'|², to the right in the plane. */
    EXPECT(0, circlet_curve_curvature(plane, top, 2, found));
    CHECK(near(found[0], -24.0 / 144) && isnan(found[1]));
    EXPECT(0, circlet_curve_curvature(space, top, 1, found));
    CHECK(near(found[0], 24.0 / 144));
    EXPECT(0, circlet_curve_tangent(point, top, 1, found));
    EXPECT(0, circlet_curve_normal(point, top, 1, found + 2));
    CHECK(found[0] == 0 && found[1] == 0 && found[2] == 0 && found[3] == 0);
    EXPECT(CIRCLET_INVALID, circlet_curve_tangent(plane, found, 2, found + 1));
    says("tangents overlaps parameters");
    EXPECT(CIRCLET_INVALID, circlet_curve_curvature(plane, found, 1, found));
    EXPECT(CIRCLET_INVALID, circlet_curve_normal(plane, top, 1, NULL));
    says("normals is NULL");
    circlet_curve_free(plane);
    circlet_curve_free(space);
    circlet_curve_free(point);
}

static void parts_go_together_again(void) {
    circlet_curve *whole = corner(), *left = NULL, *right = NULL, *joined = NULL, *part = NULL, *back = NULL;
    double domain[2], first[2], knots[4];
    EXPECT(0, circlet_curve_split(whole, 0.5, &left, &right));
    EXPECT(0, circlet_curve_domain(right, domain));
    CHECK(domain[0] == 0.5 && domain[1] == 2);
    EXPECT(0, circlet_curve_sample(right, 1, first));
    CHECK(first[0] == 1.5 && first[1] == 2);
    EXPECT(0, circlet_curve_concat(left, right, &joined));
    EXPECT(4, circlet_curve_knots(joined, knots, 4));
    CHECK(knots[0] == 0 && knots[1] == 0.5 && knots[2] == 1 && knots[3] == 2);
    EXPECT(0, circlet_curve_subcurve(whole, 1, 99, &part));
    EXPECT(0, circlet_curve_sample(part, 1, first));
    CHECK(first[0] == 3 && first[1] == 4);
    EXPECT(0, circlet_curve_reversed(whole, &back));
    EXPECT(0, circlet_curve_sample(back, 1, first));
    CHECK(first[0] == 3 && first[1] == 14);
    circlet_curve *none = NULL;
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_split(whole, 2, &none, &right));
    says("parameter is 2.0");
    EXPECT(CIRCLET_INVALID, circlet_curve_split(whole, 1, &none, &none));
    says("right overlaps left");
    EXPECT(CIRCLET_INVALID, circlet_curve_split(whole, 1, &none, NULL));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_subcurve(whole, 1, 1, &none));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_subcurve(whole, NAN, 1, &none));
    EXPECT(CIRCLET_INVALID, circlet_curve_concat(whole, NULL, &none));
    EXPECT(CIRCLET_INVALID, circlet_curve_reversed(whole, NULL));
    CHECK(none == NULL);
    circlet_curve *all[] = {whole, left, right, joined, part, back};
    for (int i = 0; i < 6; i++) circlet_curve_free(all[i]);
}

static void lengths_lead_to_parameters_and_back(void) {
    circlet_curve *curve = corner();
    const double parameters[] = {-1, 0.5, 1, 1.5, 9, NAN}, lengths[] = {0, 2.5, 5, 10, 15};
    double found[8];
    EXPECT(0, circlet_curve_length_to(curve, parameters, 6, 1e-9, found));
    for (int i = 0; i < 5; i++) CHECK(near(found[i], lengths[i]));
    CHECK(isnan(found[5]));
    EXPECT(0, circlet_curve_parameter_at_length(curve, lengths, 5, 1e-9, found));
    for (int i = 1; i < 4; i++) CHECK(near(found[i], parameters[i]));
    CHECK(found[0] == 0 && near(found[4], 2));
    EXPECT(0, circlet_curve_sample_by_length(curve, 4, 1e-9, found));
    CHECK(found[0] == 0 && near(found[2], 3) && near(found[3], 4) && near(found[5], 9) && found[7] == 14);
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_length_to(curve, parameters, 1, 0, found));
    says("tolerance is 0.0");
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_parameter_at_length(curve, lengths, 1, NAN, found));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_sample_by_length(curve, 1, -1, found));
    EXPECT(CIRCLET_INVALID, circlet_curve_length_to(curve, found, 2, 1, found + 1));
    EXPECT(CIRCLET_INVALID, circlet_curve_parameter_at_length(curve, found, 2, 1, found + 1));
    says("parameters overlaps lengths");
    circlet_curve_free(curve);
}

static void places_are_found(void) {
    circlet_curve *plane = hill(), *space = hill_in_space(), *middle = make("linear", 2, (double[]){4, 0, 4, 9}, 2);
    const double above[] = {4, 10, -3, -4}, beside[] = {4, 9, 3};
    double parameters[2], distances[2];
    EXPECT(0, circlet_curve_nearest(plane, above, 2, parameters, distances));
    CHECK(near(parameters[0], 0.5) && near(distances[0], 7) && parameters[1] == 0 && distances[1] == 5);
    EXPECT(0, circlet_curve_nearest(plane, above, 1, NULL, distances));
    EXPECT(0, circlet_curve_nearest(space, beside, 1, parameters, NULL));
    CHECK(near(parameters[0], 0.5));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_nearest(plane, (double[]){0, 0, 0, NAN}, 2, parameters, distances));
    says("coordinate 1 of point 1 is NaN");
    EXPECT(CIRCLET_INVALID, circlet_curve_nearest(plane, above, 2, parameters, parameters + 1));
    says("distances overlaps parameters");
    EXPECT(CIRCLET_INVALID, circlet_curve_nearest(plane, parameters, 1, parameters + 1, NULL));
    says("parameters overlaps points");

    EXPECT(1, circlet_curve_intersections(plane, middle, 1e-9, NULL, 0));
    EXPECT(1, circlet_curve_intersections(plane, middle, 1e-9, parameters, 1));
    CHECK(near(parameters[0], 0.5) && near(parameters[1], 1.0 / 3));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_intersections(plane, middle, 0, parameters, 1));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_intersections(plane, space, 1, parameters, 1));
    EXPECT(CIRCLET_INVALID, circlet_curve_intersections(plane, middle, 1, NULL, 1));
    circlet_curve_free(plane);
    circlet_curve_free(space);
    circlet_curve_free(middle);
}

static void points_are_thinned_out_and_fitted(void) {
    const double line[] = {0, 0, 1, 0.1, 2, -0.1, 3, 5, 4, 6, 5, 7}, space[] = {0, 0, 0, 1, 1, 1, 2, 2, 2};
    uint32_t kept[6] = {0};
    EXPECT(4, circlet_simplify(2, line, 6, 0.5, NULL, 0));
    EXPECT(4, circlet_simplify(2, line, 6, 0.5, kept, 6));
    CHECK(kept[0] == 0 && kept[1] == 2 && kept[2] == 3 && kept[3] == 5);
    EXPECT(2, circlet_simplify(3, space, 3, 0.01, kept, 2));
    CHECK(kept[0] == 0 && kept[1] == 2);
    EXPECT(0, circlet_simplify(4, NULL, 0, 1, kept, 6));
    EXPECT(CIRCLET_INVALID, circlet_simplify(5, line, 1, 1, kept, 6));
    EXPECT(CIRCLET_BAD_CURVE, circlet_simplify(2, line, 6, 0, kept, 6));
    EXPECT(CIRCLET_INVALID, circlet_simplify(2, line, 6, 1, (uint32_t *)(line + 5), 2));
    says("indices overlaps points");

    circlet_curve *curve = NULL;
    EXPECT(0, circlet_curve_new_fit(3, space, 3, 0.01, &curve));
    EXPECT(1, circlet_curve_segments(curve, NULL, 0));
    double distances[3];
    EXPECT(0, circlet_curve_nearest(curve, space, 3, NULL, distances));
    CHECK(distances[0] == 0 && distances[1] <= 0.01 && distances[2] == 0);
    circlet_curve_free(curve);
    curve = NULL;
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_new_fit(2, line, 1, 0.01, &curve));
    says("at least 2 points");
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_new_fit(2, line, 2, -1, &curve));
    CHECK(curve == NULL);
}

static void polylines_are_counted_and_then_written(void) {
    enum { ROOM = 400 };
    static double plain[3 * ROOM], fewest[3 * ROOM], scaled[3 * ROOM], beside[2 * ROOM];
    circlet_curve *plane = hill(), *space = hill_in_space();
    int32_t count = circlet_curve_flatten(space, 0.001, NULL, 0), few = circlet_curve_flatten_fewest(space, 0.001, NULL, 0);
    CHECK(count > 0 && count < ROOM && few > 0 && few < count);
    EXPECT(count, circlet_curve_flatten(space, 0.001, plain, ROOM));
    EXPECT(few, circlet_curve_flatten_fewest(space, 0.001, fewest, ROOM));
    CHECK(plain[3 * count - 3] == 8 && plain[3 * count - 2] == 7 && plain[3 * count - 1] == 0);
    CHECK(fewest[3 * few - 3] == 8 && fewest[3 * few] == 0);
    EXPECT(few, circlet_curve_flatten_fewest(space, 0.001, fewest, (uint32_t)few - 1));
    EXPECT(count, circlet_curve_flatten_scaled(space, 64, 0.064, NULL, 0));
    EXPECT(count, circlet_curve_flatten_scaled(space, 64, 0.064, scaled, (uint32_t)count - 1));
    CHECK(scaled[3] == 0);
    EXPECT(count, circlet_curve_flatten_scaled(space, 64, 0.064, scaled, ROOM));
    CHECK(memcmp(plain, scaled, sizeof plain) == 0);

    int32_t offset = circlet_curve_offset(plane, 1, 0.01, NULL, 0);
    CHECK(offset > 2 && offset < ROOM);
    EXPECT(offset, circlet_curve_offset(plane, 1, 0.01, beside, ROOM));
    CHECK(near(beside[0], -1) && near(beside[1], 0) && near(beside[2 * offset - 2], 9));
    EXPECT(offset, circlet_curve_offset(plane, 1, 0.01, beside, 1));
    circlet_curve *point = make("bezier", 2, (double[]){1, 2, 1, 2}, 2);
    EXPECT(0, circlet_curve_offset(point, 1, 0.01, beside, ROOM));

    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_flatten(space, 0, plain, ROOM));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_flatten_fewest(space, 0, plain, ROOM));
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_flatten_scaled(space, 0, 1, plain, ROOM));
    says("scale is 0.0");
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_offset(plane, NAN, 1, plain, ROOM));
    says("offset distance is NaN");
    EXPECT(CIRCLET_INVALID, circlet_curve_flatten_fewest(space, 1, NULL, 1));
    circlet_curve_free(plane);
    circlet_curve_free(space);
    circlet_curve_free(point);
}

static void drawings_are_placed_and_written(void) {
    circlet_curve *curve = hill(), *image = NULL, *again = NULL;
    const double box[] = {0, 0, 16, 30}, top[] = {0, 1};
    double map[6];
    EXPECT(0, circlet_curve_fit_to_box(curve, box, CIRCLET_FIT_CONTAIN, NULL, map));
    CHECK(map[0] == 2 && map[3] == 2 && map[4] == 0 && map[5] == 12);
    EXPECT(0, circlet_curve_fit_to_box(curve, box, CIRCLET_FIT_CONTAIN, top, map));
    CHECK(map[3] == 2 && map[5] == 24);
    EXPECT(CIRCLET_BAD_CURVE, circlet_curve_fit_to_box(curve, box, CIRCLET_FIT_COVER, (double[]){0.5, 1.5}, map));
    says("the alignment along y is 1.5");
    EXPECT(CIRCLET_INVALID, circlet_curve_fit_to_box(curve, box, 3, top, map));
    EXPECT(0, circlet_curve_transform(curve, map, &image));
    circlet_text *text = NULL;
    EXPECT(0, circlet_curve_to_svg(image, &text));
    CHECK(strcmp(circlet_text_data(text), "M0 24C0 32 16 32 16 24") == 0);
    EXPECT(1, circlet_curve_new_svg(circlet_text_data(text), &again, 1));
    EXPECT(2, circlet_curve_dimensions(again));
    EXPECT(CIRCLET_INVALID, circlet_curve_to_svg(image, NULL));
    circlet_text_free(text);
    circlet_curve_free(curve);
    circlet_curve_free(image);
    circlet_curve_free(again);
}

int main(void) {
    alarm(120);
    curves_have_one_to_four_dimensions();
    only_a_curve_of_the_plane_has_what_takes_one();
    directions_and_derivatives();
    parts_go_together_again();
    lengths_lead_to_parameters_and_back();
    places_are_found();
    points_are_thinned_out_and_fitted();
    polylines_are_counted_and_then_written();
    drawings_are_placed_and_written();
    return 0;
}
