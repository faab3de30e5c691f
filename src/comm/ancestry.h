/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_ANCESTRY_H
#define COTERIE_COMM_ANCESTRY_H

#include <stdbool.h>

enum { ANCESTRY_MOST = 8 };

/*
 * The processes from this one's parent up to the launcher of the ranks on this host: mpirun, a
 * daemon of it or slurmstepd; shells and containers may be in between. Most of the time it is one.
 */
struct ancestry {
    int process[ANCESTRY_MOST];
    int n; /* 0: there is no launcher that could be watched */
    char launcher[32];
};

/* Local. */
void ancestry_find(struct ancestry *ancestry);

/*
 * Local. Whether the launcher has gone, or a process between, so that nobody would end this rank or
 * hear of its end. mpirun 5 and 6 leave ranks behind if they are killed.
 */
bool ancestry_is_cut(const struct ancestry *ancestry);

/*
 * Local. True if no launcher has started this process, by its environment and its ancestors: it is
 * the only rank. Where that is in doubt the answer is false.
 */
bool ancestry_is_alone(void);

#endif
