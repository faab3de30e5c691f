#ifndef COTERIE_DATA_CSV_INTERNAL_H
#define COTERIE_DATA_CSV_INTERNAL_H

#include "coterie/data/csv.h"

enum { CSV_SHOWN = 48 };

/* A cell as it can stand in a message of one line: shortened, without control characters. */
const char *csv_printable(const char *cell, char text[CSV_SHOWN]);

#endif
