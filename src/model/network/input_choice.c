/* SPDX-License-Identifier: BSD-3-Clause */
#include "model/network/input_choice.h"

#include "base/memory.h"

#include <string.h>

/* `input` is what `name` stands for, with a value or the number of a column behind it. */
static bool is_made_of(const char *input, const char *name)
{
    size_t length = strlen(name);
    if (strncmp(input, name, length) != 0)
        return false;
    const char *rest = input + length;
    return *rest == '=' || (*rest != '\0' && rest[strspn(rest, "0123456789")] == '\0');
}

/* `input` is missing(NAME), which goes with `name` (data/source/gap_inputs.h). */
static bool tells_of_gaps(const char *input, const char *name)
{
    static const char before[] = "missing(";
    size_t length = strlen(name), start = sizeof before - 1;
    return strncmp(input, before, start) == 0 && strncmp(input + start, name, length) == 0 &&
           strcmp(input + start + length, ")") == 0;
}

static status mark(const char *option, const char *name, const struct string_list *names,
                   bool *seen)
{
    long exact = string_list_find(names, name);
    bool any = exact >= 0;
    if (any)
        seen[exact] = true;
    for (size_t i = 0; i < names->n; i++)
        if ((exact < 0 && is_made_of(names->item[i], name)) || tells_of_gaps(names->item[i], name))
            any = seen[i] = true;
    if (any)
        return STATUS_OK;
    const char *near = string_list_nearest(names, name);
    return status_set(STATUS_USAGE,
                      "@%s: there is no input '%s'%s%s%s; name some of the inputs, or none", option,
                      name, near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
}

/* Runs from marks; all inputs marked is no choice. */
static status take_runs(const char *option, size_t n, const bool *seen, struct input_choice *choice)
{
    choice->is_made = true;
    for (size_t i = 0; i < n; i++) {
        if (!seen[i])
            continue;
        if (i == 0 || !seen[i - 1]) {
            if (choice->n_runs == INPUT_CHOICE_RUNS)
                return status_set(
                    STATUS_USAGE,
                    "@%s names more than %d inputs that are no neighbours{; put their "
                    "columns side by side with @inputs}",
                    option, INPUT_CHOICE_RUNS);
            choice->run[choice->n_runs++].first = (uint32_t)i;
        }
        choice->run[choice->n_runs - 1].end = (uint32_t)i + 1;
    }
    if (input_choice_count(choice, n) == n)
        *choice = (struct input_choice){.is_made = false};
    return STATUS_OK;
}

status input_choice_read(const char *option, const char *text, const struct string_list *names,
                         struct input_choice *choice)
{
    struct string_list said = {0};
    bool *seen = NULL;
    memset(choice, 0, sizeof *choice);
    if (!text || !*text)
        return STATUS_OK;
    status outcome = memory_alloc(&seen, names->n, sizeof *seen, "names of inputs");
    if (outcome == STATUS_OK && strcmp(text, "none") != 0)
        outcome = string_list_add_split(&said, text);
    for (size_t i = 0; i < said.n && outcome == STATUS_OK; i++)
        outcome = mark(option, said.item[i], names, seen);
    if (outcome == STATUS_OK)
        outcome = take_runs(option, names->n, seen, choice);
    string_list_release(&said);
    memory_free(&seen);
    return outcome;
}

status input_choice_find(const char *option, const char *name, const struct string_list *names,
                         size_t *input)
{
    struct input_choice found;
    status outcome = input_choice_read(option, name, names, &found);
    size_t n = input_choice_count(&found, names->n);
    if (outcome == STATUS_OK && n != 1)
        return status_set(STATUS_USAGE, "@%s %s: that is %zu inputs, and one is needed", option,
                          name, n);
    *input = found.is_made ? found.run[0].first : 0;
    return outcome;
}

status input_choice_leave_out(const char *option, size_t n_inputs, size_t input,
                              struct input_choice *choice)
{
    bool *seen = NULL;
    status outcome = memory_alloc(&seen, n_inputs, sizeof *seen, "names of inputs");
    for (size_t i = 0; i < n_inputs && outcome == STATUS_OK; i++)
        seen[i] = i != input && input_choice_has(choice, i);
    memset(choice, 0, sizeof *choice);
    if (outcome == STATUS_OK)
        outcome = take_runs(option, n_inputs, seen, choice);
    memory_free(&seen);
    return outcome;
}

void input_choice_place_offset(const struct input_choice *choice, size_t n_inputs, size_t n_rows,
                               real *rows)
{
    for (size_t row = 0; row < n_rows && choice->offset > 0; row++)
        rows[row * n_inputs + choice->offset - 1] = 1;
}

size_t input_choice_count(const struct input_choice *choice, size_t n_inputs)
{
    size_t count = 0;
    if (!choice->is_made)
        return n_inputs;
    for (size_t r = 0; r < choice->n_runs; r++)
        count += choice->run[r].end - choice->run[r].first;
    return count;
}

bool input_choice_has(const struct input_choice *choice, size_t input)
{
    for (size_t r = 0; r < choice->n_runs; r++)
        if (input < choice->run[r].end)
            return input >= choice->run[r].first;
    return !choice->is_made;
}

void input_choice_clear(const struct input_choice *choice, size_t n_inputs, size_t n_rows,
                        real *rows)
{
    if (!choice->is_made)
        return;
    for (size_t row = 0; row < n_rows; row++, rows += n_inputs) {
        size_t from = 0;
        for (size_t r = 0; r < choice->n_runs; from = choice->run[r++].end)
            memset(rows + from, 0, (choice->run[r].first - from) * sizeof(real));
        memset(rows + from, 0, (n_inputs - from) * sizeof(real));
    }
}
