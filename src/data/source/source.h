/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SOURCE_H
#define COTERIE_DATA_SOURCE_H

#include "base/status.h"
#include "base/string_list.h"
#include "data/source/source_format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A source of samples: files of all formats and built-in tables behind one interface. It is opened
 * by rank 0 only; everything here is Local. Numbers are read in blocks so that an HDF5 file
 * never has to fit into memory twice.
 */

enum target_kind {
    TARGETS_AUTO,     /* strings, or HDF5 integers of shape (N): labels; else numbers */
    TARGETS_NUMBERS,  /* (N, T) numbers */
    TARGETS_LABELS,   /* (N) labels: strings, or whole numbers taken as names of classes */
    TARGETS_OPTIONAL, /* as AUTO, but it is no error if there are none (predict) */
    TARGETS_NONE      /* columns named as targets are no inputs, but are not read either */
};

/* What to do with rows that lack a value which is needed. */
enum source_gaps {
    SOURCE_GAPS_REFUSED,
    SOURCE_GAPS_IN_INPUTS, /* of inputs, group, weight: the row is `incomplete`, its numbers mean
                              nothing; in targets they are refused */
    SOURCE_GAPS_KEPT       /* the same for targets */
};

/*
 * Which columns (CSV, built-in) or data sets (HDF5). NULL where the user has not said. In an HDF5
 * file a name may also be that of a column of the default data set, as a checkpoint knows it.
 */
struct source_request {
    const char *path;    /* file, or builtin:vowels[/train|/test], builtin:vowels10[/train|/test] */
    const char *inputs;  /* names with commas; default /x, or all columns but the other three */
    const char *exclude; /* names with commas: columns left out of the default inputs. Does not go
                            with `inputs` */
    const char *targets; /* names with commas; default /y, or the last column */
    const char *group;   /* one name; default /group if there is one; speaker for the built-in */
    const char *weight;  /* one name; default /weight if there is one */
    const char *categories; /* names with commas: columns whose numbers are codes, so text */
    const struct string_list *model_inputs; /* names of a model's inputs, by which columns of text
                                               are coded; NULL: by all of their texts */
    const struct string_list *gap_columns;  /* columns with an input that tells where they have no
                                               value; NULL: those that have gaps */
    enum target_kind target_kind;
    enum source_gaps gaps;
    bool codes_gaps; /* a gap in an input makes no row incomplete: the number is NAN, and inputs of
                        gap_inputs.h follow the others */
    bool wants_classes;    /* with AUTO: numbers among words are names of classes, too */
    bool exclude_if_there; /* what `exclude` and `categories` name need not exist */
    bool numbers_only;     /* HDF5: neither labels, groups nor weights are looked for */
};

/* All arrays are owned by the source. */
struct source_info {
    const char *path; /* as requested */
    const struct source_format *format;
    char separator;   /* of the cells of a text table, as in csv_table; else 0 */
    size_t n;         /* samples, >= 1 */
    size_t n_inputs;  /* D >= 1 */
    size_t n_targets; /* columns of numbers; 0 without targets and for labels */
    bool has_labels;
    struct string_list input_names;  /* (D); where the file has none, the data set's own name with
                                        the number of the column: x0, x1, ... */
    bool names_known;                /* the names come from the file */
    struct string_list target_names; /* (T), or the one name of the labels; empty without targets */
    struct string_list unit_columns, units; /* columns whose unit the file tells, and it */
    struct string_list classes; /* sorted: as numbers if all are numbers, else by bytes; the
                                   built-in vowels in their own order */
    int32_t *label;             /* (n), index into classes; NULL without labels */
    struct string_list group_names;
    int32_t *group;   /* (n), index into group_names; NULL without groups */
    double *weight;   /* (n), all >= 0 and at least one > 0; NULL without weights */
    bool *incomplete; /* (n) rows that lack a value; NULL: none does */
    size_t n_incomplete;
    struct string_list gap_columns; /* with codes_gaps: columns of inputs that have gaps */
    size_t *gap_cells;              /* (gap_columns.n) how many */
    struct string_list notes;       /* how the file was read, one line each, to be told once */
    struct string_list warnings;    /* and what in it may be wrong */
};

struct source;

/* Opened by source_open of data/formats/formats.h. */
const struct source_info *source_info(const struct source *source);
/* The unit of a column; "" if the file does not tell it. */
const char *source_unit(const struct source_info *info, const char *column);
/* A request that opens the same columns once more, elsewhere too. */
const struct source_request *source_asked(const struct source *source);
void source_close(struct source **source);

/*
 * Reads samples first .. first+n-1: x (n, D) and y (n, T), row by row; either may be NULL.
 * STATUS_USAGE naming file, data set, row and column if a number is not finite, and is no gap that
 * was asked for.
 */
status source_read(struct source *source, size_t first, size_t n, double *x, double *y);

/*
 * Where gaps are not refused: reads all numbers once if any may be missing, so that `incomplete`
 * tells all rows that lack one, with a warning of the first. Such a row has some number in its
 * place. Text tables know it when they are open, and nothing is done. STATUS_USAGE if no row is
 * complete. With codes_gaps the source may have more inputs afterwards.
 */
status source_find_gaps(struct source *source);

/*
 * The same in two parts, around a pass over all numbers that is made anyway. *has_changed: rows are
 * incomplete now that were not, or there are more inputs.
 */
status source_watch_gaps(struct source *source);
status source_take_gaps(struct source *source, bool *has_changed);

/*
 * Targets, and inputs if asked for, stay in memory once a pass over all samples has read them, and
 * are not read from the file again; nothing changes if that would be more than `most` bytes, or if
 * they are in memory anyway.
 */
void source_keep(struct source *source, bool inputs, size_t most);
void source_forget(struct source *source);

/*
 * Arrays of at least `least` bytes in an HDF5 file are read past the page cache from now on, where
 * that is possible: for samples that do not fit into memory and are read again and again.
 */
void source_read_directly(struct source *source, uint64_t least);

/*
 * Replaces the source's classes by those of a trained model, and its labels by their indices there.
 * STATUS_USAGE naming the first label that the model does not know, with its row (CSV: line).
 */
status source_map_classes(struct source *source, const struct string_list *classes);

/* A number that changes when names, shape or any value of the samples changes (xxHash, 64 bits). */
status source_fingerprint(struct source *source, uint64_t *fingerprint);

#endif
