/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/problem/samples_check.h"
#include "app/train/train_internal.h"

#include "base/processor.h"

#include "base/log.h"
#include "base/memory.h"
#include "data/samples/epoch_order.h"
#include "math/bf16.h"
#include "math/blas.h"
#include "math/gemm.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { TEXT = 512, RANKS_SHOWN = 16 };

static void layers_text(char *text, size_t size, size_t n, const size_t *width,
                        const char *activation)
{
    size_t used = 0;
    if (n == 0)
        snprintf(text, size, "linear");
    for (size_t l = 0; l < n && used < size; l++)
        used += (size_t)snprintf(text + used, size - used, "%s%zu", l ? ", " : "", width[l]);
    if (n > 0 && used < size)
        snprintf(text + used, size - used, " hidden %s units", activation);
}

/* Names of what one part sees, if that is not all. */
static void show_inputs(const struct training *training, const char *part,
                        const struct input_choice *seen)
{
    const struct string_list *names = &training->record.input_names;
    char text[TEXT] = "none (constants)";
    size_t used = 0;
    if (!seen->is_made)
        return;
    for (size_t r = 0; r < seen->n_runs && used < sizeof text; r++) {
        size_t first = seen->run[r].first, last = seen->run[r].end - 1;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s%s%s", r ? ", " : "",
                                 names->item[first], last > first ? " to " : "",
                                 last > first ? names->item[last] : "");
    }
    log_info("  inputs of the %s: %s", part, text);
}

static void show_model(const struct training *training)
{
    const struct model_config *model = &training->problem.model;
    const struct options *options = training->options;
    char expert[128], gate[128], activation[32], output[32], likelihood[32];
    snprintf(activation, sizeof activation, "%s", options_value(options, "activation"));
    snprintf(output, sizeof output, "%s", options_value(options, "expert_output"));
    snprintf(likelihood, sizeof likelihood, "%s", options_value(options, "likelihood"));
    layers_text(expert, sizeof expert, model->n_expert_hidden, model->expert_hidden, activation);
    layers_text(gate, sizeof gate, model->n_gate_hidden, model->gate_hidden, activation);
    const struct gate_kind *kind = gate_kind_of(model->gate);
    char tree[GATE_TEXT] = "";
    if (kind->label)
        snprintf(gate, sizeof gate, "%s", kind->label);
    if (kind->has_levels)
        gate_to_text(model->gate, &model->gate_levels, tree);
    log_info("model    %zu expert%s (%s, %s output), gate (%s%s%s), %zu parameters",
             model->n_experts, model->n_experts == 1 ? "" : "s", expert, output, tree,
             *tree ? ", " : "", gate, model_n_parameters(model));
    show_inputs(training, "gate", &model->gate_inputs);
    show_inputs(training, "experts", &model->expert_inputs);
    if (model->expert_inputs.offset > 0)
        log_info("  offset %s", training->record.input_names.item[model->expert_inputs.offset - 1]);
    log_info("error    %s, %s likelihood", options_value(options, "error"), likelihood);
    if (model->is_bf16)
        log_info("products bf16, summed in float, by %s", bf16_maker_name());
}

static void show_training(const struct training *training)
{
    const struct trainer_config *config = &training->config;
    size_t n = training->train_shape.n;
    char batch[64], optimizer[32], starts[32] = "";
    snprintf(optimizer, sizeof optimizer, "%s", options_value(training->options, "optimizer"));
    if (config->batch_size == 0 || config->batch_size >= n)
        snprintf(batch, sizeof batch, "all samples in one batch");
    else
        snprintf(batch, sizeof batch, "batches of %zu", config->batch_size);
    if (config->starts > 1)
        snprintf(starts, sizeof starts, ", %lld starts", (long long)config->starts);
    char rate[48];
    snprintf(rate, sizeof rate, ", learning rate %g", config->learning_rate);
    if (!optimizer_method_of(config->optimizer.kind)->has_steps)
        rate[0] = '\0';
    log_info("training %s%s, %s, %lld epochs, seed %llu%s", optimizer, rate, batch,
             (long long)config->epochs, (unsigned long long)config->seed, starts);
}

/* What one rank says of itself to the root. */
struct rank_place {
    char host[64];
    int node;
    double bytes, available; /* of the rank; of its host */
    char kernels[96];        /* what it computes with */
};

