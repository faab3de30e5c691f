#include "fletcher32.h"

#include "coterie/base/real.h"

#include <string.h>

/*
 * Fletcher's checksum as HDF5 has it: sums of 16-bit words, the high byte first, modulo 65535.
 * Swapping the bytes of a word multiplies it by 256 modulo 65535, so that words are added as this
 * machine has them and the sums swapped at the end. A word counts in the second sum as often as
 * words follow it, itself included: LANES sums run side by side and are put together per block,
 * whose length keeps them below 2^32.
 */
LEAF_KERNEL uint32_t fletcher32(const unsigned char *data, size_t n)
{
    enum { LANES = 16, STEPS = 256 };
    typedef uint16_t words __attribute__((vector_size(2 * LANES)));
    typedef uint32_t sums __attribute__((vector_size(4 * LANES)));
    uint64_t first = 0, second = 0;
    size_t left = n / 2;
    while (left >= LANES) {
        size_t steps = left / LANES < STEPS ? left / LANES : STEPS;
        sums sum = {0}, weighted = {0};
        for (size_t i = 0; i < steps; i++, data += sizeof(words)) {
            words next;
            memcpy(&next, data, sizeof next);
            sum += __builtin_convertvector(next, sums);
            weighted += sum;
        }
        uint64_t total = 0, total_weighted = 0;
        for (size_t lane = 0; lane < LANES; lane++) {
            total += sum[lane];
            total_weighted += (uint64_t)LANES * weighted[lane] - (uint64_t)lane * sum[lane];
        }
        second = (second + steps * LANES * first + total_weighted) % 65535;
        first = (first + total) % 65535;
        left -= steps * LANES;
    }
    for (; left > 0; left--, data += 2) {
        uint16_t word;
        memcpy(&word, data, sizeof word);
        first = (first + word) % 65535;
        second = (second + first) % 65535;
    }
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
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
