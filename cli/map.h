/* mapshare map. A cell is a letter, on a coloured ground where there is colour: nothing is said by colour alone. */
#ifndef CLI_MAP_H
#define CLI_MAP_H

/* The picture of a file as a terminal without colours shows it, to be freed. 0 or -errno. */
int map_text(char *path, char **text);

#endif
