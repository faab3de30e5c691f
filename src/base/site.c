/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/site.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const names[N_SITES] = {
#define SITE_NAME(name) #name,
    SITE_LIST(SITE_NAME)
#undef SITE_NAME
};

enum kind {
    KIND_KILL,
    KIND_ABORT,
    KIND_SEGV,
    KIND_EXIT,
    KIND_HANG,
    KIND_STOP,
    KIND_SLOW,
    KIND_SPIN,
    KIND_REQUEST,
    KIND_FAIL,
    KIND_NAN,
    N_KINDS
};

static const char *const kind_names[N_KINDS] = {"kill", "abort", "segv",    "exit", "hang", "stop",
                                                "slow", "spin",  "request", "fail", "nan"};

/* A fault of this rank. */
struct fault {
    enum site site;
    bool any_step;
    int64_t step;
    enum kind kind;
};

enum { MAX_FAULTS = 16 };

static struct fault faults[MAX_FAULTS];
static size_t n_faults;
static _Thread_local int64_t step_of_thread = -1;
static struct beacon own_beacon;
static struct beacon *beacon = &own_beacon;

const char *site_name(enum site site)
{
    return names[site];
}

void site_publish_at(struct beacon *place)
{
    struct beacon *before = beacon;
    beacon = place ? place : &own_beacon;
    atomic_store(&beacon->count, atomic_load(&before->count));
    atomic_store(&beacon->step, atomic_load(&before->step));
    atomic_store(&beacon->site, atomic_load(&before->site));
}

static int find_name(const char *const *list, int n, const char *text)
{
    for (int i = 0; i < n; i++)
        if (strcmp(list[i], text) == 0)
            return i;
    return -1;
}

static status bad_fault(const char *text)
{
    return status_set(STATUS_USAGE,
                      "COTERIE_FAULT: '%s' is not site:rank:step:kind, as in "
                      "exchange_gather:1:20:kill",
                      text);
}

/* Reads one fault; it is kept if it is this rank's. */
static status read_fault(const char *text, int rank)
{
    char site[64], at_rank[32], step[32], kind[32], end;
    if (sscanf(text, "%63[^:]:%31[^:]:%31[^:]:%31[^:]%c", site, at_rank, step, kind, &end) != 4)
        return bad_fault(text);
    int site_number = find_name(names, N_SITES, site);
    int kind_number = find_name(kind_names, N_KINDS, kind);
    if (site_number < 0 || kind_number < 0)
        return bad_fault(text);
    if (strcmp(at_rank, "*") != 0 && atoi(at_rank) != rank)
        return STATUS_OK;
    if (n_faults == MAX_FAULTS)
        return status_set(STATUS_USAGE, "COTERIE_FAULT: more than %d faults of a rank", MAX_FAULTS);
    faults[n_faults++] = (struct fault){(enum site)site_number, strcmp(step, "*") == 0, atoll(step),
                                        (enum kind)kind_number};
    return STATUS_OK;
}

status site_read_faults(int rank)
{
    const char *text = getenv("COTERIE_FAULT");
    status outcome = STATUS_OK;
    n_faults = 0;
    while (text && *text && outcome == STATUS_OK) {
        char one[256];
        size_t length = strcspn(text, ",");
        snprintf(one, sizeof one, "%.*s", (int)length, text);
        outcome = read_fault(one, rank);
        text += length + (text[length] == ',');
    }
    return outcome;
}

void site_forget_faults(void)
{
    n_faults = 0;
}

void site_keep_faults_at(enum site site)
{
    size_t kept = 0;
    for (size_t i = 0; i < n_faults; i++)
        if (faults[i].site == site)
            faults[kept++] = faults[i];
    n_faults = kept;
}

void site_set_step(int64_t step)
{
    atomic_store_explicit(&beacon->step, step, memory_order_relaxed);
}

void site_set_step_of_thread(int64_t step)
{
    step_of_thread = step;
}

static const struct fault *find_fault(enum site site, bool on_entry)
{
    int64_t step = step_of_thread;
    if (step < 0)
        step = atomic_load_explicit(&beacon->step, memory_order_relaxed);
    for (size_t i = 0; i < n_faults; i++) {
        bool happens_on_entry = faults[i].kind != KIND_FAIL && faults[i].kind != KIND_NAN;
        if (faults[i].site == site && happens_on_entry == on_entry &&
            (faults[i].any_step || faults[i].step == step))
            return &faults[i];
    }
    return NULL;
}

static void happen(enum kind kind)
{
    static const int signals[N_KINDS] = {[KIND_KILL] = SIGKILL,
                                         [KIND_ABORT] = SIGABRT,
                                         [KIND_SEGV] = SIGSEGV,
                                         [KIND_STOP] = SIGSTOP,
                                         [KIND_REQUEST] = SIGUSR1};
    if (signals[kind])
        raise(signals[kind]);
    if (kind == KIND_EXIT)
        _exit(3);
    if (kind == KIND_HANG)
        for (;;)
            sleep(1000);
    if (kind == KIND_SLOW)
        usleep(200000);
    if (kind == KIND_SPIN)
        for (;;)
            (void)site_name(SITE_compute);
}

void site_enter(enum site site, size_t bytes)
{
    atomic_store_explicit(&beacon->shape, bytes, memory_order_relaxed);
    atomic_store_explicit(&beacon->site, (int32_t)site, memory_order_relaxed);
    /* Only this rank counts here, so no read-modify-write is needed. */
    uint64_t count = atomic_load_explicit(&beacon->count, memory_order_relaxed);
    atomic_store_explicit(&beacon->count, count + 1, memory_order_release);
    if (n_faults == 0)
        return;
    const struct fault *fault = find_fault(site, true);
    if (fault) {
        /* A fault happens before the collective: the rank never gets there. */
        atomic_store_explicit(&beacon->site, SITE_compute, memory_order_relaxed);
        happen(fault->kind);
        atomic_store_explicit(&beacon->site, (int32_t)site, memory_order_relaxed);
    }
}

uint64_t site_count(void)
{
    return atomic_load_explicit(&beacon->count, memory_order_relaxed);
}

void site_set_count(uint64_t count)
{
    atomic_store_explicit(&beacon->count, count, memory_order_release);
}

void site_leave(void)
{
    atomic_store_explicit(&beacon->site, SITE_compute, memory_order_relaxed);
}

status site_file(enum site site, const char *path)
{
    atomic_fetch_add_explicit(&beacon->pulse, 1, memory_order_relaxed);
    if (n_faults == 0)
        return STATUS_OK;
    const struct fault *fault = find_fault(site, true);
    if (fault)
        happen(fault->kind);
    if (find_fault(site, false))
        return status_set(STATUS_FAILED, "%s%s%s fails (injected by COTERIE_FAULT)",
                          path ? path : "", path ? ": " : "", site_name(site));
    return STATUS_OK;
}

bool site_poisons(enum site site)
{
    return n_faults > 0 && find_fault(site, false) != NULL;
}
