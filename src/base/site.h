/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_SITE_H
#define COTERIE_BASE_SITE_H

#include "base/status.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Sites: the places where a run can hang or fail: every collective boundary and every operation on
 * a file. A rank says which one it is at, where others can read it (the watchdog of the comm layer
 * does), and a fault can be injected there by the environment:
 *
 *     COTERIE_FAULT=site:rank:step:kind[,site:rank:step:kind ...]
 *
 * `rank` and `step` are numbers or *, the step is that of training (0 before it). Kinds:
 *     kill   SIGKILL              abort  SIGABRT        segv  SIGSEGV      exit   exit(3)
 *     hang   sleep for ever       stop   SIGSTOP        slow  sleep 200 ms
 *     spin   work for ever        request  SIGUSR1
 *     fail   the operation on a file fails, as on a full disk
 *     nan    a number of this rank's becomes NaN (site step_forward), or is wrong (site update of
 *            EM)
 *
 * COTERIE_HANG_TIMEOUT is the timeout of the watchdog, in seconds, until --hang-timeout is read.
 *
 * All functions are Local. Without COTERIE_FAULT a site costs a few instructions.
 */
#define SITE_LIST(X)                                                                               \
    X(compute)                                                                                     \
    X(agree)                                                                                       \
    X(broadcast)                                                                                   \
    X(maximum)                                                                                     \
    X(sum)                                                                                         \
    X(gather)                                                                                      \
    X(gather_rows)                                                                                 \
    X(scatter_rows)                                                                                \
    X(barrier)                                                                                     \
    X(ordered_sum)                                                                                 \
    X(exchange_gather)                                                                             \
    X(exchange_scatter)                                                                            \
    X(exchange_combine)                                                                            \
    X(shared_create)                                                                               \
    X(shared_publish)                                                                              \
    X(step_forward)                                                                                \
    X(step_backward)                                                                               \
    X(update)                                                                                      \
    X(save_collect)                                                                                \
    X(data_open)                                                                                   \
    X(data_read)                                                                                   \
    X(hdf5_create)                                                                                 \
    X(hdf5_open)                                                                                   \
    X(hdf5_write)                                                                                  \
    X(hdf5_read)                                                                                   \
    X(hdf5_sync)                                                                                   \
    X(hdf5_close)                                                                                  \
    X(hdf5_walk)                                                                                   \
    X(checkpoint_rename)                                                                           \
    X(folder_sync)                                                                                 \
    X(lock)                                                                                        \
    X(link)                                                                                        \
    X(prune)                                                                                       \
    X(metrics_write)                                                                               \
    X(config_write)                                                                                \
    X(prediction_write)

enum site {
#define SITE_NAME(name) SITE_##name,
    SITE_LIST(SITE_NAME)
#undef SITE_NAME
        N_SITES
};

const char *site_name(enum site site);

/* What a rank publishes of itself. */
struct beacon {
    _Atomic uint64_t count; /* sites entered so far: the rank's progress */
    _Atomic int64_t step;   /* of training */
    _Atomic int32_t site;   /* enum site; SITE_compute between collectives */
    _Atomic uint64_t shape; /* bytes that the collective moves, for finding a mismatch */
    _Atomic uint64_t pulse; /* operations on files so far: work that is no collective */
    _Atomic uint64_t alive; /* counted up by the watchdog's thread */
};

/* From now on this rank publishes at `beacon` (NULL: at a place of its own). */
void site_publish_at(struct beacon *beacon);

/* Reads COTERIE_FAULT. STATUS_USAGE if it cannot be understood. */
status site_read_faults(int rank);
/* No more faults. */
void site_forget_faults(void);
/* No more faults but those at one site. */
void site_keep_faults_at(enum site site);

/* The step of training, for beacon and faults. */
void site_set_step(int64_t step);

/*
 * The sites entered so far; and sets it, for ranks that rightly pass different numbers of them: the
 * watchdog takes the rank with the fewest for the late one.
 */
uint64_t site_count(void);
void site_set_count(uint64_t count);

/* For faults in this thread only: it works for a step that others have left behind. */
void site_set_step_of_thread(int64_t step);

/* Before a collective that moves `bytes`; faults other than fail and nan happen here. */
void site_enter(enum site site, size_t bytes);
/* Behind it: back to SITE_compute. */
void site_leave(void);

/*
 * At an operation on a file: STATUS_FAILED, with a text, if a fault says that it fails; other
 * faults happen here. `path` may be NULL. Any thread may call it.
 */
status site_file(enum site site, const char *path);

/* True if a fault says that a number becomes NaN here. */
bool site_poisons(enum site site);

#endif
