/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/csv/csv.h"

#include "base/memory.h"

void csv_column_release(struct csv_column *column)
{
    memory_free(&column->number);
    memory_free(&column->code);
    memory_free(&column->not_finite);
    memory_free(&column->mark);
    memory_free(&column->unsure);
    string_list_release(&column->values);
}

void csv_release(struct csv_table *table)
{
    for (size_t c = 0; table->column && c < table->names.n; c++)
        csv_column_release(&table->column[c]);
    memory_free(&table->column);
    memory_free(&table->line);
    memory_free(&table->path);
    string_list_release(&table->names);
    string_list_release(&table->notes);
    table->n_rows = 0;
}
