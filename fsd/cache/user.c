#include "config.h"

#include "cache/user.h"

#include <string.h>
#include <unistd.h>

void users_open(struct users *users)
{
    memset(users, 0, sizeof *users);
    for (int i = 0; i < HOLDINGS; i++)
        users->limits[i] = UINT32_MAX;
    users->owner = geteuid();
}

struct user *user_find(struct users *users, uint32_t uid)
{
    uint64_t key = uid + 1ull;

    for (uint32_t i = 0, at = uid * 2654435761u % USERS_MAX; i < USERS_MAX; i++, at = (at + 1) % USERS_MAX) {
        uint64_t there = 0;

        if (atomic_compare_exchange_strong(&users->all[at].key, &there, key) || there == key)
            return &users->all[at];
    }
    return &users->all[1]; /* not root's, which is at 0 */
}

bool user_is_exempt(const struct users *users, const struct user *user)
{
    return user_id(user) == 0 || user_id(user) == users->owner;
}

bool user_take(struct users *users, struct user *user, enum holding what)
{
    uint32_t before = atomic_fetch_add_explicit(&user->holds[what], 1, memory_order_relaxed);

    if (before < users->limits[what] || user_is_exempt(users, user))
        return true;
    user_give(user, what);
    return false;
}

void user_count(struct user *user, enum holding what)
{
    atomic_fetch_add_explicit(&user->holds[what], 1, memory_order_relaxed);
}

void user_give(struct user *user, enum holding what)
{
    atomic_fetch_sub_explicit(&user->holds[what], 1, memory_order_relaxed);
}
