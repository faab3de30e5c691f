/* SPDX-License-Identifier: BSD-3-Clause */
#include "app/train/begun_in.h"

#include "data/csv/csv_cell.h"
#include "data/formats/formats.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char begun_in[] = "# begun in ";

/*
 * libyaml refuses a file with other bytes or control characters, even in a comment, and three more
 * characters end its lines: U+0085 (a control character), U+2028, U+2029.
 */
static bool fits_yaml(const char *text)
{
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at < ' ' || *at == 0x7f || (at[0] == 0xc2 && at[1] < 0xa0))
            return false;
    return csv_is_utf8(text) && !strstr(text, "\xe2\x80\xa8") && !strstr(text, "\xe2\x80\xa9");
}

status begun_in_write(const struct options *options, FILE *file)
{
    char folder[PATH_MAX];
    if (getcwd(folder, sizeof folder) && fits_yaml(folder))
        fprintf(file, "%s%s\n", begun_in, folder);
    return options_write_yaml(options, file);
}

void begun_in_read(const char *yaml_path, char *folder, size_t size)
{
    char line[PATH_MAX + sizeof begun_in];
    size_t length = strlen(begun_in);
    FILE *file = fopen(yaml_path, "r");
    folder[0] = '\0';
    if (file && fgets(line, sizeof line, file) && strncmp(line, begun_in, length) == 0) {
        line[strcspn(line, "\n")] = '\0';
        if (snprintf(folder, size, "%s", line + length) >= (int)size)
            folder[0] = '\0';
    }
    if (file)
        fclose(file);
}

bool begun_in_matters(const char *value)
{
    char *end;
    strtod(value, &end);
    bool is_number = end != value && *end == '\0';
    return *value && *value != '/' && !is_number && !source_format_of(value)->is_built_in;
}

bool begun_in_same_file(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

bool begun_in_find(const char *folder, const char *path, char *found, size_t size)
{
    return folder[0] && !begun_in_same_file(folder, ".") &&
           snprintf(found, size, "%s/%s", folder, path) < (int)size && access(found, F_OK) == 0;
}
