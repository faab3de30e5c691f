/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef COTERIE_BASE_THREAD_H
#define COTERIE_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Local. Starts a thread that signals pass by: what asks the process to stop interrupts the main
 * thread and none that writes a file. False if there can be no further thread.
 */
bool thread_start(pthread_t *thread, void *(*work)(void *context), void *context);

#endif
