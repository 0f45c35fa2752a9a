/*
 * keyed_hash.h: hashes under a key outside the database.
 */
#ifndef LPR_KEYED_HASH_H
#define LPR_KEYED_HASH_H

extern char *lpr_identity_key; /* GUC: name of a secret */

#endif
