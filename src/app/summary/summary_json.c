/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/json_number.h"
#include "summary_state.h"

#include <math.h>
#include <stdio.h>

static void set_bootstrap(json_t *object, const struct summary *summary,
                          const struct coefficient *row)
{
    const struct bootstrap *bootstrap = &summary->bootstrap;
    size_t i = (size_t)(row - summary->coefficients.rows);
    if (bootstrap->n == 0)
        return;
    json_object_set_new(object, "bootstrap_std_error", json_number(bootstrap->error[i]));
    json_object_set_new(object, "bootstrap_lower", json_number(bootstrap->lower[i]));
    json_object_set_new(object, "bootstrap_upper", json_number(bootstrap->upper[i]));
    json_object_set_new(object, "coverage", json_number(bootstrap->coverage[i]));
}

static json_t *row_json(const struct summary *summary, const char *name,
                        const struct coefficient *row)
{
    json_t *object = json_object();
    json_object_set_new(object, "name", json_string(name));
    json_object_set_new(object, "estimate", json_number(row->estimate));
    json_object_set_new(object, "std_error", json_number(row->error));
    json_object_set_new(object, "z", json_number(row->z));
    json_object_set_new(object, "p", json_number(row->p));
    json_object_set_new(object, "lower", json_number(row->lower));
    json_object_set_new(object, "upper", json_number(row->upper));
    set_bootstrap(object, summary, row);
    return object;
}

static json_t *network_json(const struct summary *summary, const struct input_choice *seen,
                            const struct coefficient *rows)
{
    json_t *array = json_array();
    for (size_t u = 0; u < summary->coefficients.n_units; u++) {
        const char *name = summary_unit_name(summary->loaded, seen, u);
        if (name)
            json_array_append_new(array, row_json(summary, name, &rows[u]));
    }
    return array;
}

static json_t *text_or_null(const char *text)
{
    return text ? json_string(text) : json_null();
}

static json_t *outputs_json(const struct summary *summary, size_t e)
{
    const struct coefficients *all = &summary->coefficients;
    json_t *outputs = json_array();
    for (size_t k = 0; k < all->n_outputs && !summary->lacks; k++) {
        size_t at = e * all->n_outputs + k;
        const char *against, *name = summary_output_name(summary->loaded, k, &against);
        if (against && k == 0)
            continue;
        json_t *output = json_object();
        json_object_set_new(output, "output", json_string(name));
        json_object_set_new(output, "against", text_or_null(against));
        json_object_set_new(
            output, "coefficients",
            network_json(summary, summary_experts_see(summary), all->output + at * all->n_units));
        const char *dispersion = all->row ? all->row->name : "sigma";
        json_object_set_new(output, dispersion,
                            all->sigma ? row_json(summary, dispersion, &all->sigma[at])
                                       : json_null());
        if (all->freedom)
            json_object_set_new(output, coefficients_freedom.name,
                                row_json(summary, coefficients_freedom.name, &all->freedom[e]));
        json_array_append_new(outputs, output);
    }
    return outputs;
}

static json_t *experts_json(const struct summary *summary)
{
    const struct fit *fit = &summary->fit;
    json_t *experts = json_array();
    for (size_t i = 0; i < fit->n_experts; i++) {
        size_t e = fit->order[i];
        json_t *expert = json_object();
        json_object_set_new(expert, "expert", json_integer((json_int_t)e));
        json_object_set_new(expert, "mean_g", json_number(fit->g[e]));
        json_object_set_new(expert, "mean_h", json_number(fit->h[e]));
        json_object_set_new(expert, "outputs", outputs_json(summary, e));
        json_array_append_new(experts, expert);
    }
    return experts;
}

