/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_APP_AUTO_CLOSING_H
#define COTERIE_APP_AUTO_CLOSING_H

#include "app/train/train.h"

/*
 * Root. After training, in plain words: what the committee says of samples that its members have
 * left out (the winning trial, of which the training was a repetition) beside a committee of single
 * linear models on the same samples (nll NAN: not tried) and the best constant.
 */
void closing_words(const struct train_facts *facts, const struct train_trial *best,
                   const struct train_trial *linear);

#endif