/* Ranks that round differently: the same bits hold only as long as every expert stays where it is.
 */
static void warn_of_kernels(const struct training *training, const struct rank_place *places)
{
    for (int r = 1; r < training->comm->size; r++)
        if (strcmp(places[r].kernels, places[0].kernels) != 0) {
            log_warning(
                "ranks compute with different kernels, so results will differ in rounding on "
                "another number or order of ranks: rank 0 on %s has %s, rank %d on %s has %s; "
                "use nodes of one kind (sbatch --constraint) for the same bits",
                places[0].host, places[0].kernels, r, places[r].host, places[r].kernels);
            return;
        }
}

static void show_rank(const struct shard *shard, int number, const struct rank_place *place)
{
    int rank = number % shard->n_ranks;
    size_t first = shard_first(shard, rank), count = shard_count(shard, rank);
    char experts[96];
    if (count == 0)
        snprintf(experts, sizeof experts,
                 rank == 0 ? "no expert" : "idle: more ranks than experts");
    else if (count == 1)
        snprintf(experts, sizeof experts, "expert %zu", first);
    else
        snprintf(experts, sizeof experts, "experts %zu-%zu", first, first + count - 1);
    log_info("  rank %-3d %s: %s%s, %.1f MiB", number, place->host, rank == 0 ? "gate, " : "",
             experts, place->bytes / 0x1p20);
}

/* A group works in step all the time: inside a host that costs least. */
static bool spans_hosts(const struct rank_place *places, int first, int n)
{
    for (int r = first + 1; r < first + n; r++)
        if (places[r].node != places[first].node)
            return true;
    return false;
}

static void show_replicas(const struct training *training, const struct shard *shard,
                          const struct rank_place *places)
{
    int n = training->config.replicas, size = shard->n_ranks, spanning = 0;
    long before = training->recorded_replicas > 0 ? training->recorded_replicas : 1;
    for (int r = 0; r < n; r++)
        spanning += spans_hosts(places, r * size, size);
    if (n > 1)
        log_info("replicas %d of %d rank%s each: ranks %d-%d are the first; each batch is shared, "
                 "gradients are summed",
                 n, size, size == 1 ? "" : "s", 0, size - 1);
    if (n > 1 && spanning > 0 && size <= training->comm->node_size)
        log_warning("%d of %d replicas lie on more than one host; start neighbouring ranks on the "
                    "same host (mpirun --map-by core)",
                    spanning, n);
    if (training->resume_path[0] && n != before)
        log_info(
            "replicas %d instead of %ld of the checkpoint: sums are added in another order, so "
            "results agree to rounding, not bit for bit",
            n, before);
}

static void show_ranks(const struct training *training, const struct shard *shard,
                       const struct rank_place *places)
{
    int size = training->comm->size;
    log_info("ranks    %d on %d host%s", size, training->comm->n_nodes,
             training->comm->n_nodes == 1 ? "" : "s");
    show_replicas(training, shard, places);
    int idle = 0;
    for (int r = 0; r < size; r++) {
        int place = r % shard->n_ranks;
        idle += place > 0 && shard_count(shard, place) == 0;
        if (r < RANKS_SHOWN)
            show_rank(shard, r, &places[r]);
    }
    if (size > RANKS_SHOWN)
        log_info("  ... and %d more ranks like these", size - RANKS_SHOWN);
    if (idle > 0)
        log_warning("%d of %d ranks %s no expert to compute: use at most %zu ranks, or more "
                    "experts",
                    idle, size, idle == 1 ? "has" : "have",
                    shard->n_experts * (size_t)training->config.replicas);
}

static struct em_config em_config_of(const struct training *training)
{
    const struct trainer_config *config = &training->config;
    return (struct em_config){config->micro_batch, config->batch_size, config->forgetting};
}

