/* SPDX-License-Identifier: BSD-3-Clause */
#include "option_set.h"

#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/*
 * The YAML file of --config: one flat map from the options' names to their values. libyaml's events
 * give the line of each key, which every message names.
 */
struct reader {
    yaml_parser_t parser;
    FILE *file;
    const char *path;
    struct options *options;
    size_t *line; /* (options_count()): where each option was given; 0: not yet */
};

enum { ORIGIN_SIZE = 512 };

static status refuse_at(const struct reader *reader, size_t line, const char *what)
{
    return status_set(STATUS_USAGE, "%s:%zu: %s", reader->path, line, what);
}

static size_t line_of(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

static status parser_failure(const struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        return status_set(STATUS_FAILED, "%s: not enough memory to read it", reader->path);
    if (ferror(reader->file))
        return status_set(STATUS_USAGE, "%s: cannot be read: %s", reader->path, strerror(errno));
    if (parser->error == YAML_READER_ERROR)
        return status_set(STATUS_USAGE, "%s: not a text file in UTF-8: %s at byte %zu",
                          reader->path, parser->problem, parser->problem_offset);
    return status_set(STATUS_USAGE,
                      "%s:%zu: not valid YAML: %s%s%s; write one `option: value` a line",
                      reader->path, parser->problem_mark.line + 1, parser->problem,
                      parser->context ? " " : "", parser->context ? parser->context : "");
}

static status next_event(struct reader *reader, yaml_event_t *event)
{
    return yaml_parser_parse(&reader->parser, event) ? STATUS_OK : parser_failure(reader);
}

static bool is_null(const yaml_event_t *event)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    if (event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp((const char *)event->data.scalar.value, words[i]) == 0)
            return true;
    return false;
}

/* The option that a key names; a key given before is an error. */
static status find_key(struct reader *reader, const yaml_event_t *event,
                       const struct option_entry **entry)
{
    size_t line = line_of(event);
    if (event->type != YAML_SCALAR_EVENT)
        return refuse_at(reader, line, "expected the name of an option, as in `experts: 8`");
    const char *key = (const char *)event->data.scalar.value;
    *entry = option_find(reader->options->command, key);
    if (!*entry || !option_is_recorded(*entry)) {
        char origin[ORIGIN_SIZE];
        snprintf(origin, sizeof origin, "%s:%zu", reader->path, line);
        return option_unknown(reader->options->command, key, origin);
    }
    size_t *seen = &reader->line[*entry - option_table];
    if (*seen != 0)
        return status_set(STATUS_USAGE, "%s:%zu: %s is given twice, first in line %zu",
                          reader->path, line, key, *seen);
    *seen = line;
    return STATUS_OK;
}

/* Appends `more` to *text, behind the separator if there is something already. */
static status append(char **text, char separator, const char *more)
{
    char *longer;
    size_t length = *text ? strlen(*text) : 0;
    status outcome = memory_alloc(&longer, length + strlen(more) + 2, 1, "a list of values");
    if (outcome != STATUS_OK)
        return outcome;
    if (*text)
        sprintf(longer, "%s%c%s", *text, separator, more);
    else
        strcpy(longer, more);
    memory_free(text);
    *text = longer;
    return STATUS_OK;
}

/* The items of a sequence, up to its end, joined by `separator`. */
static status read_sequence(struct reader *reader, char separator, char **text)
{
    status outcome = STATUS_OK;
    for (bool more = true; more && outcome == STATUS_OK;) {
        yaml_event_t event;
        outcome = next_event(reader, &event);
        if (outcome != STATUS_OK)
            break;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            more = false;
        else if (event.type == YAML_SCALAR_EVENT && !is_null(&event))
            outcome = append(text, separator, (const char *)event.data.scalar.value);
        else
            outcome = refuse_at(reader, line_of(&event), "a list may hold plain values only");
        yaml_event_delete(&event);
    }
    return outcome;
}

/* One line of a grid, `experts: [2, 4]`, as "experts=2;4;". */
static status read_grid_line(struct reader *reader, const yaml_event_t *key, char **text)
{
    yaml_event_t event;
    char *values = NULL;
    status outcome = next_event(reader, &event);
    if (outcome != STATUS_OK)
        return outcome;
    if (key->type != YAML_SCALAR_EVENT)
        outcome = refuse_at(reader, line_of(key), "expected the name of an option in the grid");
    else if (event.type == YAML_SCALAR_EVENT)
        outcome = append(&values, ';', (const char *)event.data.scalar.value);
    else if (event.type == YAML_SEQUENCE_START_EVENT)
        outcome = read_sequence(reader, ';', &values);
    else
        outcome =
            refuse_at(reader, line_of(&event), "an option in the grid must have a list of values");
    if (outcome == STATUS_OK)
        outcome = append(text, '\n', (const char *)key->data.scalar.value);
    if (outcome == STATUS_OK)
        outcome = append(text, '=', values ? values : "");
    /* A semicolon at the end tells "32,32", which is one value, from two. */
    if (outcome == STATUS_OK)
        outcome = append(text, ';', "");
    memory_free(&values);
    yaml_event_delete(&event);
    return outcome;
}

