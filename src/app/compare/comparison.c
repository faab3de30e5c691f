/* SPDX-License-Identifier: BSD-3-Clause */
#include "comparison.h"

#include "base/json_number.h"
#include "base/log.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool are_same_rows(const struct compared_run *a, const struct compared_run *b)
{
    return a->has_held_out && b->has_held_out && strcmp(a->rows, b->rows) == 0;
}

/* Unknown errors last; equals as their names. */
static int by_group_and_nll(const void *a, const void *b)
{
    const struct compared_run *one = a, *other = b;
    const double x = one->held_out.nll, y = other->held_out.nll;
    if (one->has_held_out != other->has_held_out)
        return one->has_held_out ? -1 : 1;
    if (one->group != other->group)
        return one->group < other->group ? -1 : 1;
    if (isnan(x) != isnan(y))
        return isnan(x) ? 1 : -1;
    if (x != y && !isnan(x))
        return x < y ? -1 : 1;
    return strcmp(one->name, other->name);
}

void comparison_order(struct comparison *comparison)
{
    struct compared_run *run = comparison->run;
    size_t n_groups = 0;
    for (size_t i = 0; i < comparison->n; i++) {
        size_t first = 0;
        while (first < i && !are_same_rows(&run[first], &run[i]))
            first++;
        run[i].group = first < i ? run[first].group : n_groups++;
    }
    qsort(run, comparison->n, sizeof *run, by_group_and_nll);
    /* Numbered in the order of the table; runs without rows are no group. */
    comparison->n_groups = 0;
    size_t before = n_groups;
    for (size_t i = 0; i < comparison->n && run[i].has_held_out; i++) {
        const size_t group = run[i].group;
        comparison->n_groups += group != before;
        run[i].group = comparison->n_groups - 1;
        before = group;
    }
}

/* What may stand in a column: the errors that are known of any run. */
static const struct column {
    const char *title;
    size_t offset; /* in struct compared_run */
    double factor;
} columns[] = {
    {"nll", offsetof(struct compared_run, held_out.nll), 1},
    {"rmse", offsetof(struct compared_run, held_out.rmse), 1},
    {"% right", offsetof(struct compared_run, held_out.accuracy), 100},
    {"nll trained on", offsetof(struct compared_run, trained.nll), 1},
};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static double value_in(const struct compared_run *run, const struct column *column)
{
    double value;
    memcpy(&value, (const char *)run + column->offset, sizeof value);
    return column->factor * value;
}

static bool is_known(const struct comparison *comparison, const struct column *column)
{
    bool known = false;
    for (size_t i = 0; i < comparison->n; i++)
        known |= isfinite(value_in(&comparison->run[i], column));
    return known;
}

/* A, B, ..., Z, AA, AB, ... */
static void letters(size_t number, char text[8])
{
    char reversed[8];
    size_t length = 0;
    for (number++; number > 0 && length < sizeof reversed - 1; number = (number - 1) / 26)
        reversed[length++] = (char)('A' + (number - 1) % 26);
    for (size_t i = 0; i < length; i++)
        text[i] = reversed[length - 1 - i];
    text[length] = '\0';
}

struct table_widths {
    int name, structure;
};

static struct table_widths widths_of(const struct comparison *comparison)
{
    struct table_widths widths = {3, 5};
    for (size_t i = 0; i < comparison->n; i++) {
        char structure[256];
        compared_run_structure(&comparison->run[i], structure, sizeof structure);
        const int name = (int)strlen(comparison->run[i].name), length = (int)strlen(structure);
        widths.name = name > widths.name ? name : widths.name;
        widths.structure = length > widths.structure ? length : widths.structure;
    }
    return widths;
}

static void print_row(const struct comparison *comparison, const struct compared_run *run,
                      struct table_widths widths)
{
    char structure[256], rows[8] = "-", line[512] = "";
    size_t used = 0;
    compared_run_structure(run, structure, sizeof structure);
    if (run->has_held_out)
        letters(run->group, rows);
    for (int c = 0; c < N_COLUMNS; c++) {
        const double value = value_in(run, &columns[c]);
        char text[32] = "-";
        if (!is_known(comparison, &columns[c]))
            continue;
        if (isfinite(value))
            snprintf(text, sizeof text, "%.5g", value);
        used += (size_t)snprintf(line + used, sizeof line - used, "  %14s", text);
    }
    log_info("%-*s  %-*s  %10zu  %6lld  %-4s%s%s", widths.name, run->name, widths.structure,
             structure, model_n_parameters(&run->problem.model), (long long)run->epoch, rows, line,
             run->has_learned_them ? "  trained on them" : "");
}