/* What each host needs for the data. */
static double data_bytes(const struct training *training, bool streams_train, bool streams_valid)
{
    const struct dataset_shape *train = &training->train_shape, *valid = &training->valid_shape;
    bool held_out = training->split.n_train < training->record.data_n;
    double bytes = streams_train
                       ? samples_streamed_bytes(train, training->config.stream_block, held_out)
                       : samples_bytes(train);
    if (training->has_valid)
        bytes +=
            streams_valid
                ? samples_streamed_bytes(
                      valid, epoch_order_auto_block(valid->n, valid->n_inputs + valid->n_targets),
                      held_out)
                : samples_bytes(valid);
    if (!optimizer_method_of(training->config.optimizer.kind)->has_steps) {
        const struct em_config em = em_config_of(training);
        bytes += em_host_bytes(&training->problem.model, &em, train->n);
    }
    return bytes;
}

/* Where the samples for validation come from, NULL without them. */
static const struct source *valid_source(const struct training *training)
{
    if (!training->has_valid)
        return NULL;
    return training->valid_source ? training->valid_source : training->source;
}

/* Before it is known what fits. */
static bool streams_always(const struct training *training, const struct source *source)
{
    return samples_stay_in_file(source, training->options->stream, true);
}

/* Lists with a number for each sample: the order of an epoch; at the root, the split and labels. */
static double lists_bytes(const struct training *training, bool is_root)
{
    const struct dataset_shape *train = &training->train_shape, *valid = &training->valid_shape;
    double bytes =
        sampler_bytes(train->n, training->config.batch_size, training->config.stream_block);
    if (!is_root)
        return bytes;
    double samples = (double)train->n + (training->has_valid ? (double)valid->n : 0);
    size_t each = sizeof(uint64_t) + (train->has_labels ? sizeof(int32_t) : 0) +
                  (train->has_weights ? sizeof(double) : 0);
    return bytes + (double)each * samples;
}

static double rank_bytes(const struct training *training, const struct shard *shard, int rank)
{
    double bytes = model_bytes(&training->problem.model, shard, rank,
                               real_padded(training->config.micro_batch),
                               optimizer_method_of(training->config.optimizer.kind)->n_slots);
    bytes += lists_bytes(training, rank == 0);
    if (trainer_looks_ahead(&training->config, &training->problem.model, shard,
                            training->train_shape.n))
        bytes += step_ahead_bytes(&training->problem.model, shard, rank,
                                  real_padded(training->config.micro_batch));
    if (!optimizer_method_of(training->config.optimizer.kind)->has_steps) {
        const struct em_config em = em_config_of(training);
        bytes += em_bytes(&training->problem.model, &em, shard, rank, training->train_shape.n);
    }
    return bytes;
}

status plan_memory(const struct training *training, int nodes, int ranks_per_node,
                   struct memory_need *need)
{
    const struct model_config *model = &training->problem.model;
    const struct source *valid = valid_source(training);
    double data = data_bytes(training, streams_always(training, training->source),
                             streams_always(training, valid));
    struct shard shard;
    int rank = 0;
    *need = (struct memory_need){.data = data};
    int ranks = nodes * ranks_per_node / training->config.replicas;
    status outcome = shard_init(&shard, model->n_experts, ranks < 1 ? 1 : ranks,
                                training->options->root_experts, model_gate_in_experts(model));
    for (int node = 0; node < nodes && outcome == STATUS_OK; node++) {
        double sum = 0;
        for (int r = 0; r < ranks_per_node; r++, rank++) {
            double bytes = rank_bytes(training, &shard, rank % shard.n_ranks);
            sum += bytes;
            need->rank = fmax(need->rank, bytes);
        }
        need->node = fmax(need->node, sum);
    }
    return outcome;
}

struct host_need {
    double bytes, available;
    const char *host;
};

static struct host_need need_of(const struct training *training, const struct rank_place *places,
                                int node, double data)
{
    struct host_need need = {.bytes = data, .host = ""};
    for (int r = 0; r < training->comm->size; r++)
        if (places[r].node == node) {
            need.bytes += places[r].bytes;
            need.available = places[r].available;
            need.host = places[r].host;
        }
    return need;
}

static bool fits(const struct training *training, const struct rank_place *places, double data)
{
    for (int node = 0; node < training->comm->n_nodes; node++) {
        struct host_need need = need_of(training, places, node, data);
        if (!samples_fit(need.bytes, need.available))
            return false;
    }
    return true;
}

