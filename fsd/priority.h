/* Clients wait for a worker that takes over, however busy the machine is: so the keeper, and a worker until it has taken over, go before others,
 * where we may. Of the calling thread; processes that it makes begin the same, threads must not: one that began so had no slack in its timers, and was
 * slower for good.
 */
#ifndef PRIORITY_H
#define PRIORITY_H

void priority_raise(void);
/* What it makes from now on, threads, begins as it was before; each calls priority_usual(). */
void priority_keep_own(void);
/* As it was before. */
void priority_usual(void);

#endif
