/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/option_text.h"
#include "option_value.h"

#include "app/options/number_text.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Values with a small grammar of their own. */

/* HH:MM:SS, as in a batch job's time limit. */
static bool read_clock(const char *text, double *seconds)
{
    uint64_t hours, minutes, rest;
    const char *end;
    if (!option_read_count(text, &hours, &end) || *end++ != ':')
        return false;
    if (!option_read_count(end, &minutes, &end) || *end++ != ':' || minutes > 59)
        return false;
    if (!option_read_count(end, &rest, &end) || *end || rest > 59)
        return false;
    *seconds = 3600 * (double)hours + 60 * (double)minutes + (double)rest;
    return true;
}

static bool read_duration(const char *text, double *seconds)
{
    const char *end;
    if (read_clock(text, seconds))
        return true;
    if (!option_read_number(text, seconds, &end) || (*end && end[1]))
        return false;
    switch (*end) {
    case '\0':
    case 's':
        return true;
    case 'm':
        *seconds *= 60;
        return true;
    case 'h':
        *seconds *= 3600;
        return true;
    case 'd':
        *seconds *= 86400;
        return true;
    default:
        return false;
    }
}

static status parse_duration(struct options *options, const struct option_entry *entry,
                             const char *text, const char *subject)
{
    double seconds;
    const struct option_word *word = option_word(entry->words, text);
    if (word)
        seconds = (double)word->value;
    else if (!read_duration(text, &seconds) || !isfinite(seconds))
        return option_refuse(subject, "none, seconds, or a time such as 90m, 2h, 1d or 01:30:00",
                             text);
    status outcome = option_check_range(entry->range, seconds, text, subject);
    if (outcome == STATUS_OK)
        *(double *)option_field(options, entry) = seconds;
    return outcome;
}

static const char *format_duration(const struct options *options, const struct option_entry *entry,
                                   char *buffer)
{
    double seconds = *(double *)option_field(options, entry);
    const struct option_word *word = option_word_of(entry->words, seconds);
    return word ? word->word : number_text(seconds, buffer);
}

const struct value_kind duration_kind = {parse_duration, format_duration};

static status parse_widths(struct options *options, const struct option_entry *entry,
                           const char *text, const char *subject)
{
    struct widths widths = {0};
    const char *at = text;
    bool more = strcmp(text, "none") != 0;
    while (more) {
        uint64_t width;
        while (*at == ' ')
            at++;
        if (widths.n == MLP_MAX_HIDDEN)
            return status_set(STATUS_USAGE, "%s must be %d widths or fewer, not %s", subject,
                              MLP_MAX_HIDDEN, text);
        if (!option_read_count(at, &width, &at) || width == 0 || width > INT_MAX)
            return option_refuse(subject, "none, or widths of 1 or more such as 32,32", text);
        widths.width[widths.n++] = (size_t)width;
        while (*at == ' ')
            at++;
        more = *at != '\0';
        if (more && *at++ != ',')
            return option_refuse(subject, "none, or widths with commas such as 32,32", text);
    }
    *(struct widths *)option_field(options, entry) = widths;
    return STATUS_OK;
}

static const char *format_widths(const struct options *options, const struct option_entry *entry,
                                 char *buffer)
{
    const struct widths *widths = option_field(options, entry);
    size_t used = 0;
    if (widths->n == 0)
        return "none";
    for (size_t l = 0; l < widths->n; l++)
        used += (size_t)snprintf(buffer + used, OPTION_TEXT_SIZE - used, "%s%zu", l ? "," : "",
                                 widths->width[l]);
    return buffer;
}

const struct value_kind widths_kind = {parse_widths, format_widths};

/* The end of "WORD:REST" behind the colon, or NULL if text does not begin with "WORD:". */
static const char *behind_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && text[length] == ':' ? text + length + 1 : NULL;
}

static bool read_factor(const char *text, double *factor)
{
    const char *end;
    return option_read_number(text, factor, &end) && *end == '\0' && *factor > 0 && *factor <= 1;
}

static bool read_schedule(const char *text, struct schedule *schedule)
{
    const char *rest;
    *schedule = (struct schedule){.kind = SCHEDULE_CONSTANT, .every = 1, .factor = 1};
    if (strcmp(text, "constant") == 0)
        return true;
    if (strcmp(text, "cosine") == 0) {
        schedule->kind = SCHEDULE_COSINE;
        return true;
    }
    if ((rest = behind_word(text, "exponential"))) {
        schedule->kind = SCHEDULE_EXPONENTIAL;
        return read_factor(rest, &schedule->factor);
    }
    if ((rest = behind_word(text, "warmup"))) {
        schedule->kind = SCHEDULE_WARMUP;
        return option_read_count(rest, &schedule->every, &rest) && *rest == '\0' &&
               schedule->every > 0;
    }
    if ((rest = behind_word(text, "step"))) {
        schedule->kind = SCHEDULE_STEP;
        return option_read_count(rest, &schedule->every, &rest) && *rest == ':' &&
               schedule->every > 0 && read_factor(rest + 1, &schedule->factor);
    }
    return false;
}

