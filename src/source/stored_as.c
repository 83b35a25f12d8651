/*-------------------------------------------------------------------------
 *
 * stored_as.c
 *		Names of how tokens are stored; see stored_as.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "base/hash.h"
#include "source/stored_as.h"

#define PLAINTEXT		"plaintext"
#define HMAC			"hmac-"

static const char *const form_names[] = {
	[FORM_HEX] = "hex",
	[FORM_UPPER_HEX] = "HEX",
	[FORM_BASE64] = "base64",
	[FORM_BASE64URL] = "base64url",
	[FORM_BYTEA] = "bytea",
};

bool
stored_as_read(const char *text, StoredAs *as)
{
	const char *dash;
	char	   *hash;

	memset(as, 0, sizeof(*as));
	if (strcmp(text, PLAINTEXT) == 0)
		return true;
	as->is_hmac = strncmp(text, HMAC, strlen(HMAC)) == 0;
	if (as->is_hmac)
		text += strlen(HMAC);
	dash = strchr(text, '-');
	if (dash == NULL)
		return false;
	hash = pnstrdup(text, dash - text);
	as->hash = hash_by_name(hash);
	if (as->hash == HASH_NONE)
		return false;
	for (int i = FORM_HEX; i < (int) lengthof(form_names); i++)
		if (strcmp(dash + 1, form_names[i]) == 0)
			as->form = (StoredForm) i;
	return as->form != FORM_TOKEN;
}

char *
stored_as_name(StoredAs as)
{
	if (as.hash == HASH_NONE)
		return pstrdup(PLAINTEXT);
	return psprintf("%s%s-%s", as.is_hmac ? HMAC : "", hash_name(as.hash),
					form_names[as.form]);
}

const char *
stored_as_names(void)
{
	return "It is plaintext, or a digest and its form, such as sha256-hex: one of sha1, sha224, sha256, sha384, sha512, and one of hex, HEX, base64, base64url, bytea; with hmac- before it, as in hmac-sha256-hex, an HMAC.";
}

#define AFTER			"after "
#define BEFORE			"before "
#define AFTER_PREFIX	"after prefix"
#define IF_ANY			" if any"

bool
token_part_read(const char *text, TokenPart *part)
{
	Size		len = strlen(text);

	memset(part, 0, sizeof(*part));
	if (strcmp(text, "whole") == 0)
		return true;
	if (strcmp(text, AFTER_PREFIX) == 0)
	{
		part->kind = PART_AFTER_PREFIX;
		return true;
	}
	if (len > strlen(IF_ANY) &&
		strcmp(text + len - strlen(IF_ANY), IF_ANY) == 0)
	{
		part->if_any = true;
		len -= strlen(IF_ANY);
	}
	if (strncmp(text, AFTER, strlen(AFTER)) == 0)
	{
		part->kind = PART_AFTER;
		part->separator = pnstrdup(text + strlen(AFTER), len - strlen(AFTER));
	}
	else if (strncmp(text, BEFORE, strlen(BEFORE)) == 0)
	{
		part->kind = PART_BEFORE;
		part->separator = pnstrdup(text + strlen(BEFORE), len - strlen(BEFORE));
	}
	else
		return false;
	return part->separator[0] != '\0';
}
