/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_SOURCE_INTERNAL_H
#define COTERIE_DATA_SOURCE_INTERNAL_H

#include "data/hdf5/hdf5_file.h"
#include "data/source/source.h"

/*
 * What the formats of sources share.
 */
enum { SOURCE_NAMES = 6 };

/* How numbers come from source_view. */
struct source_numbers {
    enum hdf5_number x, y;
    size_t rows_together; /* no copy is needed between multiples of it; 0: no such bounds */
};

/* Samples: (n, D) and (n, T), in the caller's buffers of that size or in a buffer of the source. */
struct source_view {
    void *x_room, *y_room;
    const void *x, *y;
};

/*
 * Numbers of a source that stay in memory once they have been read from the first sample on, as a
 * pass over all samples does: see source_keep.
 */
struct source_kept {
    double *x, *y;   /* (n, D), (n, T), owned; NULL: not kept */
    size_t n_x, n_y; /* samples that have been read; all of them before any is taken from here */
};

/* Rows that lack a value, and with codes_gaps the columns of inputs. */
struct source_gaps_found {
    bool *row;                       /* (n) */
    const struct string_list *names; /* of the columns of inputs, not owned; NULL: no gap in them */
    size_t *cells;                   /* (names->n) how many lack a value; owned */
    char first[512];                 /* where and why, of the first one that was seen */
};

struct source {
    char *path;
    char *asked_names[SOURCE_NAMES]; /* the request's texts but the path */
    struct string_list asked_inputs; /* the request's model_inputs */
    struct string_list asked_gaps;   /* the request's gap_columns */
    struct source_request asked;     /* of these texts */
    struct source_info info;
    const size_t *line; /* (n), of a CSV file; else NULL */
    void *reader;       /* owned through release */
    status (*read)(struct source *source, size_t first, size_t n, double *x, double *y);
    /* All NULL if numbers are doubles only. */
    status (*stored)(struct source *source, struct source_numbers *numbers);
    status (*view)(struct source *source, size_t first, size_t n, struct source_view *view);
    status (*expect)(struct source *source, size_t first, size_t n);
    void (*read_directly)(struct source *source, uint64_t least);
    /* Rows that are read are marked from now on if they lack a value; NULL: no more. False, and
       nothing is done, if none can lack one. NULL: a table, whose gaps are known. */
    bool (*mark_gaps)(struct source *source, struct source_gaps_found *found);
    struct source_gaps_found watched; /* from source_watch_gaps to source_take_gaps */
    struct source_kept kept;
    void *room; /* see source_room */
    size_t room_bytes;
    void (*release)(struct source *source);
};

enum { SOURCE_ROW_TEXT = 40 };

/* Takes the numbers of the only target, which must be whole, for names of classes. */
status source_numbers_to_labels(struct source *source);

/* Codes the inputs that --categories names, of an open source of numbers: each value is an input.
 */
status source_code_categories(struct source *source);

/*
 * Samples as source_read gives them, but in the types that source_stored tells: as they lie in the
 * file where they can be had so (and then not checked to be finite), else double. What is seen is
 * good until the source is read again.
 */
status source_stored(struct source *source, struct source_numbers *numbers);
status source_view(struct source *source, size_t first, size_t n, struct source_view *view);

/* A hint: these samples are wanted next, in parts. */
status source_expect(struct source *source, size_t first, size_t n);

/*
 * Puts a reader between the source and who reads it: *inner is the source as it was, owned by the
 * new reader, which has its own names of inputs.
 */
status source_wrap(struct source *source, struct source **inner);
void source_inner_release(struct source **inner);

/* Gaps of a column of inputs, for info. */
status source_add_gaps(struct source *source, const char *column, size_t cells);
/*
 * The inputs that tell of gaps, of an open source whose gaps are known: those that were asked for,
 * or one for each column that has gaps.
 */
status source_code_gaps(struct source *source);

/* Whether nothing needs to be read any more. */
bool source_kept_all(const struct source *source);

/* Copies what is kept of these samples, and sets *x or *y to NULL if they need not be read. */
void source_kept_take(const struct source *source, size_t first, size_t n, double **x, double **y);

/* Samples that have been read, if they are the next ones to keep. */
void source_kept_add(struct source *source, size_t first, size_t n, const double *x,
                     const double *y);

/* Room for a block of samples, kept from one use to the next; `out` is a pointer's address. */
status source_room(struct source *source, size_t bytes, unsigned char **out);

/*
 * Row `row` lacks a value, and how the status text tells it is what the user reads of the first
 * one. STATUS_OK, or without memory STATUS_FAILED.
 */
status source_mark_gap(struct source *source, size_t row);

/* "line 7" for a CSV file, else "row 5 (from 0)". */
const char *source_row_text(const struct source *source, size_t row, char text[SOURCE_ROW_TEXT]);

/* STATUS_USAGE for a name that does not exist, with a suggestion and what there is. */
status source_unknown_name(const struct source *source, const char *what, const char *option,
                           const char *name, const struct string_list *known);

/*
 * What --exclude names, for a source with these columns. STATUS_USAGE for a name that is none of
 * them, unless it need not exist. Nothing excluded: empty.
 */
status source_excluded(const struct source *source, const struct string_list *columns,
                       struct string_list *excluded);

/* Splits the value of an option at commas. STATUS_USAGE if it names nothing, or a name twice. */
status source_split_names(const struct source *source, const char *option, const char *text,
                          struct string_list *names);

/* The names as the value of an option can be typed in a shell; "..." where there is no room. */
enum { SOURCE_SHELL_TEXT = 1000 };
status source_shell_names(const struct string_list *names, char text[SOURCE_SHELL_TEXT]);

/* Sorts names as classes are sorted, and renumbers the n codes. */
status source_sort_names(struct string_list *names, int32_t *code, size_t n);

/* Codes (info.n of them, allocated) for texts or whole numbers, and their sorted names. */
status source_code_texts(const struct source *source, const struct string_list *texts,
                         struct string_list *names, int32_t **code);
status source_code_integers(const struct source *source, const int64_t *number,
                            struct string_list *names, int32_t **code);
/* `column` is as it shall stand in the message, for example "column 'y'"; `what`, "labels". */
status source_code_doubles(const struct source *source, const double *number, const char *column,
                           const char *what, struct string_list *names, int32_t **code);

/* info.weight is complete: all finite, none negative, not all 0. */
status source_check_weights(const struct source *source, const char *column);

#endif
