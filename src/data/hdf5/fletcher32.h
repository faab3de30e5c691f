/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_DATA_FLETCHER32_H
#define COTERIE_DATA_FLETCHER32_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fletcher's checksum as HDF5's filter has it. Private to the data layer; Local. */
uint32_t fletcher32(const unsigned char *data, size_t n);

/* 0 and 65535 are one number modulo 65535, and the library's folding may give either. */
bool fletcher32_same(uint32_t a, uint32_t b);

#endif
