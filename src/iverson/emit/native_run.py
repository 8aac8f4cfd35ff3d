"""The C text around the passes: what a call holds, and the threads that take chunks.  Knows no loss.

No barrier stands inside a pass, nobody spins, and a chunk does not depend on the number of threads.
"""

from __future__ import annotations

CONTEXT = """
typedef struct {
FIELDS
  whole T, chunk, count, bytes, bad;
  atomic_llong next, seen;
} context;
INLINE whole room(whole bytes) { return (bytes + 127) / 64 * 64; }
"""

# bytes of a tile, samples of a tile, multiply-adds below which one thread is enough
RUN = """
#define TILE_BYTES 40960
#define MOST_ROWS 512
#define CHUNK_ROWS 4096
#define ALONE 100000
#define MOST_THREADS 256
typedef whole (*pass_t)(const context *, whole, whole, char *, double *);
typedef struct { context *c; pass_t pass; char *space; double *own; } job;
static void *work(void *p) {
  job *j = p;
  context *c = j->c;
  for (;;) {
    whole begin = (whole)atomic_fetch_add(&c->next, 1) * c->chunk;
    if (begin >= c->count) return 0;
    whole bad = j->pass(c, begin, least(c->count, begin + c->chunk), j->space, j->own);
    if (bad) atomic_fetch_or(&c->seen, bad);
  }
}
static whole sweep(context *c, whole count, whole threads, pass_t pass, whole (*room_of)(const context *, whole), whole (*row)(const context *),
                   whole (*own_of)(const context *), void (*start)(const context *, double *), void (*join)(const context *, const double *)) {
  whole entries = row(c), rows = TILE_BYTES / (entries * (whole)sizeof(real)) / (2 * V) * (2 * V);
  c->T = least(MOST_ROWS, most(2 * V, rows));
  c->T = least(c->T, (count + 2 * V - 1) / (2 * V) * (2 * V));
  c->chunk = (CHUNK_ROWS + c->T - 1) / c->T * c->T;
  c->count = count;
  atomic_store(&c->next, 0);
  whole chunks = (count + c->chunk - 1) / c->chunk, own = own_of(c), space = room_of(c, c->T);
  threads = count * entries < ALONE ? 1 : least(least(threads, chunks), MOST_THREADS);
  whole each = room(own * sizeof(double)) + space + 64;
  char *all = malloc(threads * each + 64);
  if (!all) return 1;
  c->bytes = most(c->bytes, threads * each);
  job jobs[MOST_THREADS];
  pthread_t ids[MOST_THREADS];
  whole made = 1;
  for (whole t = 0; t < threads; t++) {
    char *p = (char *)(((uintptr_t)all + 63) / 64 * 64) + t * each;
    jobs[t] = (job){c, pass, p + room(own * sizeof(double)), (double *)p};
    start(c, jobs[t].own);
  }
  for (; made < threads; made++)
    if (pthread_create(ids + made, 0, work, jobs + made)) break;
  work(jobs);
  for (whole t = 1; t < made; t++) pthread_join(ids[t], 0);
  for (whole t = 0; t < threads; t++) join(c, jobs[t].own);
  free(all);
  c->bad |= atomic_load(&c->seen);
  return 0;
}
"""
