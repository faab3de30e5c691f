/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of columns and rows: in messages, and as options give them. */
#include "data/source/source_internal.h"

#include "base/memory.h"
#include "data/csv/dictionary.h"

#include <stdio.h>
#include <string.h>

const char *source_row_text(const struct source *source, size_t row, char text[SOURCE_ROW_TEXT])
{
    if (source->line)
        snprintf(text, SOURCE_ROW_TEXT, "line %zu", source->line[row]);
    else
        snprintf(text, SOURCE_ROW_TEXT, "row %zu (from 0)", row);
    return text;
}

status source_unknown_name(const struct source *source, const char *what, const char *option,
                           const char *name, const struct string_list *known)
{
    char joined[512];
    const char *nearest = string_list_nearest(known, name);
    string_list_join(known, joined, sizeof joined);
    return status_set(STATUS_USAGE, "%s: there is no %s '%s' for @%s%s%s%s there are: %s",
                      source->path, what, name, option, nearest ? "; did you mean '" : "",
                      nearest ? nearest : "", nearest ? "'?" : ";", joined);
}

status source_split_names(const struct source *source, const char *option, const char *text,
                          struct string_list *names)
{
    status outcome = string_list_add_split(names, text);
    if (outcome != STATUS_OK)
        return outcome;
    if (names->n == 0)
        return status_set(STATUS_USAGE, "%s: @%s names nothing; give at least one name",
                          source->path, option);
    struct dictionary seen = {0};
    for (size_t i = 0; i < names->n && outcome == STATUS_OK; i++) {
        int32_t code;
        outcome = dictionary_code(&seen, names->item[i], &code);
        if (outcome == STATUS_OK && !names->item[i][0])
            outcome = status_set(STATUS_USAGE, "%s: @%s '%s' has an empty name", source->path,
                                 option, text);
        else if (outcome == STATUS_OK && (size_t)code != i)
            outcome = status_set(STATUS_USAGE, "%s: @%s names '%s' twice", source->path, option,
                                 names->item[i]);
    }
    dictionary_release(&seen);
    return outcome;
}

status source_shell_names(const struct string_list *names, char text[SOURCE_SHELL_TEXT])
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-+.,:/@%";
    char *joined = NULL, *end = text + SOURCE_SHELL_TEXT - sizeof "...'";
    status outcome = string_list_joined(names, &joined);
    if (outcome != STATUS_OK)
        return outcome;
    bool quoted = joined[strspn(joined, plain)] != '\0';
    char *to = text;
    const char *from = joined;
    if (quoted)
        *to++ = '\'';
    for (; *from && to + 4 < end; from++)
        to += sprintf(to, *from == '\'' ? "'\\''" : "%c", *from);
    sprintf(to, "%s%s", *from ? "..." : "", quoted ? "'" : "");
    memory_free(&joined);
    return STATUS_OK;
}

status source_excluded(const struct source *source, const struct string_list *columns,
                       struct string_list *excluded)
{
    const struct source_request *asked = &source->asked;
    status outcome = asked->exclude
                         ? source_split_names(source, "exclude", asked->exclude, excluded)
                         : STATUS_OK;
    for (size_t i = 0; i < excluded->n && outcome == STATUS_OK; i++)
        if (!asked->exclude_if_there && string_list_find(columns, excluded->item[i]) < 0)
            outcome = source_unknown_name(source, "column", "exclude", excluded->item[i], columns);
    return outcome;
}
