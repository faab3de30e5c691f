/* SPDX-License-Identifier: BSD-3-Clause */
#include "data/hdf5/hdf5_guest.h"

#include <hdf5.h>
#include <stdatomic.h>
#include <string.h>

static atomic_bool is_guest;

/* Pointers to functions and to data are of one size wherever dlsym works; C has no cast for it. */
_Static_assert(sizeof(H5E_auto2_t) == sizeof(void *), "a handler fits into a pointer");

void hdf5_guest_enter(struct hdf5_guest *guest)
{
    H5E_auto2_t handler = NULL;
    is_guest = true;
    *guest = (struct hdf5_guest){NULL, NULL};
    H5Eget_auto2(H5E_DEFAULT, &handler, &guest->data);
    memcpy(&guest->function, &handler, sizeof handler);
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

void hdf5_guest_leave(const struct hdf5_guest *guest)
{
    H5E_auto2_t handler;
    memcpy(&handler, &guest->function, sizeof handler);
    H5Eset_auto2(H5E_DEFAULT, handler, guest->data);
}

bool hdf5_is_guest(void)
{
    return is_guest;
}
