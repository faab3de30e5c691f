/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_OPTION_WORDS_H
#define COTERIE_OPTION_WORDS_H

#include "app/options/option_entry.h"
#include "math/activation.h"

/* The words that options take, for the rows of options_table.c. */

static const struct option_word task_words[] = {{"auto", TASK_AUTO},
                                                {"regression", TASK_REGRESSION},
                                                {"classification", TASK_CLASSIFICATION},
                                                {NULL, 0}};
static const struct option_word missing_words[] = {
    {"auto", MISSING_AUTO}, {"refuse", MISSING_REFUSE}, {"drop", MISSING_DROP}, {NULL, 0}};
static const struct option_word auto_words[] = {{"on", AUTO_ON}, {"off", AUTO_OFF}, {NULL, 0}};
static const struct option_word activation_words[] = {{"tanh", ACTIVATION_TANH},
                                                      {"relu", ACTIVATION_RELU},
                                                      {"gelu", ACTIVATION_GELU},
                                                      {"logistic", ACTIVATION_LOGISTIC},
                                                      {NULL, 0}};
#define OUTPUT_WORD(KIND, name) {name, KIND},
#define LIKELIHOOD_WORD(KIND, name, word) {word, KIND},
static const struct option_word output_words[] = {{"auto", OUTPUT_CHOICE_AUTO},
                                                  OUTPUT_FUNCTIONS(OUTPUT_WORD){NULL, 0}};
static const struct option_word error_words[] = {{"cooperative", ERROR_COOPERATIVE},
                                                 {"competitive", ERROR_COMPETITIVE},
                                                 {"mixture", ERROR_MIXTURE},
                                                 {NULL, 0}};
static const struct option_word likelihood_words[] = {{"auto", LIKELIHOOD_CHOICE_AUTO},
                                                      LIKELIHOODS(LIKELIHOOD_WORD){NULL, 0}};
static const struct option_word optimizer_words[] = {{"gd", OPTIMIZER_GD},
                                                     {"momentum", OPTIMIZER_MOMENTUM},
                                                     {"adam", OPTIMIZER_ADAM},
                                                     {"em", OPTIMIZER_EM},
                                                     {NULL, 0}};
static const struct option_word gradient_words[] = {
    {"gd", OPTIMIZER_GD}, {"momentum", OPTIMIZER_MOMENTUM}, {"adam", OPTIMIZER_ADAM}, {NULL, 0}};
static const struct option_word precision_words[] = {
    {"float", PRECISION_FLOAT}, {"bf16", PRECISION_BF16}, {NULL, 0}};
static const struct option_word on_nan_words[] = {
    {"stop", ON_NAN_STOP}, {"rollback", ON_NAN_ROLLBACK}, {NULL, 0}};
static const struct option_word progress_words[] = {{"auto", LOG_PROGRESS_AUTO},
                                                    {"always", LOG_PROGRESS_ALWAYS},
                                                    {"never", LOG_PROGRESS_NEVER},
                                                    {NULL, 0}};
static const struct option_word part_words[] = {
    {"all", PART_ALL}, {"train", PART_TRAIN}, {"valid", PART_VALID}, {NULL, 0}};
static const struct option_word trained_part_words[] = {{"trained", PART_TRAINED},
                                                        {"all", PART_ALL},
                                                        {"train", PART_TRAIN},
                                                        {"valid", PART_VALID},
                                                        {NULL, 0}};
static const struct option_word placement_words[] = {
    {"even", PLACEMENT_EVEN}, {"measured", PLACEMENT_MEASURED}, {NULL, 0}};
static const struct option_word root_experts_words[] = {{"auto", -1}, {NULL, 0}};
static const struct option_word micro_batch_words[] = {{"auto", 0}, {NULL, 0}};
static const struct option_word ranks_per_run_words[] = {{"auto", 0}, {NULL, 0}};
static const struct option_word read_words[] = {
    {"auto", READ_AUTO}, {"node", READ_NODE}, {"root", READ_ROOT}, {NULL, 0}};
static const struct option_word stream_words[] = {
    {"auto", STREAM_AUTO}, {"always", STREAM_ALWAYS}, {"never", STREAM_NEVER}, {NULL, 0}};
static const struct option_word duration_words[] = {{"none", 0}, {NULL, 0}};

#endif
