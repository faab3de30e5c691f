/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_INFERENCE_SPLIT_EXPERT_H
#define COTERIE_TRAIN_INFERENCE_SPLIT_EXPERT_H

#include "train/inference/information.h"

#include <stddef.h>

/*
 * Where the climb to a mixture of one expert more begins: expert e of `from` becomes two, which are
 * its outputs plus and minus s v, s its standard deviation (1 without a variance), and share its
 * mixing proportion. Of variant 0 v is 1 of the biases; of others it is drawn, the same for the
 * same variant and expert. `to` (E + 1 experts) gets the parameters. Local.
 */
void split_expert(const struct information *from, size_t e, size_t variant, struct information *to);

#endif
