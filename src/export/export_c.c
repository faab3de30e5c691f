/* SPDX-License-Identifier: BSD-3-Clause */
/* One C99 file that needs libm only. */
#include "c_parts.h"
#include "export_format.h"

#include "base/fresh_file.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PREFIX_SIZE = 64 };

struct c_writer {
    FILE *stream;
    const struct exported_model *model;
    char prefix[PREFIX_SIZE], capitals[PREFIX_SIZE];
};

/* Text of c_parts.c. */
static void put(const struct c_writer *writer, const char *text)
{
    for (; *text; text++)
        if (text[0] == '@' && (text[1] == 'p' || text[1] == 'P')) {
            fputs(text[1] == 'p' ? writer->prefix : writer->capitals, writer->stream);
            text++;
        } else {
            fputc(*text, writer->stream);
        }
}

/* A name of the language from the name of the file: letters and digits, a letter at first. */
static void choose_prefix(const char *name, struct c_writer *writer)
{
    const char *slash = strrchr(name, '/'), *from = slash ? slash + 1 : name;
    size_t n = 0, length = strlen(from) - strlen(".c");
    if (!isalpha((unsigned char)*from) || (unsigned char)*from > 127)
        writer->prefix[n++] = 'm';
    for (size_t i = 0; i < length && n + 1 < PREFIX_SIZE; i++) {
        unsigned char c = (unsigned char)from[i];
        writer->prefix[n++] = c < 128 && isalnum(c) ? (char)c : '_';
    }
    for (size_t i = 0; i < n; i++)
        writer->capitals[i] = (char)toupper((unsigned char)writer->prefix[i]);
}

/* Of 17 digits, which give back every double. */
static void put_numbers(const struct c_writer *writer, const char *name, size_t n,
                        const double *number)
{
    fprintf(writer->stream, "static const double %s[] = {", name);
    for (size_t i = 0; i < n; i++)
        if (isinf(number[i])) /* the variance of Student's t of two degrees of freedom or fewer */
            fprintf(writer->stream, "%sINFINITY,", i % 4 == 0 ? "\n    " : " ");
        else
            fprintf(writer->stream, "%s%.17g,", i % 4 == 0 ? "\n    " : " ", number[i]);
    fprintf(writer->stream, "\n};\n");
}

/* Any bytes as a literal; question marks could be trigraphs. */
static void put_string(const struct c_writer *writer, const char *text)
{
    fputc('"', writer->stream);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\' || c == '?')
            fprintf(writer->stream, "\\%c", c);
        else if (c < 32 || c > 126)
            fprintf(writer->stream, "\\%03o", c);
        else
            fputc(c, writer->stream);
    }
    fputc('"', writer->stream);
}

static void put_names(const struct c_writer *writer, const char *what,
                      const struct string_list *names)
{
    fprintf(writer->stream, "const char *const %s_%s_name[] = {\n", writer->prefix, what);
    for (size_t i = 0; i < names->n; i++) {
        fputs("    ", writer->stream);
        put_string(writer, names->item[i]);
        fputs(",\n", writer->stream);
    }
    fputs("};\n", writer->stream);
}

/* Of each column the input that tells where it is missing, 0 for none. */
static void put_told_by(const struct c_writer *writer)
{
    const struct gap_inputs *gaps = &writer->model->gaps;
    fprintf(writer->stream, "enum { COLUMNS = %zu };\nstatic const size_t told_by[COLUMNS] = {",
            gaps->n_own);
    for (size_t i = 0; i < gaps->n_own; i++) {
        size_t by = writer->model->told_by[i];
        fprintf(writer->stream, "%s%zu", i % 16 ? ", " : "\n    ",
                by < gaps->n ? gaps->n_own + by : 0);
    }
    fputs("};\n", writer->stream);
}

static const char *noun(const struct exported_model *model)
{
    return model->is_classifier ? "class" : "target";
}

