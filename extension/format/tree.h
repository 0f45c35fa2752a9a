/*
 * tree.h: the Merkle tree of RFC 6962 over the log's records, of which only the frontier is kept: the roots of its complete subtrees.
 */
#ifndef LPR_TREE_H
#define LPR_TREE_H

#include "format/digest.h"

typedef struct LprTree
{
	uint64_t size;       /* leaves */
	LprDigest roots[64]; /* one a set bit of size, the largest subtree first */
} LprTree;

/* Zero-initialize before the first leaf. */
extern void lpr_tree_add(LprTree *tree, const LprDigest *leaf);
/* Of an empty tree: SHA-256 of nothing. */
extern void lpr_tree_root(const LprTree *tree, LprDigest *root);
extern int lpr_tree_nroots(uint64_t size);

/*
 * A proof is made while leaves stream by. Consistency of the trees of `from` and `until` leaves (RFC 6962 2.1.2) takes the frontier of `from` and the
 * leaves from, from + 1, … until - 1. Inclusion of leaf `index` in the tree of `until` leaves (2.1.1) takes all leaves from 0 on.
 */
#define LPR_PROOF_MAX 130

typedef struct LprProof
{
	int count;
	LprDigest nodes[LPR_PROOF_MAX];
} LprProof;

typedef struct LprProver LprProver; /* malloc */
extern LprProver *lpr_prove_consistency(const LprTree *from,
										uint64_t until); /* NULL: out of memory, or until < from->size */
extern LprProver *lpr_prove_inclusion(uint64_t index, uint64_t until);
extern void lpr_prover_add(LprProver *prover, const LprDigest *leaf);
extern bool lpr_prover_end(LprProver *prover, LprProof *proof); /* frees it; false when leaves are missing */

extern bool lpr_consistency_holds(uint64_t from, const LprDigest *from_root, uint64_t until, const LprDigest *root,
								  const LprProof *proof);
extern bool lpr_inclusion_holds(uint64_t index, uint64_t size, const LprDigest *leaf, const LprDigest *root,
								const LprProof *proof);

#endif
