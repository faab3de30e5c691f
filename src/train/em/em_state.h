/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_TRAIN_EM_EM_STATE_H
#define COTERIE_TRAIN_EM_EM_STATE_H

#include "train/em/em.h"

#include "math/semidefinite.h"
#include "train/step/snapshot_gather.h"

/* The parts of EM that have files of their own. */

/* One micro-batch in double, (units, samples): rows are loops of whole vectors. */
struct em_chunk {
    size_t n_inputs, n_outputs, max_stride;
    size_t stride;
    double *x; /* not owned: (D+1, stride) inputs, and a last row of ones for the bias */
    double *d; /* (O, stride) targets; follows x, so that (D+1+O, stride) is one matrix */
    double *w; /* (stride) shares of the samples; follows d */
};

/* ---- weighted least squares, em_least_squares.c */

/*
 * Per local expert: the moments sum w h [x;1] [x;1;d]^T, and sum w h |d|^2; without d where only a
 * Gaussian gate asks for them.
 */
struct em_least_squares {
    size_t n_local, n_units, width; /* experts, D+1, D+1+O or D+1 */
    size_t row;                     /* doubles of an expert's sums */
    double *sums;                   /* (n_local, row) as in math/moments.h, sum w h |d|^2 last */
    double factor;                  /* of the samples that are being added */
    double least_share;             /* sum w h up to which an expert stays as it is */
    double *weight;                 /* (n_local, tile) factor w h */
    double *change;                 /* (O, n_units), and a matrix (n_units, n_units) */
    struct semidefinite system;
};

status least_squares_init(struct em_least_squares *fit, const struct model *model, size_t n_outputs,
                          size_t max_stride);
void least_squares_release(struct em_least_squares *fit);
/* The sums become `keep` times what they are, and what is added counts `factor` times. */
void least_squares_begin(struct em_least_squares *fit, double keep, double factor);
/* Adds a chunk's part; weight (n_local, stride) is w h. */
void least_squares_add(struct em_least_squares *fit, const struct em_chunk *chunk,
                       const real *weight);
/* Local. The moment of local expert k, as sum w h z_u z_v with z = [x;1;d]. */
double least_squares_moment(const struct em_least_squares *fit, size_t k, size_t u, size_t v);
/* Moves the parameters of local expert k, and its variance if that is learned. */
void least_squares_solve(struct em_least_squares *fit, struct experts *experts, size_t k,
                         double variance_floor);

/* ---- networks without hidden layer whose maximum has no closed form, em_linear.c; em_softmax.c
 * and em_separate.c have what they raise */

struct em_linear;

/*
 * What a linear network is to raise, of outputs z (K, stride) that become o: s l for targets
 * (K, stride) and weights s (stride). Functions work in the network's own z and r. All are Local.
 */
struct em_raised {
    bool is_centred;      /* the same change of all outputs changes nothing */
    bool is_coupled;      /* so one output is left out, and curvature has a block for each pair */
    size_t most_unknowns; /* beyond these the curvature is not formed, only applied */
    /* The sum is returned, and z becomes o. */
    double (*value)(const struct em_linear *linear, size_t stride, const double *target);
    /* r = d value / dz, from o */
    void (*residuals)(const struct em_linear *linear, size_t stride, const double *target);
    /*
     * a: -d2 value / dz dz', or Gauss and Newton's part of it, for n samples of output o, or of o
     * and another output of a coupled network. NULL: it is never formed.
     */
    void (*weights)(const struct em_linear *linear, size_t n, const double *s, const double *target,
                    const double *o, const double *other, double *a);
    /* r: the same for all outputs with themselves. */
    void (*diagonal)(const struct em_linear *linear, size_t stride, const double *target);
    /* r = curvature of each sample times r, with outputs `o` that were kept; z is work space. */
    void (*apply)(const struct em_linear *linear, size_t stride, const double *target,
                  const double *o);
};

extern const struct em_raised em_softmax;         /* -s log sum_k exp z_k: see struct em_linear */
extern const struct em_raised em_softmax_squares; /* -s/2 sum_k (d_k - o_k)^2 */
extern const struct em_raised em_separate;        /* the likelihood's, output by output */

