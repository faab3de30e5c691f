/* SPDX-License-Identifier: BSD-3-Clause */
#include "c_parts.h"

/* clang-format off: text of another file, line by line */
static const char regression_declaration[] =
    "/*\n"
    " * Predicts one sample x (INPUTS), NAN where it is missing. Each result may be NULL: mean and "
    "variance (TARGETS) of "
    "the\n"
    " * predictive distribution, the mixing proportions (EXPERTS) and the mean that each expert "
    "predicts\n"
    " * (EXPERTS, TARGETS). All are in the units of the data.\n"
    " */\n"
    "void @p_predict(const double *x, double *mean, double *variance, double *proportion,\n"
    "                double *expert);\n";

static const char class_declaration[] =
    "/*\n"
    " * Predicts one sample x (INPUTS), in the units of the data, and returns the most probable "
    "class,\n"
    " * from 0. Each result may be NULL: the probabilities (CLASSES), the mixing proportions "
    "(EXPERTS)\n"
    " * and the probabilities that each expert predicts (EXPERTS, CLASSES).\n"
    " */\n"
    "int @p_predict(const double *x, double *probability, double *proportion, double *expert);\n";

const char *c_declaration(const struct exported_model *model)
{
    return model->is_classifier ? class_declaration : regression_declaration;
}

/* By enum activation. */
static const char *const activations[] = {
    [ACTIVATION_IDENTITY] = "z",
    [ACTIVATION_TANH] = "tanh(z)",
    [ACTIVATION_RELU] = "z < 0 ? 0 : z",
    [ACTIVATION_GELU] = "0.5 * z * (1 + erf(z * 0.70710678118654752440))",
    [ACTIVATION_LOGISTIC] = "1 / (1 + exp(-z))",
};

const char *c_activation(const struct exported_model *model)
{
    return activations[model->config.activation];
}

const char c_network[] = "/* The outputs of network `e`, which lie in work (2, WIDEST). */\n"
                         "static const double *network(const struct layer *layer, int n_layers, "
                         "size_t e, const double *x,\n"
                         "                             double *work)\n"
                         "{\n"
                         "    const double *a = x;\n"
                         "    int l;\n"
                         "    for (l = 0; l < n_layers; l++) {\n"
                         "        double *z = work + (l % 2) * WIDEST;\n"
                         "        size_t in = layer[l].in, out = layer[l].out, u, i;\n"
                         "        const double *weight = layer[l].weight + e * out * in, *bias = "
                         "layer[l].bias + e * out;\n"
                         "        for (u = 0; u < out; u++) {\n"
                         "            double sum = bias[u];\n"
                         "            for (i = 0; i < in; i++)\n"
                         "                sum += weight[u * in + i] * a[i];\n"
                         "            z[u] = l + 1 < n_layers ? hidden(sum) : sum;\n"
                         "        }\n"
                         "        a = z;\n"
                         "    }\n"
                         "    return a;\n"
                         "}\n\n";

static const char softmax_gate[] =
    "static void gate_logits(const double *x, double *z, double *work)\n"
    "{\n"
    "    memcpy(z, network(gate, N_GATE_LAYERS, 0, x, work), LOGITS * sizeof *z);\n"
    "}\n\n";

static const char gaussian_gate[] =
    "/* ln alpha - 1/2 ln |S| - 1/2 |W (x - m)|^2, W S W^T = 1 (Xu, Jordan & Hinton 1994) */\n"
    "static void gate_logits(const double *x, double *z, double *work)\n"
    "{\n"
    "    size_t e, i, j;\n"
    "    (void)work;\n"
    "    for (e = 0; e < EXPERTS; e++) {\n"
    "        const double *w = gate_whiten + e * INPUTS * INPUTS, *m = gate_mean + e * INPUTS;\n"
    "        double square = 0;\n"
    "        for (i = 0; i < INPUTS; i++) {\n"
    "            double sum = 0;\n"
    "            for (j = 0; j <= i; j++)\n"
    "                sum += w[i * INPUTS + j] * (x[j] - m[j]);\n"
    "            square += sum * sum;\n"
    "        }\n"
    "        z[e] = gate_constant[e] - 0.5 * square;\n"
    "    }\n"
    "}\n\n";

const char *c_gate(const struct exported_model *model)
{
    return gate_kind_of(model->config.gate)->is_density ? gaussian_gate : softmax_gate;
}

const char c_softmax[] = "static void softmax(size_t n, double *z)\n"
                         "{\n"
                         "    double most = z[0], sum = 0;\n"
                         "    size_t i;\n"
                         "    for (i = 1; i < n; i++)\n"
                         "        most = z[i] > most ? z[i] : most;\n"
                         "    for (i = 0; i < n; i++)\n"
                         "        sum += z[i] = exp(z[i] - most);\n"
                         "    for (i = 0; i < n; i++)\n"
                         "        z[i] /= sum;\n"
                         "}\n\n";

