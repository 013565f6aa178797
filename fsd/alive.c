#include "config.h"

#include "alive.h"

_Thread_local _Atomic uint32_t *alive_word;
