/*
 * tree.c: the Merkle tree of RFC 6962: frontier, proofs made while leaves stream by, proofs verified
 * (RFC 9162 2.1.3.2, 2.1.4.2).
 */
#include <stdlib.h>
#include <string.h>

#include "format/tree.h"

/* A node of a proof of consistency is the root over a range of leaves. */
typedef struct Range
{
	uint64_t first;
	uint64_t end;
	int node; /* its place in the proof; -1: not in it */
} Range;

struct LprProver
{
	uint64_t next;  /* the leaf that comes next */
	uint64_t until; /* leaves of the newer tree */
	int nranges;
	int range; /* the one under way */
	bool failed;
	LprTree tree; /* over the leaves of the range under way */
	LprProof proof;
	Range ranges[LPR_PROOF_MAX]; /* to be hashed, in the order of their leaves; without gaps */
};

static void
node(const LprDigest *left, const LprDigest *right, LprDigest *out)
{
	uint8_t bytes[1 + 2 * LPR_DIGEST_LEN];

	bytes[0] = 1;
	memcpy(bytes + 1, left->bytes, LPR_DIGEST_LEN);
	memcpy(bytes + 1 + LPR_DIGEST_LEN, right->bytes, LPR_DIGEST_LEN);
	lpr_digest(bytes, sizeof(bytes), out);
}

int
lpr_tree_nroots(uint64_t size)
{
	return __builtin_popcountll(size);
}

void
lpr_tree_add(LprTree *tree, const LprDigest *leaf)
{
	int n = lpr_tree_nroots(tree->size);
	LprDigest root = *leaf;

	/* Every set bit at the end of the size is a subtree as large as the one that has just become complete. */
	for (uint64_t size = tree->size; size & 1; size >>= 1)
		node(&tree->roots[--n], &root, &root);
	tree->roots[n] = root;
	tree->size++;
}

void
lpr_tree_root(const LprTree *tree, LprDigest *root)
{
	int n = lpr_tree_nroots(tree->size);

	if (n == 0)
	{
		lpr_digest("", 0, root);
		return;
	}
	*root = tree->roots[--n];
	while (n > 0)
		node(&tree->roots[--n], root, root);
}

/* The largest power of two below n, n > 1: where RFC 6962 splits a tree of n leaves. */
static uint64_t
split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

static void
add_range(LprProver *prover, uint64_t first, uint64_t end, int place)
{
	prover->ranges[prover->nranges++] = (Range){first, end, place};
}

/*
 * SUBPROOF of RFC 6962 2.1.2. Nodes below `from` are complete subtrees of the older tree, one a set bit of its size,
 * hence at hand in its frontier: root is the next of them on the way down. whole is the RFC's b: the older tree's own
 * root is known to whoever verifies.
 */
static void
plan_consistency(LprProver *prover, const LprTree *from, int root, uint64_t first, uint64_t end, bool whole)
{
	uint64_t middle;

	if (end == from->size)
	{
		if (!whole)
			prover->proof.nodes[prover->proof.count++] = from->roots[root];
		return;
	}
	middle = first + split(end - first);
	if (from->size <= middle)
	{
		plan_consistency(prover, from, root, first, middle, whole);
		add_range(prover, middle, end, prover->proof.count++);
	}
	else
	{
		plan_consistency(prover, from, root + 1, middle, end, false);
		prover->proof.nodes[prover->proof.count++] = from->roots[root];
	}
}

static int
by_first(const void *a, const void *b)
{
	uint64_t first = ((const Range *) a)->first, other = ((const Range *) b)->first;

	return (first > other) - (first < other);
}

static LprProver *
ready(LprProver *prover)
{
	qsort(prover->ranges, (size_t) prover->nranges, sizeof(Range), by_first);
	return prover;
}

LprProver *
lpr_prove_consistency(const LprTree *from, uint64_t until)
{
	LprProver *prover;

	if (until < from->size || (prover = calloc(1, sizeof(*prover))) == NULL)
		return NULL;
	prover->next = from->size;
	prover->until = until;
	if (from->size > 0)
		plan_consistency(prover, from, 0, 0, until, true);
	/* Every tree is consistent with the empty one: an empty proof, for any leaves. */
	else if (until > 0)
		add_range(prover, 0, until, -1);
	return ready(prover);
}

void
lpr_prover_add(LprProver *prover, const LprDigest *leaf)
{
	Range *range;

	if (prover->next >= prover->until)
	{
		prover->failed = true; /* more leaves than there are */
		return;
	}
	range = &prover->ranges[prover->range];
	if (range->node >= 0)
		lpr_tree_add(&prover->tree, leaf);
	prover->next++;
	if (prover->next < range->end)
		return;
	if (range->node >= 0)
		lpr_tree_root(&prover->tree, &prover->proof.nodes[range->node]);
	prover->tree.size = 0;
	prover->range++;
}

bool
lpr_prover_end(LprProver *prover, LprProof *proof)
{
	bool good = !prover->failed && prover->next == prover->until;

	if (good)
		*proof = prover->proof;
	free(prover);
	return good;
}

struct LprInclusions
{
	LprTree tree;
	size_t firsts[64]; /* of the first proof of a leaf in the subtree of that root, or of a later one */
	size_t count;
	size_t room;
	LprText *paths;
};

