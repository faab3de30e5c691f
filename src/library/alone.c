/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the program has and the library does without: faults that tests inject, and a process that
 * looks at a file before the HDF5 library does.
 */
#include "base/site.h"
#include "data/hdf5/hdf5_probe.h"

status site_file(enum site site, const char *path)
{
    (void)site;
    (void)path;
    return STATUS_OK;
}

status hdf5_probe(const char *path)
{
    (void)path;
    return STATUS_OK;
}

void hdf5_probe_trust(const char *path)
{
    (void)path;
}
