/* The terminal that top draws on: text by rows, and colours. */
#ifndef CLI_TOP_TERMINAL_H
#define CLI_TOP_TERMINAL_H

#include "top/sample.h"

#define JOURNAL_COLOUR (FRAME_STATES + 1) /* before it, those of the frames' states */

void terminal_prepare(void);
/* Text at a row, if the row is above the footer. Returns the next row. */
int terminal_text(int row, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The colour of a state's letter. */
short terminal_pair(char letter);

#endif