LprInclusions *
lpr_inclusions_new(void)
{
	return calloc(1, sizeof(LprInclusions));
}

void
lpr_inclusions_free(LprInclusions *inclusions)
{
	if (inclusions == NULL)
		return;
	for (size_t i = 0; i < inclusions->count; i++)
		lpr_text_free(&inclusions->paths[i]);
	free(inclusions->paths);
	free(inclusions);
}

/* The sibling's root is the next node on the way up of every leaf proved in a subtree. */
static void
add_nodes(LprInclusions *inclusions, size_t first, size_t end, const LprDigest *sibling)
{
	for (size_t i = first; i < end; i++)
		lpr_text_append(&inclusions->paths[i], (const char *) sibling->bytes, LPR_DIGEST_LEN);
}

/* The newest subtree, whose root is no longer one of the tree's, becomes one with that of root n. */
static void
join(LprInclusions *inclusions, int n, LprDigest *newest, size_t first)
{
	LprDigest *older = &inclusions->tree.roots[n];

	add_nodes(inclusions, inclusions->firsts[n], first, newest);
	add_nodes(inclusions, first, inclusions->count, older);
	node(older, newest, newest);
}

static bool
add_path(LprInclusions *inclusions)
{
	if (inclusions->count == inclusions->room)
	{
		size_t room = inclusions->room > 0 ? 2 * inclusions->room : 16;
		LprText *paths = realloc(inclusions->paths, room * sizeof(LprText));

		if (paths == NULL)
			return false;
		inclusions->paths = paths;
		inclusions->room = room;
	}
	inclusions->paths[inclusions->count++] = (LprText){0};
	return true;
}

bool
lpr_inclusions_add(LprInclusions *inclusions, const LprDigest *leaf, bool proved)
{
	LprTree *tree = &inclusions->tree;
	int n = lpr_tree_nroots(tree->size);
	size_t first = inclusions->count;
	LprDigest newest = *leaf;

	if (proved && !add_path(inclusions))
		return false;
	for (uint64_t size = tree->size; size & 1; size >>= 1)
	{
		join(inclusions, --n, &newest, first);
		first = inclusions->firsts[n];
	}
	tree->roots[n] = newest;
	inclusions->firsts[n] = first;
	tree->size++;
	return true;
}

bool
lpr_inclusions_end(LprInclusions *inclusions, LprDigest *root)
{
	int n = lpr_tree_nroots(inclusions->tree.size);
	size_t first;

	if (n == 0)
	{
		lpr_tree_root(&inclusions->tree, root);
		return true;
	}
	*root = inclusions->tree.roots[--n];
	first = inclusions->firsts[n];
	while (n > 0)
	{
		join(inclusions, --n, root, first);
		first = inclusions->firsts[n];
	}
	for (size_t i = 0; i < inclusions->count; i++)
		if (inclusions->paths[i].failed)
			return false;
	return true;
}

LprSlice
lpr_inclusions_path(const LprInclusions *inclusions, size_t n)
{
	return (LprSlice){inclusions->paths[n].data, inclusions->paths[n].len};
}

bool
lpr_consistency_holds(uint64_t from, const LprDigest *from_root, uint64_t until, const LprDigest *root,
					  const LprProof *proof)
{
	uint64_t older = from - 1, newer = until - 1;
	const LprDigest *next, *end;
	LprDigest old_root, new_root;

	if (proof->count < 0 || proof->count > LPR_PROOF_MAX || from > until)
		return false;
	next = proof->nodes;
	end = next + proof->count;
	if (from == until)
		return proof->count == 0 && lpr_digest_same(from_root, root);
	if (from == 0)
	{
		lpr_digest("", 0, &old_root);
		return proof->count == 0 && lpr_digest_same(from_root, &old_root);
	}
	for (; older & 1; older >>= 1)
		newer >>= 1;
	/* An older tree that is complete is itself the first node. */
	if (older == 0)
		old_root = *from_root;
	else if (next == end)
		return false;
	else
		old_root = *next++;
	new_root = old_root;
	for (; next < end; next++)
	{
		if (newer == 0)
			return false;
		if ((older & 1) || older == newer)
		{
			node(next, &old_root, &old_root);
			node(next, &new_root, &new_root);
			for (; !(older & 1) && older != 0; older >>= 1)
				newer >>= 1;
		}
		else
			node(&new_root, next, &new_root);
		older >>= 1;
		newer >>= 1;
	}
	return newer == 0 && lpr_digest_same(&old_root, from_root) && lpr_digest_same(&new_root, root);
}

bool
lpr_inclusion_holds(uint64_t index, uint64_t size, const LprDigest *leaf, const LprDigest *root, const LprProof *proof)
{
	uint64_t last = size - 1;
	LprDigest digest = *leaf;

	if (proof->count < 0 || proof->count > LPR_PROOF_MAX || index >= size)
		return false;
	for (int i = 0; i < proof->count; i++)
	{
		if (last == 0)
			return false;
		if ((index & 1) || index == last)
		{
			node(&proof->nodes[i], &digest, &digest);
			for (; !(index & 1) && index != 0; index >>= 1)
				last >>= 1;
		}
		else
			node(&digest, &proof->nodes[i], &digest);
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && lpr_digest_same(&digest, root);
}
