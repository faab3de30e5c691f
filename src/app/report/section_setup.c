/* SPDX-License-Identifier: BSD-3-Clause */
/* How the run was made: its options, the machine, and what to cite. */
#include "page.h"
#include "report_internal.h"

#include "app/options/option_entry.h"

#include <stdlib.h>
#include <string.h>

struct listing {
    FILE *page;
    const struct options *defaults;
    bool changed_only;
};

static status write_option(const struct option_entry *entry, const char *value, void *context)
{
    const struct listing *listing = context;
    char text[4096], key[OPTION_KEY_SIZE];
    option_key(entry, key);
    snprintf(text, sizeof text, "%s", value);
    bool is_changed = strcmp(text, options_value(listing->defaults, key)) != 0;
    if (listing->changed_only && !is_changed)
        return STATUS_OK;
    page_raw(listing->page, "<tr><th scope=\"row\">");
    page_text(listing->page, key);
    page_raw(listing->page, "</th><td class=\"text\">");
    page_text(listing->page, text);
    page_raw(listing->page, "</td></tr>\n");
    return STATUS_OK;
}

static status write_options(FILE *page, const struct options *options,
                            const struct options *defaults)
{
    static const char *const columns[] = {"option", "value"};
    struct listing listing = {page, defaults, true};
    page_table_begin(page, "options that differ from the defaults", 2, columns);
    status outcome = options_visit(options, write_option, &listing);
    page_table_end(page);
    page_details_begin(page, "All options");
    page_table_begin(page, "all options of the run", 2, columns);
    listing.changed_only = false;
    if (outcome == STATUS_OK)
        outcome = options_visit(options, write_option, &listing);
    page_table_end(page);
    page_details_end(page);
    return outcome;
}

status section_configuration(struct report *report)
{
    char path[PATH_MAX];
    struct options options = {0}, defaults = {0};
    snprintf(path, sizeof path, "%s/config.yaml", report->run);
    status outcome = options_init(&defaults, COMMAND_TRAIN);
    if (outcome == STATUS_OK)
        outcome = options_init(&options, COMMAND_TRAIN);
    if (outcome == STATUS_OK) {
        if (options_read_yaml(&options, path) == STATUS_OK)
            outcome = write_options(report->page, &options, &defaults);
        else {
            page_raw(report->page, "<p class=\"missing\">");
            page_text(report->page, status_text());
            page_raw(report->page, "</p>\n");
        }
    }
    options_release(&options);
    options_release(&defaults);
    return outcome;
}

static void write_fact(FILE *page, const char *name, const char *text)
{
    if (!text)
        return;
    page_raw(page, "<tr><th scope=\"row\">%s</th><td class=\"text\">", name);
    page_text(page, text);
    page_raw(page, "</td></tr>\n");
}

/* What training said at its begin and end: all of a short log, the last lines of a long one. */
static void write_log(const struct report *report)
{
    enum { SHOWN = 8000 };
    char path[PATH_MAX], text[SHOWN + 1];
    snprintf(path, sizeof path, "%s/log.txt", report->run);
    FILE *file = fopen(path, "re");
    if (!file)
        return;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    bool is_whole = size <= SHOWN;
    fseek(file, is_whole ? 0 : size - SHOWN, SEEK_SET);
    text[fread(text, 1, SHOWN, file)] = '\0';
    fclose(file);
    const char *line = is_whole || !strchr(text, '\n') ? text : strchr(text, '\n') + 1;
    page_details_begin(report->page, is_whole ? "The log of the run" : "The end of the run's log");
    page_raw(report->page, "<pre>");
    while (*line) {
        size_t length = strcspn(line, "\n");
        char one[SHOWN + 1];
        snprintf(one, sizeof one, "%.*s", (int)length, line);
        page_text(report->page, one);
        page_raw(report->page, "\n");
        line += length + (line[length] == '\n');
    }
    page_raw(report->page, "</pre>\n");
    page_details_end(report->page);
}

status section_environment(struct report *report)
{
    static const char *const columns[] = {"", ""};
    char path[PATH_MAX], begun[1024] = "";
    snprintf(path, sizeof path, "%s/log.txt", report->run);
    FILE *file = fopen(path, "re");
    if (file && fgets(begun, sizeof begun, file))
        begun[strcspn(begun, "\n")] = '\0';
    if (file)
        fclose(file);
    page_table_begin(report->page, "where and with what the run was made", 2, columns);
    write_fact(report->page, "begun with", *begun ? begun : NULL);
    write_fact(report->page, "model of", report->created);
    write_fact(report->page, "written by coterie", report->version);
    write_fact(report->page, "precision", report->precision);
    if (report->predictor) {
        write_fact(report->page, "data", predictor_record(report->predictor)->data_path);
        write_fact(report->page, "trained on", predictor_record(report->predictor)->data_split);
    }
    page_table_end(report->page);
    write_log(report);
    return STATUS_OK;
}

/* As CITATION.cff has it, which a test compares. */
status section_citation(struct report *report)
{
    page_raw(report->page,
             "<p>Please cite the software and the paper whose method it implements.</p>\n<pre>"
             "@software{coterie,\n"
             "  title   = {Coterie: adaptive mixtures of local experts over MPI},\n"
             "  author  = {{The Coterie developers}},\n"
             "  version = {%s}\n}\n"
             "@article{jacobs1991,\n"
             "  title   = {Adaptive mixtures of local experts},\n"
             "  author  = {Jacobs, Robert A. and Jordan, Michael I. and Nowlan, Steven J. and\n"
             "             Hinton, Geoffrey E.},\n"
             "  journal = {Neural Computation},\n"
             "  volume  = {3}, number = {1}, pages = {79--87}, year = {1991},\n"
             "  doi     = {10.1162/neco.1991.3.1.79}\n}</pre>\n",
             COTERIE_VERSION);
    return STATUS_OK;
}
