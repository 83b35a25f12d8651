/*
 * simulate.c
 *		What hit ratio can a cache of so many entries have on a trace?
 *
 *	simulate CAPACITY <trace
 *
 * A trace is a number (of a token) a line.  Its first half fills the cache,
 * hits are counted in the second.  Prints two hit ratios: the best possible
 * one (Belady: knows the future, and need not keep what it reads), and that of
 * the least recently used, for orientation.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define NEVER	INT_MAX

static int *trace;				/* token at each time */
static int *next_use;			/* of the token at each time, a time */
static int	length = 0;
static int	ntokens = 0;

static void *
allocate(size_t n, size_t size)
{
	void	   *area = calloc(n > 0 ? n : 1, size);

	if (area == NULL)
		exit(2);
	return area;
}

static void
read_trace(void)
{
	int			space = 1 << 20;
	int			token;

	trace = allocate((size_t) space, sizeof(int));
	while (scanf("%d", &token) == 1)
	{
		if (length == space)
		{
			space *= 2;
			trace = realloc(trace, (size_t) space * sizeof(int));
			if (trace == NULL)
				exit(2);
		}
		trace[length++] = token;
		if (token >= ntokens)
			ntokens = token + 1;
	}
}

static void
find_next_uses(void)
{
	int		   *seen = allocate((size_t) ntokens, sizeof(int));

	next_use = allocate((size_t) length, sizeof(int));
	for (int i = 0; i < ntokens; i++)
		seen[i] = NEVER;
	for (int time = length - 1; time >= 0; time--)
	{
		next_use[time] = seen[trace[time]];
		seen[trace[time]] = time;
	}
	free(seen);
}

/* A heap of times of next use, the latest on top. */
static int *heap;
static int	heap_size = 0;

static void
heap_push(int time)
{
	int			i = heap_size++;

	while (i > 0 && heap[(i - 1) / 2] < time)
	{
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = time;
}

static int
heap_pop(void)
{
	int			top = heap[0];
	int			last = heap[--heap_size];
	int			i = 0;

	for (int child = 1; child < heap_size; child = 2 * i + 1)
	{
		if (child + 1 < heap_size && heap[child + 1] > heap[child])
			child++;
		if (heap[child] <= last)
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = last;
	return top;
}

/*
 * Keep those tokens that are used soonest; one that is not used again is not
 * kept at all.  The heap holds the next uses of the tokens in the cache, and
 * those that have come: they are past, so smaller than any other, and never on
 * top when one has to go.
 */
static double
best(int capacity)
{
	bool	   *cached = allocate((size_t) ntokens, sizeof(bool));
	int			ncached = 0;
	long		hits = 0;

	heap = allocate((size_t) length, sizeof(int));
	for (int time = 0; time < length; time++)
	{
		int			token = trace[time];

		if (cached[token])
		{
			if (time >= length / 2)
				hits++;
			cached[token] = false;
			ncached--;
		}
		if (next_use[time] == NEVER)
			continue;
		cached[token] = true;
		heap_push(next_use[time]);
		if (++ncached > capacity)
		{
			cached[trace[heap_pop()]] = false;
			ncached--;
		}
	}
	free(heap);
	free(cached);
	return (double) hits / (length - length / 2);
}

/* A doubly linked list of tokens, counted from 1; 0 stands for its ends. */
static double
least_recently_used(int capacity)
{
	int		   *before = allocate((size_t) ntokens + 1, sizeof(int));
	int		   *after = allocate((size_t) ntokens + 1, sizeof(int));
	bool	   *cached = allocate((size_t) ntokens + 1, sizeof(bool));
	int			ncached = 0;
	long		hits = 0;

	for (int time = 0; time < length; time++)
	{
		int			token = trace[time] + 1;
		int			gone = 0;

		if (cached[token])
		{
			if (time >= length / 2)
				hits++;
			gone = token;
		}
		else if (ncached == capacity)
			gone = before[0];	/* the oldest */
		else
			ncached++;
		if (gone != 0)
		{
			after[before[gone]] = after[gone];
			before[after[gone]] = before[gone];
			cached[gone] = false;
		}
		cached[token] = true;
		before[token] = 0;
		after[token] = after[0];
		before[after[0]] = token;
		after[0] = token;
	}
	free(before);
	free(after);
	free(cached);
	return (double) hits / (length - length / 2);
}

int
main(int argc, char **argv)
{
	int			capacity = argc == 2 ? atoi(argv[1]) : 0;

	if (capacity < 1)
	{
		fputs("usage: simulate CAPACITY <trace\n", stderr);
		return 2;
	}
	read_trace();
	find_next_uses();
	printf("%.6f %.6f\n", best(capacity), least_recently_used(capacity));
	return 0;
}
