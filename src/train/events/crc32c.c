/* SPDX-License-Identifier: BSD-3-Clause */
#include "crc32c.h"

uint32_t crc32c(const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    uint32_t sum = ~UINT32_C(0);
    /* Bit by bit: a line of metrics has some 500 bytes, and no step waits for it. */
    for (size_t i = 0; i < size; i++) {
        sum ^= byte[i];
        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? UINT32_C(0x82f63b78) : 0);
    }
    return ~sum;
}
