/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_COMM_EXCHANGE_LIMITS_H
#define COTERIE_COMM_EXCHANGE_LIMITS_H

/* Terms of one exchange_combine. */
enum { EXCHANGE_MAX_TERMS = 2 };

#endif
