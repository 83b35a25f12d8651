/*-------------------------------------------------------------------------
 *
 * looks.c
 *		What a column looks like, by the words of its name; see looks.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "attach/looks.h"

/* Where a stem is found.  Names that are all lower case have their words joined. */
typedef enum Place
{
	IN_NAME,					/* anywhere: there is no other word with it */
	IN_WORD,					/* a word, with what can go with it joined to it */
	IS_NAME						/* the whole name, with what can go with it: else it
								 * would be of something else than the token, such
								 * as email_verified */
} Place;

typedef struct Stem
{
	Looks		looks;
	Place		place;
	const char *text;
	const char *as;				/* of the same word as that stem; or NULL */
} Stem;

/* The first that is found counts: suspended_until is an end, active_until an expiry. */
static const Stem stems[] = {
	/* what has no end */
	{LOOKS_LIKE_NOTHING, IN_NAME, "neverexpir"},
	{LOOKS_LIKE_NOTHING, IS_NAME, "noexpire"},
	{LOOKS_LIKE_NOTHING, IS_NAME, "noexpiry"},
	{LOOKS_LIKE_NOTHING, IS_NAME, "noexpiration"},

	{LOOKS_LIKE_LIFE, IS_NAME, "notexpired"},

	{LOOKS_LIKE_BEGIN, IN_NAME, "validfrom"},
	{LOOKS_LIKE_BEGIN, IN_NAME, "validafter"},
	{LOOKS_LIKE_BEGIN, IN_NAME, "notbefore"},
	{LOOKS_LIKE_BEGIN, IN_NAME, "notvalidbefore"},
	{LOOKS_LIKE_BEGIN, IN_NAME, "activefrom"},
	{LOOKS_LIKE_BEGIN, IN_NAME, "effectivefrom"},
	{LOOKS_LIKE_BEGIN, IN_NAME, "usablefrom"},
	{LOOKS_LIKE_BEGIN, IN_WORD, "nbf"},
	{LOOKS_LIKE_BEGIN, IS_NAME, "starts"},
	{LOOKS_LIKE_BEGIN, IS_NAME, "activates"},

	{LOOKS_LIKE_END, IN_NAME, "revok"},
	{LOOKS_LIKE_END, IN_NAME, "revoc", "revok"},
	{LOOKS_LIKE_END, IN_NAME, "deleted"},
	{LOOKS_LIKE_END, IN_NAME, "deletion", "deleted"},
	{LOOKS_LIKE_END, IN_NAME, "softdelete"},
	{LOOKS_LIKE_END, IS_NAME, "delete", "deleted"},
	{LOOKS_LIKE_END, IN_NAME, "disabled"},
	{LOOKS_LIKE_END, IS_NAME, "disable", "disabled"},
	{LOOKS_LIKE_END, IN_NAME, "deactiv"},
	{LOOKS_LIKE_END, IN_NAME, "inactiv"},
	{LOOKS_LIKE_END, IN_NAME, "invalid"},
	{LOOKS_LIKE_END, IN_NAME, "suspen"},
	{LOOKS_LIKE_END, IN_NAME, "terminat"},
	{LOOKS_LIKE_END, IN_NAME, "cancelled"},
	{LOOKS_LIKE_END, IN_NAME, "canceled", "cancelled"},
	{LOOKS_LIKE_END, IN_NAME, "cancellation", "cancelled"},
	{LOOKS_LIKE_END, IS_NAME, "cancel"},
	{LOOKS_LIKE_END, IN_NAME, "archived"},
	{LOOKS_LIKE_END, IS_NAME, "archive"},
	{LOOKS_LIKE_END, IN_NAME, "discarded"},
	{LOOKS_LIKE_END, IN_NAME, "tombstone"},
	{LOOKS_LIKE_END, IN_NAME, "destroyed"},
	{LOOKS_LIKE_END, IN_NAME, "withdraw"},
	{LOOKS_LIKE_END, IN_NAME, "rejected"},
	{LOOKS_LIKE_END, IN_NAME, "compromised"},
	{LOOKS_LIKE_END, IN_NAME, "quarantin"},
	{LOOKS_LIKE_END, IN_NAME, "blacklist"},
	{LOOKS_LIKE_END, IN_NAME, "blocklist"},
	{LOOKS_LIKE_END, IN_NAME, "denylist"},
	{LOOKS_LIKE_END, IN_NAME, "obsolete"},
	{LOOKS_LIKE_END, IN_NAME, "deprecated"},
	{LOOKS_LIKE_END, IN_NAME, "superseded"},
	{LOOKS_LIKE_END, IN_NAME, "abandoned"},
	{LOOKS_LIKE_END, IN_NAME, "unconfirmed"},
	{LOOKS_LIKE_END, IN_NAME, "unverified"},
	{LOOKS_LIKE_END, IN_NAME, "unapproved"},
	{LOOKS_LIKE_END, IN_NAME, "loggedout"},
	{LOOKS_LIKE_END, IN_NAME, "signedout"},
	{LOOKS_LIKE_END, IN_NAME, "lockedout"},
	{LOOKS_LIKE_END, IN_NAME, "lockout"},
	{LOOKS_LIKE_END, IN_WORD, "locked"},
	{LOOKS_LIKE_END, IN_WORD, "blocked"},
	{LOOKS_LIKE_END, IN_WORD, "banned"},
	{LOOKS_LIKE_END, IS_NAME, "lock"},
	{LOOKS_LIKE_END, IS_NAME, "block"},
	{LOOKS_LIKE_END, IS_NAME, "ban"},
	{LOOKS_LIKE_END, IN_WORD, "barred"},
	{LOOKS_LIKE_END, IN_WORD, "frozen"},
	{LOOKS_LIKE_END, IN_WORD, "paused"},
	{LOOKS_LIKE_END, IN_WORD, "stopped"},
	{LOOKS_LIKE_END, IN_WORD, "halted"},
	{LOOKS_LIKE_END, IN_WORD, "retired"},
	{LOOKS_LIKE_END, IN_WORD, "removed"},
	{LOOKS_LIKE_END, IN_WORD, "purged"},
	{LOOKS_LIKE_END, IN_WORD, "trashed"},
	{LOOKS_LIKE_END, IN_WORD, "erased"},
	{LOOKS_LIKE_END, IN_WORD, "dropped"},
	{LOOKS_LIKE_END, IN_WORD, "killed"},
	{LOOKS_LIKE_END, IN_WORD, "dead"},
	{LOOKS_LIKE_END, IN_WORD, "defunct"},
	{LOOKS_LIKE_END, IN_WORD, "dormant"},
	{LOOKS_LIKE_END, IN_WORD, "stale"},
	{LOOKS_LIKE_END, IN_WORD, "void"},
	{LOOKS_LIKE_END, IN_WORD, "voided"},
	{LOOKS_LIKE_END, IN_WORD, "denied"},
	{LOOKS_LIKE_END, IN_WORD, "declined"},
	{LOOKS_LIKE_END, IN_WORD, "refused"},
	{LOOKS_LIKE_END, IN_WORD, "aborted"},
	{LOOKS_LIKE_END, IN_WORD, "closed"},
	{LOOKS_LIKE_END, IN_WORD, "ended"},
	{LOOKS_LIKE_END, IN_WORD, "finished"},
	{LOOKS_LIKE_END, IN_WORD, "completed"},
	{LOOKS_LIKE_END, IN_WORD, "dismissed"},
	{LOOKS_LIKE_END, IN_WORD, "disconnected"},
	{LOOKS_LIKE_END, IN_WORD, "unlinked"},
	{LOOKS_LIKE_END, IN_WORD, "unregistered"},
	{LOOKS_LIKE_END, IN_WORD, "orphaned"},
	{LOOKS_LIKE_END, IN_WORD, "leaked"},
	{LOOKS_LIKE_END, IN_WORD, "stolen"},
	{LOOKS_LIKE_END, IN_WORD, "lost"},
	{LOOKS_LIKE_END, IN_WORD, "pending"},
	{LOOKS_LIKE_END, IS_NAME, "logout"},
	{LOOKS_LIKE_END, IS_NAME, "signout"},
	{LOOKS_LIKE_END, IS_NAME, "replaced"},
	{LOOKS_LIKE_END, IS_NAME, "rotated"},
	{LOOKS_LIKE_END, IN_WORD, "status"},
	{LOOKS_LIKE_END, IS_NAME, "state"},

	{LOOKS_LIKE_USE, IS_NAME, "used"},
	{LOOKS_LIKE_USE, IS_NAME, "consumed"},
	{LOOKS_LIKE_USE, IS_NAME, "redeemed"},
	{LOOKS_LIKE_USE, IS_NAME, "spent"},
	{LOOKS_LIKE_USE, IS_NAME, "burned"},
	{LOOKS_LIKE_USE, IS_NAME, "burnt"},
	{LOOKS_LIKE_USE, IS_NAME, "utilized"},
	{LOOKS_LIKE_USE, IS_NAME, "utilised"},
	{LOOKS_LIKE_USE, IS_NAME, "claimed"},
	{LOOKS_LIKE_USE, IS_NAME, "accepted"},
	{LOOKS_LIKE_USE, IS_NAME, "exchanged"},

	{LOOKS_LIKE_LIMIT, IN_NAME, "usesleft"},
	{LOOKS_LIKE_LIMIT, IN_NAME, "usesremaining"},
	{LOOKS_LIKE_LIMIT, IN_NAME, "remaininguses"},
	{LOOKS_LIKE_LIMIT, IS_NAME, "maxuse"},
	{LOOKS_LIKE_LIMIT, IS_NAME, "maxuses"},
	{LOOKS_LIKE_LIMIT, IN_NAME, "maxusage"},
	{LOOKS_LIKE_LIMIT, IN_NAME, "uselimit"},
	{LOOKS_LIKE_LIMIT, IN_NAME, "useslimit"},
	{LOOKS_LIKE_LIMIT, IN_NAME, "usagelimit"},
	{LOOKS_LIKE_LIMIT, IN_NAME, "singleuse"},
	{LOOKS_LIKE_LIMIT, IS_NAME, "onetime"},
	{LOOKS_LIKE_LIMIT, IS_NAME, "remaining"},

	{LOOKS_LIKE_EXPIRY, IN_NAME, "expir"},
	{LOOKS_LIKE_EXPIRY, IS_NAME, "validto"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "validthr"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "validbefore"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "validuntil"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "validtil"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "validity"},
	{LOOKS_LIKE_EXPIRY, IS_NAME, "validfor"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "activeuntil"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "notafter"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "notonorafter"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "lifetime"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "lifespan"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "timetolive"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "endoflife"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "maxage"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "sunset"},
	{LOOKS_LIKE_EXPIRY, IN_NAME, "timeout"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "until"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "till"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "ttl"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "exp"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "eol"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "lapse"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "lapses"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "lapsed"},
	{LOOKS_LIKE_EXPIRY, IN_WORD, "deadline"},
	{LOOKS_LIKE_EXPIRY, IS_NAME, "duration"},
	{LOOKS_LIKE_EXPIRY, IS_NAME, "end"},
	{LOOKS_LIKE_EXPIRY, IS_NAME, "ends"},

	{LOOKS_LIKE_LIFE, IS_NAME, "enabled"},
	{LOOKS_LIKE_LIFE, IS_NAME, "enable"},
	{LOOKS_LIKE_LIFE, IS_NAME, "active"},
	{LOOKS_LIKE_LIFE, IS_NAME, "activated"},
	{LOOKS_LIKE_LIFE, IS_NAME, "valid"},
	{LOOKS_LIKE_LIFE, IS_NAME, "live"},
	{LOOKS_LIKE_LIFE, IS_NAME, "alive"},
	{LOOKS_LIKE_LIFE, IS_NAME, "usable"},
	{LOOKS_LIKE_LIFE, IS_NAME, "unused"},
	{LOOKS_LIKE_LIFE, IS_NAME, "iscurrent"},
	{LOOKS_LIKE_LIFE, IS_NAME, "approved"},
	{LOOKS_LIKE_LIFE, IS_NAME, "confirmed"},
	{LOOKS_LIKE_LIFE, IS_NAME, "verified"},
};