static status parse_schedule(struct options *options, const struct option_entry *entry,
                             const char *text, const char *subject)
{
    struct schedule schedule;
    if (!read_schedule(text, &schedule))
        return option_refuse(
            subject,
            "constant, cosine, step:N:F, exponential:F or warmup:N, with N of 1 or more "
            "epochs and a factor F above 0 and up to 1",
            text);
    *(struct schedule *)option_field(options, entry) = schedule;
    return STATUS_OK;
}

static const char *format_schedule(const struct options *options, const struct option_entry *entry,
                                   char *buffer)
{
    const struct schedule *schedule = option_field(options, entry);
    unsigned long long every = schedule->every;
    char factor[NUMBER_TEXT_SIZE];
    number_text(schedule->factor, factor);
    switch (schedule->kind) {
    case SCHEDULE_CONSTANT:
        return "constant";
    case SCHEDULE_COSINE:
        return "cosine";
    case SCHEDULE_STEP:
        snprintf(buffer, OPTION_TEXT_SIZE, "step:%llu:%s", every, factor);
        break;
    case SCHEDULE_EXPONENTIAL:
        snprintf(buffer, OPTION_TEXT_SIZE, "exponential:%s", factor);
        break;
    case SCHEDULE_WARMUP:
        snprintf(buffer, OPTION_TEXT_SIZE, "warmup:%llu", every);
        break;
    }
    return buffer;
}

const struct value_kind schedule_kind = {parse_schedule, format_schedule};

static status parse_anneal(struct options *options, const struct option_entry *entry,
                           const char *text, const char *subject)
{
    struct anneal anneal = {.from = 1, .epochs = 1};
    const char *end = text;
    bool valid = strcmp(text, "none") == 0;
    if (!valid)
        valid = option_read_number(text, &anneal.from, &end) && *end == ':' && anneal.from > 0 &&
                anneal.from < 1 && option_read_count(end + 1, &anneal.epochs, &end) &&
                *end == '\0' && anneal.epochs > 0;
    if (!valid)
        return option_refuse(subject,
                             "none, or B:N with B between 0 and 1 and N of 1 or more epochs", text);
    *(struct anneal *)option_field(options, entry) = anneal;
    return STATUS_OK;
}

static const char *format_anneal(const struct options *options, const struct option_entry *entry,
                                 char *buffer)
{
    const struct anneal *anneal = option_field(options, entry);
    char from[NUMBER_TEXT_SIZE];
    number_text(anneal->from, from);
    if (anneal->from == 1)
        return "none";
    snprintf(buffer, OPTION_TEXT_SIZE, "%s:%llu", from, (unsigned long long)anneal->epochs);
    return buffer;
}

const struct value_kind anneal_kind = {parse_anneal, format_anneal};

static const char *const variance_words[] = {"fixed", "learned", "unseen"};
enum { VARIANCE_LEARNED = 1, VARIANCE_UNSEEN = 2, N_VARIANCES = 3, N_FREEDOMS = 2 };

/* A word, and behind it, if anything, a number above 0. */
static bool read_variance(const char *text, const char *word, double *variance)
{
    const char *end, *rest = behind_word(text, word);
    if (strcmp(text, word) == 0)
        return true;
    return rest && option_read_number(rest, variance, &end) && *end == '\0' && *variance > 0;
}

static status parse_variance(struct options *options, const struct option_entry *entry,
                             const char *text, const char *subject)
{
    (void)entry;
    for (int i = 0; i < N_VARIANCES; i++) {
        double variance = 1;
        if (!read_variance(text, variance_words[i], &variance))
            continue;
        options->variance_is_learned = i == VARIANCE_LEARNED;
        options->variance_is_unseen = i == VARIANCE_UNSEEN;
        options->variance = variance;
        return STATUS_OK;
    }
    return option_refuse(
        subject, "fixed, learned, unseen, fixed:V, learned:V or unseen:V with V greater than 0",
        text);
}

static const char *format_variance(const struct options *options, const struct option_entry *entry,
                                   char *buffer)
{
    (void)entry;
    char number[NUMBER_TEXT_SIZE];
    int word = options->variance_is_learned  ? VARIANCE_LEARNED
               : options->variance_is_unseen ? VARIANCE_UNSEEN
                                             : 0;
    number_text(options->variance, number);
    snprintf(buffer, OPTION_TEXT_SIZE, "%s:%s", variance_words[word], number);
    return buffer;
}