/* EM goes over the samples more than once in an iteration, unless it is on-line. */
static bool keeps_samples(const struct training *training)
{
    const struct trainer_config *config = &training->config;
    const struct em_config em = em_config_of(training);
    return !optimizer_method_of(config->optimizer.kind)->has_steps &&
           !em_is_online(&em, training->train_shape.n);
}

/* Root. Training samples are streamed first, validation samples only if that is not enough. */
static void choose_streams(struct training *training, const struct rank_place *places)
{
    enum stream_choice wish = training->options->stream;
    bool fit =
        keeps_samples(training) || fits(training, places, data_bytes(training, false, false));
    training->streams_train = samples_stay_in_file(training->source, wish, fit);
    fit = fit || fits(training, places, data_bytes(training, training->streams_train, false));
    training->streams_valid = samples_stay_in_file(valid_source(training), wish, fit);
}

/* Nobody reads for another host what is streamed. */
static void show_reader(const struct training *training)
{
    bool memory = !training->streams_train || (training->has_valid && !training->streams_valid);
    if (training->comm->n_nodes > 1 && memory)
        log_info("read     %s",
                 training->options->read == READ_NODE
                     ? "on each host"
                     : "on the host of rank 0, which sends the samples to the others");
}

static void show_stream(const struct training *training)
{
    if (!training->streams_train && !training->streams_valid)
        return;
    log_info("stream   %s from the file, in blocks of %zu samples",
             !training->streams_valid   ? "training samples"
             : !training->streams_train ? "validation samples"
                                        : "all samples",
             training->config.stream_block);
}

/* Each host needs one copy of the data and what its ranks need. */
static status check_hosts(const struct training *training, const struct rank_place *places)
{
    double data = data_bytes(training, training->streams_train, training->streams_valid);
    for (int node = 0; node < training->comm->n_nodes; node++) {
        struct host_need need = need_of(training, places, node, data);
        if (node < RANKS_SHOWN)
            log_info("memory   host %s: %.1f MiB of %.0f MiB free, %.1f MiB of it data", need.host,
                     need.bytes / 0x1p20, need.available / 0x1p20, data / 0x1p20);
        if (need.bytes > need.available)
            return status_set(STATUS_USAGE,
                              "host %s would need %.0f MiB and has %.0f MiB free; use more hosts, "
                              "fewer experts, a smaller --micro-batch, %s",
                              need.host, need.bytes / 0x1p20, need.available / 0x1p20,
                              training->streams_train ? "or a smaller --stream-block"
                              : source_info(training->source)->format->can_stream
                                  ? "or --stream always"
                                  : "or fewer data");
    }
    return STATUS_OK;
}

status plan_show(struct training *training)
{
    const struct communicator *comm = training->comm;
    struct shard shard;
    struct rank_place *places = NULL;
    status outcome = placement_shard(training, &shard);
    if (outcome == STATUS_OK && comm->rank == 0)
        outcome = memory_alloc(&places, (size_t)comm->size, sizeof *places, "the list of ranks");
    outcome = communicator_agree(comm, outcome);
    if (outcome != STATUS_OK)
        return outcome;
    struct rank_place own = {.node = comm->node,
                             .bytes = rank_bytes(training, &shard, comm->rank % shard.n_ranks),
                             .available = (double)memory_available()};
    memcpy(own.host, comm->host, sizeof own.host);
    snprintf(own.kernels, sizeof own.kernels, "%s, %s, %s", blas_kernel(), gemm_library(),
             processor_level_name(processor_level()));
    communicator_gather(comm, &own, places, sizeof own);
    if (places) {
        choose_streams(training, places);
        outcome = plan_show_data(training);
        show_reader(training);
        show_stream(training);
        show_model(training);
        show_training(training);
        show_ranks(training, &shard, places);
        warn_of_kernels(training, places);
        if (outcome == STATUS_OK)
            outcome = check_hosts(training, places);
        if (outcome == STATUS_OK)
            outcome = samples_check_reader(comm, training->options, training->source,
                                           training->streams_train || training->streams_valid);
        log_info("output   %s%s", training->output,
                 training->options->dry_run ? " (dry run: nothing is written)" : "");
    }
    memory_free(&places);
    communicator_broadcast(comm, &training->streams_train, sizeof training->streams_train);
    communicator_broadcast(comm, &training->streams_valid, sizeof training->streams_valid);
    return communicator_agree(comm, outcome);
}
