"""The C text around the passes: what a call holds, and the threads that take chunks.  Knows no loss.

No barrier stands inside a pass, nobody spins, a chunk does not depend on the number of threads, and a thread that gets no
processor before the work is done is not waited for.
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
typedef struct { context *c; pass_t pass; char *space; double *own; struct team *team; int state; } job;
/* A helper takes part once a processor is free for it: IDLE, then BUSY, then DONE; one that has not come by the end is LATE, and is
   not waited for.  It then touches nothing but the team, which the last to leave frees. */
enum { IDLE, BUSY, DONE, LATE };
typedef struct team { pthread_mutex_t lock; pthread_cond_t done; whole members; job jobs[]; } team;
static void work(job *j) {
  context *c = j->c;
  for (;;) {
    whole begin = (whole)atomic_fetch_add(&c->next, 1) * c->chunk;
    if (begin >= c->count) return;
    whole bad = j->pass(c, begin, least(c->count, begin + c->chunk), j->space, j->own);
    if (bad) atomic_fetch_or(&c->seen, bad);
  }
}
static void leave(team *t) { /* with the lock */
  whole left = --t->members;
  pthread_mutex_unlock(&t->lock);
  if (left) return;
  pthread_cond_destroy(&t->done);
  pthread_mutex_destroy(&t->lock);
  free(t);
}
static void *helper(void *p) {
  job *j = p;
  team *t = j->team;
  pthread_mutex_lock(&t->lock);
  if (j->state == IDLE) {
    j->state = BUSY;
    pthread_mutex_unlock(&t->lock);
    work(j);
    pthread_mutex_lock(&t->lock);
    j->state = DONE;
    pthread_cond_signal(&t->done);
  }
  leave(t);
  return 0;
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
  c->bytes = most(c->bytes, threads * each);
  if (all && threads == 1) {
    char *p = (char *)(((uintptr_t)all + 63) / 64 * 64);
    job alone = {c, pass, p + room(own * sizeof(double)), (double *)p, 0, BUSY};
    start(c, alone.own);
    work(&alone);
    join(c, alone.own);
    free(all);
    c->bad |= atomic_load(&c->seen);
    return 0;
  }
  team *t = malloc(sizeof(team) + threads * sizeof(job));
  if (!all || !t) {
    free(all);
    free(t);
    return 1;
  }
  pthread_mutex_init(&t->lock, 0);
  pthread_cond_init(&t->done, 0);
  t->members = 1;
  for (whole k = 0; k < threads; k++) {
    char *p = (char *)(((uintptr_t)all + 63) / 64 * 64) + k * each;
    t->jobs[k] = (job){c, pass, p + room(own * sizeof(double)), (double *)p, t, IDLE};
    start(c, t->jobs[k].own);
  }
  whole made = 1;
  for (; made < threads; made++) {
    pthread_t id;
    pthread_mutex_lock(&t->lock);
    t->members++;
    pthread_mutex_unlock(&t->lock);
    if (pthread_create(&id, 0, helper, t->jobs + made)) {
      pthread_mutex_lock(&t->lock);
      t->members--;
      pthread_mutex_unlock(&t->lock);
      break;
    }
    pthread_detach(id);
  }
  work(t->jobs);
  pthread_mutex_lock(&t->lock);
  for (whole k = 1; k < made; k++) {
    if (t->jobs[k].state == IDLE) t->jobs[k].state = LATE;
    while (t->jobs[k].state == BUSY) pthread_cond_wait(&t->done, &t->lock);
  }
  for (whole k = 0; k < threads; k++) join(c, t->jobs[k].own);
  leave(t);
  free(all);
  c->bad |= atomic_load(&c->seen);
  return 0;
}
"""
