/*
 * address.h: whether a text is an address that a question can start from (Q2, Q8).
 */
#ifndef LPR_ADDRESS_H
#define LPR_ADDRESS_H

/*
 * How many characters it has, punctuation and blanks counted as one blank between words; 0 when it names no place. It
 * names one by a number with a name behind it, or by two names. What every address may have (a kind of street, a
 * direction, a state, "San", a part of such a word where the text was cut off) is no name, nor is a number that ends
 * it, as that of an area does.
 */
extern int lpr_address_characters(const char *text);

#endif
