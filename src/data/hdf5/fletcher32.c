/* SPDX-License-Identifier: BSD-3-Clause */
#include "fletcher32.h"

#include "base/real.h"

#include <string.h>

/*
 * Sums of 16-bit words, the high byte first, modulo 65535. Swapping the bytes of a word multiplies
 * it by 256 modulo 65535, so that words are added as this machine has them and the sums swapped at
 * the end. A word counts in the second sum as often as words follow it, itself included: sums of
 * pairs of words run side by side in lanes, for the first of a pair counts once more than the
 * second, and are put together per block, whose length keeps them below 2^32.
 */
LEAF_KERNEL uint32_t fletcher32(const unsigned char *data, size_t n)
{
    enum { LANES = 16, WORDS = 2 * LANES, STEPS = 128 };
    typedef uint32_t lanes __attribute__((vector_size(4 * LANES)));
    const bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
    uint64_t first = 0, second = 0;
    size_t left = n / 2;
    while (left >= WORDS) {
        size_t steps = left / WORDS < STEPS ? left / WORDS : STEPS;
        lanes sum = {0}, weighted = {0}, sum_of_first = {0};
        for (size_t i = 0; i < steps; i++, data += sizeof(lanes)) {
            lanes pair;
            memcpy(&pair, data, sizeof pair);
            lanes low = pair & 0xFFFF, high = pair >> 16;
            sum_of_first += little ? low : high;
            sum += low + high;
            weighted += sum;
        }
        uint64_t total = 0, total_weighted = 0;
        for (size_t lane = 0; lane < LANES; lane++) {
            total += sum[lane];
            total_weighted += (uint64_t)WORDS * weighted[lane] -
                              (uint64_t)(2 * lane + 1) * sum[lane] + sum_of_first[lane];
        }
        second = (second + steps * WORDS * first + total_weighted) % 65535;
        first = (first + total) % 65535;
        left -= steps * WORDS;
    }
    for (; left > 0; left--, data += 2) {
        uint16_t word;
        memcpy(&word, data, sizeof word);
        first = (first + word) % 65535;
        second = (second + first) % 65535;
    }
    if (little) {
        first = first * 256 % 65535;
        second = second * 256 % 65535;
    }
    if (n % 2 == 1) {
        first = (first + ((uint64_t)data[0] << 8)) % 65535;
        second = (second + first) % 65535;
    }
    return (uint32_t)second << 16 | (uint32_t)first;
}

bool fletcher32_same(uint32_t a, uint32_t b)
{
    return (a >> 16) % 65535 == (b >> 16) % 65535 && (a & 0xFFFF) % 65535 == (b & 0xFFFF) % 65535;
}
