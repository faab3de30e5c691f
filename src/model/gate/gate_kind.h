/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_MODEL_GATE_KIND_H
#define COTERIE_MODEL_GATE_KIND_H

#include "base/real.h"
#include "base/status.h"
#include "math/activation.h"
#include "model/gate/gate_levels.h"
#include "model/network/mlp.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * A gate gives log g over E experts, and learns from (g, h), mixing proportions and posteriors:
 * gate.h. A kind of gate is a file with one struct gate_kind, which says all that the rest of the
 * program asks of it without computing: nobody outside this room compares kinds. All functions are
 * Local.
 */
enum gate_choice {
    GATE_SOFTMAX,  /* a network's outputs */
    GATE_GAUSSIAN, /* ln alpha_e N(x; m_e, S_e): see gaussian_gate.h */
    GATE_TREE,     /* a tree of softmaxes of a network's outputs: see gate_levels.h */
    GATE_KINDS
};

/* What a gate is made of. */
struct gate_config {
    enum gate_choice choice;
    size_t n_inputs, n_experts;
    size_t n_members;     /* see committee.h; 1: one mixture */
    const size_t *hidden; /* (n_hidden) widths, not owned */
    size_t n_hidden;
    enum activation activation;
    bool is_bf16;                    /* products of a network, see mlp.h */
    struct gate_levels levels;       /* of a tree, else none */
    const struct input_choice *seen; /* of the inputs, not owned; NULL: all */
};

/* Parameters that are in no layer: E rows of `in` reals, or of matrices (in, deep); 0 is none. */
struct gate_block {
    const char *name; /* below /gate in a checkpoint */
    size_t offset, in, deep;
};
enum { GATE_MOST_BLOCKS = 4 };

struct gate_kind {
    const char *name;  /* as in --gate */
    const char *label; /* in what a run says of itself; NULL: its layers */
    bool is_network;   /* g is made of a network's outputs: hidden layers, gradients, --top-k */
    bool is_density;   /* models p(x), too: the error of a mixture is -ln p(x, d) */
    bool has_log_odds; /* the network's outputs are log odds of experts: train/inference */
    bool has_members;  /* one network may be the gate of all members of a committee */
    bool has_levels;   /* its name is followed by them: tree:4x8 */
    /* The network, or a shape without layers of which only the size counts. */
    status (*shape)(const struct gate_config *config, struct mlp *shape);
    /* How many of its parameters are not free. */
    size_t (*n_redundant)(const struct gate_config *config, const struct mlp *shape);
    /* Floating-point operations for a sample, forward and backward. */
    double (*flops)(const struct gate_config *config, const struct mlp *shape);
    /* Number of blocks; NULL: none. */
    size_t (*blocks)(const struct gate_config *config, struct gate_block block[GATE_MOST_BLOCKS]);
    /* STATUS_USAGE if these parameters, read from `path`, make no gate; NULL: all do. */
    status (*check)(const struct gate_config *config, const real *value, const char *path);
};

extern const struct gate_kind gate_softmax, gate_gaussian, gate_tree;

/* By enum gate_choice. */
extern const struct gate_kind *const gate_kinds[GATE_KINDS];

static inline const struct gate_kind *gate_kind_of(enum gate_choice choice)
{
    return gate_kinds[choice];
}

/* "softmax", "tree:4x8" and so on, and back. False: no gate is called so. */
bool gate_from_text(const char *text, enum gate_choice *choice, struct gate_levels *levels);
enum { GATE_TEXT = 16 + GATE_LEVELS_TEXT };
void gate_to_text(enum gate_choice choice, const struct gate_levels *levels,
                  char text[static GATE_TEXT]);

#endif