static void put_declarations(const struct c_writer *writer)
{
    const struct exported_model *model = writer->model;
    const struct model_config *config = &model->config;
    fprintf(
        writer->stream,
        "/*\n"
        " * %s: a mixture of %zu local experts, written by coterie " COTERIE_VERSION ".\n"
        " * C99, safe for threads; needs libm and nothing else. Another file sees what is here by\n"
        " *     #define %s_DECLARATIONS\n"
        " *     #include \"%s.c\"\n"
        " */\n",
        writer->prefix, config->n_experts, writer->capitals, writer->prefix);
    put(writer, "#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
    fprintf(writer->stream, "enum { %s_INPUTS = %zu, %s_%s = %zu, %s_EXPERTS = %zu };\n",
            writer->capitals, model->gaps.n_own, writer->capitals,
            model->is_classifier ? "CLASSES" : "TARGETS", model->names->n, writer->capitals,
            config->n_experts);
    fprintf(writer->stream, "extern const char *const %s_input_name[], *const %s_%s_name[];\n",
            writer->prefix, writer->prefix, noun(model));
    put(writer, c_declaration(model));
    put(writer, "#ifdef __cplusplus\n}\n#endif\n\n");
}

static void put_network(const struct c_writer *writer, const char *name,
                        const struct exported_network *network)
{
    char array[64];
    for (int l = 0; l < network->n_layers; l++) {
        const struct exported_layer *layer = &network->layer[l];
        snprintf(array, sizeof array, "%s_weight_%d", name, l);
        put_numbers(writer, array, network->n * layer->out * layer->in, layer->weight);
        snprintf(array, sizeof array, "%s_bias_%d", name, l);
        put_numbers(writer, array, network->n * layer->out, layer->bias);
    }
    fprintf(writer->stream, "static const struct layer %s[] = {\n", name);
    for (int l = 0; l < network->n_layers; l++)
        fprintf(writer->stream, "    {%zu, %zu, %s_weight_%d, %s_bias_%d},\n", network->layer[l].in,
                network->layer[l].out, name, l, name, l);
    fprintf(writer->stream, "};\n");
}

static size_t widest(const struct exported_model *model)
{
    size_t gate = exported_network_width(&model->gate);
    size_t expert = exported_network_width(&model->experts);
    return gate > expert ? gate : expert;
}

/* Outputs of the gate before its softmax. */
static size_t n_logits(const struct exported_model *model)
{
    const struct exported_network *gate = &model->gate;
    return gate->n_layers > 0 ? gate->layer[gate->n_layers - 1].out : model->config.n_experts;
}

static void put_sizes(const struct c_writer *writer)
{
    const struct exported_model *model = writer->model;
    const struct model_config *config = &model->config;
    fprintf(writer->stream,
            "#include <math.h>\n#include <stddef.h>\n#include <string.h>\n\n"
            "enum {\n"
            "    INPUTS = %zu, OUTPUTS = %zu, EXPERTS = %zu, MEMBERS = %zu, WIDEST = %zu,\n"
            "    N_EXPERT_LAYERS = %d, LOGITS = %zu",
            config->n_inputs, config->n_outputs, config->n_experts, model_n_members(config),
            widest(model), model->experts.n_layers, n_logits(model));
    if (model->gate.n_layers > 0)
        fprintf(writer->stream, ", N_GATE_LAYERS = %d", model->gate.n_layers);
    if (model_is_routed(config))
        fprintf(writer->stream, ", TOP_K = %zu", config->top_k);
    if (config->gate_levels.n > 0)
        fprintf(writer->stream, ", LEVELS = %zu", config->gate_levels.n);
    fprintf(writer->stream, "\n};\n#define CHOOSE(g) %s\n\n",
            model_is_routed(config) ? "choose(g)" : "(void)(g)");
    fputs("/* weight (networks, out, in), bias (networks, out) */\n"
          "struct layer {\n    size_t in, out;\n    const double *weight, *bias;\n};\n\n",
          writer->stream);
}

/* What the experts have beside their networks. */
static void put_dispersion(const struct c_writer *writer)
{
    const struct exported_model *model = writer->model;
    size_t n = model->config.n_experts;
    fputs("\n/* (EXPERTS, 3): the variance of a target is v[0] + v[1] o + v[2] o^2. */\n",
          writer->stream);
    put_numbers(writer, "sigma_squared", 3 * n, &model->variance->constant);
    if (model->factor)
        put_numbers(writer, "mean_factor", n, model->factor);
}

static void put_gate(const struct c_writer *writer)
{
    const struct exported_model *model = writer->model;
    const struct gate_levels *levels = &model->config.gate_levels;
    size_t n = model->config.n_experts, d = model->config.n_inputs;
    if (gate_kind_of(model->config.gate)->is_density) {
        put_numbers(writer, "gate_constant", n, model->constant);
        put_numbers(writer, "gate_mean", n * d, model->mean);
        put_numbers(writer, "gate_whiten", n * d * d, model->whiten);
    } else {
        put_network(writer, "gate", &model->gate);
    }
    if (levels->n == 0)
        return;
    fputs("static const size_t branches[] = {", writer->stream);
    for (size_t l = 0; l < levels->n; l++)
        fprintf(writer->stream, "%s%zu", l > 0 ? ", " : "", levels->branches[l]);
    fputs("};\n", writer->stream);
}

static void put_parameters(const struct c_writer *writer)
{
    const struct exported_model *model = writer->model;
    const struct scaler *scaler = &model->record.scaler;
    const struct string_list columns = {model->gaps.n_own, model->record.input_names.item};
    put_names(writer, "input", &columns);
    if (model->gaps.n > 0)
        put_told_by(writer);
    put_names(writer, noun(model), model->names);
    fputs("\n/* Networks work with (x - mean) / scale, and targets likewise. */\n", writer->stream);
    put_numbers(writer, "x_mean", scaler->n_inputs, scaler->x_mean);
    put_numbers(writer, "x_scale", scaler->n_inputs, scaler->x_scale);
    if (!model->is_classifier) {
        put_numbers(writer, "y_mean", scaler->n_targets, scaler->y_mean);
        put_numbers(writer, "y_scale", scaler->n_targets, scaler->y_scale);
        put_dispersion(writer);
    }
    put_gate(writer);
    put_network(writer, "experts", &model->experts);
    fputc('\n', writer->stream);
}

static void put_functions(const struct c_writer *writer)
{
    const struct exported_model *model = writer->model;
    fprintf(writer->stream, "static double hidden(double z)\n{\n    return %s;\n}\n\n",
            c_activation(model));
    put(writer, c_network);
    put(writer, c_gate(model));
    put(writer, c_softmax);
    if (model_is_routed(&model->config))
        put(writer, c_choose);
    put(writer, c_proportions(model));
    fprintf(writer->stream, "static void output(size_t e, double *z)\n{\n%s%s}\n\n",
            c_output(model), c_output_factor(model));
    put(writer, c_scaling(model));
    put(writer, c_experts(model));
    if (model->is_classifier)
        fprintf(writer->stream, "static void probabilities(const double *o, double *p)\n{\n%s}\n\n",
                model->two_in_one ? "    p[0] = 1 - o[0];\n    p[1] = o[0];\n"
                                  : "    memcpy(p, o, OUTPUTS * sizeof *p);\n");
    put(writer, c_prediction(model));
}

static status write_c(const struct exported_model *model, const char *path, const char *name,
                      char *said, size_t size)
{
    struct c_writer writer = {.model = model};
    choose_prefix(name, &writer);
    writer.stream = fopen(path, "we");
    if (!writer.stream)
        return status_set(STATUS_FAILED, "%s cannot be written: %s", name, strerror(errno));
    put_declarations(&writer);
    fprintf(writer.stream, "#ifndef %s_DECLARATIONS\n", writer.capitals);
    put_sizes(&writer);
    put_parameters(&writer);
    put_functions(&writer);
    fputs("#endif\n", writer.stream);
    bool failed = ferror(writer.stream) != 0;
    if (fclose(writer.stream) != 0 || failed)
        return status_set(STATUS_FAILED, "%s cannot be written: %s", name, strerror(errno));
    snprintf(said, size, "C99 with the function %s_predict; link it with -lm", writer.prefix);
    return STATUS_OK;
}

const struct export_format export_c = {".c", NULL, true, write_c};