/*
 * The function that a linear network is to raise, as sums over chunks. theta is (K, D+1), the bias
 * last; `sums` is what a request asks for, one after another. Of what em_softmax is to raise,
 *
 *   sum s sum_k t_k log p_k = sum_k theta_k . (sum s t_k x) - sum s log sum_k exp(theta_k . x),
 *
 * where t sums to 1, it is the last term, which does not depend on t; the first one is a product
 * with sums that em_newton knows.
 */
struct em_linear {
    const struct em_raised *raised;
    struct likelihood likelihood;            /* of em_separate */
    struct dispersion dispersion;            /* likewise, of the expert under way */
    size_t n_outputs, n_units, n_parameters; /* K, D+1, K (D+1) */
    const struct input_choice *seen;         /* not owned: of the inputs */
    bool is_factored;                        /* the curvature is formed, not only applied */
    size_t n_curvature;                      /* doubles of it, or of its diagonal */
    size_t kept_first;                       /* chunk at which `kept` begins */
    double *kept;                            /* probabilities of the last slope, chunk by chunk */
    double *z, *r, *work;                    /* (K, stride) z, r */
    const double *s;                         /* not owned: (stride) of the chunk to be added */
};

enum em_request {
    EM_VALUE,   /* value */
    EM_SLOPE,   /* value, gradient (K, D+1), curvature or its diagonal */
    EM_PRODUCT, /* curvature times a vector, for the theta of the last slope */
    EM_DONE
};

status em_linear_init(struct em_linear *linear, const struct em_raised *raised, size_t n_outputs,
                      const struct mlp *shape, size_t max_stride, size_t n_kept_chunks);
void em_linear_release(struct em_linear *linear);
size_t em_linear_n_sums(const struct em_linear *linear, enum em_request request);
/* The largest system that a Newton step of this network solves; 0: none. */
size_t em_linear_system(const struct em_linear *linear);
/*
 * In the sums of a slope: no curvature for weights of inputs that are not seen, which is what keeps
 * a Newton step from moving them.
 */
void em_linear_hold_unseen(const struct em_linear *linear, double *sums);
/* Where the parts of a slope's sums begin. */
enum { EM_VALUE_AT = 0, EM_GRADIENT_AT = 1 };
/* Adds a chunk's part to sums. */
void em_linear_add(struct em_linear *linear, const struct em_chunk *chunk, size_t number,
                   enum em_request request, const double *vector, double *sums);

/* ---- one Newton step with backtracking, em_newton.c */

/*
 * Where s is the same in every step, as it is for the gate, sums are a function of theta alone:
 * those of the point that a step ends at are those that the next one begins with.
 */
struct em_newton {
    struct em_linear *linear;
    const double *target_sums; /* not owned: (K, D+1) sum s t x^T of em_softmax; else NULL */
    bool keeps_sums;           /* s is the same in every step */
    bool has_sums;             /* `sums` are those at theta = `at` */
    /* Sums over all chunks. `vector` is theta, or what the curvature is multiplied with. */
    void (*total)(void *context, enum em_request request, const double *vector, double *sums);
    void *context;
    struct semidefinite *system;
    double *sums; /* what EM_SLOPE gives */
    double *at, *gradient, *direction, *candidate, *residual, *search, *product,
        *scratch; /* (K, D+1) each */
};

status em_newton_init(struct em_newton *newton, struct em_linear *linear,
                      struct semidefinite *system);
void em_newton_release(struct em_newton *newton);
/* Moves theta uphill, to numbers that `real` can hold; returns the value there. */
double em_newton_step(struct em_newton *newton, double *theta);

/* ---- on-line EM, em_online.c */

/* Local. At the first micro-batch of a batch: how the running sums and the batch count. */
void em_online_begin(struct em *em, uint64_t n_updates);
/* Local. False while the sums are not yet of samples enough to take parameters from. */
bool em_online_is_ready(const struct em *em);

/* ---- the Gaussian gate, em_gaussian.c */

