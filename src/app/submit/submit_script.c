/* SPDX-License-Identifier: BSD-3-Clause */
#include "submit_internal.h"

#include "base/memory.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct {
    const char *name, *text;
} batch_scripts[] = {
#include "batch_scripts.inc"
};

static const char marker[] = "# Written by `coterie submit`";

static const char *find_template(const char *name)
{
    for (size_t i = 0; i < sizeof batch_scripts / sizeof *batch_scripts; i++)
        if (strcmp(batch_scripts[i].name, name) == 0)
            return batch_scripts[i].text;
    return NULL;
}

void submit_put_word(FILE *file, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-_=./,:+@%";
    if (*word && word[strspn(word, plain)] == '\0') {
        fputs(word, file);
        return;
    }
    fputc('\'', file);
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", file);
        else
            fputc(*word, file);
    fputc('\'', file);
}

/*
 * A line for sbatch, which reads values much as a shell does, but only double quotes and
 * backslashes count in double quotes.
 */
static void put_directive(FILE *file, const char *option, const char *value)
{
    fprintf(file, "#SBATCH --%s=", option);
    if (value[strcspn(value, " #\"'\\")] == '\0') {
        fprintf(file, "%s\n", value);
        return;
    }
    fputc('"', file);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            fputc('\\', file);
        fputc(*value, file);
    }
    fputs("\"\n", file);
}