const char c_choose[] =
    "/* The TOP_K largest, ties to the lower number, share among themselves. */\n"
    "static void choose(double *g)\n"
    "{\n"
    "    double chosen[EXPERTS], sum = 0;\n"
    "    size_t e, other;\n"
    "    for (e = 0; e < EXPERTS; e++) {\n"
    "        size_t before = 0;\n"
    "        for (other = 0; other < EXPERTS; other++)\n"
    "            before += g[other] > g[e] || (g[other] == g[e] && other < e);\n"
    "        chosen[e] = before < TOP_K ? g[e] : 0;\n"
    "        sum += chosen[e];\n"
    "    }\n"
    "    for (e = 0; e < EXPERTS; e++)\n"
    "        g[e] = chosen[e] / sum;\n"
    "}\n\n";

static const char of_members[] =
    "/* g: of each of MEMBERS mixtures side by side the softmax. */\n"
    "static void proportions(const double *x, double *g, double *work)\n"
    "{\n"
    "    size_t own = EXPERTS / MEMBERS, m, e;\n"
    "    gate_logits(x, g, work);\n"
    "    for (m = 0; m < MEMBERS; m++)\n"
    "        softmax(own, g + m * own);\n"
    "    for (e = 0; e < EXPERTS; e++)\n"
    "        g[e] /= MEMBERS;\n"
    "    CHOOSE(g);\n"
    "}\n\n";

static const char of_a_tree[] =
    "/* g: the product of the softmaxes on the path to an expert (Jordan & Jacobs 1994). */\n"
    "static void proportions(const double *x, double *g, double *work)\n"
    "{\n"
    "    double z[LOGITS], *p = z;\n"
    "    size_t level, nodes = 1, n, e, below = EXPERTS;\n"
    "    gate_logits(x, z, work);\n"
    "    for (e = 0; e < EXPERTS; e++)\n"
    "        g[e] = 1;\n"
    "    for (level = 0; level < LEVELS; level++) {\n"
    "        size_t own = branches[level];\n"
    "        for (n = 0; n < nodes; n++)\n"
    "            softmax(own, p + n * own);\n"
    "        nodes *= own;\n"
    "        below /= own;\n"
    "        for (e = 0; e < EXPERTS; e++)\n"
    "            g[e] *= p[e / below];\n"
    "        p += nodes;\n"
    "    }\n"
    "    CHOOSE(g);\n"
    "}\n\n";

const char *c_proportions(const struct exported_model *model)
{
    return model->config.gate_levels.n > 0 ? of_a_tree : of_members;
}

static const char every_expert[] =
    "static void expert_output(size_t e, const double *x, const double *g, double *work, double "
    "*o)\n"
    "{\n"
    "    (void)g;\n"
    "    memcpy(o, network(experts, N_EXPERT_LAYERS, e, x, work), OUTPUTS * sizeof *o);\n"
    "    output(e, o);\n"
    "}\n\n";

static const char chosen_experts[] =
    "/* An expert that is not chosen says 0. */\n"
    "static void expert_output(size_t e, const double *x, const double *g, double *work, double "
    "*o)\n"
    "{\n"
    "    memset(o, 0, OUTPUTS * sizeof *o);\n"
    "    if (!(g[e] > 0))\n"
    "        return;\n"
    "    memcpy(o, network(experts, N_EXPERT_LAYERS, e, x, work), OUTPUTS * sizeof *o);\n"
    "    output(e, o);\n"
    "}\n\n";

const char *c_experts(const struct exported_model *model)
{
    return model_is_routed(&model->config) ? chosen_experts : every_expert;
}

/* By enum output_kind: what z becomes. */
static const char *const outputs[] = {
    [OUTPUT_IDENTITY] = "    (void)z;\n",
    [OUTPUT_LOGISTIC] = "    size_t k;\n"
                        "    for (k = 0; k < OUTPUTS; k++)\n"
                        "        z[k] = 1 / (1 + exp(-z[k]));\n",
    [OUTPUT_SOFTMAX] = "    softmax(OUTPUTS, z);\n",
    [OUTPUT_EXP] = "    size_t k;\n"
                   "    for (k = 0; k < OUTPUTS; k++)\n"
                   "        z[k] = exp(z[k]);\n",
};

const char *c_output(const struct exported_model *model)
{
    return outputs[model->config.output];
}

const char *c_output_factor(const struct exported_model *model)
{
    return model->factor ? "    for (size_t i = 0; i < OUTPUTS; i++)\n"
                           "        z[i] *= mean_factor[e];\n"
                         : "    (void)e;\n";
}