struct em_gaussian {
    bool is_measured;
    double *mean, *covariance; /* (D), (D, D) of all samples */
    double *weight, *sums;     /* (max_stride) and the moments, for measuring these */
    double *own, *all;         /* (n_local, 1 + D + D^2) share, mean, covariance; root: (E, ...) */
    uint64_t *drawn;           /* root: (E) samples that the means begin as */
};

/* ---- the tree, em_tree.c */

struct em_tree {
    struct shard nodes; /* over the ranks */
    size_t at;          /* number of the node under way */
    struct {            /* of the nodes of one level */
        struct em_linear linear;
        struct em_newton newton;
    } level[GATE_MOST_LEVELS];
    double *theta;     /* (branches, D+1) */
    double *own, *all; /* (own nodes, width), root: (nodes, width) of theta */
    double *targets;   /* (most branches of a node, D+1) */
    double *held;      /* (n_chunks, max_stride) s of the node under way */
    size_t width;      /* doubles of the largest node */
};

/* ---- networks with hidden layers, em_network.c */

enum { EM_MEMORY = 5 }; /* steps that L-BFGS remembers */

struct em_climber {
    double *position; /* and slope, direction, steps, changes of slope: (stride) each; owned */
    double best, best_square; /* value and squared error there */
    double length, rise;      /* of the step under way; slope along its direction */
    size_t n_pairs, n_steps;
    bool is_done;
};

/* L-BFGS for networks of one shape side by side; none knows of the others. */
struct em_climb {
    struct parameters *parameters; /* not owned */
    struct em_climber *climber;    /* (n_networks), owned */
    double *value, *square;        /* (n_networks) what the last evaluation has found */
};

status em_climb_init(struct em_climb *climb, struct parameters *parameters);
void em_climb_release(struct em_climb *climb);
double em_climb_bytes(const struct mlp *shape); /* of one network */
/* evaluate: parameters->value -> value, square, and parameters->gradient, that of -value. */
void em_climb_run(struct em_climb *climb, void (*evaluate)(void *context), void *context);

/* ---- the gate's part of the M-step */

/* One way to do it. All ranks call these in step; NULL: nothing is to be done. */
struct em_gate {
    bool from_moments;     /* those of the experts are enough: on-line EM is possible */
    bool needs_posteriors; /* of all samples, once per host */
    /* Local. Doubles that rank `rank` needs, by numbers of samples and of those in a chunk. */
    double (*doubles)(const struct model_config *config, const struct shard *shard, int rank,
                      double samples, double stride);
    status (*init)(struct em *em);         /* Local. Work space, before that of the experts. */
    size_t (*system)(const struct em *em); /* Local. The largest system to be solved. */
    void (*begin)(struct em *em, uint64_t seed); /* Local, in step: see em_begin. */
    void (*resume)(struct em *em);               /* Local, in step: see em_resume. */
    /* Local. Adds a micro-batch's part, where em->fit does not have what is needed. */
    void (*collect)(struct em *em, const struct step *step, size_t number);
    void (*update)(struct em *em); /* Collective. */
};

extern const struct em_gate em_gate_network, /* L-BFGS, whatever the gate: em_network.c */
    em_gate_softmax,                         /* em_gate.c */
    em_gate_gaussian,                        /* em_gaussian.c */
    em_gate_tree;                            /* em_tree.c */

/* Local. The one for this model's gate, em_gates.c. */
const struct em_gate *em_gate_of(const struct model_config *config);

/* ---- all of it */