/* What goes before a stem. */
static const char *const before[] = {
	"is", "was", "has", "been", "already", "still", "currently", "max", "min",
	"default", "token", "key", "api", "access", "refresh", "session", "auth", "code",
	"link", "grant", "login", "record", "row", "user", "account", NULL
};

/* What goes behind a stem: the form. */
static const char *const forms[] = {
	"at", "on", "date", "time", "timestamp", "since", "ts", "after", "flag", "ind", "yn", "up", "until", "utc", "ms", "unix", "epoch", "secs", "sec",
	"seconds", "minutes", "hours", "days", "id", "code", NULL
};

/* And what else there is to tell. */
static const char *const details[] = {
	"by", "bytoken", "byuser", "reason", "cause", "why", "who", "comment", "note", "message", "ip", "notif",
	"warn", "remind", "mail", "sent", NULL
};

/* Lower-case words with spaces in between; and the same without spaces. */
typedef struct Words
{
	char		words[2 * NAMEDATALEN];
	char		joined[NAMEDATALEN];
} Words;

static bool
begins_word(const char *name, const char *c)
{
	return c > name && *c >= 'A' && *c <= 'Z' &&
		!(c[-1] >= 'A' && c[-1] <= 'Z');
}

static void
split(const char *name, Words *words)
{
	char	   *word = words->words;
	char	   *joined = words->joined;

	for (const char *c = name; *c != '\0'; c++)
	{
		bool		is_between = !IS_HIGHBIT_SET(*c) && !isalnum((unsigned char) *c);

		if (is_between || begins_word(name, c))
			*word++ = ' ';
		if (is_between)
			continue;
		*word++ = pg_ascii_tolower((unsigned char) *c);
		*joined++ = pg_ascii_tolower((unsigned char) *c);
	}
	*word = *joined = '\0';
}

