# MAPSHARE_ARG_ENABLE(NAME, HELP): --enable-NAME, off by default, in $enable_NAME.
AC_DEFUN([MAPSHARE_ARG_ENABLE],
    [AC_ARG_ENABLE([$1], [AS_HELP_STRING([--enable-$1], [$2])], [], [AS_TR_SH([enable_$1])=no])])

# MAPSHARE_TRY_CFLAG(VARIABLE, FLAG): append FLAG to VARIABLE where the compiler takes it without a word.
AC_DEFUN([MAPSHARE_TRY_CFLAG], [
    AS_VAR_PUSHDEF([cache], [mapshare_cv_cflag_$2])
    AC_CACHE_CHECK([whether $CC takes $2], [cache],
        [mapshare_saved_cflags=$CFLAGS
        CFLAGS="$CFLAGS -Werror $2"
        AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
        CFLAGS=$mapshare_saved_cflags])
    AS_VAR_IF([cache], [yes], [AS_VAR_APPEND([$1], [" $2"])])
    AS_VAR_POPDEF([cache])
])

# MAPSHARE_NEED_CFLAG(VARIABLE, FLAG, OPTION): as above, but an error where the compiler does not take it.
AC_DEFUN([MAPSHARE_NEED_CFLAG], [
    mapshare_before=$$1
    MAPSHARE_TRY_CFLAG([$1], [$2])
    AS_IF([test "$mapshare_before" = "$$1"], [AC_MSG_ERROR([$3 needs a compiler that takes $2])])
])

# MAPSHARE_FORTIFY: the highest level that compiler and C library know.
AC_DEFUN([MAPSHARE_FORTIFY], [
    AC_CACHE_CHECK([for the level of _FORTIFY_SOURCE], [mapshare_cv_fortify],
        [mapshare_saved_cflags=$CFLAGS
        CFLAGS="$CFLAGS -Werror -D_FORTIFY_SOURCE=3"
        AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <features.h>
            #if __USE_FORTIFY_LEVEL < 3
            #error less
            #endif]])], [mapshare_cv_fortify=3], [mapshare_cv_fortify=2])
        CFLAGS=$mapshare_saved_cflags])
    PROJECT_CFLAGS="$PROJECT_CFLAGS -D_FORTIFY_SOURCE=$mapshare_cv_fortify"
])

# MAPSHARE_COMPILER_FLAGS: PROJECT_CFLAGS, PROJECT_LDFLAGS for every object; SANITIZERS names what is on.
AC_DEFUN([MAPSHARE_COMPILER_FLAGS], [
    PROJECT_CFLAGS="-std=gnu17 -pthread -fvisibility=hidden"
    m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wundef -Wvla
        -Wwrite-strings -Wpointer-arith -Wformat=2 -Wno-format-nonliteral -Wimplicit-fallthrough -Wlogical-op -Wduplicated-cond -Wnested-externs
        -Wdate-time -Werror=implicit-function-declaration -fno-common
        -fstack-protector-strong -fstack-clash-protection -fcf-protection=full -ftrivial-auto-var-init=zero],
        [MAPSHARE_TRY_CFLAG([PROJECT_CFLAGS], flag)
    ])
    PROJECT_LDFLAGS="-pthread"
    MAPSHARE_TRY_CFLAG([PROJECT_LDFLAGS], [[-Wl,-z,relro,-z,now]])

    SANITIZERS=
    SANITIZER_CFLAGS=
    AS_IF([test "$enable_asan" = yes],
        [MAPSHARE_NEED_CFLAG([SANITIZER_CFLAGS], [-fsanitize=address], [--enable-asan])
        SANITIZERS="$SANITIZERS address"])
    AS_IF([test "$enable_ubsan" = yes],
        [MAPSHARE_NEED_CFLAG([SANITIZER_CFLAGS], [-fsanitize=undefined], [--enable-ubsan])
        SANITIZERS="$SANITIZERS undefined"
        SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fno-sanitize-recover=undefined"])
    AS_IF([test "$enable_tsan" = yes],
        [MAPSHARE_NEED_CFLAG([SANITIZER_CFLAGS], [-fsanitize=thread], [--enable-tsan])
        SANITIZERS="$SANITIZERS thread"])
    AS_IF([test "$enable_fuzzing" = yes],
        [MAPSHARE_NEED_CFLAG([SANITIZER_CFLAGS], [[-fsanitize=fuzzer-no-link]], [--enable-fuzzing])])
    AS_IF([test -n "$SANITIZER_CFLAGS"], [sanitized=1], [sanitized=0])
    AC_DEFINE_UNQUOTED([SANITIZED], [$sanitized], [Built with sanitizers or for a fuzzer: system calls of theirs are added.])
    AS_IF([test -n "$SANITIZER_CFLAGS"],
        [SANITIZER_CFLAGS="$SANITIZER_CFLAGS -fno-omit-frame-pointer"],
        [AS_CASE([" $CFLAGS $CPPFLAGS "], [*" -O0 "* | *FORTIFY_SOURCE*], [],
            [*" -O"*], [MAPSHARE_FORTIFY])])
    SANITIZERS=${SANITIZERS# }
    PROJECT_CFLAGS="$PROJECT_CFLAGS $SANITIZER_CFLAGS"
    PROJECT_LDFLAGS="$PROJECT_LDFLAGS $SANITIZER_CFLAGS"
    AS_IF([test "$enable_werror" = yes], [PROJECT_CFLAGS="$PROJECT_CFLAGS -Werror"])

    AC_SUBST([PROJECT_CFLAGS])
    AC_SUBST([PROJECT_LDFLAGS])
    AC_SUBST([SANITIZERS])
])
