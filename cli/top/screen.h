/* top's picture. */
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "top/files.h"
#include "top/history.h"

/* `before` is what the rates are relative to. */
void screen_draw(const struct sample *before, const struct sample *after, const struct history *history, const char *mount_point,
                 const struct view *view);

#endif
