/* SPDX-License-Identifier: BSD-3-Clause */
#include "coefficients.h"

#include "base/memory.h"
#include "math/blas.h"
#include "model/mixture/normal_mixture.h"

#include <math.h>
#include <string.h>

static const struct coefficient nothing = {NAN, NAN, NAN, NAN, NAN, NAN};

/* What turns scaled numbers into coefficients. */
struct conversion {
    const struct covariance *covariance;
    const struct information_layout *layout;
    const struct scaler *scaler;
    double quantile;  /* of the standard normal distribution, for the intervals */
    double *gradient; /* (W) of a coefficient by the values of its component */
};

/* Of a normal distribution; where the error is NAN all is but the estimate. */
static struct coefficient test(double estimate, double error, double quantile)
{
    struct coefficient row = {estimate, error, NAN, NAN, NAN, NAN};
    row.z = estimate / error;
    row.p = erfc(fabs(row.z) / sqrt(2));
    row.lower = estimate - quantile * error;
    row.upper = estimate + quantile * error;
    return row;
}

static const struct basis *basis_at(const struct conversion *conversion, size_t place)
{
    const struct covariance *covariance = conversion->covariance;
    return covariance_basis(covariance, conversion->layout, covariance->component[place]);
}

/* gradient^T V gradient of one component; NAN if the samples do not determine what it needs. */
static double variance_of(const struct conversion *conversion, size_t place)
{
    const struct covariance *covariance = conversion->covariance;
    size_t n = basis_at(conversion, place)->n, first = covariance->first[place];
    double sum = 0;
    for (size_t p = 0; p < n; p++) {
        if (conversion->gradient[p] != 0 && !covariance->known[first + p])
            return NAN;
        sum += conversion->gradient[p] *
               blas_dot(n, covariance->matrix + (first + p) * covariance->n + first,
                        conversion->gradient);
    }
    return sum >= 0 ? sum : NAN;
}

/* One coefficient: offset + gradient^T value. */
static struct coefficient row_of(const struct conversion *conversion, size_t place, double offset)
{
    const struct covariance *covariance = conversion->covariance;
    size_t n = basis_at(conversion, place)->n, first = covariance->first[place];
    double estimate = offset + blas_dot(n, conversion->gradient, covariance->value + first);
    return test(estimate, sqrt(variance_of(conversion, place)), conversion->quantile);
}

/* The network of a component, whose targets have this mean and scale; rows (W). */
static void convert_network(const struct conversion *conversion, size_t component, double y_mean,
                            double y_scale, struct coefficient *rows)
{
    const struct covariance *covariance = conversion->covariance;
    const struct scaler *scaler = conversion->scaler;
    size_t place = covariance_find(covariance, component);
    if (place == covariance->n_components)
        return;
    const struct basis *basis = basis_at(conversion, place);
    double *gradient = conversion->gradient;
    gradient[0] = y_scale;
    for (size_t p = 1; p < basis->n; p++) {
        size_t j = basis->unit[p] - 1;
        gradient[p] = -y_scale * scaler->x_mean[j] / scaler->x_scale[j];
    }
    rows[0] = row_of(conversion, place, y_mean);
    for (size_t p = 1; p < basis->n; p++) {
        size_t j = basis->unit[p] - 1;
        memset(gradient, 0, basis->n * sizeof *gradient);
        gradient[p] = y_scale / scaler->x_scale[j];
        rows[j + 1] = row_of(conversion, place, 0);
    }
}

/* What a family makes of ln variance, of a target with this scale; its interval is that of the
 * logarithm. */
static struct coefficient convert_sigma(const struct conversion *conversion,
                                        const struct dispersion_row *shown, size_t component,
                                        double y_scale)
{
    const struct covariance *covariance = conversion->covariance;
    size_t first = covariance->first[covariance_find(covariance, component)];
    double scale = shown->has_unit ? y_scale : 1, value = covariance->value[first];
    double error = covariance->known[first]
                       ? sqrt(covariance->matrix[first * covariance->n + first])
                       : (double)NAN;
    double one = scale * shown->value(value - conversion->quantile * error);
    double other = scale * shown->value(value + conversion->quantile * error);
    struct coefficient row = {scale * shown->value(value), NAN, NAN, NAN, NAN, NAN};
    row.error = scale * fabs(shown->slope(value)) * error;
    row.lower = one < other ? one : other;
    row.upper = one < other ? other : one;
    return row;
}

