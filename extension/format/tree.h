/*
 * tree.h: the Merkle tree of RFC 6962, over the log's records and over the reads of an answer. Only the frontier is
 * kept: the roots of its complete subtrees.
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

#define LPR_PROOF_MAX 130

typedef struct LprProof
{
	int count;
	LprDigest nodes[LPR_PROOF_MAX];
} LprProof;

/*
 * A proof that the tree of `until` leaves continues the tree of `from` leaves (RFC 6962 2.1.2), made out of the
 * frontier of `from` while the leaves from, from + 1, ... until - 1 stream by.
 */
typedef struct LprProver LprProver; /* malloc */
extern LprProver *lpr_prove_consistency(const LprTree *from,
										uint64_t until); /* NULL: out of memory, or until < from->size */
extern void lpr_prover_add(LprProver *prover, const LprDigest *leaf);
extern bool lpr_prover_end(LprProver *prover, LprProof *proof); /* frees it; false when leaves are missing */

/*
 * Proofs that a tree holds some of its leaves (RFC 6962 2.1.1), made while all of them stream by: of each leaf that is
 * added as `proved`, its path, LPR_DIGEST_LEN bytes a node. What is kept is the frontier and the paths.
 */
typedef struct LprInclusions LprInclusions; /* malloc */
extern LprInclusions *lpr_inclusions_new(void);
extern void lpr_inclusions_free(LprInclusions *inclusions);
extern bool lpr_inclusions_add(LprInclusions *inclusions, const LprDigest *leaf,
							   bool proved); /* false: out of memory */
/*
 * After the last leaf, once. False: out of memory. Then the paths are there: the n-th is that of the n-th leaf that was
 * proved, from 0.
 */
extern bool lpr_inclusions_end(LprInclusions *inclusions, LprDigest *root);
extern LprSlice lpr_inclusions_path(const LprInclusions *inclusions, size_t n);

extern bool lpr_consistency_holds(uint64_t from, const LprDigest *from_root, uint64_t until, const LprDigest *root,
								  const LprProof *proof);
extern bool lpr_inclusion_holds(uint64_t index, uint64_t size, const LprDigest *leaf, const LprDigest *root,
								const LprProof *proof);

#endif
