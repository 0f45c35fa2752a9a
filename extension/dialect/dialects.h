/*
 * dialects.h: the table of dialects, one line each: its file without .c, which defines lpr_dialect_NAME. Included with
 * DIALECT(name) defined as what is to be made of a line; test/fuzz/Makefile reads the lines as well.
 */
/* clang-format off */
DIALECT(lpr_v1)
DIALECT(flock_v3)
DIALECT(rekor_scout_v2)
DIALECT(parkpow_v1)
DIALECT(verkada_v1)
DIALECT(verkada_v2)
/* clang-format on */
#undef DIALECT
