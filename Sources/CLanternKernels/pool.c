// Thread pool: threads wait for work by spinning a moment, then sleep.
//
// A job is cut into chunks. One 64-bit word holds the job's generation and how many chunks are unclaimed;
// claiming is one compare-and-swap, so the caller never waits for a thread that has not started: it takes
// the chunks itself.
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "include/lantern_kernels.h"

enum { SPINS = 20000, CALLER_SPINS = 400 };

typedef void (*body_function)(void *context, int64_t begin, int64_t end);

static struct {
  _Atomic uint64_t word;  // generation << 32 | unclaimed chunks
  _Atomic int64_t undone;
  _Atomic(body_function) body;
  _Atomic(void *) context;
  _Atomic int64_t count, grain;
  atomic_int limit;  // threads from this one on leave the job alone
  atomic_flag busy;
  atomic_int wanted, started, sleepers;
  pthread_mutex_t mutex;
  pthread_cond_t wake;
} pool = {
  .busy = ATOMIC_FLAG_INIT,
  .mutex = PTHREAD_MUTEX_INITIALIZER,
  .wake = PTHREAD_COND_INITIALIZER,
};

static _Thread_local bool inside;
static _Thread_local int thread_index;

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

static int processors(void) {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? (int)count : 1;
}

static atomic_llong work_operations, work_bytes;

void lk_work_add(int64_t operations, int64_t bytes) {
  atomic_fetch_add_explicit(&work_operations, operations, memory_order_relaxed);
  atomic_fetch_add_explicit(&work_bytes, bytes, memory_order_relaxed);
}

void lk_work(int64_t *operations, int64_t *bytes) {
  *operations = atomic_load_explicit(&work_operations, memory_order_relaxed);
  *bytes = atomic_load_explicit(&work_bytes, memory_order_relaxed);
}

int lk_threads(void) {
  int wanted = atomic_load(&pool.wanted);
  if (wanted == 0) {
    wanted = processors();
    if (wanted > LK_MAX_THREADS) wanted = LK_MAX_THREADS;
    atomic_store(&pool.wanted, wanted);
  }
  return wanted;
}

void lk_set_threads(int count) {
  atomic_store(&pool.wanted, count < 1 ? 1 : count > LK_MAX_THREADS ? LK_MAX_THREADS : count);
}

int lk_thread_index(void) { return thread_index; }

double lk_thread_seconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/// Claims and does one chunk; false when there is none left.
static bool work_once(void) {
  uint64_t word = atomic_load_explicit(&pool.word, memory_order_acquire);
  do {
    // If the limit is already that of a later job, the word has changed too, and the claim fails.
    if ((uint32_t)word == 0 || thread_index >= atomic_load(&pool.limit)) return false;
  } while (!atomic_compare_exchange_weak_explicit(
    &pool.word, &word, word - 1, memory_order_acq_rel, memory_order_acquire));
  // The job cannot end, nor its fields change, before this chunk is counted as done.
  int64_t count = atomic_load_explicit(&pool.count, memory_order_relaxed);
  int64_t grain = atomic_load_explicit(&pool.grain, memory_order_relaxed);
  int64_t begin = (int64_t)((uint32_t)word - 1) * grain;
  int64_t end = begin + grain < count ? begin + grain : count;
  body_function body = atomic_load_explicit(&pool.body, memory_order_relaxed);
  body(atomic_load_explicit(&pool.context, memory_order_relaxed), begin, end);
  atomic_fetch_sub_explicit(&pool.undone, 1, memory_order_acq_rel);
  return true;
}

static bool has_work(void) { return (uint32_t)atomic_load(&pool.word) != 0; }

static void *worker(void *number) {
  int own = (int)(intptr_t)number;
  thread_index = own;
  inside = true;
  for (;;) {
    bool wanted = own < atomic_load(&pool.wanted);
    if (wanted) {
      for (int spin = 0; spin < SPINS; spin++) {
        if (work_once()) spin = 0;
        pause_briefly();
      }
    }
    pthread_mutex_lock(&pool.mutex);
    atomic_fetch_add(&pool.sleepers, 1);
    while (!has_work() || own >= atomic_load(&pool.wanted)) {
      pthread_cond_wait(&pool.wake, &pool.mutex);
    }
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.mutex);
  }
  return NULL;
}

static void start_workers(int threads) {
  while (atomic_load(&pool.started) < threads - 1) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, 2 << 20);
    pthread_t thread;
    intptr_t number = atomic_load(&pool.started) + 1;
    int failed = pthread_create(&thread, &attributes, worker, (void *)number);
    pthread_attr_destroy(&attributes);
    if (failed) return;  // fewer threads do the same work
    atomic_fetch_add(&pool.started, 1);
  }
}

void lk_parallel_for(int64_t count, int64_t grain, body_function body, void *context) {
  lk_parallel_for_some(LK_MAX_THREADS, count, grain, body, context);
}

void lk_parallel_for_some(
  int limit, int64_t count, int64_t grain, body_function body, void *context) {
  if (count <= 0) return;
  if (grain < 1) grain = 1;
  int64_t chunks = (count + grain - 1) / grain;
  int threads = lk_threads() < limit ? lk_threads() : limit;
  if (threads <= 1 || chunks == 1 || inside || atomic_flag_test_and_set(&pool.busy)) {
    for (int64_t begin = 0; begin < count; begin += grain) {
      body(context, begin, begin + grain < count ? begin + grain : count);
    }
    return;
  }
  while (chunks > INT32_MAX) {
    grain *= 2;
    chunks = (count + grain - 1) / grain;
  }
  start_workers(threads);
  atomic_store_explicit(&pool.body, body, memory_order_relaxed);
  atomic_store_explicit(&pool.context, context, memory_order_relaxed);
  atomic_store_explicit(&pool.limit, limit, memory_order_relaxed);
  atomic_store_explicit(&pool.count, count, memory_order_relaxed);
  atomic_store_explicit(&pool.grain, grain, memory_order_relaxed);
  atomic_store_explicit(&pool.undone, chunks, memory_order_relaxed);
  uint64_t generation = (atomic_load(&pool.word) >> 32) + 1;
  atomic_store(&pool.word, generation << 32 | (uint64_t)chunks);
  if (atomic_load(&pool.sleepers) > 0) {
    pthread_mutex_lock(&pool.mutex);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.mutex);
  }
  inside = true;
  while (work_once()) {
  }
  inside = false;
  for (int spin = 0; atomic_load_explicit(&pool.undone, memory_order_acquire) > 0; spin++) {
    if (spin < CALLER_SPINS) {
      pause_briefly();
    } else {
      sched_yield();
    }
  }
  atomic_flag_clear(&pool.busy);
}
