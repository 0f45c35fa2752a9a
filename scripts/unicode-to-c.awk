# Turns data/unicode-fold.txt into extension/base/unicode_data.c, the constants that extension/base/unicode.c reads.
# Part of the build, so POSIX awk only:
#   awk -f scripts/unicode-to-c.awk data/unicode-fold.txt > extension/base/unicode_data.c
# A damaged file stops the build: with half a table some plates would be found under one spelling only.

function fail(why)
{
	print FILENAME ":" FNR ": " why > "/dev/stderr"
	failed = 1
	exit 1
}

function hex(text)
{
	if (text !~ /^[0-9A-F]+$/ || length(text) < 4 || length(text) > 6)
		fail("not a code point: " text)
	return "0x" text
}

function list(head, lines, count)
{
	print head " = {"
	for (i = 0; i < count; i++)
		print "\t" lines[i] ","
	print "};\n"
}

BEGIN {
	folds = drops = classes = pairs = pool = 0
	print "/* Generated from data/unicode-fold.txt by scripts/unicode-to-c.awk. Do not edit. */"
	print "#include \"base/unicode.h\"\n"
}

/^#/ { next }

$1 == "fold" && NF > 2 {
	fold[folds++] = "{" hex($2) ", " pool ", " NF - 2 "}"
	for (i = 3; i <= NF; i++)
		part[pool++] = hex($i)
	next
}

$1 == "drop" && NF == 3 { drop[drops++] = "{" hex($2) ", " hex($3) "}"; next }
$1 == "class" && NF == 4 && $4 ~ /^[0-9]+$/ && $4 < 256 {
	class[classes++] = "{" hex($2) ", " hex($3) ", " $4 "}"
	next
}
$1 == "pair" && NF == 4 { pair[pairs++] = "{" hex($2) ", " hex($3) ", " hex($4) "}"; next }

{ fail("not a line of the table") }

END {
	if (failed)
		exit 1
	if (folds < 6000 || drops < 10 || classes < 300 || pairs < 500 || pool > 65535)
		fail("parts of the table are missing")
	list("const LprUnicodeFold lpr_unicode_folds[]", fold, folds)
	list("const uint32_t lpr_unicode_parts[]", part, pool)
	list("const LprUnicodeRange lpr_unicode_drops[]", drop, drops)
	list("const LprUnicodeClass lpr_unicode_classes[]", class, classes)
	list("const uint32_t lpr_unicode_pairs[][3]", pair, pairs)
	print "const int lpr_unicode_fold_count = " folds ";"
	print "const int lpr_unicode_drop_count = " drops ";"
	print "const int lpr_unicode_class_count = " classes ";"
	print "const int lpr_unicode_pair_count = " pairs ";"
}
