/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/log.h"
#include "summary_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_WIDTH = 28, NUMBER_TEXT = 32 };

/* A number, or NA, in a column of 12. */
static const char *number(double value, const char *format, char text[static NUMBER_TEXT])
{
    if (isnan(value))
        snprintf(text, NUMBER_TEXT, "NA");
    else
        snprintf(text, NUMBER_TEXT, format, value);
    return text;
}

/* Of the same table with --bootstrap: what the refits say in the place of z and p. */
static void print_bootstrap_row(const struct summary *summary, const char *name,
                                const struct coefficient *row)
{
    const struct bootstrap *bootstrap = &summary->bootstrap;
    size_t i = (size_t)(row - summary->coefficients.rows);
    char text[6][NUMBER_TEXT];
    log_info("%-*s %12s %12s %9s %9s %12s %12s", NAME_WIDTH, name,
             number(row->estimate, "%.6g", text[0]), number(row->error, "%.4g", text[1]),
             number(bootstrap->error[i], "%.4g", text[2]),
             number(100 * bootstrap->coverage[i], "%.1f %%", text[3]),
             number(bootstrap->lower[i], "%.6g", text[4]),
             number(bootstrap->upper[i], "%.6g", text[5]));
}

static void print_row(const struct summary *summary, const char *name,
                      const struct coefficient *row)
{
    char text[6][NUMBER_TEXT];
    if (summary->bootstrap.n > 0) {
        print_bootstrap_row(summary, name, row);
        return;
    }
    log_info("%-*s %12s %12s %9s %9s %12s %12s", NAME_WIDTH, name,
             number(row->estimate, "%.6g", text[0]), number(row->error, "%.4g", text[1]),
             number(row->z, "%.3f", text[2]), number(row->p, "%.3g", text[3]),
             number(row->lower, "%.6g", text[4]), number(row->upper, "%.6g", text[5]));
}

static void print_heading(const struct summary *summary, const char *title)
{
    char low[32], high[32];
    snprintf(low, sizeof low, "%g %% from", 100 * summary->level);
    snprintf(high, sizeof high, "to");
    log_info("%s", "");
    bool refitted = summary->bootstrap.n > 0;
    log_info("%-*s %12s %12s %9s %9s %12s %12s", NAME_WIDTH, title, "estimate", "std. error",
             refitted ? "refits" : "z", refitted ? "coverage" : "p", low, high);
}

static void print_network(const struct summary *summary, const struct input_choice *seen,
                          const struct coefficient *rows)
{
    for (size_t u = 0; u < summary->coefficients.n_units; u++) {
        const char *name = summary_unit_name(summary->loaded, seen, u);
        if (name)
            print_row(summary, name, &rows[u]);
    }
}

static void print_expert(const struct summary *summary, size_t e)
{
    const struct coefficients *all = &summary->coefficients;
    const char *link = likelihood_family(summary->loaded->problem.model.likelihood)->link;
    char title[160];
    for (size_t k = 0; k < all->n_outputs; k++) {
        const struct coefficient *rows = all->output + (e * all->n_outputs + k) * all->n_units;
        const char *against, *name = summary_output_name(summary->loaded, k, &against);
        if (against && k == 0) /* what the others are compared with */
            continue;
        snprintf(title, sizeof title, "expert %zu, %s%s%s%s", e,
                 summary_has_odds(summary->loaded) ? "log odds of "
                 : link                            ? link
                                                   : "",
                 name, against ? " to " : "", against ? against : "");
        print_heading(summary, title);
        print_network(summary, summary_experts_see(summary), rows);
        if (all->sigma)
            print_row(summary, all->row->name, &all->sigma[e * all->n_outputs + k]);
        if (all->freedom)
            print_row(summary, coefficients_freedom.name, &all->freedom[e]);
    }
}

static void print_gate(const struct summary *summary, size_t e)
{
    const struct coefficients *all = &summary->coefficients;
    char title[160];
    if (!all->logit || e == summary->covariance.reference)
        return;
    snprintf(title, sizeof title, "gate, log odds of %zu to %zu", e, summary->covariance.reference);
    print_heading(summary, title);
    print_network(summary, summary_gate_sees(summary), all->logit + e * all->n_units);
}

static void print_fit(const struct summary *summary)
{
    const struct fit *fit = &summary->fit;
    log_info("%zu samples of %s, %s", summary->loaded->samples.dataset.shape.n,
             source_info(summary->loaded->source)->path, summary_part_name(summary->loaded));
    if (isnan(fit->log_likelihood)) {
        log_info("no likelihood: the error that was trained with has none");
        return;
    }
    log_info("log-likelihood %.8g  free parameters %.0f  AIC %.8g  BIC %.8g  ICL %.8g",
             fit->log_likelihood, fit->parameters, fit->aic, fit->bic, fit->icl);
    if (fit->n_experts > 1)
        log_info("entropy of the posteriors %.6g, %.1f %% of the most possible", fit->entropy,
                 100 * fit->entropy / (fit->n * log((double)fit->n_experts)));
}

static void print_use(const struct summary *summary)
{
    const struct fit *fit = &summary->fit;
    log_info("expert  mean g  mean h");
    for (size_t i = 0; i < fit->n_experts; i++)
        log_info("%6zu  %6.3f  %6.3f", fit->order[i], fit->g[fit->order[i]], fit->h[fit->order[i]]);
}

static void print_effects(const struct summary *summary)
{
    const struct fit *fit = &summary->fit;
    char text[NUMBER_TEXT], title[160];
    for (size_t k = 0; k < fit->n_outputs; k++) {
        const char *against, *name = summary_output_name(summary->loaded, k, &against);
        snprintf(title, sizeof title, "%s of %s",
                 summary_has_odds(summary->loaded) ? "probability" : "prediction", name);
        log_info("%s", "");
        log_info("%-*s %12s", NAME_WIDTH, title, "mean slope");
        for (size_t j = 0; j < fit->n_inputs; j++)
            log_info("%-*s %12s", NAME_WIDTH, summary->loaded->record.input_names.item[j],
                     number(fit->effect[k * fit->n_inputs + j], "%.6g", text));
    }
}

void summary_print(const struct summary *summary)
{
    const struct fit *fit = &summary->fit;
    const char *doubt = summary_doubt(summary);
    print_fit(summary);
    if (summary->lacks)
        log_info("no standard errors: %s; mean slopes only", summary->lacks);
    else
        log_info("standard errors: %s", summary->is_robust
                                            ? "sandwich (robust against a wrong model)"
                                            : "observed information of the mixture");
    if (summary->bootstrap.n > 0)
        log_info("bootstrap: %zu refits to targets drawn from the model, %zu converged",
                 summary->bootstrap.n, summary->bootstrap.n_converged);
    if (summary->more.n > 0)
        log_info("one expert more: 2 (ln L' - ln L) = %.4g, p = %.3g by the bootstrap (%zu drawn)",
                 summary->more.statistic, summary->more.p, summary->more.n);
    print_use(summary);
    for (size_t i = 0; i < fit->n_experts && !summary->lacks; i++)
        print_expert(summary, fit->order[i]);
    for (size_t i = 0; i < fit->n_experts && !summary->lacks; i++)
        print_gate(summary, fit->order[i]);
    print_effects(summary);
    if (doubt)
        log_warning("%s", doubt);
}
