/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_HDF5_HDF5_GUEST_H
#define COTERIE_DATA_HDF5_HDF5_GUEST_H

#include <stdbool.h>

/*
 * HDF5 in a program that is not ours: how it prints errors, and what it does when the program ends,
 * stay as that program has them. All functions are Local.
 */
struct hdf5_guest {
    void *function, *data; /* the program's handler of errors */
};

/* Between the two HDF5 prints nothing of this thread's failures. */
void hdf5_guest_enter(struct hdf5_guest *guest);
void hdf5_guest_leave(const struct hdf5_guest *guest);

/* Whether anybody has entered: then the program's exit is left alone. */
bool hdf5_is_guest(void);

#endif
