/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/samples/scaler.h"

#include <math.h>

static status check_some_there(const struct source_info *info, const struct survey_moments *moments)
{
    for (size_t c = 0; c < moments->n_inputs; c++)
        if (moments->gaps_old[c] == moments->n_old)
            return status_set(STATUS_USAGE,
                              "%s: input '%s' has no value in any of the %zu samples to train "
                              "on{; leave it out with @exclude}",
                              info->path, info->input_names.item[c], moments->n_old);
    return STATUS_OK;
}

/* The columns of a scaler, n of them: inputs, and targets if they are scaled. */
static status take_moments(struct scaler *scaler, const struct source_info *info,
                           const struct survey_moments *moments, size_t n)
{
    for (size_t c = 0; c < n; c++) {
        bool is_input = c < moments->n_inputs;
        size_t place = is_input ? c : c - moments->n_inputs;
        double mean = moments->mean[c];
        size_t n_there = moments->n_old - moments->gaps_old[c];
        double scale = sqrt(moments->square[c] / (double)n_there);
        /* Rounding gives even a constant column a tiny deviation, which would blow it up. */
        scaler->is_constant[c] = moments->least[c] == moments->largest[c];
        if (scaler->is_constant[c]) {
            mean = moments->least[c];
            scale = 1;
        }
        if (!isfinite(mean) || !isfinite(scale) || scale == 0)
            return status_set(STATUS_USAGE,
                              "column '%s': its numbers, %g to %g, are too large or too close "
                              "together to be standardised; rescale them{ or use @scale none}",
                              is_input ? info->input_names.item[place]
                                       : info->target_names.item[place],
                              moments->least[c], moments->largest[c]);
        (is_input ? scaler->x_mean : scaler->y_mean)[place] = mean;
        (is_input ? scaler->x_scale : scaler->y_scale)[place] = scale;
    }
    return STATUS_OK;
}

status scaler_fit(struct scaler *scaler, const struct source_info *info,
                  const struct data_survey *survey, enum scaling scaling, double number,
                  bool scale_targets)
{
    if (scaling == SCALING_NUMBER && (number == 0 || !isfinite(number)))
        return status_set(STATUS_USAGE, "@scale %g: inputs cannot be divided by that", number);
    status outcome = check_some_there(info, &survey->moments);
    if (outcome != STATUS_OK)
        return outcome;
    outcome = scaler_init(scaler, info->n_inputs, info->n_targets);
    for (size_t c = 0; c < scaler->n_inputs; c++) {
        scaler->x_least[c] = survey->moments.least[c];
        scaler->x_most[c] = survey->moments.largest[c];
    }
    if (outcome == STATUS_OK && scaling == SCALING_STANDARD)
        outcome = take_moments(scaler, info, &survey->moments,
                               info->n_inputs + (scale_targets ? info->n_targets : 0));
    for (size_t c = 0; c < scaler->n_inputs && outcome == STATUS_OK && scaling == SCALING_NUMBER;
         c++)
        scaler->x_scale[c] = number;
    if (outcome != STATUS_OK)
        scaler_release(scaler);
    return outcome;
}
