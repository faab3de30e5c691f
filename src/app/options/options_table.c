/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/options/option_entry.h"

#include "math/activation.h"

static const struct option_word task_words[] = {{"auto", TASK_AUTO},
                                                {"regression", TASK_REGRESSION},
                                                {"classification", TASK_CLASSIFICATION},
                                                {NULL, 0}};
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

/* The commands as they stand in the rows. A sweep takes what train takes, but for ONE_RUN. */
enum {
    ONE_RUN = COMMAND_BIT_TRAIN,
    SWEEP = COMMAND_BIT_SWEEP,
    TRAIN = COMMANDS_OF_TRAINING,
    SUBMIT = COMMAND_BIT_SUBMIT,
    PREDICT = COMMAND_BIT_PREDICT,
    INSPECT = COMMAND_BIT_INSPECT,
    BENCH = COMMAND_BIT_BENCH,
    DOCTOR = COMMAND_BIT_DOCTOR,
    EVALUATE = COMMAND_BIT_EVALUATE,
    SUMMARY = COMMAND_BIT_SUMMARY,
    REPORT = COMMAND_BIT_REPORT,
    COMPARE = COMMAND_BIT_COMPARE,
    WATCH = COMMAND_BIT_WATCH,
    COLUMNS = COMMANDS_WITH_COLUMNS,
    WEIGHTS = COMMANDS_WITH_WEIGHTS,
    MODEL = COMMANDS_WITH_MODEL,
    SAMPLES_IN = COMMANDS_WITH_SAMPLES,
    RANKS = COMMANDS_ON_RANKS
};

/* The traits as they stand in the rows. */
enum {
    NO_RESULT = OPTION_NO_RESULT,
    UNRECORDED = OPTION_UNRECORDED,
    MACHINE = NO_RESULT | UNRECORDED, /* a checkpoint does not say how the work was divided */
    NOW = MACHINE | OPTION_OF_THIS_TIME,
    FIXED = OPTION_FIXED,
    SAMPLES = OPTION_SAMPLES,
    SAMPLE_FILE = OPTION_SAMPLES | OPTION_FILE,
    OF_SWEEP = OPTION_OF_SWEEP,
    RESHAPES = OPTION_RESHAPES,
    RESHAPED = OPTION_RESHAPED,
    TAKES_CHARGE = OPTION_TAKES_CHARGE
};

#define AT(field) offsetof(struct options, field)

