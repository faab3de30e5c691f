/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/memory.h"
#include "checkpoint/progress.h"

#include <string.h>

status history_add(struct history *history, const struct metrics_record *record)
{
    /* Grown in powers of two: the capacity is the first power of two that holds n. */
    if ((history->n & (history->n - 1)) == 0) {
        size_t capacity = history->n == 0 ? 1 : 2 * history->n;
        status outcome = memory_grow(&history->record, history->n, capacity,
                                     sizeof *history->record, "the history");
        if (outcome != STATUS_OK)
            return outcome;
    }
    history->record[history->n++] = *record;
    return STATUS_OK;
}

struct milestone progress_best(const struct progress *progress)
{
    return progress->last.error < progress->due_best.error ? progress->last : progress->due_best;
}

void history_release(struct history *history)
{
    memory_free(&history->record);
    history->n = 0;
}

/* The columns behind the metrics themselves. */
enum { COLUMN_EPOCH = RECORD_N_VALUES, COLUMN_STEP, COLUMN_SECONDS };

const char *history_column_name(int column)
{
    static const char *const others[] = {"epoch", "step", "seconds"};
    return column < RECORD_N_VALUES ? metrics_record_name(column)
                                    : others[column - RECORD_N_VALUES];
}

int history_column(const char *name)
{
    for (int column = 0; column < HISTORY_N_COLUMNS; column++)
        if (strcmp(history_column_name(column), name) == 0)
            return column;
    return -1;
}

double history_get(const struct metrics_record *record, int column)
{
    struct metrics_record copy = *record;
    switch (column) {
    case COLUMN_EPOCH:
        return (double)record->epoch;
    case COLUMN_STEP:
        return (double)record->step;
    case COLUMN_SECONDS:
        return record->seconds;
    default:
        return *metrics_record_value(&copy, column);
    }
}

void history_set(struct metrics_record *record, int column, double value)
{
    switch (column) {
    case COLUMN_EPOCH:
        record->epoch = (int64_t)value;
        break;
    case COLUMN_STEP:
        record->step = (int64_t)value;
        break;
    case COLUMN_SECONDS:
        record->seconds = value;
        break;
    default:
        *metrics_record_value(record, column) = value;
    }
}