static json_t *gate_json(const struct summary *summary)
{
    const struct coefficients *all = &summary->coefficients;
    json_t *gate = json_array();
    for (size_t i = 0; i < summary->fit.n_experts && !summary->lacks && all->logit; i++) {
        size_t e = summary->fit.order[i], reference = summary->covariance.reference;
        if (e == reference)
            continue;
        json_t *logit = json_object();
        json_object_set_new(logit, "expert", json_integer((json_int_t)e));
        json_object_set_new(logit, "against", json_integer((json_int_t)reference));
        json_object_set_new(
            logit, "coefficients",
            network_json(summary, summary_gate_sees(summary), all->logit + e * all->n_units));
        json_array_append_new(gate, logit);
    }
    return gate;
}

static json_t *effects_json(const struct summary *summary)
{
    const struct fit *fit = &summary->fit;
    json_t *effects = json_array();
    for (size_t k = 0; k < fit->n_outputs; k++)
        for (size_t j = 0; j < fit->n_inputs; j++) {
            const char *against, *name = summary_output_name(summary->loaded, k, &against);
            json_t *effect = json_object();
            json_object_set_new(effect, "output", json_string(name));
            json_object_set_new(effect, "input",
                                json_string(summary->loaded->record.input_names.item[j]));
            json_object_set_new(effect, "mean_slope",
                                json_number(fit->effect[k * fit->n_inputs + j]));
            json_array_append_new(effects, effect);
        }
    return effects;
}

static json_t *more_json(const struct more_experts *more)
{
    if (more->n == 0)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "statistic", json_number(more->statistic));
    json_object_set_new(object, "p", json_number(more->p));
    json_object_set_new(object, "drawn", json_integer((json_int_t)more->n));
    return object;
}

static void set_fit(json_t *result, const struct fit *fit)
{
    double most = fit->n * log((double)fit->n_experts);
    json_object_set_new(result, "log_likelihood", json_number(fit->log_likelihood));
    json_object_set_new(result, "parameters", json_integer((json_int_t)fit->parameters));
    json_object_set_new(result, "aic", json_number(fit->aic));
    json_object_set_new(result, "bic", json_number(fit->bic));
    json_object_set_new(result, "icl", json_number(fit->icl));
    json_object_set_new(result, "entropy", json_number(fit->entropy));
    json_object_set_new(result, "entropy_share", json_number(most > 0 ? fit->entropy / most : NAN));
}

void summary_print_json(const struct summary *summary)
{
    const struct loaded_model *loaded = summary->loaded;
    json_t *result = json_object();
    json_object_set_new(result, "data", json_string(source_info(loaded->source)->path));
    json_object_set_new(result, "part", json_string(summary_part_name(loaded)));
    json_object_set_new(result, "n", json_integer((json_int_t)loaded->samples.dataset.shape.n));
    json_object_set_new(result, "weight", json_number(summary->fit.n));
    set_fit(result, &summary->fit);
    json_object_set_new(result, "standard_errors",
                        summary->lacks
                            ? json_null()
                            : json_string(summary->is_robust ? "sandwich" : "information"));
    json_object_set_new(result, "lacks", text_or_null(summary->lacks));
    json_object_set_new(result, "doubt", text_or_null(summary_doubt(summary)));
    json_object_set_new(result, "distance",
                        json_number(summary->lacks ? NAN : summary->covariance.distance));
    json_object_set_new(result, "level", json_number(summary->level));
    json_object_set_new(result, "bootstrap",
                        summary->bootstrap.n > 0 ? json_integer((json_int_t)summary->bootstrap.n)
                                                 : json_null());
    json_object_set_new(result, "bootstrap_converged",
                        summary->bootstrap.n > 0
                            ? json_integer((json_int_t)summary->bootstrap.n_converged)
                            : json_null());
    json_object_set_new(result, "test_experts", more_json(&summary->more));
    json_object_set_new(result, "experts", experts_json(summary));
    json_object_set_new(result, "gate", gate_json(summary));
    json_object_set_new(result, "mean_slopes", effects_json(summary));
    json_dumpf(result, stdout, JSON_REAL_PRECISION(17) | JSON_INDENT(1));
    fputc('\n', stdout);
    json_decref(result);
}