/* The map of `grid:`, up to its end. */
static status read_grid(struct reader *reader, char **text)
{
    status outcome = STATUS_OK;
    for (bool more = true; more && outcome == STATUS_OK;) {
        yaml_event_t event;
        outcome = next_event(reader, &event);
        if (outcome != STATUS_OK)
            break;
        more = event.type != YAML_MAPPING_END_EVENT;
        if (more)
            outcome = read_grid_line(reader, &event, text);
        yaml_event_delete(&event);
    }
    return outcome;
}

/* The value behind a key; *text stays NULL for null. */
static status read_value(struct reader *reader, const yaml_event_t *event,
                         const struct option_entry *entry, const char *key, char **text)
{
    if (event->type == YAML_SCALAR_EVENT)
        return is_null(event) ? STATUS_OK
                              : append(text, ',', (const char *)event->data.scalar.value);
    if (event->type == YAML_MAPPING_START_EVENT && entry->kind == KIND_GRID)
        return read_grid(reader, text);
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        status outcome = read_sequence(reader, ',', text);
        return outcome == STATUS_OK && !*text ? append(text, ',', "") : outcome;
    }
    char what[ORIGIN_SIZE];
    snprintf(what, sizeof what, "%s must be a value or a list of values, not %s", key,
             event->type == YAML_MAPPING_START_EVENT ? "another map" : "a reference");
    return refuse_at(reader, line_of(event), what);
}

static status read_pair(struct reader *reader, const yaml_event_t *key_event)
{
    const struct option_entry *entry = NULL;
    yaml_event_t event;
    char *text = NULL, key[OPTION_KEY_SIZE], subject[ORIGIN_SIZE];
    status outcome = find_key(reader, key_event, &entry);
    if (outcome == STATUS_OK)
        outcome = next_event(reader, &event);
    if (outcome != STATUS_OK)
        return outcome;
    option_key(entry, key);
    outcome = read_value(reader, &event, entry, key, &text);
    snprintf(subject, sizeof subject, "%s:%zu: %s", reader->path, line_of(key_event), key);
    if (outcome == STATUS_OK && text && !*text)
        outcome = status_set(STATUS_USAGE, "%s needs a value that is not empty", subject);
    else if (outcome == STATUS_OK && text)
        outcome = option_say(reader->options, entry, text, subject);
    memory_free(&text);
    yaml_event_delete(&event);
    return outcome;
}

static status read_map(struct reader *reader)
{
    status outcome = STATUS_OK;
    for (bool more = true; more && outcome == STATUS_OK;) {
        yaml_event_t event;
        outcome = next_event(reader, &event);
        if (outcome != STATUS_OK)
            break;
        more = event.type != YAML_MAPPING_END_EVENT;
        if (more)
            outcome = read_pair(reader, &event);
        yaml_event_delete(&event);
    }
    return outcome;
}

/* All events from the beginning to the end of the file: at most one document, which is a map. */
static status read_stream(struct reader *reader)
{
    status outcome = STATUS_OK;
    bool have_document = false;
    for (bool more = true; more && outcome == STATUS_OK;) {
        yaml_event_t event;
        outcome = next_event(reader, &event);
        if (outcome != STATUS_OK)
            break;
        more = event.type != YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && have_document)
            outcome = refuse_at(reader, line_of(&event), "a second document; one is enough");
        else if (event.type == YAML_DOCUMENT_START_EVENT)
            have_document = true;
        else if (event.type == YAML_MAPPING_START_EVENT)
            outcome = read_map(reader);
        else if (event.type == YAML_SEQUENCE_START_EVENT ||
                 (event.type == YAML_SCALAR_EVENT && !is_null(&event)))
            outcome = refuse_at(reader, line_of(&event),
                                "expected one `option: value` a line, as in `experts: 8`");
        yaml_event_delete(&event);
    }
    return outcome;
}

status options_read_yaml(struct options *options, const char *path)
{
    struct reader reader = {.path = path, .options = options};
    reader.file = fopen(path, "re");
    if (!reader.file)
        return status_set(STATUS_USAGE, "%s: the file of --config cannot be read: %s", path,
                          strerror(errno));
    status outcome =
        memory_alloc(&reader.line, options_count(), sizeof *reader.line, "the options");
    if (outcome == STATUS_OK && !yaml_parser_initialize(&reader.parser))
        outcome = status_set(STATUS_FAILED, "%s: not enough memory to read it", path);
    if (outcome == STATUS_OK) {
        yaml_parser_set_input_file(&reader.parser, reader.file);
        outcome = read_stream(&reader);
        yaml_parser_delete(&reader.parser);
    }
    memory_free(&reader.line);
    fclose(reader.file);
    return outcome;
}

