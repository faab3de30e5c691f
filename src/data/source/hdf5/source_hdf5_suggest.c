/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/source/hdf5/source_hdf5.h"

#include "source_hdf5_internal.h"

#include "base/memory.h"
#include "base/message.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* What a data set could be of the samples. */
struct candidate {
    char *name; /* owned */
    struct hdf5_shape shape;
    enum hdf5_role role;
};

struct contents {
    struct hdf5_file *file;
    struct candidate *item;
    size_t n;
    const char *hint; /* what to do about one of them; NULL if there is nothing to say */
};

static status add_candidate(const char *name, const struct hdf5_shape *shape, void *context)
{
    struct contents *contents = context;
    if (shape->kind == HDF5_GROUP)
        return STATUS_OK;
    status outcome = STATUS_OK;
    size_t n = contents->n;
    if ((n & (n - 1)) == 0) /* full: the capacity is a power of two */
        outcome = memory_grow(&contents->item, n, n ? 2 * n : 1, sizeof *contents->item,
                              "the list of data sets");
    if (outcome != STATUS_OK)
        return outcome;
    struct candidate *added = &contents->item[contents->n];
    char asked[NAME_SIZE];
    snprintf(asked, sizeof asked, "%s", name);
    added->shape = *shape;
    added->role = hdf5_role_of(contents->file, asked, &added->shape);
    if (!contents->hint && shape->rank > 0)
        contents->hint = hdf5_store_hint(contents->file, name);
    added->name = memory_strdup(asked);
    if (!added->name)
        return status_set(STATUS_FAILED, "not enough memory for the list of data sets");
    contents->n++;
    return STATUS_OK;
}

static void release_contents(struct contents *contents)
{
    for (size_t i = 0; i < contents->n; i++)
        memory_free(&contents->item[i].name);
    memory_free(&contents->item);
}

static bool holds_numbers(const struct candidate *candidate)
{
    const struct hdf5_shape *shape = &candidate->shape;
    return candidate->role != HDF5_NO_ROLE &&
           (shape->kind == HDF5_FLOAT || shape->kind == HDF5_INTEGER) &&
           (shape->rank == 1 || shape->rank == 2) && shape->dims[0] > 0 &&
           (shape->rank == 1 || shape->dims[1] > 0);
}

/* Whether the last part of a name is one of these words, in capitals or not. */
static bool is_called(const char *name, const char *const *words)
{
    const char *slash = strrchr(name, '/');
    for (; *words; words++)
        if (strcasecmp(slash ? slash + 1 : name, *words) == 0)
            return true;
    return false;
}

static const char *const words_for_inputs[] = {"x", "inputs", "features", "data", NULL};
static const char *const words_for_targets[] = {"y",       "targets", "target",  "labels", "label",
                                                "classes", "class",   "outputs", "output", NULL};

/* What is called so, else a matrix, else the first column that is not called a target. */
static const struct candidate *likely_inputs(const struct contents *contents)
{
    const struct candidate *best = NULL;
    int best_rank = 0;
    for (size_t i = 0; i < contents->n; i++) {
        const struct candidate *item = &contents->item[i];
        int rank = is_called(item->name, words_for_inputs)    ? 3
                   : is_called(item->name, words_for_targets) ? 0
                                                              : item->shape.rank;
        if (holds_numbers(item) && item->role == HDF5_ANY_ROLE && rank > best_rank) {
            best = item;
            best_rank = rank;
        }
    }
    return best;
}

static bool is_same(const char *a, const char *b)
{
    return strcmp(a + (*a == '/'), b + (*b == '/')) == 0;
}

/* Of those with as many rows what is called so, else the last column, else what is left. */
static const struct candidate *likely_targets(const struct contents *contents, const char *inputs,
                                              uint64_t n)
{
    const struct candidate *best = NULL;
    int best_rank = 0;
    for (size_t i = 0; i < contents->n; i++) {
        const struct candidate *item = &contents->item[i];
        bool is_text =
            item->role != HDF5_NO_ROLE && item->shape.kind == HDF5_STRING && item->shape.rank == 1;
        int rank = is_called(item->name, words_for_targets) ? 3 : 3 - item->shape.rank;
        if ((holds_numbers(item) || is_text) && item->shape.dims[0] == n &&
            !is_same(item->name, inputs) && rank >= best_rank) {
            best = item;
            best_rank = rank;
        }
    }
    return best;
}