/* One option a paragraph, in lines that the eye can follow. */
/* clang-format off */
const struct option_entry option_table[] = {
    {"nodes", "N", "1",
     "nodes of the job",
     SECTION_JOB, SUBMIT, 0, KIND_INTEGER, AT(nodes), RANGE_FROM_1, NULL},
    {"tasks-per-node", "N", "1",
     "ranks on each node; one per core is fastest",
     SECTION_JOB, SUBMIT, 0, KIND_INTEGER, AT(tasks_per_node), RANGE_FROM_1, NULL},
    {"time", "TIME", "none",
     "time limit of a job, such as 90m, 8h or 1d; a longer training queues itself again; none: the "
     "partition's default",
     SECTION_JOB, SUBMIT, 0, KIND_DURATION, AT(job_time), RANGE_FROM_0, duration_words},
    {"memory", "SIZE", "auto",
     "memory of each node in the form of sbatch, such as 16G; auto: what this training needs; "
     "none: the partition's default",
     SECTION_JOB, SUBMIT, 0, KIND_TEXT, AT(job_memory), 0, NULL},
    {"partition", "NAME", NULL,
     "partition of the cluster",
     SECTION_JOB, SUBMIT, 0, KIND_TEXT, AT(partition), 0, NULL},
    {"account", "NAME", NULL,
     "account to charge",
     SECTION_JOB, SUBMIT, 0, KIND_TEXT, AT(account), 0, NULL},
    {"job-name", "NAME", "coterie",
     "name of the job, and the first part of the names of its files",
     SECTION_JOB, SUBMIT, 0, KIND_TEXT, AT(job_name), 0, NULL},
    {"array", "N", "0",
     "for a sweep: N jobs that share the runs; 0: one job",
     SECTION_JOB, SUBMIT, 0, KIND_INTEGER, AT(array_size), RANGE_FROM_0, NULL},
    {"sbatch-options", "TEXT", NULL,
     "further options of sbatch, separated by blanks and without dashes, such as 'qos=long "
     "exclusive'",
     SECTION_JOB, SUBMIT, 0, KIND_TEXT, AT(sbatch_options), 0, NULL},
    {"script", "FILE", NULL,
     "file for the batch script; default: the name of the job with .sbatch",
     SECTION_JOB, SUBMIT, 0, KIND_TEXT, AT(script), 0, NULL},
    {"now", NULL, NULL,
     "also submit it, by sbatch",
     SECTION_JOB, SUBMIT, 0, KIND_FLAG, AT(now), 0, NULL},

    {"grid", "NAME=VALUES", NULL,
     "an option of train and the values to try, such as experts=2,4,8; repeat --grid for each "
     "option. Separate values that have commas by semicolons: expert-hidden=none;32,32",
     SECTION_SWEEP, SWEEP, OF_SWEEP, KIND_GRID, AT(grid), 0, NULL},
    {"seeds", "N", "1",
     "train each setting with N seeds: --seed and the next ones",
     SECTION_SWEEP, SWEEP, OF_SWEEP, KIND_INTEGER, AT(seeds), RANGE_FROM_1, NULL},
    {"ranks-per-run", "N", "auto",
     "ranks that work on one run; auto: as many runs at once as there are ranks. Results do not "
     "change",
     SECTION_SWEEP, SWEEP, OF_SWEEP | NOW, KIND_INTEGER, AT(ranks_per_run), RANGE_FROM_1,
     ranks_per_run_words},
    {"index", "I", "0",
     "with --of N: do part I of the runs, from 0; for the tasks of a job array",
     SECTION_SWEEP, SWEEP, OF_SWEEP | NOW, KIND_INTEGER, AT(array_index), RANGE_FROM_0, NULL},
    {"of", "N", "0",
     "number of parts for --index; 0: do all runs",
     SECTION_SWEEP, SWEEP, OF_SWEEP | NOW, KIND_INTEGER, AT(array_size), RANGE_FROM_0, NULL},
    {"table", NULL, NULL,
     "print the results so far and write table.csv, without training",
     SECTION_SWEEP, SWEEP, OF_SWEEP | NOW, KIND_FLAG, AT(table), 0, NULL},

    {"data", "DATA", "builtin:vowels",
     "samples: a CSV, HDF5 or NumPy file, or builtin:vowels, builtin:vowels10",
     SECTION_DATA, TRAIN, SAMPLE_FILE, KIND_TEXT, AT(data), 0, NULL},
    {"data", "DATA", NULL,
     "samples: a CSV, HDF5 or NumPy file, or builtin:vowels, builtin:vowels10 with or without "
     "/test",
     SECTION_DATA, EVALUATE | PREDICT, 0, KIND_TEXT, AT(data), 0, NULL},
    {"data", "DATA", NULL,
     "samples: a CSV, HDF5 or NumPy file; default: those of the training",
     SECTION_DATA, SUMMARY, 0, KIND_TEXT, AT(data), 0, NULL},
    {"data", "DATA", NULL,
     "samples to judge the model on; default: those that the run held out, else its own",
     SECTION_DATA, REPORT, 0, KIND_TEXT, AT(data), 0, NULL},
    {"data", "DATA", NULL,
     "samples to judge all runs on; default: of each run those that it held out",
     SECTION_DATA, COMPARE, 0, KIND_TEXT, AT(data), 0, NULL},
    {"inputs", "NAMES", NULL,
     "input columns (CSV) or data sets (HDF5), separated by commas; default: all other columns, "
     "or /x",
     SECTION_DATA, COLUMNS, FIXED, KIND_TEXT, AT(inputs), 0, NULL},
    {"inputs", "NAMES", NULL,
     "input columns (CSV) or data sets (HDF5), separated by commas; default: as in training",
     SECTION_DATA, MODEL, 0, KIND_TEXT, AT(inputs), 0, NULL},
    {"exclude", "NAMES", NULL,
     "columns that are not inputs, separated by commas, such as sample names or row numbers",
     SECTION_DATA, COLUMNS, FIXED, KIND_TEXT, AT(exclude), 0, NULL},
    {"categories", "NAMES", NULL,
     "columns whose numbers are codes, not quantities, separated by commas: inputs become one 0/1 "
     "input per value, a target becomes classes",
     SECTION_DATA, COLUMNS, FIXED, KIND_TEXT, AT(categories), 0, NULL},
    {"targets", "NAMES", NULL,
     "target columns or data sets; default: the last column, or /y",
     SECTION_DATA, COLUMNS, FIXED | SAMPLES, KIND_TEXT, AT(targets), 0, NULL},
    {"targets", "NAMES", NULL,
     "target columns or data sets, separated by commas; default: as in training",
     SECTION_DATA, MODEL, 0, KIND_TEXT, AT(targets), 0, NULL},
    {"group", "NAME", NULL,
     "column or data set with the group of each sample; groups are held out whole",
     SECTION_DATA, WEIGHTS, FIXED | SAMPLES, KIND_TEXT, AT(group), 0, NULL},
    {"weight", "NAME", NULL,
     "column or data set with the weight of each sample",
     SECTION_DATA, WEIGHTS, FIXED | SAMPLES, KIND_TEXT, AT(weight), 0, NULL},
    {"valid", "DATA|FRACTION", NULL,
     "held-out samples: a file, or a share of --data such as 0.2, drawn by group if there are "
     "groups",
     SECTION_DATA, TRAIN, FIXED | SAMPLE_FILE, KIND_TEXT, AT(valid), 0, NULL},
    {"part", "PART", "all",
     "part of the samples, for the data of a training with --valid SHARE",
     SECTION_DATA, EVALUATE | PREDICT, 0, KIND_CHOICE, AT(part), 0, part_words},
    {"part", "PART", "trained",
     "part of the samples; trained: of the training's data what it learned from, of others all",
     SECTION_DATA, SUMMARY, 0, KIND_CHOICE, AT(part), 0, trained_part_words},
    {"task", "TASK", "auto",
     "what to learn; auto: text and HDF5 integers are classes",
     SECTION_DATA, TRAIN, FIXED, KIND_CHOICE, AT(task), 0, task_words},
    {"scale", "SCALE", "standard",
     "scaling of inputs and regression targets: standard (mean 0, standard deviation 1), none, "
     "or a number that divides the inputs",
     SECTION_DATA, TRAIN, FIXED, KIND_SCALE, 0, 0, NULL},

    {"experts", "E", "4",
     "number of experts; they are divided among the ranks",
     SECTION_MODEL, TRAIN, FIXED | RESHAPED, KIND_INTEGER, AT(experts), RANGE_FROM_1, NULL},
    {"committee", "M", "1",
     "number of mixtures, each of --experts, that learn side by side and predict as their mean; each "
     "leaves out 1/M of the samples, and --patience watches its error on them",
     SECTION_MODEL, TRAIN, FIXED, KIND_INTEGER, AT(committee), RANGE_FROM_1, NULL},
    {"expert-hidden", "WIDTHS", "none",
     "hidden layers of each expert: none, or widths such as 32,32",
     SECTION_MODEL, TRAIN, FIXED, KIND_WIDTHS, AT(expert_hidden), 0, NULL},
    {"gate", "NAME", "softmax",
     "softmax: a network; tree:4x8: a tree of softmaxes, with 4 branches at its root, 8 at each of "
     "these, and an expert at each end; gaussian: a Gaussian density of the inputs for each expert, with "
     "--optimizer em",
     SECTION_MODEL, TRAIN, FIXED | TAKES_CHARGE, KIND_GATE, 0, 0, NULL},
    {"gate-inputs", "NAMES", NULL,
     "inputs of the gate, separated by commas; none: constant mixing proportions; default: all "
     "inputs",
     SECTION_MODEL, TRAIN, FIXED | TAKES_CHARGE, KIND_TEXT, AT(gate_inputs), 0, NULL},
    {"expert-inputs", "NAMES", NULL,
     "inputs of the experts, separated by commas; none: each expert is a constant; default: all "
     "inputs",
     SECTION_MODEL, TRAIN, FIXED | TAKES_CHARGE, KIND_TEXT, AT(expert_inputs), 0, NULL},
    {"gate-hidden", "WIDTHS", "none",
     "hidden layers of the gating network",
     SECTION_MODEL, TRAIN, FIXED, KIND_WIDTHS, AT(gate_hidden), 0, NULL},
    {"activation", "NAME", "tanh",
     "units of hidden layers",
     SECTION_MODEL, TRAIN, FIXED, KIND_CHOICE, AT(activation), 0, activation_words},
    {"expert-output", "NAME", "auto",
     "output units of experts",
     SECTION_MODEL, TRAIN, FIXED, KIND_CHOICE, AT(expert_output), 0, output_words},
    {"shape", "B,D,H,O,E", "256,64,128,10,16",
     "batch, inputs, hidden units of an expert (0: linear), outputs, experts",
     SECTION_MODEL, BENCH, 0, KIND_TEXT, AT(shape), 0, NULL},
    {"error", "NAME", "mixture",
     "error function, (1.1) to (1.3) of Jacobs et al. 1991",
     SECTION_MODEL, TRAIN | BENCH, FIXED | TAKES_CHARGE, KIND_CHOICE, AT(error), 0, error_words},
    {"likelihood", "NAME", "auto",
     "distribution of a target given an expert's output",
     SECTION_MODEL, TRAIN, FIXED, KIND_CHOICE, AT(likelihood), 0, likelihood_words},
    {"variance", "VARIANCE", "fixed:1",
     "variance of the likelihood, or what stands in its place: fixed:V, or learned:V, which begins at "
     "V and is the default but for gaussian; unseen: of a committee, measured on the samples that "
     "each member has left out",
     SECTION_MODEL, TRAIN, FIXED, KIND_VARIANCE, 0, 0, NULL},
    {"freedom", "NU", "learned:4",
     "degrees of freedom of --likelihood student: fixed:V, or learned:V, which begins at V",
     SECTION_MODEL, TRAIN, FIXED, KIND_FREEDOM, 0, 0, NULL},

    {"top-k", "K", "0",
     "compute only the K experts with the largest mixing proportions for each sample; 0: all",
     SECTION_MODEL, TRAIN | BENCH, FIXED | TAKES_CHARGE, KIND_INTEGER, AT(top_k), RANGE_FROM_0, NULL},
    {"balance-weight", "W", "0",
     "weight of a term that pushes the gate towards equal use of all experts",
     SECTION_MODEL, TRAIN | BENCH, FIXED | TAKES_CHARGE, KIND_NUMBER, AT(balance_weight), RANGE_FROM_0, NULL},
    {"entropy-weight", "W", "0",
     "weight of the gate's entropy, added to the error: above 0 the gate decides for one expert, "
     "below 0 it spreads samples over experts",
     SECTION_MODEL, TRAIN, FIXED | TAKES_CHARGE, KIND_NUMBER, AT(entropy_weight), RANGE_ANY, NULL},

    {"auto", "HOW", "on",
     "choose the options of model and training that are not given by trying some on the data: see "
     "docs/training.md. off: the defaults shown here. With --optimizer, --epochs, --error or "
     "--init, and for the built-in vowels, it is off",
     SECTION_TRAINING, ONE_RUN, UNRECORDED, KIND_CHOICE, AT(automatic), 0, auto_words},
    {"effort", "N", "5",
     "how much --auto tries, from 1 (one quick model) to 9",
     SECTION_TRAINING, ONE_RUN, UNRECORDED, KIND_INTEGER, AT(effort), RANGE_FROM_1, NULL},
    {"optimizer", "NAME", "adam",
     "method of training; em (expectation maximisation) has no learning rate",
     SECTION_TRAINING, TRAIN, FIXED | TAKES_CHARGE, KIND_CHOICE, AT(optimizer), 0, optimizer_words},
    {"optimizer", "NAME", "gd",
     "method of training",
     SECTION_TRAINING, BENCH, 0, KIND_CHOICE, AT(optimizer), 0, gradient_words},
    {"precision", "NAME", "float",
     "numbers that matrix products multiply: float (double in coterie_d), or bf16, rounded to 8 bits "
     "and summed in float: faster, for experts with hidden layers",
     SECTION_TRAINING, TRAIN | BENCH, TAKES_CHARGE, KIND_CHOICE, AT(precision), 0, precision_words},
    {"learning-rate", "RATE", "0.01",
     "step size of the optimizer",
     SECTION_TRAINING, TRAIN, 0, KIND_NUMBER, AT(learning_rate), RANGE_ABOVE_0, NULL},
    {"momentum", "M", "0.9",
     "share of the last step to keep, for --optimizer momentum",
     SECTION_TRAINING, TRAIN, FIXED, KIND_NUMBER, AT(momentum), RANGE_FRACTION, NULL},
    {"batch-size", "N", "0",
     "samples per step; 0: all",
     SECTION_TRAINING, TRAIN, FIXED, KIND_INTEGER, AT(batch_size), RANGE_FROM_0, NULL},
    {"forgetting", "K", "0.6",
     "for --optimizer em with --batch-size: batch t, from 0, enters the running sums with weight "
     "r = (t + 1)^-K, and what was there gets 1 - r; K from 0.5 (old batches fade soon) to 1 (all "
     "weigh the same)",
     SECTION_TRAINING, TRAIN, 0, KIND_NUMBER, AT(forgetting), RANGE_FROM_0, NULL},
    {"epochs", "N", "500",
     "passes over the data, in total",
     SECTION_TRAINING, TRAIN, TAKES_CHARGE, KIND_INTEGER, AT(epochs), RANGE_FROM_0, NULL},
    {"stop-error", "Q", "0",
     "stop when the expected squared error is at most Q; 0: never",
     SECTION_TRAINING, TRAIN, 0, KIND_NUMBER, AT(stop_error), RANGE_FROM_0, NULL},
    {"stop-likelihood", "R", "1e-8",
     "for --optimizer em: stop when an iteration lowers the error by less than R (1 + |error|); 0: "
     "never",
     SECTION_TRAINING, TRAIN, 0, KIND_NUMBER, AT(stop_likelihood), RANGE_FROM_0, NULL},
    {"patience", "N", "0",
     "stop after N epochs without a lower validation error; 0: never",
     SECTION_TRAINING, TRAIN, 0, KIND_INTEGER, AT(patience), RANGE_FROM_0, NULL},
    {"clip", "NORM", "0",
     "scale gradients down to norm NORM; 0: off",
     SECTION_TRAINING, TRAIN, 0, KIND_NUMBER, AT(clip), RANGE_FROM_0, NULL},
    {"weight-decay", "RATE", "0",
     "decoupled weight decay: a step of learning rate r shrinks weights, not biases, by the share "
     "r RATE",
     SECTION_TRAINING, TRAIN, 0, KIND_NUMBER, AT(weight_decay), RANGE_FROM_0, NULL},
    {"schedule", "SCHEDULE", "constant",
     "learning rate over the epochs: constant, cosine, step:N:F, exponential:F or warmup:N",
     SECTION_TRAINING, TRAIN, 0, KIND_SCHEDULE, AT(schedule), 0, NULL},
    {"anneal", "B:N", "none",
     "deterministic annealing: proportions and likelihoods enter the posterior to the power B, "
     "such as 0.3, which rises to 1 in N epochs",
     SECTION_TRAINING, TRAIN, TAKES_CHARGE, KIND_ANNEAL, AT(anneal), 0, NULL},
    {"seed", "N", "1",
     "seed of all random numbers; the same seed gives the same results on any number of ranks",
     SECTION_TRAINING, TRAIN | SUMMARY, FIXED | SAMPLES, KIND_SEED, AT(seed), 0, NULL},
    {"starts", "N", "1",
     "train N times from different initial parameters and keep the best",
     SECTION_TRAINING, TRAIN, FIXED, KIND_INTEGER, AT(starts), RANGE_FROM_1, NULL},
    {"init", "FILE", NULL,
     "start from the parameters in this HDF5 file, laid out as a checkpoint",
     SECTION_TRAINING, TRAIN, FIXED | TAKES_CHARGE, KIND_TEXT, AT(init), 0, NULL},
    {"split", "EXPERTS", NULL,
     "split these experts of the model of --resume or --init in two, such as 2,5; auto: the one "
     "that causes most of the error. No prediction changes",
     SECTION_TRAINING, ONE_RUN, RESHAPES | TAKES_CHARGE, KIND_TEXT, AT(split), 0, NULL},
    {"prune", "EXPERTS", NULL,
     "remove these experts from that model; auto: the unused ones",
     SECTION_TRAINING, ONE_RUN, RESHAPES | TAKES_CHARGE, KIND_TEXT, AT(prune), 0, NULL},
    {"merge", "EXPERTS", NULL,
     "merge two experts of that model, such as 1,4 (more pairs: 1,4;2,3); auto: the two most "
     "alike",
     SECTION_TRAINING, ONE_RUN, RESHAPES | TAKES_CHARGE, KIND_TEXT, AT(merge), 0, NULL},
    {"split-spread", "S", "0",
     "distance between the two parts of a split expert, as a share of the range of initial "
     "weights; 0: too little to change a prediction; em needs more, such as 0.1",
     SECTION_TRAINING, ONE_RUN, RESHAPED, KIND_NUMBER, AT(split_spread), RANGE_FROM_0, NULL},
    {"on-nan", "WHAT", "stop",
     "what to do about a number that is not finite: stop, or go back to the last checkpoint with "
     "half the learning rate",
     SECTION_TRAINING, TRAIN, 0, KIND_CHOICE, AT(on_nan), 0, on_nan_words},
    {"time-limit", "TIME", "none",
     "save and stop before the program has run for this time: seconds, 90m, 2h, 1d or HH:MM:SS",
     SECTION_TRAINING, TRAIN, NOW, KIND_DURATION, AT(time_limit), RANGE_FROM_0, duration_words},

    {"hang-timeout", "TIME", "10m",
     "end the run, naming the late rank, when nothing moves for this time; 0: wait for ever",
     SECTION_RANKS, TRAIN, NO_RESULT, KIND_DURATION, AT(hang_timeout), RANGE_FROM_0, NULL},
    {"replicas", "G", "1",
     "groups of ranks, each with a whole mixture and its share of every batch",
     SECTION_RANKS, TRAIN | BENCH, TAKES_CHARGE, KIND_INTEGER, AT(replicas), RANGE_FROM_1, NULL},
    {"root-experts", "N", "auto",
     "experts of rank 0, which also has the gating network",
     SECTION_RANKS, TRAIN | BENCH, MACHINE, KIND_INTEGER, AT(root_experts), RANGE_FROM_0, root_experts_words},
    {"placement", "HOW", "even",
     "deal experts evenly, or by the measured speed of each rank. Results do not change",
     SECTION_RANKS, TRAIN, MACHINE, KIND_CHOICE, AT(placement), 0, placement_words},
    {"micro-batch", "N", "auto",
     "samples computed together",
     SECTION_RANKS, TRAIN | EVALUATE | PREDICT | BENCH, FIXED, KIND_INTEGER, AT(micro_batch), RANGE_FROM_1, micro_batch_words},
    {"read", "WHO", "auto",
     "who reads the data. root: rank 0 for all hosts; node: ranks of each host; auto: ranks of "
     "rank 0's host, but node for streamed data. Results do not change",
     SECTION_RANKS, TRAIN | EVALUATE | PREDICT, MACHINE, KIND_CHOICE, AT(read), 0, read_words},
    {"stream", "WHEN", "auto",
     "read an HDF5 file again in every epoch instead of keeping it in memory; auto: if it does not "
     "fit. Results do not change",
     SECTION_RANKS, TRAIN | EVALUATE | PREDICT, MACHINE, KIND_CHOICE, AT(stream), 0, stream_words},
    {"stream-block", "N", "auto",
     "consecutive samples in a block; batches are drawn from 64 random blocks at a time",
     SECTION_RANKS, TRAIN, FIXED, KIND_INTEGER, AT(stream_block), RANGE_FROM_1, micro_batch_words},
    {"one-rank", NULL, NULL,
     "run with the one rank that MPI sees, although Slurm or mpirun started more",
     SECTION_RANKS, RANKS, NOW | OF_SWEEP, KIND_FLAG, AT(one_rank), 0, NULL},
    {"plan", NULL, NULL,
     "predict the step on more ranks than there are here, and how best to use them",
     SECTION_RANKS, BENCH, 0, KIND_FLAG, AT(plan), 0, NULL},
    {"network-latency", "US", "0",
     "one-way latency of a message between hosts, for --plan; 0: measured if there are several "
     "hosts, else 2",
     SECTION_RANKS, BENCH, 0, KIND_NUMBER, AT(network_latency), RANGE_FROM_0, NULL},
    {"network-bandwidth", "GB/S", "0",
     "bandwidth of a host's link to the others, for --plan; 0: measured if there are several "
     "hosts, else 12.5",
     SECTION_RANKS, BENCH, 0, KIND_NUMBER, AT(network_bandwidth), RANGE_FROM_0, NULL},

    {"config", "FILE", NULL,
     "options from a YAML file, one `experts: 8` a line; the command line overrides them",
     SECTION_FILES, TRAIN, 0, KIND_CONFIG, 0, 0, NULL},
    {"output", "DIR", NULL,
     "run directory for metrics, checkpoints and log",
     SECTION_FILES, ONE_RUN, NOW, KIND_TEXT, AT(output), 0, NULL},
    {"output", "DIR", NULL,
     "folder of the sweep: sweep.yaml, table.csv and a run directory for each run below runs/",
     SECTION_FILES, SWEEP, NOW | OF_SWEEP, KIND_TEXT, AT(output), 0, NULL},
    {"output", "FILE", NULL,
     "predictions, one row per sample: a new .csv, .h5 or .hdf5 file",
     SECTION_FILES, PREDICT, 0, KIND_TEXT, AT(output), 0, NULL},
    {"output", "FILE", NULL,
     "the page; default: report.html in the run directory. An earlier report is replaced",
     SECTION_FILES, REPORT, 0, KIND_TEXT, AT(output), 0, NULL},
    {"output", "DIR", ".",
     "folder in which runs will be written; its space, locks and file system are tested",
     SECTION_FILES, DOCTOR, 0, KIND_TEXT, AT(output), 0, NULL},
    {"resume", "WHERE", "no",
     "continue from the newest checkpoint of --output (auto), or from a file or run directory; "
     "no: a new run",
     SECTION_FILES, ONE_RUN, NOW, KIND_TEXT, AT(resume), 0, NULL},
    {"resume", "auto", "auto",
     "accepted so that one script fits train and sweep: a sweep always continues",
     SECTION_FILES, SWEEP, NOW | OF_SWEEP, KIND_TEXT, AT(resume), 0, NULL},
    {"checkpoint-every", "N[e|s|m]", "10m",
     "save every N epochs, steps or minutes, and at the end; 0: at the end only",
     SECTION_FILES, TRAIN, NO_RESULT, KIND_INTERVAL, 0, 0, NULL},
    {"keep", "N", "3",
     "number of checkpoints to keep; the best is always kept",
     SECTION_FILES, TRAIN, NO_RESULT, KIND_INTEGER, AT(keep), RANGE_FROM_1, NULL},
    {"metrics-every", "N", "1",
     "write a line of metrics every N epochs",
     SECTION_FILES, TRAIN, 0, KIND_INTEGER, AT(metrics_every), RANGE_FROM_1, NULL},
    {"tensorboard", NULL, NULL,
     "write the metrics for TensorBoard, too: events.out.tfevents.* in the run directory",
     SECTION_FILES, TRAIN, NO_RESULT, KIND_FLAG, AT(tensorboard), 0, NULL},
    {"verify", NULL, NULL,
     "check every checksum; exit code 1 if one fails",
     SECTION_FILES, INSPECT, 0, KIND_FLAG, AT(verify), 0, NULL},

    {"interval", "P", "0",
     "regression: also lower_<target> and upper_<target>, between which the target lies with "
     "probability P, such as 0.9",
     SECTION_OUTPUT, PREDICT, 0, KIND_NUMBER, AT(interval), RANGE_FRACTION, NULL},
    {"density", NULL, NULL,
     "also the prediction of each expert: o_<expert>_<target> and sigma_<expert>_<target>, or "
     "p_<expert>_<class>",
     SECTION_OUTPUT, PREDICT, 0, KIND_FLAG, AT(density), 0, NULL},
    {"robust", NULL, NULL,
     "standard errors by the sandwich estimator, which hold where the model is wrong, too",
     SECTION_OUTPUT, SUMMARY, 0, KIND_FLAG, AT(robust), 0, NULL},
    {"bootstrap", "N", "0",
     "also refit N times to targets drawn from the model, on all ranks; 0: no",
     SECTION_OUTPUT, SUMMARY, 0, KIND_INTEGER, AT(bootstrap), RANGE_FROM_0, NULL},
    {"test-experts", NULL, NULL,
     "with --bootstrap: also test whether one expert more fits better than by chance",
     SECTION_OUTPUT, SUMMARY, 0, KIND_FLAG, AT(test_experts), 0, NULL},
    {"level", "P", "0.95",
     "probability of the confidence intervals",
     SECTION_OUTPUT, SUMMARY, 0, KIND_NUMBER, AT(level), RANGE_FRACTION, NULL},
    {"json", NULL, NULL,
     "print the result as one JSON object",
     SECTION_OUTPUT, EVALUATE | SUMMARY | BENCH | COMPARE, 0, KIND_FLAG, AT(json), 0, NULL},
    {"json", NULL, NULL,
     "print a checkpoint, with its parameters, as one JSON object",
     SECTION_OUTPUT, INSPECT, 0, KIND_FLAG, AT(json), 0, NULL},
    {"quiet", NULL, NULL,
     "print warnings and errors only",
     SECTION_OUTPUT, SAMPLES_IN | REPORT, NOW | OF_SWEEP, KIND_FLAG, AT(quiet), 0, NULL},
    {"progress", "WHEN", "auto",
     "show how far training is",
     SECTION_OUTPUT, TRAIN, NOW, KIND_CHOICE, AT(progress), 0, progress_words},
    {"profile", NULL, NULL,
     "print the time of every phase at the end: least, mean and most over the ranks",
     SECTION_OUTPUT, TRAIN, NOW, KIND_FLAG, AT(profile), 0, NULL},
    {"once", NULL, NULL,
     "print what there is to see now, and end",
     SECTION_OUTPUT, WATCH, 0, KIND_FLAG, AT(once), 0, NULL},
    {"dry-run", NULL, NULL,
     "show data, model, placement and memory, and stop",
     SECTION_OUTPUT, ONE_RUN, NOW, KIND_FLAG, AT(dry_run), 0, NULL},
    {"dry-run", NULL, NULL,
     "list the runs and the ranks that would do them, and stop",
     SECTION_OUTPUT, SWEEP, NOW | OF_SWEEP, KIND_FLAG, AT(dry_run), 0, NULL},
    {"help", NULL, NULL,
     "print this text",
     SECTION_OUTPUT, COMMANDS_ALL, 0, KIND_HELP, 0, 0, NULL},
};
/* clang-format on */

const char *const section_names[N_SECTIONS] = {"Job",      "Sweep", "Data",  "Model",
                                               "Training", "Ranks", "Files", "Output"};

size_t options_count(void)
{
    return sizeof option_table / sizeof *option_table;
}
