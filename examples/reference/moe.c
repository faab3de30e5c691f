/* SPDX-License-Identifier: BSD-3-Clause */
/* Adaptive mixtures of local experts (Jacobs, Jordan, Nowlan & Hinton 1991) in one file.
 *
 * One process, plain loops, C99 and libm: read this first. coterie does the same on many ranks, and
 * a test holds coterie_d to the numbers of this file. README.md here says how to run it.
 *
 *     cc -std=c99 -O2 moe.c -o moe -lm
 *     ./moe mixture logistic data.csv 1 2.0 100 start.csv end.csv
 *
 * Letters of the paper: x inputs, d targets, o outputs of an expert, p mixing proportions,
 * h posterior, y combined output. The input 1 stands at the end of each x, so the last weight of a
 * unit is its bias: v[i] are the weights of the gate's unit i, w[i][k] those of expert i's unit k.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int N, D, O, E; /* samples, inputs with the 1, outputs, experts */
static int logistic;   /* the experts' output units are logistic, else linear */

static void fail(const char *what, const char *name)
{
    fprintf(stderr, "moe: %s: %s\n", what, name);
    exit(2);
}

static double dot(int n, const double a[n], const double b[n])
{
    double sum = 0;
    for (int j = 0; j < n; j++)
        sum += a[j] * b[j];
    return sum;
}

/* q = ||d - o||^2 */
static double squared_distance(const double d[O], const double o[O])
{
    double q = 0;
    for (int k = 0; k < O; k++)
        q += (d[k] - o[k]) * (d[k] - o[k]);
    return q;
}

/* p_i becomes exp(p_i) / sum_j exp(p_j); returns log sum_j exp(p_j). The largest p is taken off
 * first: this changes no result, and keeps exp from overflowing. */
static double softmax(double p[E])
{
    double most = p[0], sum = 0;
    for (int i = 1; i < E; i++)
        most = fmax(most, p[i]);
    for (int i = 0; i < E; i++)
        sum += p[i] = exp(p[i] - most);
    for (int i = 0; i < E; i++)
        p[i] /= sum;
    return most + log(sum);
}

/* ---- The gate: logits s_i = v_i . x;  p = softmax(s). */
static void gate(double v[E][D], const double x[D], double p[E])
{
    for (int i = 0; i < E; i++)
        p[i] = dot(D, v[i], x);
    softmax(p);
}

/* ---- The experts: o_ik = w_ik . x, or its logistic function 1 / (1 + exp(-w_ik . x)). */
static void experts(double w[E][O][D], const double x[D], double o[E][O])
{
    for (int i = 0; i < E; i++)
        for (int k = 0; k < O; k++) {
            double z = dot(D, w[i][k], x);
            o[i][k] = logistic ? 1 / (1 + exp(-z)) : z;
        }
}

/* ---- The three error functions. Each returns the error of one sample, and gives its derivatives
 * by the gate's logits, d_s, and by the experts' outputs, d_o. */
typedef double error_function(const double p[E], double o[E][O], const double d[O], double d_s[E],
                              double d_o[E][O]);

/* (1.1)  ||d - y||^2,  y = sum_i p_i o_i
 *        by s_i: -2 p_i (d - y).(o_i - y)      by o_i: -2 p_i (d - y) */
static double cooperative(const double p[E], double o[E][O], const double d[O], double d_s[E],
                          double d_o[E][O])
{
    double y[O];
    for (int k = 0; k < O; k++) {
        y[k] = 0;
        for (int i = 0; i < E; i++)
            y[k] += p[i] * o[i][k];
    }
    for (int i = 0; i < E; i++) {
        d_s[i] = 0;
        for (int k = 0; k < O; k++) {
            d_o[i][k] = -2 * p[i] * (d[k] - y[k]);
            d_s[i] += d_o[i][k] * (o[i][k] - y[k]);
        }
    }
    return squared_distance(d, y);
}

/* (1.2)  sum_i p_i q_i,  q_i = ||d - o_i||^2
 *        by s_i: p_i (q_i - error)             by o_i: -2 p_i (d - o_i) */
static double competitive(const double p[E], double o[E][O], const double d[O], double d_s[E],
                          double d_o[E][O])
{
    double error = 0;
    for (int i = 0; i < E; i++)
        error += p[i] * squared_distance(d, o[i]);
    for (int i = 0; i < E; i++) {
        d_s[i] = p[i] * (squared_distance(d, o[i]) - error);
        for (int k = 0; k < O; k++)
            d_o[i][k] = -2 * p[i] * (d[k] - o[i][k]);
    }
    return error;
}

/* (1.3)  -log sum_i p_i exp(-q_i / 2)
 *        by s_i: p_i - h_i                     by o_i: -h_i (d - o_i)
 * The posterior h_i = p_i exp(-q_i / 2) / sum_j p_j exp(-q_j / 2) says which expert d came from. */
static double mixture(const double p[E], double o[E][O], const double d[O], double d_s[E],
                      double d_o[E][O])
{
    double h[E];
    for (int i = 0; i < E; i++)
        h[i] = log(p[i]) - squared_distance(d, o[i]) / 2;
    double error = -softmax(h);
    for (int i = 0; i < E; i++) {
        d_s[i] = p[i] - h[i];
        for (int k = 0; k < O; k++)
            d_o[i][k] = -h[i] * (d[k] - o[i][k]);
    }
    return error;
}