/* A line of the script cannot hold the end of a line, nor what a terminal takes for a command. */
static status check_one_line(const char *what, const char *value)
{
    for (const char *at = value; at && *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            return status_set(STATUS_USAGE,
                              "%s holds a line break or another control character, which no line "
                              "for sbatch can; choose one without",
                              what);
    return STATUS_OK;
}

static status check_directives(const struct options *options, const char *folder)
{
    const char *const values[][2] = {
        {"the present folder", folder},    {"--job-name", options->job_name},
        {"--memory", options->job_memory}, {"--partition", options->partition},
        {"--account", options->account},   {"--sbatch-options", options->sbatch_options}};
    status outcome = STATUS_OK;
    for (size_t i = 0; i < sizeof values / sizeof *values && outcome == STATUS_OK; i++)
        outcome = check_one_line(values[i][0], values[i][1]);
    return outcome;
}

/* The #SBATCH lines that are ours, as text, so that those of the template can yield to them. */
static void put_time(FILE *file, double seconds)
{
    long minutes = (long)ceil(seconds / 60);
    fprintf(file, "#SBATCH --time=%ld-%02ld:%02ld:00\n", minutes / 1440, minutes / 60 % 24,
            minutes % 60);
}

static void put_memory(FILE *file, const struct job *job)
{
    const char *memory = job->options->job_memory;
    if (strcmp(memory, "auto") == 0)
        fprintf(file, "#SBATCH --mem=%.0fM\n", ceil(job->memory / 0x1p20));
    else if (strcmp(memory, "none") != 0)
        put_directive(file, "mem", memory);
}

/* The bytes to the next blank that stands in no quotes. */
static size_t length_of_word(const char *text)
{
    char quote = '\0';
    size_t length = 0;
    for (; text[length] && (quote || text[length] != ' '); length++)
        if (quote && text[length] == quote)
            quote = '\0';
        else if (!quote && (text[length] == '"' || text[length] == '\''))
            quote = text[length];
    return length;
}

/* Words such as "qos=long exclusive", quoted as sbatch reads them; dashes may be there. */
static void put_more(FILE *file, const char *options)
{
    while (options && *options) {
        size_t blanks = strspn(options, " "), length = length_of_word(options + blanks);
        if (length > 0)
            fprintf(file, "#SBATCH %s%.*s\n", options[blanks] == '-' ? "" : "--", (int)length,
                    options + blanks);
        options += blanks + length;
    }
}

static status own_lines(const struct job *job, char **lines)
{
    const struct options *options = job->options;
    size_t size;
    char folder[PATH_MAX];
    bool has_folder = getcwd(folder, sizeof folder) != NULL;
    status outcome = has_folder ? check_directives(options, folder) : STATUS_OK;
    if (outcome != STATUS_OK)
        return outcome;
    FILE *file = has_folder ? open_memstream(lines, &size) : NULL;
    if (!file)
        return status_set(STATUS_FAILED, "cannot make the batch script: %s", strerror(errno));
    put_directive(file, "job-name", options->job_name);
    put_directive(file, "chdir", folder);
    fprintf(file, "#SBATCH --nodes=%ld\n#SBATCH --ntasks-per-node=%ld\n", options->nodes,
            options->tasks_per_node);
    if (options->job_time > 0)
        put_time(file, options->job_time);
    put_memory(file, job);
    if (options->partition)
        put_directive(file, "partition", options->partition);
    if (options->account)
        put_directive(file, "account", options->account);
    if (options->array_size > 0)
        fprintf(file, "#SBATCH --array=0-%ld\n", options->array_size - 1);
    else if (job->is_sweep)
        fprintf(file, "#SBATCH --output=%%x-%%j.out\n");
    put_more(file, options->sbatch_options);
    return fclose(file) == 0 ? STATUS_OK
                             : status_set(STATUS_FAILED, "not enough memory for the batch script");
}

/* Whether the lines have an option that a line of the template, "#SBATCH --name=...", sets too. */
static bool is_overridden(const char *lines, const char *line)
{
    char name[64];
    size_t length = strcspn(line, "=\n ") == 7 ? 8 + strcspn(line + 8, "=\n ") : 0;
    if (length == 0 || length >= sizeof name)
        return false;
    snprintf(name, sizeof name, "%.*s", (int)length, line);
    for (const char *at = lines; (at = strstr(at, name)) != NULL; at += length)
        if (strchr("=\n ", at[length]))
            return true;
    return false;
}

/* The path of this program, for jobs on nodes that see the same file system. */
static void put_program(FILE *file)
{
    char path[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = '\0';
    fputs(
        "# The program, unless the environment names another.\n[ -n \"${COTERIE:-}\" ] || COTERIE=",
        file);
    submit_put_word(file, path);
    fputs("\nexport COTERIE\n", file);
}

static void put_script(FILE *file, const struct job *job, const char *template, const char *lines)
{
    fprintf(file,
            "#!/usr/bin/env bash\n%s; `sbatch` submits it. What it does is explained\n"
            "# in slurm/README.md of Coterie.\n",
            marker);
    const char *line = template;
    for (; *line == '#'; line += strcspn(line, "\n") + 1)
        if (strncmp(line, "#SBATCH ", 8) == 0 && !is_overridden(lines, line))
            fprintf(file, "%.*s", (int)strcspn(line, "\n") + 1, line);
    fprintf(file, "%s\n", lines);
    put_program(file);
    fputs("set --", file);
    for (size_t i = 0; i < job->n_words; i++) {
        fputc(' ', file);
        submit_put_word(file, job->word[i]);
    }
    fprintf(file, "\n\n%s", line);
}

/* A script that somebody else has written is not ours to replace. */
static status check_file(const char *path)
{
    char text[256] = "";
    FILE *file = fopen(path, "r");
    if (!file)
        return STATUS_OK;
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = '\0';
    fclose(file);
    if (strstr(text, marker))
        return STATUS_OK;
    return status_set(STATUS_USAGE,
                      "%s exists and was not written by `coterie submit`; choose another --script",
                      path);
}

status submit_write(const struct job *job, const char *path)
{
    const char *name = job->is_sweep ? "sweep.sbatch" : "train.sbatch";
    const char *template = find_template(name);
    char *lines = NULL;
    if (!template)
        return status_set(STATUS_FAILED, "this program was built without slurm/%s", name);
    status outcome = check_file(path);
    if (outcome == STATUS_OK)
        outcome = own_lines(job, &lines);
    FILE *file = outcome == STATUS_OK ? fopen(path, "w") : NULL;
    if (outcome == STATUS_OK && !file)
        outcome = status_set(STATUS_USAGE, "cannot write %s: %s; choose another --script", path,
                             strerror(errno));
    if (file) {
        put_script(file, job, template, lines);
        bool failed = ferror(file) != 0;
        if (fclose(file) != 0 || failed)
            outcome = status_set(STATUS_FAILED, "cannot write %s: %s", path, strerror(errno));
        else
            chmod(path, 0755);
    }
    memory_free(&lines);
    return outcome;
}
