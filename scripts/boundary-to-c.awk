# Turns data/us-boundary.txt into extension/core/place_data.c, the constants that extension/core/place.c reads (control Q4).
# Part of the build, so POSIX awk only:
#   awk -f scripts/boundary-to-c.awk data/us-boundary.txt > extension/core/place_data.c
# A damaged file stops the build: half a boundary would let foreign reads in, or drop those of half a country.

function fail(why)
{
	print FILENAME ":" FNR ": " why > "/dev/stderr"
	failed = 1
	exit 1
}

function state(code)
{
	if (code == "-")
		return -1
	if (code !~ /^[A-Z][A-Z]$/)
		fail("not a state: " code)
	if (!(code in number))
	{
		number[code] = states
		codes[states++] = code
	}
	return number[code]
}

BEGIN {
	arcs = points = states = left = 0
	print "/* Generated from data/us-boundary.txt by scripts/boundary-to-c.awk. Do not edit. */"
	print "#include \"core/place.h\"\n"
	print "const int32_t lpr_place_points[][2] = {"
}

/^#/ { next }

/^arc / {
	if (NF != 5 || left > 0 || $5 !~ /^[0-9]+$/ || $5 < 2)
		fail("bad or early arc")
	arc[arcs++] = "{" points + 0 ", " $5 ", " state($2) ", " state($3) "}"
	left = $5
	next
}

{
	if (NF != 2 || left < 1 || $1 !~ /^-?[0-9]+$/ || $2 !~ /^-?[0-9]+$/ || $1 < -18000000 || $1 > 18000000 || \
			$2 < -9000000 || $2 > 9000000)
		fail("not a point of an arc")
	print "\t{" $1 ", " $2 "},"
	points++
	left--
}

END {
	if (failed)
		exit 1
	if (left > 0 || states != 55)
		fail("the file ends early, or not all 55 states are there")
	print "};\n\nconst LprPlaceArc lpr_place_arcs[] = {"
	for (i = 0; i < arcs; i++)
		print "\t" arc[i] ","
	print "};\n\nconst char lpr_place_codes[][3] = {"
	for (i = 0; i < states; i++)
		print "\t\"" codes[i] "\","
	print "};\n"
	print "const int lpr_place_arc_count = " arcs ";"
	print "const int lpr_place_code_count = " states ";"
}
