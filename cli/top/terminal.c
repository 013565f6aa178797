#include "config.h"

#include "top/terminal.h"

#include <ncurses.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define REFRESH_MILLISECONDS 1000
#define ESCAPE_MILLISECONDS 25

/* The last line is the footer's. */
int terminal_text(int row, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (row < LINES - 1)
        mvaddnstr(row, 0, text, COLS);
    return row + 1;
}

short terminal_pair(char letter)
{
    for (size_t i = 0; i < FRAME_STATES; i++) {
        if (frame_states[i].letter == letter)
            return (short)(i + 1);
    }
    return letter == 'k' ? JOURNAL_COLOUR : 0;
}

void terminal_prepare(void)
{
    const char *no_colour = getenv("NO_COLOR");

    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    scrollok(stdscr, FALSE);
    timeout(REFRESH_MILLISECONDS);
    set_escdelay(ESCAPE_MILLISECONDS);
    if (!has_colors() || (no_colour && *no_colour))
        return;
    start_color();
    use_default_colors();
    for (size_t i = 0; i < FRAME_STATES; i++)
        init_pair((short)(i + 1), frame_states[i].colour == COLOR_RED ? COLOR_WHITE : COLOR_BLACK, frame_states[i].colour);
    init_pair(JOURNAL_COLOUR, COLOR_BLACK, COLOR_YELLOW);
}
