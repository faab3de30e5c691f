/* SPDX-License-Identifier: BSD-3-Clause */
#include "page.h"
#include "report_internal.h"

#include "app/options/command.h"
#include "base/clock.h"
#include "base/fresh_file.h"
#include "base/log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static const char style[] = {
#include "report_style.inc"
};
/* By which a page of ours is known, and may be written anew. */
static const char generator[] = "<meta name=\"generator\" content=\"coterie report\"/>";

bool report_has_history(const struct report *report)
{
    return report->history.n > 0;
}

bool report_has_model(const struct report *report)
{
    return report->predictor != NULL;
}

bool report_has_samples(const struct report *report)
{
    return report->has_samples;
}

static bool always(const struct report *report)
{
    (void)report;
    return true;
}

static const struct section {
    const char *id, *heading;
    bool (*is_there)(const struct report *report);
    status (*write)(struct report *report);
} sections[] = {
    {"learning", "Learning", report_has_history, section_learning},
    {"quality", "How good it is", report_has_samples, section_quality},
    {"experts", "Experts", report_has_experts, section_experts},
    {"response", "What the model says", report_has_samples, section_response},
    {"classes", "Classes", report_has_classes, section_classes},
    {"calibration", "Calibration", report_has_calibration, section_calibration},
    {"residuals", "Residuals", report_has_residuals, section_residuals},
    {"coefficients", "Coefficients", report_has_coefficients, section_coefficients},
    {"configuration", "Configuration", always, section_configuration},
    {"environment", "Environment", always, section_environment},
    {"citation", "How to cite", always, section_citation},
};
enum { N_SECTIONS_OF_REPORT = sizeof sections / sizeof *sections };

static void write_head(const struct report *report)
{
    FILE *page = report->page;
    page_raw(page,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
             "'unsafe-inline'\"/>\n%s\n<title>Coterie: ",
             generator);
    page_text(page, report->run);
    page_raw(page, "</title>\n<style>\n%s</style>\n</head>\n<body>\n", style);
    page_raw(page, "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header>\n<h1>");
    page_text(page, report->run);
    page_raw(page, "</h1>\n");
}

static void write_fact(FILE *page, const char *name, double value)
{
    page_raw(page, "<div><dt>%s</dt><dd>", name);
    page_number(page, value);
    page_raw(page, "</dd></div>\n");
}

static void write_facts(const struct report *report)
{
    FILE *page = report->page;
    page_raw(page, "<dl>\n");
    if (report->predictor) {
        const struct model_config *model = predictor_config(report->predictor);
        write_fact(page, "experts", (double)model->n_experts);
        write_fact(page, "inputs", (double)model->n_inputs);
        write_fact(page, "outputs", (double)model->n_outputs);
        write_fact(page, "parameters", (double)model_n_parameters(model));
    }
    if (report->history.n > 0)
        write_fact(page, "last epoch", (double)report->history.record[report->history.n - 1].epoch);
    if (report->predictor)
        write_fact(page, "epoch of this model", (double)report->progress.epoch);
    page_raw(page, "</dl>\n");
    for (size_t i = 0; i < report->missing.n; i++) {
        page_raw(page, "<p class=\"missing\">");
        page_text(page, report->missing.item[i]);
        page_raw(page, "</p>\n");
    }
}

static void write_contents(const struct report *report)
{
    page_raw(report->page, "<nav aria-label=\"Contents\"><ul>\n");
    for (size_t i = 0; i < N_SECTIONS_OF_REPORT; i++)
        if (sections[i].is_there(report))
            page_raw(report->page, "<li><a href=\"#%s\">%s</a></li>\n", sections[i].id,
                     sections[i].heading);
    page_raw(report->page, "</ul></nav>\n</header>\n<main id=\"main\">\n");
}

static status write_page(struct report *report)
{
    char now[32];
    status outcome = STATUS_OK;
    write_head(report);
    write_facts(report);
    write_contents(report);
    for (size_t i = 0; i < N_SECTIONS_OF_REPORT && outcome == STATUS_OK; i++) {
        const struct section *section = &sections[i];
        if (!section->is_there(report))
            continue;
        page_raw(report->page,
                 "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n",
                 section->id, section->id, section->id, section->heading);
        outcome = section->write(report);
        page_raw(report->page, "</section>\n");
    }
    clock_timestamp(now, sizeof now);
    page_raw(report->page,
             "</main>\n<footer>Written by coterie %s on %s.</footer>\n</body>\n</html>\n",
             COTERIE_VERSION, now);
    return outcome;
}

/* What is there already may be replaced if it is an earlier report. */
static status check_place(const char *path)
{
    char line[512];
    struct stat about;
    bool is_ours = false;
    if (stat(path, &about) != 0)
        return STATUS_OK;
    FILE *file = fopen(path, "re");
    while (file && !is_ours && fgets(line, sizeof line, file) && !strstr(line, "<body>"))
        is_ours = strstr(line, generator) != NULL;
    if (file)
        fclose(file);
    return is_ours ? STATUS_OK
                   : status_set(STATUS_USAGE,
                                "%s is there and no report of coterie: remove it, or choose "
                                "another file with --output",
                                path);
}

static status write_file(struct report *report, const char *path)
{
    struct fresh_file file = {0};
    status outcome = check_place(path);
    if (outcome == STATUS_OK)
        outcome = fresh_file_open(&file, path);
    if (outcome != STATUS_OK)
        return outcome;
    report->page = file.stream;
    outcome = write_page(report);
    if (outcome == STATUS_OK && (fflush(file.stream) != 0 || ferror(file.stream)))
        outcome = status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
    outcome = fresh_file_publish(&file, outcome);
    for (size_t i = 0; i < report->missing.n && outcome == STATUS_OK; i++)
        log_warning("%s", report->missing.item[i]);
    if (outcome == STATUS_OK)
        log_info("report   %s", path);
    return outcome;
}

/* Root, with a communicator of its own. */
static status make_report(const struct communicator *comm, const struct options *options)
{
    struct report report = {.run = options->positional.item[0]};
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, options->output ? "%s" : "%s/report.html",
                          options->output ? options->output : report.run);
    if (length >= (int)sizeof path)
        return status_set(STATUS_USAGE, "the path is too long: %.200s...", path);
    status outcome = report_gather(comm, options, &report);
    if (outcome == STATUS_OK)
        outcome = write_file(&report, path);
    report_release(comm, &report);
    return outcome;
}

/* Collective. One page about the run in a run directory, by rank 0 alone. */
static status run_report(const struct communicator *comm, struct options *options)
{
    struct communicator alone;
    if (comm->size == 1)
        return make_report(comm, options);
    status outcome = communicator_split(comm, comm->rank == 0 ? 0 : 1, &alone);
    if (outcome == STATUS_OK) {
        if (comm->rank == 0)
            outcome = make_report(&alone, options);
        communicator_release(&alone);
    }
    return communicator_agree(comm, outcome);
}

const struct command_entry report_command = {
    .name = "report",
    .positional = {"RUN"},
    .usage = "coterie report RUN [options]",
    .summary = "writes one HTML page with the figures and tables of a run",
    .examples = "  coterie report run                       writes run/report.html\n"
                "  coterie report run --output page.html\n"
                "  coterie report run --data new.csv        judged on other samples\n\n"
                "The page needs nothing but itself: no other file and no network.\n",
    .run = run_report,
};
