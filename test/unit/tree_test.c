/*
 * tree_test.c: roots and proofs: the vectors of Certificate Transparency, and all trees up to 70 leaves against RFC
 * 6962's own words.
 */
#include <stdlib.h>

#include "tap.h"
#include "format/tree.h"

#define LEAVES 70

static LprDigest leaves[LEAVES];
static LprDigest roots[LEAVES + 1]; /* by MTH below */

/* MTH, PATH and SUBPROOF as RFC 6962 2.1 writes them. */
static uint64_t
half(uint64_t n)
{
	uint64_t k = 1;

	while (2 * k < n)
		k *= 2;
	return k;
}

static void
pair(const LprDigest *left, const LprDigest *right, LprDigest *out)
{
	LprHash hash;

	lpr_hash_start(&hash);
	lpr_hash_add(&hash, "\001", 1);
	lpr_hash_add(&hash, left, LPR_DIGEST_LEN);
	lpr_hash_add(&hash, right, LPR_DIGEST_LEN);
	lpr_hash_end(&hash, out);
}

static LprDigest
mth(const LprDigest *d, uint64_t n)
{
	LprDigest left, right, root;

	if (n == 0)
		lpr_digest("", 0, &root);
	else if (n == 1)
		root = d[0];
	else
	{
		left = mth(d, half(n));
		right = mth(d + half(n), n - half(n));
		pair(&left, &right, &root);
	}
	return root;
}

static void
path(uint64_t m, const LprDigest *d, uint64_t n, LprProof *proof)
{
	if (n == 1)
		return;
	if (m < half(n))
	{
		path(m, d, half(n), proof);
		proof->nodes[proof->count++] = mth(d + half(n), n - half(n));
	}
	else
	{
		path(m - half(n), d + half(n), n - half(n), proof);
		proof->nodes[proof->count++] = mth(d, half(n));
	}
}

static void
subproof(uint64_t m, const LprDigest *d, uint64_t n, bool whole, LprProof *proof)
{
	if (m == n)
	{
		if (!whole)
			proof->nodes[proof->count++] = mth(d, n);
	}
	else if (m <= half(n))
	{
		subproof(m, d, half(n), whole, proof);
		proof->nodes[proof->count++] = mth(d + half(n), n - half(n));
	}
	else
	{
		subproof(m - half(n), d + half(n), n - half(n), false, proof);
		proof->nodes[proof->count++] = mth(d, half(n));
	}
}

static bool
same_proof(const LprProof *a, const LprProof *b)
{
	return a->count == b->count && memcmp(a->nodes, b->nodes, (size_t) a->count * sizeof(a->nodes[0])) == 0;
}

static LprTree
tree_of(uint64_t size)
{
	LprTree tree = {0};

	for (uint64_t i = 0; i < size; i++)
		lpr_tree_add(&tree, &leaves[i]);
	return tree;
}

static bool
consistency(uint64_t from, uint64_t until, LprProof *proof)
{
	LprTree tree = tree_of(from);
	LprProver *prover = lpr_prove_consistency(&tree, until);

	for (uint64_t i = from; i < until; i++)
		lpr_prover_add(prover, &leaves[i]);
	return lpr_prover_end(prover, proof);
}

/* The n-th path of a proof that has ended. */
static void
path_of(const LprInclusions *inclusions, size_t n, LprProof *proof)
{
	LprSlice path = lpr_inclusions_path(inclusions, n);

	proof->count = (int) (path.len / LPR_DIGEST_LEN);
	if (path.len > 0)
		memcpy(proof->nodes, path.data, path.len);
}

static bool
inclusion(uint64_t index, uint64_t until, LprProof *proof)
{
	LprInclusions *inclusions = lpr_inclusions_new();
	LprDigest root, expected;
	LprTree tree = tree_of(until);
	bool good = true;

	for (uint64_t i = 0; i < until; i++)
		good = good && lpr_inclusions_add(inclusions, &leaves[i], i == index);
	lpr_tree_root(&tree, &expected);
	good = good && lpr_inclusions_end(inclusions, &root) && lpr_digest_same(&root, &expected);
	path_of(inclusions, 0, proof);
	lpr_inclusions_free(inclusions);
	return good;
}

static LprDigest
unhex(const char *hex)
{
	LprDigest digest = {{0}};

	lpr_unhex((LprSlice){hex, strlen(hex)}, digest.bytes, LPR_DIGEST_LEN);
	return digest;
}

static void
proof_is(const LprProof *proof, const char *const *hex, const char *what)
{
	LprProof expected = {0};

	for (; *hex != NULL; hex++)
		expected.nodes[expected.count++] = unhex(*hex);
	ok(same_proof(proof, &expected), "%s", what);
}

