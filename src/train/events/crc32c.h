/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_EVENTS_CRC32C_H
#define COTERIE_TRAIN_EVENTS_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Local. The checksum CRC-32C (Castagnoli, RFC 3720) of `size` bytes. */
uint32_t crc32c(const void *bytes, size_t size);

#endif