static bool
begins_with(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool can_go_behind(const char *text);

static bool
goes_on(const char *text, const char *const *all)
{
	for (; *all != NULL; all++)
		if (begins_with(text, *all) && can_go_behind(text + strlen(*all)))
			return true;
	return false;
}

static bool
can_go_behind(const char *text)
{
	return *text == '\0' || goes_on(text, forms) || goes_on(text, details);
}

/* Where a stem is in a text that has nothing else but what can go with it; or NULL. */
static const char *
find_among(const char *text, const char *stem)
{
	if (begins_with(text, stem) && can_go_behind(text + strlen(stem)))
		return text;
	for (const char *const *word = before; *word != NULL; word++)
	{
		const char *found = begins_with(text, *word) ?
			find_among(text + strlen(*word), stem) : NULL;

		if (found != NULL)
			return found;
	}
	return NULL;
}

static bool
is_in_word(const Words *words, const char *stem)
{
	char		copy[2 * NAMEDATALEN];
	char	   *rest;

	strlcpy(copy, words->words, sizeof(copy));
	for (char *word = strtok_r(copy, " ", &rest); word != NULL;
		 word = strtok_r(NULL, " ", &rest))
		if (find_among(word, stem) != NULL)
			return true;
	return false;
}

static bool
has_stem(const Words *words, const Stem *stem)
{
	switch (stem->place)
	{
		case IN_NAME:
			return strstr(words->joined, stem->text) != NULL;
		case IN_WORD:
			return is_in_word(words, stem->text) ||
				find_among(words->joined, stem->text) != NULL;
		case IS_NAME:
			return find_among(words->joined, stem->text) != NULL;
	}
	pg_unreachable();
}

/* Is there a word that begins so: warned, notified? */
static bool
has_word_with(const Words *words, const char *begin)
{
	for (const char *c = words->words; c != NULL; c = strchr(c, ' '))
	{
		c += *c == ' ';
		if (begins_with(c, begin))
			return true;
	}
	return false;
}

/* Where there is but one word: is the detail joined to what is behind the stem? */
static bool
ends_with_detail(const Words *words, const Stem *stem, const char *detail)
{
	const char *found = strstr(words->joined, stem->text);
	const char *behind = found == NULL ? "" : found + strlen(stem->text);
	Size		length = strlen(detail);
	Size		rest = strlen(behind);

	return strchr(words->words, ' ') == NULL &&
		((rest >= length && strcmp(behind + rest - length, detail) == 0) ||
		 (length > 3 && strstr(behind, detail) != NULL));
}

static bool
has_detail(const Words *words, const Stem *stem)
{
	for (const char *const *detail = details; *detail != NULL; detail++)
	{
		/* until when, rather than by whom */
		if (stem->looks == LOOKS_LIKE_EXPIRY && strcmp(*detail, "by") == 0)
			continue;
		if (is_in_word(words, *detail) ||
			(strlen(*detail) > 3 && has_word_with(words, *detail)) ||
			ends_with_detail(words, stem, *detail))
			return true;
	}
	return false;
}

ColumnLooks
column_looks(const char *name)
{
	ColumnLooks result = {LOOKS_LIKE_NOTHING};
	Words		words;

	split(name, &words);
	for (int i = 0; i < (int) lengthof(stems); i++)
	{
		if (!has_stem(&words, &stems[i]))
			continue;
		result.looks = stems[i].looks;
		result.stem = stems[i].as != NULL ? stems[i].as : stems[i].text;
		result.is_detail = has_detail(&words, &stems[i]);
		result.is_future = strstr(words.joined, "until") != NULL ||
			strstr(words.joined, "till") != NULL ||
			strstr(words.joined, "after") != NULL;
		break;
	}
	return result;
}