struct writer {
    yaml_emitter_t emitter;
    const struct options *options;
};

/* `made`: whether the event could be initialised; the emitter owns it from here on. */
static status emit(struct writer *writer, yaml_event_t *event, int made)
{
    if (made && yaml_emitter_emit(&writer->emitter, event))
        return STATUS_OK;
    const char *problem = made ? writer->emitter.problem : "a value is not text in UTF-8";
    return status_set(STATUS_FAILED, "the options cannot be written as YAML: %s", problem);
}

static status emit_scalar(struct writer *writer, const char *text, yaml_scalar_style_t style)
{
    yaml_event_t event;
    int made = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                            (int)strlen(text), 1, 1, style);
    return emit(writer, &event, made);
}

static status emit_quoted(struct writer *writer, const char *text)
{
    return emit_scalar(writer, text, YAML_DOUBLE_QUOTED_SCALAR_STYLE);
}

/* The grid as a map from names to lists of values. */
static status emit_grid(struct writer *writer, const struct string_list *names,
                        const struct string_list *values)
{
    yaml_event_t event;
    status outcome =
        emit(writer, &event,
             yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    for (size_t i = 0; i < names->n && outcome == STATUS_OK; i++) {
        outcome = emit_scalar(writer, names->item[i], YAML_PLAIN_SCALAR_STYLE);
        if (outcome == STATUS_OK)
            outcome = emit(writer, &event,
                           yaml_sequence_start_event_initialize(&event, NULL, NULL, 1,
                                                                YAML_FLOW_SEQUENCE_STYLE));
        for (size_t v = 0; v < values[i].n && outcome == STATUS_OK; v++)
            outcome = emit_quoted(writer, values[i].item[v]);
        if (outcome == STATUS_OK)
            outcome = emit(writer, &event, yaml_sequence_end_event_initialize(&event));
    }
    if (outcome == STATUS_OK)
        outcome = emit(writer, &event, yaml_mapping_end_event_initialize(&event));
    return outcome;
}

static status emit_grid_option(struct writer *writer)
{
    struct string_list names = {0}, *values = NULL;
    status outcome = options_grid(writer->options, &names, &values);
    if (outcome == STATUS_OK)
        outcome = emit_grid(writer, &names, values);
    for (size_t i = 0; values && i < names.n; i++)
        string_list_release(&values[i]);
    memory_free(&values);
    string_list_release(&names);
    return outcome;
}

/* Text always in quotes: a plain "no" or "1952" would be something else to other readers. */
static status emit_option(const struct option_entry *entry, const char *value, void *context)
{
    struct writer *writer = context;
    enum option_kind kind = entry->kind;
    char key[OPTION_KEY_SIZE];
    option_key(entry, key);
    status outcome = emit_scalar(writer, key, YAML_PLAIN_SCALAR_STYLE);
    if (outcome != STATUS_OK)
        return outcome;
    if (kind == KIND_GRID && *value)
        return emit_grid_option(writer);
    if (kind == KIND_TEXT && *value)
        return emit_quoted(writer, value);
    return emit_scalar(writer, *value ? value : "null", YAML_PLAIN_SCALAR_STYLE);
}

static status emit_begin(struct writer *writer)
{
    yaml_event_t event;
    status outcome =
        emit(writer, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING));
    if (outcome == STATUS_OK)
        outcome =
            emit(writer, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1));
    if (outcome == STATUS_OK)
        outcome = emit(
            writer, &event,
            yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE));
    return outcome;
}

static status emit_end(struct writer *writer)
{
    yaml_event_t event;
    status outcome = emit(writer, &event, yaml_mapping_end_event_initialize(&event));
    if (outcome == STATUS_OK)
        outcome = emit(writer, &event, yaml_document_end_event_initialize(&event, 1));
    if (outcome == STATUS_OK)
        outcome = emit(writer, &event, yaml_stream_end_event_initialize(&event));
    return outcome;
}

status options_write_yaml(const struct options *options, FILE *file)
{
    struct writer writer = {.options = options};
    if (!yaml_emitter_initialize(&writer.emitter))
        return status_set(STATUS_FAILED, "not enough memory to write the options");
    yaml_emitter_set_output_file(&writer.emitter, file);
    yaml_emitter_set_unicode(&writer.emitter, 1);
    yaml_emitter_set_width(&writer.emitter, -1);
    status outcome = emit_begin(&writer);
    if (outcome == STATUS_OK)
        outcome = options_visit(options, emit_option, &writer);
    if (outcome == STATUS_OK)
        outcome = emit_end(&writer);
    yaml_emitter_delete(&writer.emitter);
    return outcome;
}