static const char regression[] =
    "void @p_predict(const double *x, double *mean, double *variance, double *proportion,\n"
    "                double *expert)\n"
    "{\n"
    "    double scaled[INPUTS], g[EXPERTS], work[2 * WIDEST], o[OUTPUTS];\n"
    "    double y[OUTPUTS] = {0}, spread[OUTPUTS] = {0}, total = 0;\n"
    "    size_t e, k;\n"
    "    scale(x, scaled);\n"
    "    proportions(scaled, g, work);\n"
    "    for (e = 0; e < EXPERTS; e++) {\n"
    "        expert_output(e, scaled, g, work, o);\n"
    "        for (k = 0; k < OUTPUTS && expert; k++)\n"
    "            expert[e * OUTPUTS + k] = y_mean[k] + y_scale[k] * o[k];\n"
    "        if (g[e] == 0)\n"
    "            continue;\n"
    "        /* sum g o and sum g (sigma^2(o) + (o - y)^2), in one pass (West 1979) */\n"
    "        total += g[e];\n"
    "        for (k = 0; k < OUTPUTS; k++) {\n"
    "            const double *v = sigma_squared + 3 * e;\n"
    "            double d = o[k] - y[k], own = v[0] + (v[1] + v[2] * o[k]) * o[k];\n"
    "            y[k] += d * (g[e] / total);\n"
    "            spread[k] += g[e] * (own + d * (o[k] - y[k]));\n"
    "        }\n"
    "    }\n"
    "    for (k = 0; k < OUTPUTS && mean; k++)\n"
    "        mean[k] = y_mean[k] + y_scale[k] * y[k];\n"
    "    for (k = 0; k < OUTPUTS && variance; k++)\n"
    "        variance[k] = spread[k] * y_scale[k] * y_scale[k];\n"
    "    if (proportion)\n"
    "        memcpy(proportion, g, sizeof g);\n"
    "}\n";

static const char classification[] =
    "int @p_predict(const double *x, double *probability, double *proportion, double *expert)\n"
    "{\n"
    "    double scaled[INPUTS], g[EXPERTS], work[2 * WIDEST], o[OUTPUTS], y[OUTPUTS] = {0};\n"
    "    double p[@P_CLASSES];\n"
    "    size_t e, k, best = 0;\n"
    "    scale(x, scaled);\n"
    "    proportions(scaled, g, work);\n"
    "    for (e = 0; e < EXPERTS; e++) {\n"
    "        expert_output(e, scaled, g, work, o);\n"
    "        if (expert)\n"
    "            probabilities(o, expert + e * @P_CLASSES);\n"
    "        for (k = 0; k < OUTPUTS; k++)\n"
    "            y[k] += g[e] * o[k];\n"
    "    }\n"
    "    probabilities(y, p);\n"
    "    if (probability)\n"
    "        memcpy(probability, p, sizeof p);\n"
    "    if (proportion)\n"
    "        memcpy(proportion, g, sizeof g);\n"
    "    for (k = 1; k < @P_CLASSES; k++)\n"
    "        best = p[k] > p[best] ? k : best;\n"
    "    return (int)best;\n"
    "}\n";
/* clang-format on */

static const char scale_all[] = "static void scale(const double *x, double *scaled)\n"
                                "{\n"
                                "    size_t i;\n"
                                "    for (i = 0; i < INPUTS; i++)\n"
                                "        scaled[i] = (x[i] - x_mean[i]) * (1 / x_scale[i]);\n"
                                "}\n\n";

static const char scale_with_gaps[] =
    "/* What is missing (NAN) is 0 after scaling, and a further input, told_by, is 1 then. */\n"
    "static void scale(const double *x, double *scaled)\n"
    "{\n"
    "    double gap[INPUTS] = {0};\n"
    "    size_t i;\n"
    "    for (i = 0; i < COLUMNS; i++)\n"
    "        if (x[i] != x[i] && told_by[i])\n"
    "            gap[told_by[i]] = 1;\n"
    "    for (i = 0; i < INPUTS; i++) {\n"
    "        double value = i < COLUMNS ? x[i] : gap[i];\n"
    "        int is_missing = i < COLUMNS && told_by[i] && gap[told_by[i]] == 1;\n"
    "        scaled[i] = is_missing ? 0 : (value - x_mean[i]) * (1 / x_scale[i]);\n"
    "    }\n"
    "}\n\n";

const char *c_scaling(const struct exported_model *model)
{
    return model->gaps.n > 0 ? scale_with_gaps : scale_all;
}

const char *c_prediction(const struct exported_model *model)
{
    return model->is_classifier ? classification : regression;
}
