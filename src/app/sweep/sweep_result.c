/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/sweep/sweep_internal.h"

#include "base/fresh_file.h"
#include "base/json_number.h"

#include "train/loop/run_directory.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define MEMBER(name)                                                                               \
    {                                                                                              \
#name, offsetof(struct selection, name)                                                    \
    }
const struct selection_member selection_members[] = {
    MEMBER(nll_valid),      MEMBER(nll),      MEMBER(bic),        MEMBER(icl),
    MEMBER(accuracy_valid), MEMBER(accuracy), MEMBER(rmse_valid), MEMBER(rmse),
    MEMBER(entropy),        MEMBER(n),        MEMBER(parameters), MEMBER(epochs),
    MEMBER(seconds),        {NULL, 0}};

double selection_get(const struct selection *selection, const struct selection_member *member)
{
    const void *at = (const char *)selection + member->offset;
    return *(const double *)at;
}

static void selection_put(struct selection *selection, const struct selection_member *member,
                          double value)
{
    void *at = (char *)selection + member->offset;
    *(double *)at = value;
}

static json_t *result_json(const struct sweep_result *result)
{
    json_t *object = json_object();
    bool is_finished = result->state == RUN_FINISHED;
    json_object_set_new(object, "state", json_string(is_finished ? "finished" : "failed"));
    if (!is_finished)
        json_object_set_new(object, "message", json_string(result->message));
    for (const struct selection_member *m = selection_members; is_finished && m->name; m++) {
        double value = selection_get(&result->selection, m);
        json_object_set_new(object, m->name, json_number(value));
    }
    return object;
}

status sweep_result_write(const char *run_path, const struct sweep_result *result)
{
    char path[PATH_MAX];
    struct fresh_file file;
    status outcome = run_directory_make_folder(run_path);
    if (outcome != STATUS_OK)
        return outcome;
    snprintf(path, sizeof path, "%s/result.json", run_path);
    json_t *object = result_json(result);
    outcome = fresh_file_open(&file, path);
    if (outcome == STATUS_OK) {
        int failed = json_dumpf(object, file.stream, JSON_REAL_PRECISION(17) | JSON_INDENT(1));
        if (failed)
            outcome = status_set(STATUS_FAILED, "cannot write %s: %s", path,
                                 object ? strerror(errno) : "not enough memory");
        outcome = fresh_file_publish(&file, outcome);
    }
    json_decref(object);
    return outcome;
}

void sweep_result_read(const char *run_path, struct sweep_result *result)
{
    char path[PATH_MAX];
    json_error_t error;
    memset(result, 0, sizeof *result);
    snprintf(path, sizeof path, "%s/result.json", run_path);
    json_t *object = json_load_file(path, 0, &error);
    const char *state = json_string_value(json_object_get(object, "state"));
    if (state && strcmp(state, "finished") == 0)
        result->state = RUN_FINISHED;
    else if (state)
        result->state = RUN_FAILED;
    const char *message = json_string_value(json_object_get(object, "message"));
    snprintf(result->message, sizeof result->message, "%s", message ? message : "");
    for (const struct selection_member *m = selection_members; m->name; m++) {
        const json_t *value = json_object_get(object, m->name);
        selection_put(&result->selection, m,
                      json_is_number(value) ? json_number_value(value) : NAN);
    }
    json_decref(object);
}