/* One of them; or, if it is a column, all columns like it that are not the targets. */
static status name_inputs(const struct contents *contents, const struct candidate *x,
                          const struct candidate *y, struct string_list *names)
{
    status outcome = STATUS_OK;
    for (size_t i = 0; i < contents->n && outcome == STATUS_OK; i++) {
        const struct candidate *item = &contents->item[i];
        bool is_like_it = x->shape.rank == 1 && item->shape.rank == 1 && holds_numbers(item) &&
                          item->role == HDF5_ANY_ROLE && item->shape.dims[0] == x->shape.dims[0];
        if (item == x || (is_like_it && item != y))
            outcome = string_list_add(names, item->name);
    }
    return outcome;
}

static status add_option(const char *option, const struct string_list *names, char *text,
                         size_t size)
{
    char shell[SOURCE_SHELL_TEXT];
    size_t used = strlen(text);
    status outcome = source_shell_names(names, shell);
    if (outcome == STATUS_OK)
        message_print(text + used, size - used, "%s@%s %s", used ? " " : "", option, shell);
    return outcome;
}

/* "--inputs /X --targets /Y", `inputs` (or NULL) being known; "" for what is found nowhere. */
static status suggest(const struct contents *contents, const char *inputs, uint64_t n, char *text,
                      size_t size)
{
    struct string_list x_names = {0}, y_names = {0};
    const struct candidate *x = inputs ? NULL : likely_inputs(contents), *y = NULL;
    status outcome = STATUS_OK;
    text[0] = '\0';
    if (x || inputs)
        y = likely_targets(contents, x ? x->name : inputs, x ? x->shape.dims[0] : n);
    if (x)
        outcome = name_inputs(contents, x, y, &x_names);
    if (x && outcome == STATUS_OK)
        outcome = add_option("inputs", &x_names, text, size);
    if (y && outcome == STATUS_OK)
        outcome = string_list_add(&y_names, y->name);
    if (y && outcome == STATUS_OK)
        outcome = add_option("targets", &y_names, text, size);
    string_list_release(&x_names);
    string_list_release(&y_names);
    return outcome;
}

status source_suggest_hdf5(struct hdf5_file *file, char text[SOURCE_SUGGESTION])
{
    struct contents contents = {.file = file};
    status outcome = hdf5_visit(file, "/", add_candidate, &contents);
    if (outcome == STATUS_OK)
        outcome = suggest(&contents, NULL, 0, text, SOURCE_SUGGESTION);
    if (outcome == STATUS_OK && !*text && contents.hint)
        message_advice(text, SOURCE_SUGGESTION, contents.hint);
    release_contents(&contents);
    return outcome;
}

/* "/X (500, 4), /label (500) text": what the file has, in one line. */
static void describe(const struct contents *contents, char *text, size_t size)
{
    static const char *const kinds[] = {[HDF5_FLOAT] = "",
                                        [HDF5_INTEGER] = "",
                                        [HDF5_STRING] = " text",
                                        [HDF5_TABLE] = " table of columns",
                                        [HDF5_COMPLEX] = " of complex numbers",
                                        [HDF5_OTHER] = " of another type"};
    size_t used = 0;
    snprintf(text, size, "none");
    for (size_t i = 0; i < contents->n && used < size; i++) {
        const struct candidate *item = &contents->item[i];
        char shape[SHAPE_TEXT];
        used += (size_t)snprintf(text + used, size - used, "%s%s (%s)%s", i ? ", " : "", item->name,
                                 hdf5_shape_text(&item->shape, shape), kinds[item->shape.kind]);
    }
    if (used >= size)
        strcpy(text + size - sizeof "...", "...");
}

static const char *other_way(const struct contents *contents)
{
    if (contents->hint)
        return contents->hint;
    for (size_t i = 0; i < contents->n; i++)
        if (contents->item[i].shape.kind == HDF5_TABLE)
            return "save a table as CSV, or its columns as an array";
    return "samples are rows of an array of shape (N, columns)";
}

status hdf5_no_default(const struct source *source, struct hdf5_reader *reader,
                       const struct hdf5_columns *columns)
{
    struct contents contents = {.file = reader->file};
    char there[700], suggestion[SOURCE_SUGGESTION];
    bool has_inputs = reader->x.n > 0;
    status outcome = hdf5_visit(reader->file, "/", add_candidate, &contents);
    if (outcome == STATUS_OK)
        outcome = suggest(&contents, has_inputs ? reader->x.datasets.item[0] : NULL, source->info.n,
                          suggestion, sizeof suggestion);
    if (outcome == STATUS_OK) {
        describe(&contents, there, sizeof there);
        outcome = status_set(
            STATUS_USAGE, "%s: there is no data set '%s', which is read without @%s; there %s: %s",
            source->path, columns->default_dataset, columns->option, contents.n < 2 ? "is" : "are",
            there);
        outcome = *suggestion ? status_set(outcome, "%s; for example %s", status_text(), suggestion)
                              : status_advise(outcome, other_way(&contents));
    }
    release_contents(&contents);
    return outcome;
}
