/* SPDX-License-Identifier: BSD-3-Clause */
/* The file of --config. */
#include "fuzz.h"

#include "app/options/options.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *words[] = {"train", "--config", (char *)fuzz_file(data, size), NULL};
    struct options options;
    bool help = false;
    char *text = NULL;
    if (options_init(&options, COMMAND_TRAIN) == STATUS_OK &&
        options_parse(&options, 3, words, &help) == STATUS_OK)
        options_to_text(&options, &text);
    free(text);
    options_release(&options);
    return 0;
}