/* What the letters stand for, and what may be compared. */
static void print_rows(const struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->n; i++) {
        const struct compared_run *run = &comparison->run[i];
        char name[8];
        if (!run->has_held_out || (i > 0 && run[-1].group == run->group))
            continue;
        letters(run->group, name);
        log_info("rows %s   %s", name, run->rows_for_people);
    }
}

static void print_verdict(const struct comparison *comparison)
{
    const struct compared_run *first = &comparison->run[0], *last = first + comparison->n - 1;
    if (first->has_held_out && last->has_held_out && comparison->n_groups == 1) {
        if (comparison->n > 1)
            log_info("The same rows: %s has the least nll.", first->name);
        return;
    }
    if (first->has_held_out && !last->has_held_out)
        log_info("Runs with - held nothing out: how good they are is not known.");
    if (comparison->n_groups > 1)
        log_info("Not the same rows: compare only runs with the same letter.");
    log_info("%s--data FILE judges all of them on the same samples.",
             first->has_held_out ? "" : "No run held anything out. ");
}

void comparison_print(const struct comparison *comparison)
{
    const struct table_widths widths = widths_of(comparison);
    char head[512] = "";
    size_t used = 0;
    for (int c = 0; c < N_COLUMNS; c++)
        if (is_known(comparison, &columns[c]))
            used += (size_t)snprintf(head + used, sizeof head - used, "  %14s", columns[c].title);
    log_info("%-*s  %-*s  %10s  %6s  %-4s%s", widths.name, "run", widths.structure, "model",
             "parameters", "epoch", "rows", head);
    for (size_t i = 0; i < comparison->n; i++)
        print_row(comparison, &comparison->run[i], widths);
    print_rows(comparison);
    print_verdict(comparison);
}

static json_t *errors_json(const struct compared_errors *errors)
{
    return json_pack("{s:o, s:o, s:o}", "nll", json_number(errors->nll), "rmse",
                     json_number(errors->rmse), "accuracy", json_number(errors->accuracy));
}

static json_t *run_json(const struct compared_run *run)
{
    const struct model_config *model = &run->problem.model;
    const size_t members = model->n_members > 1 ? model->n_members : 1;
    char structure[256], rows[8];
    json_t *object = json_object();
    compared_run_structure(run, structure, sizeof structure);
    letters(run->group, rows);
    json_object_set_new(object, "run", json_string(run->name));
    json_object_set_new(object, "checkpoint", json_string(run->checkpoint));
    json_object_set_new(object, "model", json_string(structure));
    json_object_set_new(object, "experts", json_integer((json_int_t)model->n_experts));
    json_object_set_new(object, "committee", json_integer((json_int_t)members));
    json_object_set_new(object, "parameters", json_integer((json_int_t)model_n_parameters(model)));
    json_object_set_new(object, "epoch", json_integer(run->epoch));
    json_object_set_new(object, "rows", run->has_held_out ? json_string(rows) : json_null());
    json_object_set_new(object, "rows_are", json_string(run->rows_for_people));
    json_object_set_new(object, "errors", errors_json(&run->held_out));
    json_object_set_new(object, "errors_trained_on", errors_json(&run->trained));
    json_object_set_new(object, "trained_on_rows", json_boolean(run->has_learned_them));
    return object;
}

void comparison_print_json(const struct comparison *comparison)
{
    json_t *result = json_object(), *runs = json_array();
    bool are_same = comparison->n_groups == 1;
    for (size_t i = 0; i < comparison->n; i++) {
        are_same &= comparison->run[i].has_held_out;
        json_array_append_new(runs, run_json(&comparison->run[i]));
    }
    json_object_set_new(result, "same_rows", json_boolean(are_same));
    json_object_set_new(result, "runs", runs);
    json_dumpf(result, stdout, JSON_REAL_PRECISION(17) | JSON_INDENT(1));
    fputc('\n', stdout);
    json_decref(result);
}
