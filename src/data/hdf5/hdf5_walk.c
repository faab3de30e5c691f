/* SPDX-License-Identifier: BSD-3-Clause */
/* What the other process does, see hdf5_probe.h. */
#include "base/memory.h"
#include "base/site.h"
#include "data/hdf5/hdf5_file.h"
#include "data/hdf5/hdf5_meaning.h"
#include "data/hdf5/hdf5_probe.h"
#include "data/hdf5/hdf5_storage.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum {
    CPU_SECONDS = 5,        /* without progress of the other process: a loop without end */
    CPU_MOST = 3600,        /* of all of it */
    LEAST_OBJECT = 16,      /* bytes that an object takes at least: there are no more in a file */
    NUMBERS_READ = 1 << 23, /* in all; of larger files only the first and last rows are read */
    BLOCK = 1 << 18         /* numbers read at a time */
};

struct walk {
    struct hdf5_file *file;
    uint64_t budget;  /* numbers that may still be read */
    uint64_t objects; /* that may still come */
};

/* What is large, or holds many data sets, takes its time: the limit is for each step of the way. */
static void allow_more_time(void)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0)
        return;
    rlim_t seconds = (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1 + CPU_SECONDS;
    struct rlimit cpu = {seconds < CPU_MOST ? seconds : CPU_MOST, CPU_MOST};
    setrlimit(RLIMIT_CPU, &cpu);
}

static status skip_attribute(const char *name, const char *value, void *context)
{
    (void)name, (void)value, (void)context;
    return STATUS_OK;
}

static void read_numbers(struct walk *walk, const char *name, const struct hdf5_shape *shape)
{
    uint64_t width = 1, rows = shape->rank > 0 ? shape->dims[0] : 1;
    double *values = NULL;
    for (int d = 1; d < shape->rank; d++)
        if (__builtin_mul_overflow(width, shape->dims[d], &width))
            return;
    if (width == 0 || rows == 0 || width > NUMBERS_READ)
        return;
    bool whole = rows <= walk->budget / width;
    uint64_t most = width < BLOCK ? BLOCK / width : 1, n = rows < most ? rows : most;
    if (memory_alloc(&values, n * width, sizeof *values, "a block of numbers") != STATUS_OK)
        return;
    walk->budget -= whole ? rows * width : 0;
    /* Beyond what cannot be read too: rows may be wanted in another order. */
    for (uint64_t first = 0; whole && first < rows; first += n) {
        allow_more_time();
        hdf5_read_rows(walk->file, name, first, rows - first < n ? rows - first : n, HDF5_AS_DOUBLE,
                       values);
    }
    if (!whole) {
        hdf5_read_rows(walk->file, name, 0, 1, HDF5_AS_DOUBLE, values);
        hdf5_read_rows(walk->file, name, rows - 1, 1, HDF5_AS_DOUBLE, values);
    }
    memory_free(&values);
}

/* What is asked of a data set before it is used. */
static void look_at(struct hdf5_file *file, const char *name)
{
    struct hdf5_meaning meaning;
    hdf5_meaning_find(file, name, &meaning);
    hdf5_meaning_release(&meaning);
    hdf5_check_storage(file, name);
}

/* What cannot be read is for the real reading to complain about. */
static status visit(const char *name, const struct hdf5_shape *shape, void *context)
{
    enum { OBJECTS_PER_STEP = 256 };
    struct walk *walk = context;
    if (walk->objects > 0 && walk->objects-- % OBJECTS_PER_STEP == 0)
        allow_more_time();
    if (shape->rank > 0)
        look_at(walk->file, name);
    hdf5_visit_attributes(walk->file, name, skip_attribute, NULL);
    if (shape->kind == HDF5_FLOAT || shape->kind == HDF5_INTEGER)
        read_numbers(walk, name, shape);
    else if (shape->kind == HDF5_STRING) {
        struct string_list list = {0};
        hdf5_read_strings(walk->file, name, &list);
        string_list_release(&list);
    }
    return STATUS_OK;
}

int hdf5_probe_walk(const char *path)
{
    struct rlimit cpu = {CPU_SECONDS, CPU_MOST}, core = {0, 0};
    struct stat about;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    /* Tests let this process die or never end; all other faults are those of the run. */
    if (site_read_faults(0) == STATUS_OK)
        site_keep_faults_at(SITE_hdf5_walk);
    site_file(SITE_hdf5_walk, path);
    struct walk walk = {.budget = NUMBERS_READ};
    if (stat(path, &about) == 0)
        walk.objects = (uint64_t)about.st_size / LEAST_OBJECT;
    if (hdf5_open(path, &walk.file) != STATUS_OK)
        return 0;
    hdf5_visit_attributes(walk.file, "/", skip_attribute, NULL);
    /* What cannot be listed cannot be looked at, but might be found by its name. */
    status outcome = hdf5_visit(walk.file, "/", visit, &walk);
    hdf5_close(&walk.file);
    return outcome == STATUS_OK ? 0 : HDF5_NOT_ALL_OPENED;
}
