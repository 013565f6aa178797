/* Clients wait for a worker that takes over, however busy the machine is: so the keeper, and a worker until it has taken over, go before others,
 * where we may. Of the calling thread; processes that it makes begin the same. No thread does: one that began so was slower for good.
 */
#ifndef PRIORITY_H
#define PRIORITY_H

void priority_raise(void);
/* As it was before. */
void priority_usual(void);

#endif
