/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_OPTIONS_OPTION_ENTRY_H
#define COTERIE_APP_OPTIONS_OPTION_ENTRY_H

#include "app/options/options.h"

#include <stdbool.h>
#include <stddef.h>

/* The rows of the table of options. All functions are Local. */

enum option_kind {
    KIND_FLAG,     /* bool */
    KIND_INTEGER,  /* long; `words` stand for numbers */
    KIND_SEED,     /* uint64_t */
    KIND_NUMBER,   /* double */
    KIND_DURATION, /* double, seconds; `words` stand for numbers */
    KIND_CHOICE,   /* an enum; `words` are the choices */
    KIND_TEXT,     /* char *, NULL while not said */
    KIND_WIDTHS,   /* struct widths */
    KIND_SCHEDULE, /* struct schedule */
    KIND_ANNEAL,   /* struct anneal */
    KIND_GATE,     /* gate and gate_levels */
    KIND_VARIANCE, /* variance and variance_is_learned */
    KIND_FREEDOM,  /* freedom and freedom_is_learned */
    KIND_SCALE,    /* scaling and scale_number */
    KIND_INTERVAL, /* checkpoint_every and checkpoint_unit */
    KIND_GRID,     /* char *, as KIND_TEXT: see option_grid.c */
    KIND_CONFIG,   /* --config: read at once, never recorded */
    KIND_HELP      /* --help: the same */
};

enum option_section {
    SECTION_JOB,
    SECTION_SWEEP,
    SECTION_DATA,
    SECTION_MODEL,
    SECTION_TRAINING,
    SECTION_RANKS,
    SECTION_FILES,
    SECTION_OUTPUT,
    N_SECTIONS
};

enum option_range { RANGE_ANY, RANGE_FROM_0, RANGE_FROM_1, RANGE_ABOVE_0, RANGE_FRACTION };

/*
 * What an option may do beside having a value. Without a trait it changes the result, is recorded
 * in checkpoints, may change when a run is resumed, may be in a grid, and is handed to the runs of
 * a sweep.
 */
enum option_trait {
    OPTION_NO_RESULT = 1 << 0,    /* changes no result: free in a continued sweep, not in a grid */
    OPTION_UNRECORDED = 1 << 1,   /* not in checkpoints, nor in a grid */
    OPTION_OF_THIS_TIME = 1 << 2, /* not in sweep.yaml, either: said again, or not, each time */
    OPTION_FIXED = 1 << 3,        /* the same before and after a restart */
    OPTION_SAMPLES = 1 << 4,      /* chooses samples: settings of a grid could not be compared */
    OPTION_FILE = 1 << 5,         /* names a file of samples, from the folder the run began in */
    OPTION_OF_SWEEP = 1 << 6,     /* a sweep keeps it for itself; its runs do not get it */
    OPTION_RESHAPES = 1 << 7,     /* asks for other experts in a trained model */
    OPTION_RESHAPED = 1 << 8,     /* is of the new model then, not of the one in the record */
    OPTION_TAKES_CHARGE = 1 << 9  /* whoever says it chooses the training: see app/auto */
};

struct option_word {
    const char *word; /* NULL ends a list */
    long value;
};

struct option_entry {
    const char *name;  /* with dashes */
    const char *hint;  /* stands for the value in --help; NULL for flags */
    const char *value; /* the default as text; NULL where nothing said means something of its own */
    const char *help;
    enum option_section section;
    unsigned commands; /* of enum command_group: those that have this option */
    unsigned traits;   /* of enum option_trait */
    enum option_kind kind;
    size_t offset; /* in struct options; unused by kinds that own their fields */
    enum option_range range;
    const struct option_word *words;
};

extern const struct option_entry option_table[];
extern const char *const section_names[N_SECTIONS];

size_t options_count(void);

/* Whether it is the option that is kept in this field of struct options. */
#define OPTION_IS(entry, field) ((entry)->offset == offsetof(struct options, field))

/* The option here that other programs call `name`, or NULL. For "did you mean" in messages. */
const char *option_elsewhere(const char *name);

/* The entry of this command, name with dashes or underscores; NULL if it has none. */
const struct option_entry *option_find(enum command command, const char *name);

static inline bool option_is_of(const struct option_entry *entry, enum command command)
{
    return (entry->commands & 1u << command) != 0;
}

/* --config and --help are not values: they have no place in files and records. */
static inline bool option_is_recorded(const struct option_entry *entry)
{
    return entry->kind != KIND_CONFIG && entry->kind != KIND_HELP;
}

/* Whether a sweep may try several values of this option of train. */
static inline bool option_may_be_in_grid(const struct option_entry *entry)
{
    const unsigned out = OPTION_NO_RESULT | OPTION_UNRECORDED | OPTION_SAMPLES | OPTION_OF_SWEEP;
    return option_is_recorded(entry) && (entry->traits & out) == 0;
}

/* The name with underscores, as in the YAML file. */
enum { OPTION_KEY_SIZE = 32 };
void option_key(const struct option_entry *entry, char key[static OPTION_KEY_SIZE]);

#endif
