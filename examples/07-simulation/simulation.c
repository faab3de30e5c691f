/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * simulation RUN START: a mass that swings from START, 1000 steps of 0.01. Its acceleration is what
 * the model in RUN says of place and speed. Outside the range of the inputs in the training data,
 * which the model knows, it guesses, and that is said.
 */
#include <coterie.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    char message[512];
    coterie_model *model;
    if (coterie_model_open(argv[1], &model, message, sizeof message) != COTERIE_OK) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    double state[2] = {atof(argv[2]), 0}; /* place and speed: the inputs */
    double low[2], high[2];
    for (size_t i = 0; i < 2; i++)
        coterie_input_range(model, i, &low[i], &high[i]);
    double acceleration, step = 0.01;
    coterie_prediction ask = {.mean = &acceleration};
    int outside = 0, outcome = COTERIE_OK;
    for (int n = 0; n < 1000 && outcome == COTERIE_OK; n++) {
        for (size_t i = 0; i < 2; i++)
            if ((state[i] < low[i] || state[i] > high[i]) && outside++ == 0)
                printf("step %d: %s is outside the training range\n", n,
                       coterie_input_name(model, i));
        outcome = coterie_predict(model, 1, state, &ask, NULL);
        state[1] += step * acceleration;
        state[0] += step * state[1];
    }
    printf("x %.6f v %.6f outside %d\n", state[0], state[1], outside);
    coterie_model_close(model);
    return outcome;
}