struct em {
    struct em_config config;
    struct model *model;             /* not owned */
    const struct communicator *comm; /* not owned */
    const struct dataset *dataset;   /* not owned */
    size_t max_stride, n_chunks;
    double total; /* of the samples' weights */
    struct batch batch;
    struct em_chunk chunk; /* in one of the slots */
    size_t n_slots;        /* n_chunks, or 1 where all would be too much */
    double *slots;         /* (n_slots, D+1+O+1, max_stride) */
    int64_t *slot_holds;   /* (n_slots) number of the micro-batch in it, -1: none */
    struct shared_memory window;
    real *posterior; /* w h: (n_chunks, E, max_stride), once per host; NULL: sums are enough */
    bool experts_in_closed_form;
    bool sums_moments; /* for such experts, or for the gate */
    const struct em_gate *gate_step;
    bool is_online;
    uint64_t n_updates; /* on-line: before the batch that is being collected */
    struct em_least_squares fit;
    struct em_gaussian gaussian;
    struct em_tree tree;
    struct em_linear gate, expert;
    struct em_newton gate_newton, expert_newton;
    struct semidefinite system;
    size_t expert_at;              /* local number of the expert under way */
    struct shard groups;           /* of chunks, over the ranks */
    double *group_sums, *all_sums; /* (own groups, n), root: (groups, n) */
    double *gate_vector, *gate_theta, *expert_theta;
    double *own_targets, *all_targets; /* sum w h [x;1]^T: (n_local, D+1), root: (E, D+1) */
    double *weights;                   /* (max_stride) w h of an expert, in double */
    double *expert_targets;            /* (O, D+1) of a categorical expert */
    double *dispersion_z;              /* (O, max_stride), see em_update_dispersion */
    struct em_climb expert_climb, gate_climb;
    real *coefficient; /* (n_local, max_stride), for networks with hidden layers */
    struct local_networks before;
};

/* Local, em_memory.c. Linear Gaussian experts; the h of all samples, once the sums are made. */
bool em_in_closed_form(const struct model_config *config);
bool em_needs_posteriors(const struct model_config *config);
enum { EM_MOST_GROUPS = 16 }; /* of chunks, for the gate's sums */
size_t em_n_chunks(size_t n, size_t micro_batch);
/* Of micro-batches in double that are kept: all, if that is not much, or one. */
size_t em_n_slots(const struct model_config *config, size_t n_chunks, size_t stride);

/* Local. Micro-batch `number` into em->batch and em->chunk. */
void em_load(struct em *em, size_t number);
/* Local. The same, into em->batch only. */
void em_load_batch(struct em *em, size_t number);
/* Local. */
void em_widen(size_t n, const real *from, double *to);
/* Local. em->chunk becomes micro-batch `number`, which `batch` holds; NULL: as em_load. */
void em_take_chunk(struct em *em, size_t number, const struct batch *batch);
/* Local. em->chunk becomes what `batch` holds, of samples in any order. */
void em_take_batch(struct em *em, const struct batch *batch);
/* Rows of a chunk: inputs, ones, targets, shares. Local. */
size_t em_chunk_rows(const struct em_chunk *chunk);
/* Local. w h of expert e (global) for micro-batch `number`; and where it is to be written. */
real *em_posterior_row(const struct em *em, size_t number, size_t e);
const real *em_posterior(const struct em *em, size_t number, size_t e);

/* Weights (K, D) and biases (K) of a linear network as theta (K, D+1), and back. Local. */
void em_unpack(const struct mlp *shape, const real *value, double *theta);
void em_pack(const struct mlp *shape, const double *theta, real *value);

/* Local. Linear experts whose maximum has no closed form, em_experts.c: work space, and the M-step.
 */
status em_init_newton_experts(struct em *em);
void em_update_expert(struct em *em, size_t k);

/*
 * Local, em_experts.c. Families whose variance is no mean square: work space, and a part of the
 * M-step of local expert k, which for linear experts comes after its network has been unpacked.
 */
bool em_climbs_dispersion(const struct model_config *config);
status em_init_dispersion(struct em *em);
void em_update_dispersion(struct em *em, size_t k);

/* Local. sum w h of local expert k: its share of the data. */
double em_share(const struct em *em, size_t k);
/* Local. The variance of local expert k from sum w h |d - o|^2 and its share. */
void em_set_variance(struct em *em, size_t k, double square, double share);

/* Local. The M-step of experts that have hidden layers. */
void em_climb_experts(struct em *em);

/* Local. */
void em_gaussian_release(struct em_gaussian *gaussian);
void em_tree_release(struct em_tree *tree);

#endif