static double exponential(double logarithm)
{
    return exp(logarithm);
}

const struct dispersion_row coefficients_freedom = {"degrees of freedom", false, exponential,
                                                    exponential};

static double normal_quantile(double p)
{
    double g = 1, o = 0;
    struct dispersion standard = {.variance = 1};
    struct target_mixture normal = {1, &g, &o, &standard};
    return mixture_quantile(&normal_component, &normal, p);
}

static void convert_expert(const struct coefficients *coefficients,
                           const struct conversion *conversion,
                           const struct information_layout *layout, bool is_scaled, size_t e)
{
    const struct scaler *scaler = conversion->scaler;
    size_t width = layout->n_units, outputs = layout->n_outputs;
    for (size_t k = 0; k < outputs; k++) {
        double mean = is_scaled ? scaler->y_mean[k] : 0, scale = is_scaled ? scaler->y_scale[k] : 1;
        convert_network(conversion, information_output(layout, e, k), mean, scale,
                        coefficients->output + (e * outputs + k) * width);
        if (coefficients->sigma)
            coefficients->sigma[e * outputs + k] =
                convert_sigma(conversion, coefficients->row,
                              information_dispersion(layout, BY_VARIANCE, e), scale);
    }
    if (coefficients->freedom)
        coefficients->freedom[e] = convert_sigma(conversion, &coefficients_freedom,
                                                 information_dispersion(layout, BY_FREEDOM, e), 1);
    if (coefficients->logit)
        convert_network(conversion, information_logit(layout, e), 0, 1,
                        coefficients->logit + e * width);
}

status coefficients_init(struct coefficients *coefficients, const struct information *information,
                         const struct covariance *covariance, const struct scaler *scaler,
                         double level)
{
    const struct information_layout *layout = &information->layout;
    size_t experts = layout->n_experts, outputs = layout->n_outputs, width = layout->n_units;
    size_t n_output = experts * outputs * width, n_logit = layout->n_logits * width;
    size_t n_sigma = layout->is_learned[BY_VARIANCE] ? experts * outputs : 0;
    size_t n_freedom = layout->is_learned[BY_FREEDOM] ? experts : 0;
    size_t n = n_output + n_logit + n_sigma + n_freedom;
    bool is_scaled = output_functions[information->likelihood.output].is_unit_free &&
                     scaler->n_targets == outputs;
    struct conversion conversion = {.covariance = covariance,
                                    .layout = layout,
                                    .scaler = scaler,
                                    .quantile = normal_quantile(0.5 + 0.5 * level)};
    memset(coefficients, 0, sizeof *coefficients);
    coefficients->row = likelihood_family(information->likelihood.kind)->row;
    coefficients->n_experts = experts;
    coefficients->n_outputs = outputs;
    coefficients->n_units = width;
    status outcome =
        memory_alloc(&coefficients->rows, n, sizeof *coefficients->rows, "coefficients");
    if (outcome == STATUS_OK)
        outcome = memory_alloc(&conversion.gradient, width, sizeof(double), "coefficients");
    if (outcome != STATUS_OK)
        return outcome;
    for (size_t i = 0; i < n; i++)
        coefficients->rows[i] = nothing;
    coefficients->output = coefficients->rows;
    coefficients->logit = n_logit > 0 ? coefficients->rows + n_output : NULL;
    coefficients->sigma = n_sigma > 0 ? coefficients->rows + n_output + n_logit : NULL;
    coefficients->freedom = n_freedom > 0 ? coefficients->rows + (n - n_freedom) : NULL;
    for (size_t e = 0; e < experts; e++)
        convert_expert(coefficients, &conversion, layout, is_scaled, e);
    memory_free(&conversion.gradient);
    return outcome;
}

void coefficients_release(struct coefficients *coefficients)
{
    memory_free(&coefficients->rows);
}