static void
test_vectors(void)
{
	static const struct
	{
		const char *data;
		size_t len;
		const char *root;
	} vectors[] = {
		{"", 0, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
		{"\x00", 1, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
		{"\x10", 1, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
		{"\x20\x21", 2, "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
		{"\x30\x31", 2, "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
		{"\x40\x41\x42\x43", 4, "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
		{"\x50\x51\x52\x53\x54\x55\x56\x57", 8, "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
		{"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f", 16,
		 "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
	};
	const char *one_of_eight[] = {"96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
								  "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
								  "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4", NULL};
	const char *six_to_eight[] = {"0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
								  "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
								  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7", NULL};
	const char *two_to_five[] = {"5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
								 "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b", NULL};
	LprTree tree = {0};
	LprProof proof;
	LprDigest root;
	char hex[2 * LPR_DIGEST_LEN + 1];

	lpr_tree_root(&tree, &root);
	lpr_hex(root.bytes, LPR_DIGEST_LEN, hex);
	is_text(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "root of no leaves");
	for (int i = 0; i < 8; i++)
	{
		LprHash hash;

		lpr_hash_start(&hash);
		lpr_hash_add(&hash, "", 1);
		lpr_hash_add(&hash, vectors[i].data, vectors[i].len);
		lpr_hash_end(&hash, &leaves[i]);
		lpr_tree_add(&tree, &leaves[i]);
		lpr_tree_root(&tree, &root);
		lpr_hex(root.bytes, LPR_DIGEST_LEN, hex);
		ok(strcmp(hex, vectors[i].root) == 0, "Certificate Transparency's root of %d leaves", i + 1);
	}
	ok(inclusion(0, 8, &proof), "inclusion of the first of eight");
	proof_is(&proof, one_of_eight, "is Certificate Transparency's");
	ok(consistency(1, 8, &proof), "consistency of one and eight");
	proof_is(&proof, one_of_eight, "is Certificate Transparency's");
	ok(consistency(6, 8, &proof), "consistency of six and eight");
	proof_is(&proof, six_to_eight, "is Certificate Transparency's");
	ok(consistency(2, 5, &proof), "consistency of two and five");
	proof_is(&proof, two_to_five, "is Certificate Transparency's");
}

static void
make_leaves(void)
{
	for (int i = 0; i < LEAVES; i++)
		lpr_digest(&i, sizeof(i), &leaves[i]);
	for (int i = 0; i <= LEAVES; i++)
		roots[i] = mth(leaves, (uint64_t) i);
}

/* What an attacker could try: every claim but the true one must fail. */
static bool
only_inclusion(uint64_t index, uint64_t size, const LprProof *proof)
{
	LprProof other = *proof;
	bool good = lpr_inclusion_holds(index, size, &leaves[index], &roots[size], proof);

	for (uint64_t i = 0; i < size; i++)
		good = good && (i == index || !lpr_inclusion_holds(i, size, &leaves[index], &roots[size], proof)) &&
			   (i == index || !lpr_inclusion_holds(index, size, &leaves[i], &roots[size], proof));
	good = good && !lpr_inclusion_holds(size, size, &leaves[index], &roots[size], proof) &&
		   !lpr_inclusion_holds(index, size, &leaves[index], &roots[size - 1], proof);
	for (int i = 0; i < proof->count; i++)
	{
		other.nodes[i].bytes[i % LPR_DIGEST_LEN] ^= 0x40;
		good = good && !lpr_inclusion_holds(index, size, &leaves[index], &roots[size], &other);
		other.nodes[i] = proof->nodes[i];
	}
	other.nodes[other.count++] = roots[1];
	good = good && !lpr_inclusion_holds(index, size, &leaves[index], &roots[size], &other);
	other.count = proof->count - 1;
	return good && !lpr_inclusion_holds(index, size, &leaves[index], &roots[size], &other);
}

static bool
only_consistency(uint64_t from, uint64_t until, const LprProof *proof)
{
	LprProof other = *proof;
	bool good = lpr_consistency_holds(from, &roots[from], until, &roots[until], proof);

	/* Every tree is consistent with the empty one. */
	if (from == 0)
		return good && !lpr_consistency_holds(0, &roots[1], until, &roots[until], proof);
	for (uint64_t i = 1; i <= until; i++)
		good = good && (i == from || !lpr_consistency_holds(i, &roots[from], until, &roots[until], proof)) &&
			   (i == from || !lpr_consistency_holds(from, &roots[i], until, &roots[until], proof));
	if (until < LEAVES)
		good = good && !lpr_consistency_holds(from, &roots[from], until, &roots[until + 1], proof);
	good = good && (from == until || !lpr_consistency_holds(until, &roots[until], from, &roots[from], proof));
	for (int i = 0; i < proof->count; i++)
	{
		other.nodes[i].bytes[i % LPR_DIGEST_LEN] ^= 1;
		good = good && !lpr_consistency_holds(from, &roots[from], until, &roots[until], &other);
		other.nodes[i] = proof->nodes[i];
	}
	other.nodes[other.count++] = roots[1];
	good = good && !lpr_consistency_holds(from, &roots[from], until, &roots[until], &other);
	other.count = proof->count - 1;
	return good && !lpr_consistency_holds(from, &roots[from], until, &roots[until], &other);
}

static void
test_all_sizes(void)
{
	LprTree tree = {0};
	bool good = true;

	make_leaves();
	for (uint64_t size = 0; size <= LEAVES; size++)
	{
		LprDigest root;

		lpr_tree_root(&tree, &root);
		good = good && lpr_digest_same(&root, &roots[size]) && tree.size == size;
		if (size < LEAVES)
			lpr_tree_add(&tree, &leaves[size]);
	}
	ok(good, "roots of up to %d leaves", LEAVES);

	for (uint64_t size = 1; size <= LEAVES; size++)
	{
		bool same = true, only = true;

		for (uint64_t index = 0; index < size; index++)
		{
			LprProof proof = {0}, expected = {0};

			path(index, leaves, size, &expected);
			same = same && inclusion(index, size, &proof) && same_proof(&proof, &expected);
			only = only && only_inclusion(index, size, &expected);
		}
		ok(same && only, "inclusion in %d leaves", (int) size);
	}
	for (uint64_t until = 0; until <= LEAVES; until++)
	{
		bool same = true, only = true;

		for (uint64_t from = 0; from <= until; from++)
		{
			LprProof proof = {0}, expected = {0};

			if (from > 0)
				subproof(from, leaves, until, true, &expected);
			same = same && consistency(from, until, &proof) && same_proof(&proof, &expected);
			only = only && only_consistency(from, until, &expected);
		}
		ok(same && only, "consistency with %d leaves", (int) until);
	}
}

/* Leaves that are proved side by side: which of them must not matter. */
static void
test_side_by_side(void)
{
	bool same = true;
	LprDigest root;
	LprInclusions *none = lpr_inclusions_new();

	ok(lpr_inclusions_end(none, &root) && lpr_digest_same(&root, &roots[0]), "no leaves, nothing proved");
	lpr_inclusions_free(none);
	lpr_inclusions_free(NULL);
	for (unsigned seed = 0; seed < 40; seed++)
		for (uint64_t size = 1; size <= LEAVES; size++)
		{
			LprInclusions *inclusions = lpr_inclusions_new();
			uint64_t proved[LEAVES];
			size_t count = 0;

			srand(seed);
			for (uint64_t i = 0; i < size; i++)
			{
				bool chosen = seed == 0 || (unsigned) rand() % 40 < seed;

				if (chosen)
					proved[count++] = i;
				same = lpr_inclusions_add(inclusions, &leaves[i], chosen) && same;
			}
			same = lpr_inclusions_end(inclusions, &root) && lpr_digest_same(&root, &roots[size]) && same;
			for (size_t i = 0; i < count; i++)
			{
				LprProof proof = {0}, expected = {0};

				path(proved[i], leaves, size, &expected);
				path_of(inclusions, i, &proof);
				same = same && same_proof(&proof, &expected);
			}
			lpr_inclusions_free(inclusions);
		}
	ok(same, "any leaves proved side by side");
}

static void
test_misuse(void)
{
	LprTree tree = tree_of(5);
	LprProof proof = {0};
	LprProver *prover;

	ok(lpr_prove_consistency(&tree, 4) == NULL, "no proof back in time");
	prover = lpr_prove_consistency(&tree, 8);
	lpr_prover_add(prover, &leaves[5]);
	ok(!lpr_prover_end(prover, &proof), "leaves missing");
	prover = lpr_prove_consistency(&tree, 6);
	lpr_prover_add(prover, &leaves[5]);
	lpr_prover_add(prover, &leaves[6]);
	ok(!lpr_prover_end(prover, &proof), "leaves too many");
	ok(lpr_tree_nroots(0) == 0 && lpr_tree_nroots(70) == 3 && lpr_tree_nroots(UINT64_MAX) == 64, "numbers of roots");
	proof.count = LPR_PROOF_MAX + 1;
	ok(!lpr_consistency_holds(1, &roots[1], 2, &roots[2], &proof), "a count over the limit");
	ok(!lpr_inclusion_holds(0, 2, &leaves[0], &roots[2], &proof), "likewise");

	/* Sizes near the end of the numbers: no leaves that could be streamed, but plans and claims must hold out. */
	tree.size = UINT64_MAX >> 1;
	prover = lpr_prove_consistency(&tree, UINT64_MAX);
	ok(!lpr_prover_end(prover, &proof), "a plan for the largest tree");
	memset(&proof, 0, sizeof(proof));
	proof.count = 64;
	ok(!lpr_consistency_holds(UINT64_MAX >> 1, &roots[1], UINT64_MAX, &roots[2], &proof), "a claim about it");
	ok(!lpr_inclusion_holds(UINT64_MAX - 1, UINT64_MAX, &leaves[0], &roots[2], &proof), "likewise");
}

int
main(void)
{
	test_vectors();
	test_all_sizes();
	test_side_by_side();
	test_misuse();
	return tap_done();
}
