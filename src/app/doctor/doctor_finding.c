/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_internal.h"

#include <stdarg.h>
#include <stdio.h>

void finding_set(struct finding *finding, enum verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->seen, sizeof finding->seen, format, arguments);
    va_end(arguments);
    finding->verdict = verdict;
    finding->fix[0] = '\0';
}

void finding_fix(struct finding *finding, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->fix, sizeof finding->fix, format, arguments);
    va_end(arguments);
}

void host_list_add(struct host_list *list, const struct rank_facts *rank)
{
    if (list->n > 0 && list->last == rank->node)
        return;
    if (list->n < HOSTS_SHOWN)
        snprintf(list->name[list->n], sizeof list->name[0], "%s", rank->host);
    list->last = rank->node;
    list->n++;
}

const char *host_list_text(const struct survey *survey, const struct host_list *list,
                           char text[static HOST_TEXT])
{
    size_t used = 0;
    text[0] = '\0';
    if (survey->n_hosts < 2 || list->n == 0)
        return text;
    for (int i = 0; i < list->n && i < HOSTS_SHOWN; i++)
        used += (size_t)snprintf(text + used, HOST_TEXT - used, "%s%s", i == 0 ? " on " : ", ",
                                 list->name[i]);
    if (list->n > HOSTS_SHOWN)
        snprintf(text + used, HOST_TEXT - used, " and %d more", list->n - HOSTS_SHOWN);
    return text;
}

int survey_host_end(const struct survey *survey, int first)
{
    int end = first;
    while (end < survey->n_ranks && survey->rank[end].node == survey->rank[first].node)
        end++;
    return end;
}

int survey_cores(const struct survey *survey, int first, int end)
{
    cpu_set_t all;
    CPU_ZERO(&all);
    for (int i = first; i < end; i++)
        CPU_OR(&all, &all, &survey->rank[i].cores);
    int cores = CPU_COUNT(&all);
    double quota = survey->rank[first].quota;
    if (quota > 0 && quota < cores)
        cores = quota < 1 ? 1 : (int)quota;
    return cores;
}
