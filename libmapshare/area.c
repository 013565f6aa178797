#include "config.h"

#include "area.h"

int mapshare_area_key(struct mapshare *ms, uint32_t kind, char key[MAPSHARE_AREA_KEY])
{
    return ms->on_mount ? mapshare_mount_key(ms, kind, key) : mapshare_shm_key(ms, kind, key);
}

int mapshare_area_open(struct mapshare *ms, uint32_t kind, const char *key, bool *writable)
{
    return ms->on_mount ? mapshare_mount_open(ms, kind, key, writable) : mapshare_shm_open(ms, kind, key, writable);
}
