/* Probes for bpftrace(8) and perf(1), where sys/sdt.h was there to build with: one instruction each that does nothing. mapshare-operating(7) lists
 * them. */
#ifndef FSD_USDT_H
#define FSD_USDT_H

#if defined(HAVE_SYS_SDT_H) && !defined(__clang__) /* whose warnings its macros bring out */
#include <sys/sdt.h>
#define USDT(name, first, second) DTRACE_PROBE2(mapsharefs, name, (long)(first), (long)(second))
#else
#define USDT(name, first, second) ((void)(first), (void)(second))
#endif

#endif