/* ---- The gradient of the mean error over all samples, by v into d_v and by w into d_w, by the
 * chain rule: ds_i/dv_i = x,  dz_ik/dw_ik = x,  and do/dz = o (1 - o) for logistic outputs. */
static double gradient(error_function *function, double x[N][D], double d[N][O], double v[E][D],
                       double w[E][O][D], double d_v[E][D], double d_w[E][O][D])
{
    double error = 0, p[E], o[E][O], d_s[E], d_o[E][O];
    memset(d_v, 0, sizeof(double[E][D]));
    memset(d_w, 0, sizeof(double[E][O][D]));
    for (int n = 0; n < N; n++) {
        gate(v, x[n], p);
        experts(w, x[n], o);
        error += function(p, o, d[n], d_s, d_o) / N;
        for (int i = 0; i < E; i++)
            for (int j = 0; j < D; j++)
                d_v[i][j] += d_s[i] * x[n][j] / N;
        for (int i = 0; i < E; i++)
            for (int k = 0; k < O; k++) {
                double d_z = d_o[i][k] * (logistic ? o[i][k] * (1 - o[i][k]) : 1);
                for (int j = 0; j < D; j++)
                    d_w[i][k][j] += d_z * x[n][j] / N;
            }
    }
    return error;
}

/* ---- Gradient descent: every parameter, those of the gate first, goes down its slope. Prints the
 * mean error before the first step and after each. */
static void descend(error_function *function, double x[N][D], double d[N][O], double *parameter,
                    double rate, int epochs)
{
    int n_gate = E * D, n = n_gate + E * O * D;
    double slope[n];
    for (int epoch = 0; epoch <= epochs; epoch++) {
        double error = gradient(function, x, d, (void *)parameter, (void *)(parameter + n_gate),
                                (void *)slope, (void *)(slope + n_gate));
        printf("%d %.17g\n", epoch, error);
        for (int j = 0; j < n && epoch < epochs; j++)
            parameter[j] -= rate * slope[j];
    }
}

/* ---- Files: a line of names, then rows of as many numbers, with commas between them. */
static double *read_table(const char *path, int *rows, int *columns)
{
    double *table = NULL, value;
    int size = 0, letter;
    FILE *file = fopen(path, "r");
    if (!file)
        fail("cannot open", path);
    for (*columns = 1; (letter = getc(file)) != '\n' && letter != EOF;)
        *columns += letter == ',';
    for (; fscanf(file, "%lf%*[,\r\n]", &value) == 1; table[size++] = value)
        if (!(table = realloc(table, sizeof(double) * (size_t)(size + 1))))
            fail("no memory for", path);
    if (!feof(file) || size == 0 || size % *columns != 0)
        fail("not a line of names and rows of as many numbers", path);
    fclose(file);
    *rows = size / *columns;
    return table;
}

static void write_table(const char *path, int rows, int columns, const double *table)
{
    FILE *file = fopen(path, "w");
    if (!file)
        fail("cannot write", path);
    for (int j = 0; j < columns; j++)
        fprintf(file, "w%d%c", j, j < columns - 1 ? ',' : '\n');
    for (int j = 0; j < rows * columns; j++)
        fprintf(file, "%.17g%c", table[j], j % columns < columns - 1 ? ',' : '\n');
    if (fclose(file) != 0)
        fail("cannot write", path);
}

int main(int argc, char **argv)
{
    static const char *const names[] = {"cooperative", "competitive", "mixture"};
    static error_function *const functions[] = {cooperative, competitive, mixture};
    if (argc != 9)
        fail("usage", "moe cooperative|competitive|mixture identity|logistic DATA.csv TARGETS "
                      "RATE EPOCHS START.csv END.csv");
    int which = 0, columns, weights, units;
    while (which < 3 && strcmp(argv[1], names[which]) != 0)
        which++;
    logistic = strcmp(argv[2], "logistic") == 0;
    if (which == 3 || (!logistic && strcmp(argv[2], "identity") != 0))
        fail("no such error function or output", which == 3 ? argv[1] : argv[2]);

    /* The last O columns are targets; the input 1 takes a place behind the others. */
    double *data = read_table(argv[3], &N, &columns);
    O = atoi(argv[4]);
    D = columns - O + 1;
    if (O < 1 || D < 2)
        fail("not a number of targets that leaves an input", argv[4]);
    double(*x)[D] = malloc(sizeof(double[N][D])), (*d)[O] = malloc(sizeof(double[N][O]));
    if (!x || !d)
        fail("no memory for", argv[3]);
    for (int n = 0; n < N; n++) {
        memcpy(x[n], data + n * columns, sizeof(double[D - 1]));
        memcpy(d[n], data + n * columns + D - 1, sizeof(double[O]));
        x[n][D - 1] = 1;
    }

    /* One unit a row: E rows of the gate, then O rows for each expert. */
    double *parameter = read_table(argv[7], &units, &weights);
    E = units / (1 + O);
    if (weights != D || units != E * (1 + O))
        fail("not a row for each unit with a weight for each input and a bias", argv[7]);
    descend(functions[which], x, d, parameter, atof(argv[5]), atoi(argv[6]));
    write_table(argv[8], units, weights, parameter);
    free(data), free(x), free(d), free(parameter);
    return 0;
}
