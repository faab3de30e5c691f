/* SPDX-License-Identifier: BSD-3-Clause */
/* coterie.h from many threads at once: the same bits, and no memory allocated. */
#include "model_fixture.h"

#include "coterie.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { N = 37, N_THREADS = 8, ROUNDS = 3, MOST = 3 };

/* The linker sends what this program, the library in it included, allocates through here. */
static atomic_size_t n_allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
int __real_posix_memalign(void **out, size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    n_allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    n_allocations++;
    return __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    n_allocations++;
    return __real_realloc(old, size);
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    n_allocations++;
    return __real_posix_memalign(out, alignment, size);
}

/* Everything that can be asked of N samples. */
struct answers {
    double mean[N * MOST], variance[N * MOST], probability[N * MOST], proportion[N * E];
    double expert[N * E * MOST], density[N], quantile[N], jacobian[N * MOST * D];
    float narrow[N * E];
};

static void choose_samples(double *x, float *x_float)
{
    for (size_t i = 0; i < N * D; i++) {
        x_float[i] = (float)(10 * (double)(i % D) + 2 * sin(0.9 * (double)i));
        x[i] = (double)x_float[i];
    }
}

/* `at_once` samples a call; workspace NULL: the stack. */
static int ask(const coterie_model *model, size_t at_once, void *workspace, struct answers *to)
{
    double x[N * D], d[N * MOST];
    float x_float[N * D];
    size_t t = coterie_n_targets(model), c = coterie_n_classes(model), width = t ? t : c;
    int worst = COTERIE_OK;
    choose_samples(x, x_float);
    for (size_t i = 0; i < N * MOST; i++)
        d[i] = 1;
    for (size_t i = 0; i < N; i += at_once) {
        size_t n = N - i < at_once ? N - i : at_once;
        const coterie_prediction all = {
            t ? to->mean + i * t : NULL, t ? to->variance + i * t : NULL,
            c ? to->probability + i * c : NULL, to->proportion + i * E, to->expert + i * E * width};
        int outcome[] = {
            coterie_predict(model, n, x + i * D, &all, workspace),
            coterie_predict_float(model, n, x_float + i * D,
                                  &(coterie_prediction_float){.proportion = to->narrow + i * E},
                                  workspace),
            coterie_log_density(model, n, x + i * D, d, to->density + i, workspace),
            coterie_jacobian(model, n, x + i * D, to->jacobian + i * width * D, workspace),
            t ? coterie_quantile(model, n, x + i * D, t - 1, 0.3, to->quantile + i, workspace) : 0};
        for (size_t k = 0; k < sizeof outcome / sizeof *outcome; k++)
            worst = outcome[k] != COTERIE_OK ? outcome[k] : worst;
    }
    return worst;
}

struct asker {
    pthread_t thread;
    size_t at_once;
    const coterie_model *model;
    const struct answers *wanted;
    struct answers found;
    void *workspace;
    bool is_good;
};

static void *ask_again(void *context)
{
    struct asker *asker = context;
    asker->is_good = true;
    for (int i = 0; i < ROUNDS; i++)
        asker->is_good =
            asker->is_good &&
            ask(asker->model, asker->at_once, asker->workspace, &asker->found) == COTERIE_OK &&
            memcmp(&asker->found, asker->wanted, sizeof asker->found) == 0;
    return NULL;
}

static coterie_model *open_model(const struct row *row)
{
    char path[PATH_MAX], message[512];
    struct run_record record;
    struct snapshot snapshot;
    coterie_model *model = NULL;
    snprintf(path, sizeof path, "%s/test_library.%d.h5",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp", (int)getpid());
    make_record(row, &record);
    make_snapshot(&record, &snapshot);
    assert_int_equal(self_check_make(&snapshot, &record.scaler, &snapshot.check), STATUS_OK);
    assert_int_equal(checkpoint_publish(path, &snapshot, &record), STATUS_OK);
    if (coterie_model_open(path, &model, message, sizeof message) != COTERIE_OK)
        fail_msg("%s", message);
    snapshot_release(&snapshot);
    run_record_release(&record);
    unlink(path);
    return model;
}

static void check_model(const coterie_model *model)
{
    static struct answers wanted;
    static struct asker asker[N_THREADS];
    memset(&wanted, 0, sizeof wanted);
    memset(asker, 0, sizeof asker);
    size_t allocated = n_allocations;
    assert_true(allocated > 0);
    assert_int_equal(ask(model, N, NULL, &wanted), COTERIE_OK);
    assert_int_equal(n_allocations, allocated);
    for (size_t i = 0; i < N_THREADS; i++) {
        asker[i].at_once = (size_t[]){N, 1, 3, 33}[i % 4];
        asker[i].model = model;
        asker[i].wanted = &wanted;
        if (i >= N_THREADS / 2)
            asker[i].workspace = malloc(coterie_workspace(model, asker[i].at_once));
    }
    for (size_t i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&asker[i].thread, NULL, ask_again, &asker[i]), 0);
    for (size_t i = 0; i < N_THREADS; i++) {
        assert_int_equal(pthread_join(asker[i].thread, NULL), 0);
        assert_true(asker[i].is_good);
        free(asker[i].workspace);
    }
}

static void many_threads_get_the_same_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_ROWS; i++) {
        coterie_model *model = open_model(&rows[i]);
        check_model(model);
        coterie_model_close(model);
    }
}

/* Two handles share nothing: one is used while another is opened and closed. */
static void models_are_opened_beside_others(void **state)
{
    (void)state;
    struct asker asker = {.at_once = 3};
    static struct answers wanted;
    coterie_model *model = open_model(&rows[0]);
    assert_int_equal(ask(model, N, NULL, &wanted), COTERIE_OK);
    asker.model = model;
    asker.wanted = &wanted;
    assert_int_equal(pthread_create(&asker.thread, NULL, ask_again, &asker), 0);
    for (size_t i = 1; i < 4; i++)
        coterie_model_close(open_model(&rows[i]));
    assert_int_equal(pthread_join(asker.thread, NULL), 0);
    assert_true(asker.is_good);
    coterie_model_close(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_threads_get_the_same_bits),
                                       cmocka_unit_test(models_are_opened_beside_others)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
