/*
 * sequence.c: numbers that are missing, repeated, or out of order.
 */
#include "sequence.h"

static void
missing(Findings *findings, int64_t first, int64_t last)
{
	if (first == last)
		finding(findings, first, "row %s is missing", number_text(first));
	else
		finding(findings, first, "rows %s to %s are missing (%s)", number_text(first), number_text(last),
				number_text(last - first + 1));
}

void
sequence_gap(Sequence *sequence, int64_t first, int64_t last)
{
	if (first > last)
		return;
	if (sequence->ngaps == SEQUENCE_GAPS)
		missing(sequence->findings, first, last); /* too many to wait for */
	else
	{
		sequence->gaps[sequence->ngaps].first = first;
		sequence->gaps[sequence->ngaps++].last = last;
	}
}

/* Takes a number out of the gaps; false when it is in none. */
static bool
fill_place(Sequence *sequence, int64_t number)
{
	for (int i = 0; i < sequence->ngaps; i++)
	{
		int64_t first = sequence->gaps[i].first, last = sequence->gaps[i].last;

		if (number < first || number > last)
			continue;
		if (number == first)
			sequence->gaps[i].first++;
		else
			sequence->gaps[i].last = number - 1;
		if (number > first && number < last)
			sequence_gap(sequence, number + 1, last);
		if (sequence->gaps[i].first > sequence->gaps[i].last)
			sequence->gaps[i] = sequence->gaps[--sequence->ngaps];
		return true;
	}
	return false;
}

void
sequence_goes_on(Sequence *sequence)
{
	const char *how = sequence->out_of_order ? "out of order" : "there again";
	int64_t first = sequence->run_first, last = sequence->run_last;

	if (!sequence->running)
		return;
	sequence->running = false;
	if (first == last)
		finding(sequence->findings, first, "row %s is %s, after row %s", number_text(first), how,
				number_text(sequence->run_after));
	else
		finding(sequence->findings, first, "rows %s to %s are %s, after row %s", number_text(first), number_text(last),
				how, number_text(sequence->run_after));
}

void
sequence_late(Sequence *sequence, int64_t number, int64_t after)
{
	bool out_of_order = number < sequence->first || fill_place(sequence, number);

	if (sequence->running && number == sequence->run_last + 1 && out_of_order == sequence->out_of_order &&
		after == sequence->run_after)
	{
		sequence->run_last = number;
		return;
	}
	sequence_goes_on(sequence);
	sequence->running = true;
	sequence->out_of_order = out_of_order;
	sequence->run_first = sequence->run_last = number;
	sequence->run_after = after;
}

void
sequence_end(Sequence *sequence)
{
	sequence_goes_on(sequence);
	for (int i = 0; i < sequence->ngaps; i++)
		missing(sequence->findings, sequence->gaps[i].first, sequence->gaps[i].last);
}