const struct value_kind variance_kind = {parse_variance, format_variance};

static status parse_freedom(struct options *options, const struct option_entry *entry,
                            const char *text, const char *subject)
{
    (void)entry;
    for (int i = 0; i < N_FREEDOMS; i++) {
        double freedom = 4;
        if (!read_variance(text, variance_words[i], &freedom))
            continue;
        options->freedom_is_learned = i == VARIANCE_LEARNED;
        options->freedom = freedom;
        return STATUS_OK;
    }
    return option_refuse(subject, "fixed, learned, fixed:V or learned:V with V greater than 0",
                         text);
}

static const char *format_freedom(const struct options *options, const struct option_entry *entry,
                                  char *buffer)
{
    (void)entry;
    char number[NUMBER_TEXT_SIZE];
    number_text(options->freedom, number);
    snprintf(buffer, OPTION_TEXT_SIZE, "%s:%s",
             variance_words[options->freedom_is_learned ? VARIANCE_LEARNED : 0], number);
    return buffer;
}

const struct value_kind freedom_kind = {parse_freedom, format_freedom};

static status parse_gate(struct options *options, const struct option_entry *entry,
                         const char *text, const char *subject)
{
    (void)entry;
    char names[128];
    size_t used = 0;
    if (gate_from_text(text, &options->gate, &options->gate_levels))
        return STATUS_OK;
    for (int k = 0; gate_kinds[k]; k++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s%s",
                                 k == 0              ? ""
                                 : gate_kinds[k + 1] ? ", "
                                                     : " or ",
                                 gate_kinds[k]->name,
                                 gate_kinds[k]->has_levels ? ":4x8 (branches at each level, from 2)"
                                                           : "");
    return option_refuse(subject, names, text);
}

static const char *format_gate(const struct options *options, const struct option_entry *entry,
                               char *buffer)
{
    char text[GATE_TEXT];
    (void)entry;
    gate_to_text(options->gate, &options->gate_levels, text);
    snprintf(buffer, OPTION_TEXT_SIZE, "%s", text);
    return buffer;
}

const struct value_kind gate_kind = {parse_gate, format_gate};

static status parse_scale(struct options *options, const struct option_entry *entry,
                          const char *text, const char *subject)
{
    (void)entry;
    const char *end;
    double number = 1;
    enum scaling scaling = SCALING_NUMBER;
    if (strcmp(text, "standard") == 0)
        scaling = SCALING_STANDARD;
    else if (strcmp(text, "none") == 0)
        scaling = SCALING_NONE;
    else if (!option_read_number(text, &number, &end) || *end || number == 0)
        return option_refuse(subject, "standard, none or a number other than 0", text);
    options->scaling = scaling;
    options->scale_number = number;
    return STATUS_OK;
}

static const char *format_scale(const struct options *options, const struct option_entry *entry,
                                char *buffer)
{
    (void)entry;
    if (options->scaling == SCALING_NUMBER)
        return number_text(options->scale_number, buffer);
    return options->scaling == SCALING_STANDARD ? "standard" : "none";
}

const struct value_kind scale_kind = {parse_scale, format_scale};

static const char interval_letters[] = {
    [INTERVAL_EPOCHS] = 'e', [INTERVAL_STEPS] = 's', [INTERVAL_MINUTES] = 'm'};

static status parse_interval(struct options *options, const struct option_entry *entry,
                             const char *text, const char *subject)
{
    (void)entry;
    const char *end;
    uint64_t count;
    enum interval_unit unit = INTERVAL_EPOCHS;
    bool valid = option_read_count(text, &count, &end) && count <= INT_MAX;
    if (valid && *end) {
        while (unit <= INTERVAL_MINUTES && interval_letters[unit] != *end)
            unit++;
        valid = unit <= INTERVAL_MINUTES && end[1] == '\0';
    }
    if (!valid)
        return option_refuse(
            subject, "a whole number of epochs (20 or 20e), steps (500s) or minutes (10m)", text);
    options->checkpoint_every = (long)count;
    options->checkpoint_unit = count == 0 ? INTERVAL_NONE : unit;
    return STATUS_OK;
}

static const char *format_interval(const struct options *options, const struct option_entry *entry,
                                   char *buffer)
{
    (void)entry;
    if (options->checkpoint_unit == INTERVAL_NONE)
        return "0";
    snprintf(buffer, OPTION_TEXT_SIZE, "%ld%c", options->checkpoint_every,
             interval_letters[options->checkpoint_unit]);
    return buffer;
}

const struct value_kind interval_kind = {parse_interval, format_interval};
