/* SPDX-License-Identifier: BSD-3-Clause */
/* What the harnesses share: the input as a file, and a walk through it by another process. */
#ifndef COTERIE_TESTS_FUZZ_H
#define COTERIE_TESTS_FUZZ_H

#include "data/hdf5/hdf5_probe.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the input to a file, always the same one of this process. */
static inline const char *fuzz_file(const uint8_t *data, size_t size)
{
    static char path[4096];
    if (!path[0])
        snprintf(path, sizeof path, "%s/coterie-fuzz-%d",
                 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0)
        abort();
    return path;
}

/*
 * The programs let another process walk through an HDF5 file first (data/hdf5_probe.h). Files that
 * kill it are refused there, and are none of the business of the reading that is tested here.
 */
static inline bool fuzz_survives(const char *path)
{
    int end;
    pid_t child = fork(), ended;
    if (child == 0) {
        const int deadly[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGXCPU};
        for (size_t i = 0; i < sizeof deadly / sizeof deadly[0]; i++)
            signal(deadly[i], SIG_DFL); /* the fuzzer would take it for a finding */
        fclose(stderr);
        /* Less than the programs allow: time spent on loops without end is lost for other inputs.
         */
        setitimer(ITIMER_PROF, &(struct itimerval){.it_value.tv_sec = 1}, NULL);
        _exit(hdf5_probe_walk(path));
    }
    while ((ended = waitpid(child, &end, 0)) < 0 && errno == EINTR)
        ; /* the fuzzer's clock */
    return child > 0 && ended == child && WIFEXITED(end) && WEXITSTATUS(end) == 0;
}

#endif
