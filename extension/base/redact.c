/*
 * redact.c: finds secrets, and parts of them, in a text.
 */
#include "base/redact.h"

#include <stdbool.h>
#include <string.h>

#include "base/base.h"

/* Any part of a secret that is so long is known by itself; of short secrets, all of it. */
static size_t
long_part(size_t len)
{
	size_t most = len * 2 / 3;

	most = most > 16 ? 16 : most < 8 ? 8 : most;
	return most < len ? most : len;
}

/* How much of what stands at `at` is a part of the secret. begins: an excerpt begins there. */
static size_t
part_at(const char *at, bool begins, const char *secret, size_t len)
{
	size_t found = 0;

	for (size_t from = 0; from < len; from++)
	{
		size_t same = 0;

		while (from + same < len && secret[from + same] == at[same])
			same++;
		if (same > found && (same >= long_part(len) || (same >= 4 && begins && from + same == len) ||
							 (same >= 4 && from == 0 && strncmp(at + same, "...", 3) == 0)))
			found = same;
	}
	return found;
}

/* `text` is a copy of `said`: what one secret covers with stars, the next one still sees. */
static void
redact_form(const char *said, char *text, const char *secret)
{
	size_t len = strlen(secret);

	for (const char *at = said; *at != '\0';)
	{
		size_t found = part_at(at, at - said >= 2 && at[-1] == ' ' && at[-2] == ':', secret, len);

		memset(text + (at - said), '*', found);
		at += found > 0 ? found : 1;
	}
}

void
lpr_redact(char *text, const char *const *secrets, size_t count)
{
	LprText said = {0};

	if (text == NULL)
		return;
	lpr_text_adds(&said, text);
	for (size_t i = 0; i < count; i++)
	{
		LprText escaped = {0};

		if (secrets[i] == NULL || secrets[i][0] == '\0')
			continue;
		lpr_text_add_escaped(&escaped, secrets[i], strlen(secrets[i]));
		if (said.failed || escaped.failed)
			text[0] = '\0'; /* rather nothing than a secret */
		else
		{
			redact_form(said.data, text, secrets[i]);
			redact_form(said.data, text, escaped.data);
		}
		if (escaped.data != NULL)
			explicit_bzero(escaped.data, escaped.size);
		lpr_text_free(&escaped);
	}
	lpr_text_free(&said);
}
